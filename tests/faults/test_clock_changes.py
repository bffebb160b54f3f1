"""REL-C9: a whole year of ticks, in cities whose clocks change in other nights, by other amounts, or never.

What is due is asked anew at each tick of the worker; nothing is scheduled ahead, so no night can skip or repeat it.
That meetings, reminders, stages and the nightly purge live through these nights is tested beside each of them.
"""

import os
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consult.digests import operations, queries
from consult.jobs import Job
from tests.factories import make_process
from worker.schedule import TICKS

pytestmark = pytest.mark.faults

#: Half an hour only, at midnight, on the other half of the earth, never.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "America/Santiago", "UTC")
TICK = timedelta(seconds=TICKS[Job.digests])
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), TICK)
#: In the suite the nights when Berlin's clocks change, at longer steps.
NIGHTS = [
    (datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC), TICK * 6),
    (datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC), TICK * 6),
]


def promised(zone: str, start: datetime, end: datetime, tick: timedelta) -> dict[str, datetime]:
    """For each day of the city the first tick from five o'clock on, as a calendar on the wall says it."""
    found: dict[str, datetime] = {}
    day = start.astimezone(ZoneInfo(zone)).date()
    while (five := datetime.combine(day, time(5), ZoneInfo(zone)).astimezone(UTC)) < end:
        late = max(five, start) - start
        found[day.isoformat()] = start + -(-late // tick) * tick
        day += timedelta(days=1)
    return {day: moment for day, moment in found.items() if moment < end}


@pytest.mark.parametrize(
    ("start", "end", "tick"), [YEAR] if os.environ.get("CONSULT_FAULTS") == "full" else NIGHTS
)  # fmt: skip
def test_every_day_of_every_city_has_one_digest_at_its_hour(
    session: Any, record_property: Any, start: datetime, end: datetime, tick: timedelta
) -> None:
    processes = {make_process(zone=zone).id: zone for zone in ZONES}
    made: dict[str, list[tuple[str, datetime]]] = {zone: [] for zone in ZONES}
    head, ticks, moment = 0, 0, start
    while moment < end:
        for process in queries.due(moment):
            head += 1
            digest = operations.compile(process, head, moment)
            assert digest is not None
            made[processes[process.id]].append((digest.local_date.isoformat(), moment))
        moment, ticks = moment + tick, ticks + 1
    wanted = {zone: promised(zone, start, end, tick) for zone in ZONES}
    twice = sum(count - 1 for days in made.values() for count in Counter(day for day, _at in days).values())
    record_property("trials", sum(len(days) for days in wanted.values()))
    record_property("lost", sum(len(wanted[zone].keys() - dict(made[zone]).keys()) for zone in ZONES))
    record_property("duplicates", twice)
    record_property("ticks", f"{ticks} of {tick.seconds} s, {len(ZONES)} cities")
    record_property("digests of Berlin", len(made["Europe/Berlin"]))
    assert {zone: days for zone, days in made.items() if days != list(wanted[zone].items())} == {}
