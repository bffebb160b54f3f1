"""The one clock. Everything that asks for the time asks here, so that tests can set it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment, aware, UTC, to the microsecond."""
    return datetime.now(UTC)


def local_date(moment: datetime, zone: str) -> date:
    """The calendar date that `moment` has in `zone`."""
    return moment.astimezone(ZoneInfo(zone)).date()


def local_hour(moment: datetime, zone: str) -> int:
    """The hour that clocks in `zone` show at `moment`."""
    return moment.astimezone(ZoneInfo(zone)).hour


def start_of_day(day: date, zone: str) -> datetime:
    """Midnight at which `day` begins in `zone`, as UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def end_of_day(day: date, zone: str) -> datetime:
    """Midnight at which `day` ends (exclusive end of a half-open interval), as UTC."""
    return start_of_day(day + timedelta(days=1), zone)


def from_local(wall: datetime, zone: str) -> datetime:
    """UTC for a naive wall time in `zone`; a time the clock skips in spring moves forward by the hour skipped."""
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
