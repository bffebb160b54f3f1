"""Forms that show a whole meeting or its whole agenda: whoever saves one says what stood there when they opened it.

Else the second of two organisers would put the old place back, and guests would be told of it.
"""

from collections.abc import Sequence
from dataclasses import astuple

from consult.meetings import base, queries
from consult.meetings.models import AgendaItem, Meeting
from consult.meetings.operations import AgendaPoint, plan_of
from consult.meetings.room import lock


def mark_of_meeting(meeting: Meeting) -> str:
    """Stands for exactly what the form shows of it."""
    return base.mark_of([astuple(plan_of(meeting))])


def meeting_as_seen(meeting: Meeting, seen: str) -> None:
    """Hold the meeting until the commit. Raises `Conflict` when somebody has changed it since it was seen."""
    lock(meeting)
    base.refuse_stale(seen, mark_of_meeting(meeting), (), ())


def mark_of_agenda(items: Sequence[AgendaItem]) -> str:
    """Stands for exactly these items."""
    return base.mark_of((item.id, item.title, item.element_id, item.internal) for item in items)


def agenda_as_seen(meeting: Meeting, seen: str, points: Sequence[AgendaPoint]) -> None:
    """The same for the agenda, which is to become `points`."""
    lock(meeting)
    stored = queries.agenda_of(meeting.id, with_internal=True)
    base.refuse_stale(seen, mark_of_agenda(stored), (p.title for p in points), (item.title for item in stored))
