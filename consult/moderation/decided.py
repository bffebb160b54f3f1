"""What was decided lately, and what of it can still be undone: single decisions and those taken together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.contributions.models import Contribution, ModerationAct, ModerationKind, ModerationReason
from consult.contributions.words import decision_name
from consult.extensions import db
from consult.processes.models import Process

RECENT = timedelta(days=7)
PAGE = 20


@dataclass(frozen=True)
class Decided:
    """A decision taken lately; of those taken together the newest stands for all."""

    act_id: int
    number: int
    number_label: str
    decision: str
    reason: str | None
    moderator: str
    at: datetime
    can_undo: bool
    batch: str | None = None
    #: How many were decided together with it, itself included.
    together: int = 1


def recently_decided(process: Process, limit: int = PAGE, *, before: int | None = None) -> list[Decided]:
    """The last decisions, newest first, going on before the act `before`; the last about each can be undone."""
    newer, mate = aliased(ModerationAct), aliased(ModerationAct)
    is_last = (
        ~select(newer.id)
        .where(newer.contribution_id == ModerationAct.contribution_id, newer.id > ModerationAct.id)
        .exists()
    )
    in_batch = mate.batch == ModerationAct.batch
    is_newest_of_batch = ~select(mate.id).where(in_batch, mate.id > ModerationAct.id).exists()
    together = select(func.count()).where(in_batch).scalar_subquery()
    later = aliased(ModerationAct)
    touched = select(later.id).where(later.contribution_id == mate.contribution_id, later.id > mate.id).exists()
    # A number, not EXISTS: PostgreSQL would look through all decisions there ever were, once, to keep the answer.
    standing = select(func.count()).where(in_batch, ~touched).scalar_subquery()
    some_stand = case((ModerationAct.batch.is_not(None), standing), else_=0)
    query = (
        select(
            ModerationAct.id,
            ModerationAct.kind,
            ModerationAct.state_before,
            ModerationAct.state_after,
            ModerationAct.created_at,
            ModerationAct.batch,
            Contribution.number,
            Contribution.state,
            ModerationReason.text,
            Person.name,
            is_last.label("is_last"),
            together.label("together"),
            some_stand.label("some_stand"),
        )
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .join(Person, Person.id == ModerationAct.actor_id)
        .outerjoin(ModerationReason, ModerationReason.id == ModerationAct.reason_id)
        .where(
            Contribution.process_id == process.id,
            ModerationAct.created_at > clock.now() - RECENT,
            or_(ModerationAct.batch.is_(None), is_newest_of_batch),
        )
        .order_by(ModerationAct.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ModerationAct.id < before)
    return [
        Decided(
            act_id=row.id,
            number=row.number or 0,
            number_label=f"{process.code}-{row.number}",
            decision=decision_name(row.kind, row.state_before, row.state_after),
            reason=row.text,
            moderator=row.name,
            at=row.created_at,
            can_undo=row.kind not in (ModerationKind.undo, ModerationKind.erase)
            and bool(row.some_stand if row.together > 1 else row.is_last and row.state == row.state_after),
            batch=row.batch,
            together=row.together or 1,
        )
        for row in db.session.execute(query)
    ]


def act_of(process: Process, number: int, act_id: int) -> ModerationAct | None:
    """This decision about this contribution."""
    return db.session.scalar(
        select(ModerationAct)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(Contribution.process_id == process.id, Contribution.number == number, ModerationAct.id == act_id)
    )


def act_in(process: Process, act_id: int) -> ModerationAct | None:
    """This decision, when it is one of this process."""
    return db.session.scalar(
        select(ModerationAct)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(Contribution.process_id == process.id, ModerationAct.id == act_id)
    )
