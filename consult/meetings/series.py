"""Meetings that repeat: announced together, changed and cancelled one by one or from one of them on."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.errors import Refused
from consult.extensions import db
from consult.i18n import format_weekday
from consult.meetings import operations
from consult.meetings.models import Meeting, MeetingSeries, MeetingState
from consult.meetings.operations import Arrangement, plan_of
from consult.processes.models import Process

#: A year of weekly meetings.
MOST = 52
_MOMENTS = ("registration_opens_at", "registration_closes_at", "changes_until")


class Every(StrEnum):
    week = "week"
    two_weeks = "two_weeks"
    month = "month"


def days_of(first: date, every: Every, times: int) -> list[date]:
    """The days, the first included. Raises `Refused` and names the months that have no such day."""
    if every != Every.month:
        step = timedelta(weeks=1 if every == Every.week else 2)
        return [first + step * number for number in range(times)]
    found, missing = [], []
    for number in range(times):
        year, month = divmod(first.month - 1 + number, 12)
        year, month = first.year + year, month + 1
        if first.day <= monthrange(year, month)[1]:
            found.append(date(year, month, first.day))
        else:
            missing.append(f"{month}/{year}")
    if missing:
        raise Refused(
            _(
                "These months have no day %(day)s: %(months)s. Please choose another day, or fewer repetitions.",
                day=first.day,
                months=", ".join(missing),
            )
        )
    return found


def _shifted(plan: Arrangement, days: timedelta) -> Arrangement:
    """The same on another day: on the clock at the place, whatever happens to the clocks between."""
    zone = ZoneInfo(plan.zone)
    moments: dict[str, Any] = {
        name: clock.from_local(moment.astimezone(zone).replace(tzinfo=None) + days, plan.zone)
        for name in _MOMENTS
        if (moment := getattr(plan, name)) is not None
    }
    return replace(plan, wall_start=plan.wall_start + days, wall_end=plan.wall_end + days, **moments)


def _check_hours(plans: Sequence[Arrangement]) -> None:
    """Raises `Refused` and names every day on which the clock skips the hour."""
    skipped = []
    for plan in plans:
        try:
            operations.utc_of(plan.wall_start, plan.zone)
            operations.utc_of(plan.wall_end, plan.zone)
        except Refused:
            skipped.append(format_weekday(plan.wall_start.date()))
    if skipped:
        raise Refused(
            _(
                "This hour does not exist on these days, because the clocks go forward: %(days)s",
                days="; ".join(skipped),
            )
        )


def announce(
    process: Process, plan: Arrangement, every: Every, times: int, actor: Person | None, now: datetime | None = None
) -> list[Meeting]:
    """Announce a meeting and its repetitions, `times` in all, each at the same hour on the clock.

    Raises `Refused` before anything is written when one of the days or hours does not exist.
    """
    if not 2 <= times <= MOST:
        raise Refused(_("A series has 2 to %(most)s meetings.", most=MOST))
    first = plan.wall_start.date()
    plans = [_shifted(plan, day - first) for day in days_of(first, every, times)]
    _check_hours(plans)
    series = MeetingSeries(process_id=process.id, title=plan.title[:300], created_at=now or clock.now())
    db.session.add(series)
    db.session.flush()
    return [operations.create(process, one, actor, series_id=series.id, now=now) for one in plans]


def following(meeting: Meeting, now: datetime | None = None) -> list[Meeting]:
    """What comes after this one in its series and can still be changed, in order."""
    if meeting.series_id is None:
        return []
    return list(
        db.session.scalars(
            select(Meeting)
            .where(
                Meeting.series_id == meeting.series_id,
                Meeting.starts_at > meeting.starts_at,
                Meeting.id != meeting.id,
                Meeting.ends_at > (now or clock.now()),
                Meeting.state == MeetingState.planned,
            )
            .order_by(Meeting.id)
        )
    )


def _same_change(before: Arrangement, after: Arrangement, other: Arrangement) -> Arrangement:
    """`other` with what is different between `before` and `after`; what was changed for it alone stays."""
    different = {
        one.name: getattr(after, one.name)
        for one in fields(Arrangement)
        if getattr(after, one.name) != getattr(before, one.name)
    }
    days = other.wall_start.date() - before.wall_start.date()
    moved = _shifted(after, days)
    for name in ("wall_start", "wall_end", *_MOMENTS):
        if name in different:
            different[name] = getattr(moved, name)
    if "wall_start" in different or "wall_end" in different:
        different |= {"wall_start": moved.wall_start, "wall_end": moved.wall_end}
    return replace(other, **different)


def change_with_following(
    meeting: Meeting, plan: Arrangement, actor: Person, now: datetime | None = None
) -> list[Meeting]:
    """Change this one, and in the same way what follows; returns those whose guests have to know.

    Raises `Refused` when one of the new times cannot be; then nothing is changed.
    """
    before, rest = plan_of(meeting), following(meeting, now)
    plans = [_same_change(before, plan, plan_of(other)) for other in rest]
    _check_hours([plan, *plans])
    told = []
    for one, its_plan in zip([meeting, *rest], [plan, *plans], strict=True):
        if operations.change(one, its_plan, actor):
            told.append(one)
    return told


def cancel_with_following(meeting: Meeting, actor: Person, now: datetime | None = None) -> list[Meeting]:
    """Call off this one and what follows; returns those that were called off."""
    rest = following(meeting, now)
    for one in (meeting, *rest):
        operations.cancel(one, actor, now)
    return [meeting, *rest]
