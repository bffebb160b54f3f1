"""Plain words about events: how a meeting stands, who may register, what repeats, what is asked afterwards."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask_babel import gettext as _
from flask_babel import ngettext

from consult.i18n import format_weekday, language
from consult.meetings.models import (
    AttendeeList,
    Meeting,
    MeetingState,
    RegistrationMode,
    RegistrationState,
    ReminderKind,
    SurveyKind,
)
from consult.meetings.series import Every

#: What a change of a repeating meeting is about.
ONE, FOLLOWING = "one", "following"
#: Fewer free places than this are counted out loud.
FEW_PLACES = 20


def registration_names() -> dict[str, str]:
    return {
        RegistrationMode.nobody: _("Nobody: people simply come"),
        RegistrationMode.invited: _("Only who is invited"),
        RegistrationMode.everybody: _("Everybody"),
    }


def list_names() -> dict[str, str]:
    return {
        AttendeeList.organisations: _("Organisations, no persons"),
        AttendeeList.guests: _("Organisations; those who come also see the persons who agreed"),
        AttendeeList.consenting: _("Organisations, and persons who agreed"),
        AttendeeList.nobody: _("Nothing"),
    }


def every_names() -> dict[str, str]:
    return {
        Every.week: _("every week"),
        Every.two_weeks: _("every two weeks"),
        Every.month: _("every month, on the same day"),
    }


def scope_names() -> dict[str, str]:
    return {ONE: _("Only this meeting"), FOLLOWING: _("This one and all that follow in the series")}


def state_names() -> dict[str, str]:
    """States of a registration, as organisers read them."""
    return {
        RegistrationState.unconfirmed: _("address not confirmed"),
        RegistrationState.asked: _("asked"),
        RegistrationState.maybe: _("maybe"),
        RegistrationState.coming: _("coming"),
        RegistrationState.declined: _("declined"),
        RegistrationState.waiting: _("on the waiting list"),
        RegistrationState.offered: _("a place is offered"),
        RegistrationState.refused: _("refused"),
        RegistrationState.attended: _("was there"),
        RegistrationState.absent: _("did not come"),
    }


def reminder_names() -> dict[str, str]:
    return {
        ReminderKind.reminder: _("Reminder"),
        ReminderKind.thanks: _("Thanks, with the minutes"),
        ReminderKind.survey: _("Invitation to the survey"),
    }


def question_names() -> dict[str, str]:
    return {
        SurveyKind.scale: _("From 1 to 5"),
        SurveyKind.choice: _("One of several answers"),
        SurveyKind.text: _("Own words"),
    }


def distance_words(minutes: int) -> str:
    """ "3 days before the beginning", "1 day after the end"."""
    days, rest = divmod(abs(minutes), 24 * 60)
    hours = rest // 60
    parts = [
        *([ngettext("%(num)s day", "%(num)s days", days)] if days else []),
        *([ngettext("%(num)s hour", "%(num)s hours", hours)] if hours or not days else []),
    ]
    span = " ".join(parts)
    return _("%(span)s before the beginning", span=span) if minutes < 0 else _("%(span)s after the end", span=span)


class Standing(StrEnum):
    """How a meeting stands for somebody who thinks of coming."""

    cancelled = "cancelled"
    over = "over"
    #: No registration: people simply come.
    open_door = "open_door"
    invited_only = "invited_only"
    not_yet = "not_yet"
    closed = "closed"
    free = "free"
    full = "full"


@dataclass(frozen=True)
class State:
    """A word about it, with its tone and the sentence that says more."""

    standing: Standing
    label: str
    tone: str


def state_of(meeting: Meeting, taken: int, now: datetime) -> State:
    """Cancelled and over before everything else; then whether there is still a way in."""
    zone = ZoneInfo(meeting.zone)
    if meeting.state == MeetingState.cancelled:
        return State(Standing.cancelled, _("Cancelled"), "danger")
    if meeting.is_over(now):
        return State(Standing.over, _("Over"), "neutral")
    if meeting.registration == RegistrationMode.nobody:
        return State(Standing.open_door, _("No registration needed"), "success")
    if meeting.registration == RegistrationMode.invited:
        return State(Standing.invited_only, _("By invitation"), "neutral")
    opens, closes = meeting.registration_opens_at, meeting.registration_closes_at
    if opens is not None and now < opens:
        day = format_weekday(opens.astimezone(zone))
        return State(Standing.not_yet, _("Registration opens on %(day)s", day=day), "info")
    if meeting.starts_at <= now or (closes is not None and closes <= now):
        return State(Standing.closed, _("Registration closed"), "neutral")
    if meeting.capacity is None:
        return State(Standing.free, _("Places free"), "success")
    left = meeting.capacity - taken
    if left <= 0:
        return State(Standing.full, _("Full, waiting list"), "warning")
    if left < FEW_PLACES:
        return State(Standing.free, ngettext("%(num)s place free", "%(num)s places free", left), "success")
    return State(Standing.free, _("Places free"), "success")


@dataclass(frozen=True)
class DateBlock:
    """A day as a leaf of a wall calendar shows it."""

    weekday: str
    day: str
    month: str
    year: str


def date_block(meeting: Meeting) -> DateBlock:
    local: date = meeting.starts_at.astimezone(ZoneInfo(meeting.zone)).date()
    lang = language()
    weekday, month = format_date(local, "EEE", locale=lang), format_date(local, "LLL", locale=lang)
    return DateBlock(weekday.rstrip("."), str(local.day), month.rstrip("."), str(local.year))
