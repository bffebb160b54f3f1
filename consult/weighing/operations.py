"""Deciding about contributions, making decisions public, telling the authors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.models import Change, Version, VersionAudience
from consult.contributions.models import ChangeSource, Contribution, State
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.moderation.models import Gathered
from consult.outbox.operations import queue_many
from consult.processes.models import Process, ProcessState
from consult.weighing import stopping
from consult.weighing.models import Disposition, DispositionKind, DispositionRelease
from consult.weighing.queries import latest_ids, own_ones, unreleased

ANSWERED = "contribution_answered"
#: Contributions that can be decided about together.
TOGETHER = 200


@dataclass(frozen=True)
class Verdict:
    """What is decided, for one contribution or for several at once."""

    kind: DispositionKind
    reason: str
    #: One plain sentence for the author.
    plain_reason: str = ""
    #: Where the effect shows.
    element_id: int | None = None
    change: Change | None = None
    decided_in_id: int | None = None
    #: Public only with the next public version.
    held: bool = False
    #: Where no change is named: each contribution takes the newest one that names it as its source.
    pick_changes: bool = True


def decide(
    contribution: Contribution,
    kind: DispositionKind,
    reason: str,
    *,
    actor: Person | None,
    plain_reason: str = "",
    element_id: int | None = None,
    change: Change | None = None,
    decided_in_id: int | None = None,
    held: bool = False,
    now: datetime | None = None,
) -> Disposition:
    """Record what is decided and why. A later decision is another row; the latest counts. Refuses an empty reason.

    Public at once and told to the authors, unless `held` until the next public version.
    """
    verdict = Verdict(kind, reason, plain_reason, element_id, change, decided_in_id, held)
    own = bool(own_ones([contribution.id], actor, now))
    return _decide([(contribution, change, own)], verdict, actor, now or clock.now())[0]


def decide_together(
    process: Process, chosen: Sequence[tuple[int, int]], verdict: Verdict, actor: Person, now: datetime | None = None
) -> list[Disposition]:
    """The same decision about several contributions of a process, given as (id, id of the latest decision seen or 0).

    Where the text changes by the decision and the verdict names no change, each takes the newest one that names it as
    its source, unless the verdict says otherwise. Refuses more than `TOGETHER`, replies, and what is not public (any
    more); raises `Conflict` when somebody has decided about one of them since it was looked at: of two who decide at
    the same moment the second is told.
    """
    if not 0 < len(chosen) <= TOGETHER:
        raise Refused(_("Please choose between one and %(most)s contributions.", most=TOGETHER))
    seen = dict(chosen)
    # In the order of ids and locked: the second of two who decide waits here, and then sees what the first decided.
    contributions = list(
        db.session.scalars(
            select(Contribution)
            .where(Contribution.id.in_(seen), Contribution.process_id == process.id)
            .order_by(Contribution.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    )
    gone = [one for one in contributions if one.state != State.published or one.parent_id is not None]
    if gone or len(contributions) != len(seen):
        labels = ", ".join(f"{process.code}-{one.number}" for one in gone)
        raise Refused(_("Not public any more: %(numbers)s. Nothing was decided.", numbers=labels or "–"))
    latest = latest_ids(seen)
    overtaken = [one for one in contributions if latest.get(one.id, 0) != seen[one.id]]
    if overtaken:
        labels = ", ".join(f"{process.code}-{one.number}" for one in overtaken)
        raise Conflict(verdict.reason, labels, latest.get(overtaken[0].id, 0))
    own = own_ones(seen, actor, now)
    picks = verdict.pick_changes and verdict.change is None and verdict.kind in CHANGING
    changes = _last_changes(list(seen)) if picks else {}
    return _decide(
        [(one, verdict.change or changes.get(one.id), one.id in own) for one in contributions],
        verdict,
        actor,
        now or clock.now(),
    )


#: Decisions by which the text changes.
CHANGING = (DispositionKind.adopt, DispositionKind.adopt_in_part)


def _last_changes(contribution_ids: list[int]) -> dict[int, Change]:
    """The newest change that names each contribution as its source."""
    rows = db.session.execute(
        select(ChangeSource.contribution_id, Change)
        .join(Change, Change.id == ChangeSource.change_id)
        .where(ChangeSource.contribution_id.in_(contribution_ids))
        .order_by(Change.id)
    )
    return {row[0]: row[1] for row in rows}


def _decide(
    about: Sequence[tuple[Contribution, Change | None, bool]], verdict: Verdict, actor: Person | None, now: datetime
) -> list[Disposition]:
    """One row each, public or held, with its entry in the record and the mails."""
    if not verdict.reason.strip():
        raise Refused(_("A decision needs a reason: the author and the public read it."))
    made = [
        Disposition(
            contribution_id=contribution.id,
            kind=verdict.kind,
            reason=verdict.reason,
            plain_reason=verdict.plain_reason,
            element_id=verdict.element_id or (change.element_id if change else None),
            change_id=change.id if change else None,
            decided_in_id=verdict.decided_in_id,
            held=verdict.held,
            own_organisation=own,
            actor_id=actor.id if actor else None,
            created_at=now,
        )
        for contribution, change, own in about
    ]
    db.session.add_all(made)
    db.session.flush()
    for disposition, (contribution, _change, _own) in zip(made, about, strict=True):
        record(
            Action.disposition_decided,
            actor.id if actor else None,
            disposition,
            process_id=contribution.process_id,
            kind=str(verdict.kind),
            contribution_id=contribution.id,
        )
    if not verdict.held:
        ids = [disposition.id for disposition in made]
        db.session.execute(insert(DispositionRelease), [{"disposition_id": ident, "released_at": now} for ident in ids])
        tell_authors(about[0][0].process_id, ids)
    return made


def release(process: Process, version: Version, actor: Person | None, now: datetime | None = None) -> int:
    """Make public what was decided to appear together with the next public version; returns how many decisions.

    In the caller's transaction, so that text and answers appear together. Each decision becomes public once, whoever
    publishes at the same time; what was replaced by a later decision stays unpublished. A version for the steering
    group releases nothing.
    """
    if version.audience != VersionAudience.public:
        return 0
    later = aliased(Disposition)
    ready = (
        select(Disposition.id, literal(version.id), literal(now or clock.now(), DispositionRelease.released_at.type))
        .join(Contribution, Contribution.id == Disposition.contribution_id)
        .where(Contribution.process_id == process.id, *unreleased(later))
    )
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    released = sorted(
        db.session.scalars(
            dialect.insert(DispositionRelease)
            .from_select(["disposition_id", "version_id", "released_at"], ready)
            .on_conflict_do_nothing()
            .returning(DispositionRelease.disposition_id)
        )
    )
    if released:
        record(
            Action.dispositions_released,
            actor.id if actor else None,
            version,
            process_id=process.id,
            version_id=version.id,
            dispositions=released,
        )
        tell_authors(process.id, released)
    return len(released)


def tell_authors(process_id: int, disposition_ids: Sequence[int]) -> int:
    """Promise each author, and each author gathered under them, the one mail about what became of it.

    A few statements however many there are. Returns how many mails were promised.
    """
    own = select(Disposition.id, Contribution.author_id).join(
        Contribution, Contribution.id == Disposition.contribution_id
    )
    gathered = (
        select(Disposition.id, Contribution.author_id)
        .join(Gathered, Gathered.head_id == Disposition.contribution_id)
        .join(Contribution, Contribution.id == Gathered.contribution_id)
    )
    told = [
        (row[0], row[1] or 0)
        for part in (own, gathered)
        for row in db.session.execute(
            part.join(Person, Person.id == Contribution.author_id)
            .join(Process, Process.id == Contribution.process_id)
            .where(
                Disposition.id.in_(disposition_ids),
                Process.state != ProcessState.draft,
                Person.tell_answers,
                Person.email.is_not(None),
                Person.erased_at.is_(None),
            )
        )
    ]
    pairs = sorted(set(told))
    stopping.prepare({person_id for _disposition, person_id in pairs}, stopping.Switch.answers)
    return queue_many(ANSWERED, pairs, process_id=process_id)


def tell_gathered(contribution: Contribution) -> int:
    """After a contribution was gathered under a head entry that is answered already: its author gets that answer."""
    newest = db.session.scalar(
        select(Disposition.id)
        .join(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        .join(Gathered, Gathered.head_id == Disposition.contribution_id)
        .where(Gathered.contribution_id == contribution.id)
        .order_by(Disposition.id.desc())
        .limit(1)
    )
    return tell_authors(contribution.process_id, [newest]) if newest is not None else 0
