"""Appeals: an author asks for another look at a decision; somebody else decides, and the author is told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import (
    Channel,
    Contribution,
    ContributionText,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    State,
)
from consult.contributions.operations import changed_meanwhile, newest_text
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.moderation import operations
from consult.moderation.models import Appeal
from consult.moderation.team import team_of
from consult.outbox.operations import queue

#: Appeals that were decided lately, on the desk.
LATELY = 20


def standing_act(contribution: Contribution) -> ModerationAct | None:
    """The decision that holds a contribution back now and can be taken back; None when there is none."""
    if contribution.state != State.hidden:
        return None
    act = db.session.scalar(
        select(ModerationAct)
        .where(ModerationAct.contribution_id == contribution.id)
        .order_by(ModerationAct.id.desc())
        .limit(1)
    )
    return act if act is not None and act.kind == ModerationKind.hide else None


def newest_about(contribution: Contribution) -> Appeal | None:
    """The last appeal of its author, open or decided."""
    return db.session.scalar(
        select(Appeal)
        .join(ModerationAct, ModerationAct.id == Appeal.act_id)
        .where(ModerationAct.contribution_id == contribution.id)
        .order_by(Appeal.id.desc())
        .limit(1)
    )


def may_be_made(contribution: Contribution) -> bool:
    """Whether a decision stands about which the author has not asked yet."""
    act = standing_act(contribution)
    return act is not None and db.session.scalar(select(Appeal.id).where(Appeal.act_id == act.id)) is None


def make(contribution: Contribution, actor: Person | None, body: str, now: datetime | None = None) -> int:
    """Ask for another look at the decision that stands (None: whoever holds the receipt code); returns its id.

    Raises `Refused` when nothing is held back, or somebody asked about this decision before.
    """
    act = standing_act(contribution)
    if act is None:
        raise Refused(_("This contribution is not held back any more."))
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    ident = db.session.scalar(
        insert(Appeal)
        .values(
            act_id=act.id,
            person_id=actor.id if actor else None,
            body=clean_text(body).strip(),
            created_at=now or clock.now(),
            answer="",
        )
        .on_conflict_do_nothing(index_elements=["act_id"])
        .returning(Appeal.id)
    )
    if ident is None:
        raise Refused(_("You have asked for another look at this decision already."))
    record(
        Action.appeal_made,
        actor.id if actor else None,
        contribution,
        process_id=contribution.process_id,
        appeal_id=ident,
        act_id=act.id,
    )
    return int(ident)


def may_decide(contribution: Contribution, act: ModerationAct, person: Person) -> bool:
    """Neither whoever took the decision nor the author, where the team has somebody else."""
    concerned = person.id in (act.actor_id, contribution.author_id)
    return not concerned or len(team_of(contribution.process_id)) < 2


def decide(
    appeal: Appeal,
    actor: Person,
    granted: bool,
    answer: str,
    now: datetime | None = None,
    *,
    seen: tuple[str, int] | None = None,
) -> None:
    """Grant it (the contribution is public again) or let the decision stand; the author is told either way.

    `seen`: state and revision on the moderator's page. Raises `Refused` for whoever took the decision, and for the
    author, in a team of at least two, when the text was changed or somebody else was first, and when something
    happened to the contribution since that cannot be taken back with this appeal.
    """
    now = now or clock.now()
    act = db.session.get_one(ModerationAct, appeal.act_id)
    contribution = db.session.get_one(Contribution, act.contribution_id)
    if not may_decide(contribution, act, actor):
        if act.actor_id != actor.id:
            raise Refused(_("Somebody else decides"))
        raise Refused(_("You held this back yourself. Somebody else of the team has to decide about it."))
    if seen is not None and seen != (contribution.state, contribution.revision):
        raise Refused(changed_meanwhile())
    decided = db.session.execute(
        update(Appeal)
        .where(Appeal.id == appeal.id, Appeal.decided_at.is_(None))
        .values(granted=granted, answer=clean_text(answer).strip(), decided_by_id=actor.id, decided_at=now)
        .returning(Appeal.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(appeal)
    if decided is None:
        raise Refused(_("Somebody else has decided about this meanwhile. Nothing was done."))
    if granted:
        _publish_again(act, contribution, actor, now)
    record(
        Action.appeal_decided,
        actor.id,
        contribution,
        process_id=contribution.process_id,
        appeal_id=appeal.id,
        granted=granted,
    )
    # Whoever came with a receipt code may have left an address.
    author_id = appeal.person_id or contribution.author_id
    if author_id is not None:
        queue("appeal_decided", appeal.id, author_id, process_id=contribution.process_id)


def _publish_again(act: ModerationAct, contribution: Contribution, actor: Person, now: datetime) -> None:
    """Take the decision back; where the author has changed the text meanwhile, let the changed one appear."""
    if contribution.state == State.hidden:
        if newest_text(contribution) is None:
            raise Refused(_("This text was deleted for good. It cannot be shown again."))
        operations.undo(act, actor, now, tell=False, reopens=False)
    if contribution.state == State.pending:
        operations.approve(contribution, actor, now, tell=False)
    if contribution.state == State.withdrawn:
        raise Refused(_("Its author has withdrawn it meanwhile. It cannot be shown again."))


def close_erased(contribution: Contribution, actor: Person, answer: str, now: datetime) -> None:
    """Words that are gone cannot be shown again: what is open about them is answered with the reason."""
    closed = db.session.execute(
        update(Appeal)
        .where(
            Appeal.act_id.in_(select(ModerationAct.id).where(ModerationAct.contribution_id == contribution.id)),
            Appeal.decided_at.is_(None),
        )
        .values(granted=False, answer=answer, decided_by_id=actor.id, decided_at=now)
        .returning(Appeal.id)
        .execution_options(synchronize_session=False)
    ).all()
    for row in closed:
        record(
            Action.appeal_decided,
            actor.id,
            contribution,
            process_id=contribution.process_id,
            appeal_id=row.id,
            granted=False,
        )


@dataclass(frozen=True)
class Waiting:
    """An appeal as the desk shows it."""

    appeal: Appeal
    act: ModerationAct
    number: int
    state: str
    body: str | None
    reason: str | None
    hidden_by: str
    author: str
    decided_by: str | None


def _rows(process_id: int) -> Select[*tuple[Any, ...]]:
    decider, author, hider = aliased(Person), aliased(Person), aliased(Person)
    return (
        select(
            Appeal,
            ModerationAct,
            Contribution.number,
            Contribution.state,
            ContributionText.body,
            ModerationReason.text,
            hider.name,
            # Who wrote without an account chose what stands there, also when it belongs to an account by now.
            case(
                (Contribution.channel.in_((Channel.guest, Channel.helper)), Contribution.author_name),
                else_=func.coalesce(func.nullif(Contribution.author_name, ""), author.name, ""),
            ),
            decider.name,
        )
        .join(ModerationAct, ModerationAct.id == Appeal.act_id)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .join(hider, hider.id == ModerationAct.actor_id)
        .outerjoin(
            ContributionText,
            (ContributionText.contribution_id == Contribution.id)
            & (ContributionText.revision == Contribution.revision),
        )
        .outerjoin(ModerationReason, ModerationReason.id == ModerationAct.reason_id)
        .outerjoin(author, author.id == Contribution.author_id)
        .outerjoin(decider, decider.id == Appeal.decided_by_id)
        .where(Contribution.process_id == process_id)
    )


def open_appeals(process_id: int) -> list[Waiting]:
    """What waits for a decision, the oldest first."""
    found = db.session.execute(_rows(process_id).where(Appeal.decided_at.is_(None)).order_by(Appeal.id).limit(100))
    return [Waiting(*row) for row in found]


def decided_lately(process_id: int) -> list[Waiting]:
    """The last ones that were decided."""
    newest = Appeal.decided_at.desc()
    found = db.session.execute(_rows(process_id).where(Appeal.decided_at.is_not(None)).order_by(newest).limit(LATELY))
    return [Waiting(*row) for row in found]


def one(process_id: int, appeal_id: int) -> Waiting | None:
    """This appeal, if it is about a contribution of the process."""
    row = db.session.execute(_rows(process_id).where(Appeal.id == appeal_id)).first()
    return Waiting(*row) if row is not None else None


def waiting(process_id: int) -> tuple[int, datetime | None]:
    """(how many wait for a decision, since when the oldest)."""
    number, oldest = db.session.execute(
        select(func.count(), func.min(Appeal.created_at))
        .join(ModerationAct, ModerationAct.id == Appeal.act_id)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(Contribution.process_id == process_id, Appeal.decided_at.is_(None))
    ).one()
    return number, oldest
