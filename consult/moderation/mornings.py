"""The one mail of the morning: what waits for whoever is on duty today.

At most one a day for each person, over all processes. Who is on duty is read from the roster; where there is none,
everybody who moderates is told on working days, so that nothing waits unseen. The clock only ticks: at which local
hour it is due, and whether it went out already, is known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from consult import clock
from consult.contributions.models import Contribution, State
from consult.extensions import db
from consult.moderation import appeals, erasing, reports
from consult.moderation.models import Assignment, Duty
from consult.moderation.promise import is_late, late_before, waits_since
from consult.moderation.team import team_of
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue
from consult.processes.models import Function, Process, ProcessState
from consult.processes.queries import people_with
from consult.workdays import is_workday

KIND = "moderation_waiting"
#: Local hours in which it may leave: at eight, or later when the machine was off.
MORNING = range(8, 11)
#: From so many times the promise on the substitute is told as well.
OVERDUE_TIMES = 2


@dataclass(frozen=True)
class Load:
    """What waits in one process."""

    process: Process
    waiting: int
    oldest: datetime | None
    overdue: int
    reported: int
    appeals: int
    erasures: int
    assigned: int

    @property
    def anything(self) -> bool:
        return bool(self.waiting or self.reported or self.appeals or self.erasures or self.assigned)

    def long_overdue(self, now: datetime) -> bool:
        """Whether something waits for more than twice the time that was promised."""
        return self.oldest is not None and self.oldest < late_before(self.process, now, OVERDUE_TIMES)


def load_of(process: Process, person_id: int | None, now: datetime) -> Load:
    """What waits in a process; `assigned` to this person."""
    waiting, oldest = db.session.execute(
        select(func.count(), func.min(waits_since())).where(
            Contribution.process_id == process.id, Contribution.state == State.pending
        )
    ).one()
    overdue = db.session.scalar(
        select(func.count()).where(Contribution.process_id == process.id, is_late(process, now))
    )
    assigned = (
        db.session.scalar(
            select(func.count())
            .select_from(Assignment)
            .join(Contribution, Contribution.id == Assignment.contribution_id)
            .where(
                Contribution.process_id == process.id,
                Assignment.person_id == person_id,
                Contribution.state == State.pending,
            )
        )
        if person_id is not None and waiting
        else 0
    )
    return Load(
        process,
        waiting,
        oldest,
        overdue or 0,
        reports.waiting(process.id)[0],
        appeals.waiting(process.id)[0],
        erasing.waiting(process.id),
        assigned or 0,
    )


def turns_on(process_id: int, day: date) -> list[tuple[int, int | None]]:
    """(person, substitute) of those whose turn it is."""
    found = db.session.execute(
        select(Duty.person_id, Duty.substitute_id).where(
            Duty.process_id == process_id, Duty.starts_on <= day, Duty.ends_on > day
        )
    )
    return [(row.person_id, row.substitute_id) for row in found]


def _has_roster(process_id: int, day: date) -> bool:
    """Whether this process works by a roster: it has turns that are not over."""
    return (
        db.session.scalar(select(Duty.id).where(Duty.process_id == process_id, Duty.ends_on > day).limit(1)) is not None
    )


def recipients(process: Process, load: Load, now: datetime) -> set[int]:
    """Who is told this morning: whoever is on duty and still of the team; the substitute when much is overdue."""
    day = clock.local_date(now, process.zone)
    turns = turns_on(process.id, day)
    if turns:
        told = {person for person, _substitute in turns}
        if load.long_overdue(now):
            told |= {substitute for _person, substitute in turns if substitute is not None}
        return told & set(team_of(process.id))
    if is_workday(day) and not _has_roster(process.id, day):
        return set(people_with(process.id, Function.moderation))
    return set()


def processes_at_work() -> Iterable[Process]:
    return db.session.scalars(select(Process).where(Process.state == ProcessState.published).order_by(Process.id)).all()


def send_due(now: datetime) -> int:
    """Promise the mails that are due at `now`; returns how many. Twice within a morning sends nothing twice."""
    promised = 0
    for process in processes_at_work():
        if clock.local_hour(now, process.zone) not in MORNING:
            continue
        load = load_of(process, None, now)
        if not load.anything:
            continue
        period = clock.local_date(now, process.zone).isoformat()
        for person_id in sorted(recipients(process, load, now)):
            if queue(KIND, person_id, person_id, period=period) is not None:
                promised += 1
    return promised


def loads_for(message: OutboxMessage, now: datetime) -> list[Load]:
    """What waits for the recipient now, in each process in which they are told."""
    found = []
    for process in processes_at_work():
        load = load_of(process, message.recipient_id, now)
        if load.anything and message.recipient_id in recipients(process, load, now):
            found.append(load)
    return found
