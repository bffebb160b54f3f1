"""The roster: whose turn it is to moderate, day by day, and who stands in.

Days are those of the process's zone. Turns may overlap; a day without anybody is a gap the desk warns of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.moderation.models import Duty
from consult.moderation.team import team_of
from consult.processes.models import Process
from consult.workdays import is_workday

#: For so many days the desk says whether somebody is there, and so long a turn can be at most.
AHEAD, LONGEST = timedelta(days=14), timedelta(days=366)


@dataclass(frozen=True)
class Turn:
    """A turn with its people's names; `ends_on` is the day after the last one."""

    id: int
    person_id: int
    person: str
    substitute_id: int | None
    substitute: str | None
    starts_on: date
    ends_on: date

    @property
    def last_day(self) -> date:
        return self.ends_on - timedelta(days=1)

    def covers(self, day: date) -> bool:
        return self.starts_on <= day < self.ends_on


def add(
    process: Process, actor: Person, person_id: int, substitute_id: int | None, first_day: date, last_day: date
) -> Duty:
    """Put somebody on the roster from the first day to the last, both included.

    Raises `Refused` when the days are not in order or too many, or somebody is not of the team.
    """
    if last_day < first_day:
        raise Refused(_("The last day is before the first one."))
    if last_day - first_day > LONGEST:
        raise Refused(_("A turn lasts at most a year."))
    if not {person_id, substitute_id or person_id} <= set(team_of(process.id)):
        raise Refused(_("Only those who moderate or lead this process can be on the roster."))
    if person_id == substitute_id:
        raise Refused(_("The substitute has to be somebody else."))
    turn = Duty(
        process_id=process.id,
        person_id=person_id,
        substitute_id=substitute_id,
        starts_on=first_day,
        ends_on=last_day + timedelta(days=1),
        created_by_id=actor.id,
    )
    db.session.add(turn)
    db.session.flush()
    record(Action.duty_changed, actor.id, turn, process_id=process.id, duty_id=turn.id)
    return turn


def end(turn: Duty, actor: Person, today: date) -> None:
    """Take a turn off the roster from today on; one that has not begun, or began today, goes as a whole."""
    if turn.ends_on <= today:
        raise Refused(_("This turn is over already."))
    record(Action.duty_changed, actor.id, turn, process_id=turn.process_id, duty_id=turn.id)
    if turn.starts_on >= today:
        db.session.delete(turn)
    else:
        turn.ends_on = today
    db.session.flush()


def today_in(process: Process) -> date:
    return clock.local_date(clock.now(), process.zone)


def roster(process: Process, since: date) -> list[Turn]:
    """The turns that are not over on this day, in order of time."""
    substitute = aliased(Person)
    found = db.session.execute(
        select(Duty, Person.name, substitute.name)
        .join(Person, Person.id == Duty.person_id)
        .outerjoin(substitute, substitute.id == Duty.substitute_id)
        .where(Duty.process_id == process.id, Duty.ends_on > since)
        .order_by(Duty.starts_on, Duty.id)
        .limit(400)
    )
    return [
        Turn(duty.id, duty.person_id, name or "", duty.substitute_id, other, duty.starts_on, duty.ends_on)
        for duty, name, other in found
    ]


def on_duty(turns: Iterable[Turn], day: date) -> list[Turn]:
    """Those whose turn it is on this day."""
    return [turn for turn in turns if turn.covers(day)]


def on_duty_today(process: Process) -> list[Turn]:
    """Those whose turn it is now. One query."""
    today = today_in(process)
    return on_duty(roster(process, today), today)


@dataclass(frozen=True)
class Day:
    """A day of the roster with everybody whose turn it is."""

    day: date
    turns: tuple[Turn, ...]


def days_ahead(turns: Iterable[Turn], today: date) -> list[Day]:
    """The next fortnight, day by day."""
    known = list(turns)
    days = [today + timedelta(days=number) for number in range(AHEAD.days)]
    return [Day(day, tuple(on_duty(known, day))) for day in days]


def gaps(days: Iterable[Day]) -> list[date]:
    """Working days (Monday to Friday) on which it is nobody's turn."""
    return [one.day for one in days if not one.turns and is_workday(one.day)]
