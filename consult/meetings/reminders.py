"""Mails some time before or after a meeting: who gets them, when they are due, what is promised to the outbox.

A reminder holds no moment of its own: it is worked out from the meeting each time, on the clock at the place. So it
moves with the meeting, and "the day before" is the same hour of the day in the nights when clocks change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import delete, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.meetings.models import (
    Meeting,
    MeetingState,
    Registration,
    RegistrationState,
    Reminder,
    ReminderKind,
    SurveyQuestion,
)
from consult.outbox.operations import queue_many

DAY = 24 * 60
#: No further away from the meeting than this.
FURTHEST = 60 * DAY
#: A machine that was off for longer sends no late reminder: "tomorrow" would be a lie.
LATE_BEFORE = timedelta(hours=24)
#: Thanks and questions may come some days later.
LATE_AFTER = timedelta(days=7)
#: Where only the day is known, the meeting is taken to begin and end at these hours: nobody is woken up by a mail.
_MORNING, _EVENING = timedelta(hours=9), timedelta(hours=18)
KINDS = {
    ReminderKind.reminder: "meeting_reminder",
    ReminderKind.thanks: "meeting_thanks",
    ReminderKind.survey: "meeting_survey",
}
#: States a reminder can be for, by kind.
BEFORE_STATES = (
    RegistrationState.coming,
    RegistrationState.offered,
    RegistrationState.maybe,
    RegistrationState.waiting,
    RegistrationState.asked,
)
AFTER_STATES = (RegistrationState.attended, RegistrationState.coming, RegistrationState.absent)
#: Who is thanked.
THANKED = (RegistrationState.attended, RegistrationState.coming)


@dataclass(frozen=True)
class Preset:
    """A reminder by one press of a button."""

    kind: ReminderKind
    minutes: int
    states: tuple[RegistrationState, ...]


PRESETS = {
    "three_days": Preset(ReminderKind.reminder, -3 * DAY, (RegistrationState.coming,)),
    "day_before": Preset(ReminderKind.reminder, -DAY, (RegistrationState.coming,)),
    "thanks": Preset(ReminderKind.thanks, DAY, THANKED),
    "survey": Preset(ReminderKind.survey, DAY, (RegistrationState.attended, RegistrationState.coming)),
}


def moment_of(meeting: Meeting, minutes: int) -> datetime:
    """When a mail so many minutes before the beginning (negative) or after the end is due.

    Days are counted by the clock at the place, hours as they pass: an hour before is an hour before in any night.
    """
    zone = ZoneInfo(meeting.zone)
    if minutes < 0:
        wall = meeting.starts_at.astimezone(zone).replace(tzinfo=None)
        wall += timedelta() if meeting.time_known else _MORNING
    else:
        wall = meeting.ends_at.astimezone(zone).replace(tzinfo=None)
        # Without a time the end is the midnight after the last day.
        wall -= timedelta() if meeting.time_known else timedelta(days=1) - _EVENING
    days, rest = divmod(abs(minutes), DAY)
    sign = -1 if minutes < 0 else 1
    return clock.from_local(wall + sign * timedelta(days=days), meeting.zone) + sign * timedelta(minutes=rest)


def period_of(meeting: Meeting) -> str:
    """Tells mails about one time of the meeting apart from those about another."""
    return meeting.starts_at.strftime("%Y-%m-%dT%H:%M")


def of_meeting(meeting_id: int) -> list[Reminder]:
    """In the order in which they go out."""
    return list(
        db.session.scalars(select(Reminder).where(Reminder.meeting_id == meeting_id).order_by(Reminder.minutes))
    )


def states_of(reminder: Reminder) -> tuple[str, ...]:
    """As the organisers chose them."""
    return tuple(reminder.states.split())


def reached(reminder: Reminder, counted: bool) -> tuple[str, ...]:
    """States of registrations that get it now. `counted`: somebody was checked in at the meeting.

    Thanks go to nobody who was not there, whatever was chosen. Who said that they come was there, as far as anybody
    knows, as long as nobody was checked in.
    """
    states = states_of(reminder)
    if reminder.minutes < 0:
        return states
    if reminder.kind == ReminderKind.thanks:
        states = THANKED
    return tuple(state for state in states if not (counted and state == RegistrationState.coming))


def is_counted(meeting_id: int) -> bool:
    """Whether anybody was checked in, or noted as having been there."""
    return (
        db.session.scalar(
            select(Registration.id)
            .where(Registration.meeting_id == meeting_id, Registration.state == RegistrationState.attended)
            .limit(1)
        )
        is not None
    )


def add(
    meeting: Meeting,
    kind: str,
    minutes: int,
    states: Sequence[str],
    actor: Person | None,
    *,
    note: str = "",
    now: datetime | None = None,
) -> Reminder:
    """Plan a mail. Raises `Refused` for a meeting that does not take place and for times and states that cannot be.

    Planning the same twice makes one: a unique key sees to it.
    """
    now = now or clock.now()
    kind = ReminderKind(kind)
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if (kind == ReminderKind.reminder) != (minutes < 0):
        raise Refused(_("Reminders go out before a meeting, thanks and questions after it."))
    if abs(minutes) > FURTHEST:
        raise Refused(_("Please choose at most 60 days."))
    if moment_of(meeting, minutes) <= now:
        raise Refused(_("This moment has passed already."))
    possible = BEFORE_STATES if minutes < 0 else AFTER_STATES
    states = THANKED if kind == ReminderKind.thanks else states
    chosen = [state.value for state in possible if state in states]
    if not chosen:
        raise Refused(_("Please choose who gets it."))
    if kind == ReminderKind.survey and not has_questions(meeting.id):
        raise Refused(_("Please write the questions of the survey first."))
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    ident = db.session.scalar(
        insert(Reminder)
        .values(
            meeting_id=meeting.id,
            kind=kind,
            minutes=minutes,
            states=" ".join(chosen),
            note=clean_text(note).strip(),
            created_by_id=actor.id if actor else None,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["meeting_id", "kind", "minutes"])
        .returning(Reminder.id)
    )
    if ident is None:
        raise Refused(_("There is such a mail at this time already."))
    record(Action.meeting_changed, actor.id if actor else None, meeting, process_id=meeting.process_id)
    return db.session.get_one(Reminder, ident)


def has_questions(meeting_id: int) -> bool:
    """Whether a survey asks anything."""
    return (
        db.session.scalar(select(SurveyQuestion.id).where(SurveyQuestion.meeting_id == meeting_id).limit(1)) is not None
    )


def remove(meeting: Meeting, reminder_id: int, actor: Person) -> None:
    """Plan it no longer; what is in the outbox already is dropped there. Raises `Refused` when it is gone already."""
    gone = db.session.scalar(
        delete(Reminder).where(Reminder.id == reminder_id, Reminder.meeting_id == meeting.id).returning(Reminder.id)
    )
    if gone is None:
        raise Refused(_("This mail is no longer planned."))
    record(Action.meeting_changed, actor.id, meeting, process_id=meeting.process_id)


def is_due(reminder: Reminder, meeting: Meeting, now: datetime) -> bool:
    """Its moment has come and is not long past; before a meeting, only until it begins."""
    if meeting.state == MeetingState.cancelled:
        return False
    moment = moment_of(meeting, reminder.minutes)
    if moment > now:
        return False
    if reminder.minutes < 0:
        return now - moment <= LATE_BEFORE and now < meeting.starts_at
    return now - moment <= LATE_AFTER


def run_due(now: datetime, on_paper: Callable[[int], set[int]]) -> int:
    """Promise the mails of every reminder that is due, each in a commit of its own; returns how many mails.

    Safe to run twice and at the same time: whoever marks the reminder first promises its mails, and the outbox takes
    each only once. `on_paper` says who of a meeting is written to by letter.
    """
    around = timedelta(minutes=FURTHEST) + LATE_AFTER + timedelta(days=1)
    rows = db.session.execute(
        select(Reminder, Meeting)
        .join(Meeting, Meeting.id == Reminder.meeting_id)
        .where(
            Reminder.queued_at.is_(None),
            Meeting.state != MeetingState.cancelled,
            Meeting.starts_at < now + around,
            Meeting.ends_at > now - around,
        )
        .order_by(Reminder.id)
    ).all()
    due = [(reminder.id, meeting.id) for reminder, meeting in rows if is_due(reminder, meeting, now)]
    db.session.rollback()
    promised = 0
    for ident, meeting_id in due:
        promised += _promise(ident, meeting_id, now, on_paper)
        db.session.commit()
    return promised


def _promise(ident: int, meeting_id: int, now: datetime, on_paper: Callable[[int], set[int]]) -> int:
    # Held until the commit: who moves the meeting meanwhile comes before or after, not between.
    meeting = db.session.scalar(
        select(Meeting).where(Meeting.id == meeting_id).with_for_update().execution_options(populate_existing=True)
    )
    reminder = db.session.get(Reminder, ident, populate_existing=True)
    if meeting is None or reminder is None or not is_due(reminder, meeting, now):
        return 0
    mine = db.session.scalar(
        update(Reminder)
        .where(Reminder.id == ident, Reminder.queued_at.is_(None))
        .values(queued_at=now)
        .returning(Reminder.id)
        .execution_options(synchronize_session=False)
    )
    if mine is None:
        return 0
    letters = on_paper(meeting.id)
    people = db.session.scalars(
        select(Registration.person_id)
        .join(Person, Person.id == Registration.person_id)
        .where(
            Registration.meeting_id == meeting.id,
            Registration.state.in_(reached(reminder, is_counted(meeting.id))),
            or_(literal(reminder.kind != ReminderKind.survey), Registration.surveyed_at.is_(None)),
            Person.email.is_not(None),
            Person.erased_at.is_(None),
        )
    )
    pairs = [(ident, person_id) for person_id in people if person_id not in letters]
    return queue_many(
        KINDS[ReminderKind(reminder.kind)], pairs, period=period_of(meeting), process_id=meeting.process_id
    )
