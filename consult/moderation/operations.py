"""What moderators decide about single contributions.

Every decision is a row of its own, never changed; undoing is another one. Changes of state are compare-and-set.
"""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions import tallies
from consult.contributions.models import Contribution, ModerationAct, ModerationKind, ModerationReason, State
from consult.contributions.operations import changed_meanwhile, set_state
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.moderation import reports
from consult.moderation.assigning import release_decided
from consult.moderation.models import ReportOutcome
from consult.moderation.team import refuse_own
from consult.outbox.operations import queue


def _as_seen(contribution: Contribution, seen: tuple[str, int] | None) -> None:
    """A decision is about what the moderator had in front of them, not about what came after."""
    if seen is not None and seen != (contribution.state, contribution.revision):
        raise Refused(changed_meanwhile())


def approve(
    contribution: Contribution,
    actor: Person,
    now: datetime | None = None,
    *,
    seen: tuple[str, int] | None = None,
    tell: bool = True,
) -> ModerationAct:
    """Let it appear; or, where it appeared at once, note that somebody has looked at it.

    `seen`: state and revision on the moderator's page; without `tell` the author gets no mail, because another one
    says it. Raises `Refused` when something else happened meanwhile, or somebody else has to decide about it.
    """
    now = now or clock.now()
    _as_seen(contribution, seen)
    refuse_own(contribution.process_id, actor, [contribution.author_id])
    before = contribution.state
    if before not in (State.pending, State.published):
        raise Refused(_("This contribution is no longer waiting."))
    set_state(contribution, before, State.published, published_at=contribution.published_at or now)
    if before == State.published and _looked_at(contribution):
        raise Refused(changed_meanwhile())
    act = _act(contribution, actor, ModerationKind.approve, before, State.published, now)
    record(Action.contribution_approved, actor.id, contribution, process_id=contribution.process_id, act_id=act.id)
    if before == State.pending and tell:
        _tell("contribution_published", act, contribution, actor)
    db.session.flush()
    tallies.move(contribution, before, State.published)
    release_decided([contribution.id])
    return act


def hide(
    contribution: Contribution,
    actor: Person,
    reason: ModerationReason,
    note: str = "",
    now: datetime | None = None,
    *,
    seen: tuple[str, int] | None = None,
) -> ModerationAct:
    """Hold it back, with a published reason and a note that only the author reads; the author is told by mail.

    Whoever reported it is told as well.

    `seen`: as for `approve`. Raises `Refused` when it is hidden or withdrawn, or something happened meanwhile.
    """
    now = now or clock.now()
    _as_seen(contribution, seen)
    refuse_own(contribution.process_id, actor, [contribution.author_id])
    before = contribution.state
    if before not in (State.pending, State.published):
        raise Refused(_("This contribution is not shown any more."))
    if reason.process_id != contribution.process_id or reason.retired_at is not None:
        raise Refused(_("This reason is not in use in this process."))
    set_state(contribution, before, State.hidden)
    act = _act(contribution, actor, ModerationKind.hide, before, State.hidden, now, reason.id, note)
    record(
        Action.contribution_hidden,
        actor.id,
        contribution,
        process_id=contribution.process_id,
        act_id=act.id,
        reason_id=reason.id,
    )
    _tell("contribution_hidden", act, contribution, actor)
    db.session.flush()
    tallies.move(contribution, before, State.hidden)
    release_decided([contribution.id])
    reports.close_all(contribution, ReportOutcome.hidden, actor, now=now)
    return act


def undo(
    act: ModerationAct, actor: Person, now: datetime | None = None, *, tell: bool = True, reopens: bool = True
) -> ModerationAct:
    """Put the contribution back to where it was before `act`, which must be the last one about it.

    `tell`: as for `approve`. `reopens`: reports that `act` closed are open again; not when somebody has decided anew.

    Raises `Refused` when something happened since, or `act` is itself an undoing or erased the words.
    """
    now = now or clock.now()
    contribution = db.session.get_one(Contribution, act.contribution_id)
    refuse_own(contribution.process_id, actor, [contribution.author_id])
    if act.kind in (ModerationKind.undo, ModerationKind.erase) or contribution.state != act.state_after:
        raise Refused(_("This decision cannot be undone any more: something has happened since."))
    set_state(contribution, act.state_after, State(act.state_before))
    # The row is ours until the commit: nobody adds an act after this look.
    if last_act_id(contribution.id) != act.id:
        raise Refused(_("This decision cannot be undone any more: something has happened since."))
    undoing = _act(
        contribution, actor, ModerationKind.undo, act.state_after, State(act.state_before), now, undoes_id=act.id
    )
    record(Action.moderation_undone, actor.id, contribution, process_id=contribution.process_id, act_id=undoing.id)
    if tell and act.state_after == State.hidden and act.state_before == State.published:
        _tell("contribution_published", undoing, contribution, actor)
    db.session.flush()
    tallies.move(contribution, act.state_after, act.state_before)
    if reopens:
        reports.reopen(contribution.process_id, [act], actor)
    return undoing


def last_act_id(contribution_id: int) -> int | None:
    return db.session.scalar(
        select(ModerationAct.id)
        .where(ModerationAct.contribution_id == contribution_id)
        .order_by(ModerationAct.id.desc())
        .limit(1)
    )


def _looked_at(contribution: Contribution) -> bool:
    """Whether a decision stands that is newer than the text."""
    last = db.session.execute(
        select(ModerationAct.kind, ModerationAct.created_at)
        .where(ModerationAct.contribution_id == contribution.id)
        .order_by(ModerationAct.id.desc())
        .limit(1)
    ).first()
    if last is None or last.kind == ModerationKind.undo:
        return False
    return contribution.edited_at is None or last.created_at >= contribution.edited_at


def _act(
    contribution: Contribution,
    actor: Person,
    kind: ModerationKind,
    before: str,
    after: State,
    now: datetime,
    reason_id: int | None = None,
    note: str = "",
    undoes_id: int | None = None,
) -> ModerationAct:
    act = ModerationAct(
        contribution_id=contribution.id,
        kind=kind,
        reason_id=reason_id,
        note=clean_text(note).strip(),
        state_before=before,
        state_after=after,
        undoes_id=undoes_id,
        actor_id=actor.id,
        created_at=now,
    )
    db.session.add(act)
    db.session.flush()
    return act


def _tell(kind: str, act: ModerationAct, contribution: Contribution, actor: Person) -> None:
    if contribution.author_id is not None and contribution.author_id != actor.id:
        queue(kind, act.id, contribution.author_id, process_id=contribution.process_id)
