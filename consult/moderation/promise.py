"""Until when moderators promised to have looked at something: so many hours, of working days."""

from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import and_, func, literal

from consult import clock
from consult.contributions.models import Contribution, State
from consult.processes.models import Process
from consult.workdays import is_workday


def late_before(process: Process, now: datetime, times: int = 1) -> datetime:
    """What arrived before this moment waits longer than `times` the hours promised to the public.

    Saturdays, Sundays, holidays and the city's own closed days, in the instance's time zone, do not count: nobody was
    promised to be read on them.
    """
    zone = current_app.config["TIMEZONE"]
    left, end = timedelta(hours=process.moderation_hours) * times, now
    while True:
        # A moment before: midnight belongs to the day that ends with it.
        day = clock.local_date(end - timedelta(microseconds=1), zone)
        start = clock.start_of_day(day, zone)
        if is_workday(day):
            if end - start > left:
                return end - left
            left -= end - start
        end = start


def waits_since() -> Any:
    """Since when a contribution waits, as an expression: with every edit the promise begins anew."""
    return func.coalesce(Contribution.edited_at, Contribution.created_at)


def is_late(process: Process, now: datetime) -> Any:
    """As a condition: this contribution waits longer than was promised."""
    # The coalesced value has lost its column's type: the moment is compared as that column stores it.
    promised = literal(late_before(process, now), Contribution.created_at.type)
    return and_(Contribution.state == State.pending, waits_since() < promised)
