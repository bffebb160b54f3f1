"""Until when a question is answered: so many days after everybody could read it, as its process promises."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, false, or_, select
from sqlalchemy.orm import aliased

from consult import clock
from consult.contributions.models import Contribution, Stance, State
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.processes.models import Function, Process, ProcessGroup

#: A reply from one of these counts as an answer; a circle's member speaks as one among equals.
ANSWERING = (Function.lead, Function.moderation, Function.steering, Function.editing, Function.answering)


def due_on(process: Process, published_at: datetime | None) -> date | None:
    """The last day on which the answer is in time, by the days of the process; None where none is promised."""
    if process.answer_days is None or published_at is None:
        return None
    return clock.local_date(published_at, process.zone) + timedelta(days=process.answer_days)


def overdue(process: Process, now: datetime) -> Any:
    """The same as a condition: the last day for answering this contribution has passed."""
    if process.answer_days is None:
        return false()
    today = clock.local_date(now, process.zone)
    return Contribution.published_at < clock.start_of_day(today - timedelta(days=process.answer_days), process.zone)


def is_open_question(process_id: int) -> Any:
    """As a condition: a public question to which nobody who works in the process has replied.

    Who replied and left the group afterwards has replied. Whether something was decided is asked in `weighing`.
    """
    groups = select(ProcessGroup.group_id).where(
        ProcessGroup.process_id == process_id, ProcessGroup.function.in_(ANSWERING)
    )
    members = select(Membership.person_id).where(Membership.group_id.in_(groups), Membership.person_id.is_not(None))
    seated = (
        select(SeatHolder.person_id)
        .join(Membership, Membership.id == SeatHolder.membership_id)
        .where(Membership.group_id.in_(groups))
    )
    reply = aliased(Contribution)
    replied = exists().where(
        reply.root_id == Contribution.id,
        reply.state == State.published,
        or_(reply.author_id.in_(members), reply.author_id.in_(seated)),
    )
    return (
        (Contribution.stance == Stance.question)
        & (Contribution.state == State.published)
        & Contribution.parent_id.is_(None)
        & ~replied
    )


def promised_for(process: Process, contribution: Contribution) -> date | None:
    """Until when an answer to this one is promised; None for what is no open question. Asks only about questions."""
    if process.answer_days is None or contribution.stance != Stance.question:
        return None
    still_open = select(Contribution.id).where(Contribution.id == contribution.id, is_open_question(process.id))
    if db.session.scalar(still_open) is None:
        return None
    return due_on(process, contribution.published_at)
