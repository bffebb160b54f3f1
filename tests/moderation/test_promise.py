"""Hours that were promised are hours of working days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from consult.moderation.promise import late_before
from tests.contributions.factories import make_town

BERLIN = ZoneInfo("Europe/Berlin")


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """A day of June 2026: the first is a Monday."""
    return datetime(2026, 6, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "hours", "bound"),
    [
        (local(4, 10), 24, local(3, 10)),
        (local(6, 12), 24, local(5, 0)),
        (local(7, 23), 24, local(5, 0)),
        (local(8, 0), 24, local(5, 0)),
        (local(8, 10), 24, local(5, 10)),
        (local(9, 0), 24, local(6, 0)),
        (local(9, 1), 24, local(8, 1)),
        (local(8, 10), 48, local(4, 10)),
        (local(15, 10), 6 * 24, local(5, 10)),
    ],
)
def test_weekends_do_not_count(session, now, hours, bound):
    town = make_town(moderation_hours=hours)
    assert late_before(town.process, now) == bound


def test_what_came_on_saturday_is_late_when_a_whole_working_day_went_by(session):
    town = make_town(moderation_hours=24)
    saturday = local(6, 12)
    assert saturday >= late_before(town.process, local(7, 20))
    assert saturday >= late_before(town.process, local(9, 0))
    assert saturday < late_before(town.process, local(9, 0) + timedelta(minutes=1))


def test_twice_the_promise_is_counted_in_working_days_too(session):
    town = make_town(moderation_hours=24)
    assert late_before(town.process, local(9, 10), 2) == local(5, 10)


def test_the_hour_the_clock_goes_back_is_one_of_a_sunday(session):
    # The night to Sunday 25 October has an hour more.
    town = make_town(moderation_hours=24)
    monday = datetime(2026, 10, 26, 9, 0, tzinfo=BERLIN).astimezone(UTC)
    assert late_before(town.process, monday) == datetime(2026, 10, 23, 9, 0, tzinfo=BERLIN).astimezone(UTC)
