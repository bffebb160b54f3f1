"""Until when people register for a meeting, and until when they change what they said: needs, answers, their name."""

from datetime import datetime

from flask_babel import gettext as _

from consult.meetings.mailing import until_words
from consult.meetings.models import Meeting, MeetingState, Registration, RegistrationState

#: Who is counted on, or is to be: what they said is planned with.
_REGISTERED = (RegistrationState.coming, RegistrationState.waiting, RegistrationState.asked)


def closes_at(meeting: Meeting) -> datetime:
    """Until when people register."""
    if meeting.registration_closes_at is None:
        return meeting.starts_at
    return min(meeting.registration_closes_at, meeting.starts_at)


def changes_end_at(meeting: Meeting) -> datetime:
    """Until when who is registered changes what they said. That they do not come is said until the meeting begins."""
    if meeting.changes_until is None:
        return closes_at(meeting)
    return min(meeting.changes_until, meeting.starts_at)


def may_change(meeting: Meeting, now: datetime) -> bool:
    """Whether who is registered may change what they said."""
    return meeting.state == MeetingState.planned and now < changes_end_at(meeting)


def changes_apart(meeting: Meeting, now: datetime) -> bool:
    """Whether what was said may still be changed, until another moment than people register."""
    return may_change(meeting, now) and changes_end_at(meeting) != closes_at(meeting)


def stands(meeting: Meeting, registration: Registration, now: datetime) -> bool:
    """Whether what this person said can no longer be changed. Who takes an offered place, or comes after all, says it
    anew; and so does a deputy who took over a place in the queue and was never asked."""
    if may_change(meeting, now) or registration.state not in _REGISTERED:
        return False
    silent = registration.state == RegistrationState.waiting and registration.needs is None
    return not (silent and registration.deputy_for_id is not None)


def too_late(meeting: Meeting) -> str:
    """Why it cannot be changed, and whom to write to."""
    return _(
        "What you entered could be changed until %(until)s. Please write to the organisers.",
        until=until_words(changes_end_at(meeting), meeting),
    )


def changes_told(meeting: Meeting, now: datetime) -> str:
    """A sentence for those who registered; empty where they may change everything until the meeting begins."""
    end = changes_end_at(meeting)
    if end >= meeting.starts_at:
        return ""
    if now >= end:
        return _(
            "What you enter there counts and can no longer be changed afterwards. "
            "Until the meeting begins you can say that you do not come."
        )
    return _(
        "What you enter there can be changed until %(until)s. "
        "Until the meeting begins you can say that you do not come.",
        until=until_words(end, meeting),
    )
