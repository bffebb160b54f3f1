"""Hours that were promised are hours of working days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from config import SettingsError, settings
from consult.moderation.promise import late_before
from consult.workdays import closed_days
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


@pytest.fixture
def holidays(app, monkeypatch):
    """Set what counts as closed."""

    def choose(state="none", *days):
        monkeypatch.setitem(app.config, "HOLIDAYS", state)
        monkeypatch.setitem(app.config, "CLOSED_DAYS", days)

    return choose


def test_easter_monday_and_the_citys_own_days_do_not_count(session, holidays):
    town = make_town(moderation_hours=24)
    # Easter 2026: Friday 3 April to Monday 6 April.
    tuesday = datetime(2026, 4, 7, 10, 0, tzinfo=BERLIN)
    holidays("DE")
    assert late_before(town.process, tuesday) == datetime(2026, 4, 2, 10, 0, tzinfo=BERLIN)
    holidays("DE", "04-02", "2026-04-01", "2025-03-31")
    assert late_before(town.process, tuesday) == datetime(2026, 3, 31, 10, 0, tzinfo=BERLIN)
    holidays("none")
    assert late_before(town.process, tuesday) == datetime(2026, 4, 6, 10, 0, tzinfo=BERLIN)


def test_a_hundred_closed_days_on_end_find_an_end(session, holidays):
    town = make_town(moderation_hours=24)
    days = [date(2026, 2, 1) + timedelta(days=number) for number in range(100)]
    holidays("none", *(f"{day:%m-%d}" for day in days))
    monday = datetime(2026, 5, 12, 10, 0, tzinfo=BERLIN)
    assert late_before(town.process, monday) == datetime(2026, 1, 30, 10, 0, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("state", "number", "among"),
    [
        ("DE", 9, "2026-05-14"), ("NW", 11, "2026-06-04"), ("BY", 12, "2026-01-06"), ("BW", 12, "2026-11-01"),
        ("BE", 10, "2026-03-08"), ("BB", 10, "2026-10-31"), ("HE", 10, "2026-06-04"), ("MV", 11, "2026-03-08"),
        ("SL", 12, "2026-08-15"), ("SN", 11, "2026-11-18"), ("TH", 11, "2026-09-20"), ("ST", 11, "2026-01-06"),
        ("RP", 11, "2026-11-01"), ("HH", 10, "2026-10-31"), ("none", 0, None),
    ],
)  # fmt: skip
def test_each_state_has_its_holidays(state, number, among):
    days = closed_days(2026, state, ())
    assert len(days) == number
    assert among is None or date.fromisoformat(among) in days


@pytest.mark.parametrize("year", [2024, 2028, 2034])
def test_the_day_of_repentance_is_the_wednesday_before_the_twenty_third(year):
    day = max(closed_days(year, "SN", ()) - closed_days(year, "TH", ()))
    assert day.weekday() == 2
    assert date(year, 11, 16) <= day <= date(year, 11, 22)


def test_the_last_of_february_is_closed_only_where_there_is_one():
    assert closed_days(2028, "none", ("02-29",)) == {date(2028, 2, 29)}
    assert closed_days(2027, "none", ("02-29",)) == frozenset()


@pytest.mark.parametrize(
    "wrong", [{"HOLIDAYS": "Bayern"}, {"CLOSED_DAYS": "24.12."}, {"CLOSED_DAYS": "20261224"}, {"CLOSED_DAYS": "02-30"},
              {"CLOSED_DAYS": ",".join(["12-24"] * 101)}],
)  # fmt: skip
def test_a_wrong_day_or_state_stops_the_start(wrong):
    with pytest.raises(SettingsError):
        settings({"CONSULT_ENV": "test", **wrong})


def test_a_state_may_be_written_as_the_standard_does():
    assert settings({"CONSULT_ENV": "test", "HOLIDAYS": "de-nw"})["HOLIDAYS"] == "NW"


def test_the_hour_the_clock_goes_back_is_one_of_a_sunday(session):
    # The night to Sunday 25 October has an hour more.
    town = make_town(moderation_hours=24)
    monday = datetime(2026, 10, 26, 9, 0, tzinfo=BERLIN).astimezone(UTC)
    assert late_before(town.process, monday) == datetime(2026, 10, 23, 9, 0, tzinfo=BERLIN).astimezone(UTC)
