"""From when people are checked in: a day before the meeting, or from the moment somebody opened the door early."""

from datetime import datetime, timedelta

from flask_babel import gettext as _

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.meetings.models import Meeting, MeetingState
from consult.meetings.room import lock

#: From when before a meeting somebody can be checked in: nobody is there by mistake a week early.
OPENS_BEFORE = timedelta(hours=24)


def by_itself_at(meeting: Meeting) -> datetime:
    """From when it is open without anybody's doing."""
    return meeting.starts_at - OPENS_BEFORE


def opens_at(meeting: Meeting) -> datetime:
    """From when people can be checked in."""
    by_itself = by_itself_at(meeting)
    return by_itself if meeting.door_opened_at is None else min(meeting.door_opened_at, by_itself)


def is_open(meeting: Meeting, now: datetime) -> bool:
    return meeting.state != MeetingState.cancelled and now >= opens_at(meeting)


def open_early(meeting: Meeting, actor: Person, now: datetime) -> None:
    """People can be checked in from now on. Where they can already, nothing changes.

    Raises `Refused` when the meeting is cancelled.
    """
    lock(meeting)
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if is_open(meeting, now):
        return
    meeting.door_opened_at = now
    db.session.flush()
    record(Action.door_opened, actor.id, meeting, process_id=meeting.process_id)


def shut_again(meeting: Meeting, actor: Person, now: datetime) -> None:
    """It was too early: open a day before, as ever. Who was checked in meanwhile stays checked in.

    Raises `Refused` when the door is open by itself meanwhile.
    """
    lock(meeting)
    if now >= by_itself_at(meeting):
        raise Refused(_("From one day before the meeting on the door is open."))
    if meeting.door_opened_at is None:
        return
    meeting.door_opened_at = None
    db.session.flush()
    record(Action.door_shut, actor.id, meeting, process_id=meeting.process_id)
