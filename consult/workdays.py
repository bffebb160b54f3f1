"""Which days count where hours or turns of working days were promised: holidays differ from state to state."""

from datetime import date, timedelta
from functools import cache

from dateutil.easter import easter
from flask import current_app

SATURDAY = 5

#: Holidays of all Germany: on fixed days (month, day), and so many days after Easter Sunday.
_FIXED = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
_AFTER_EASTER = {-2, 1, 39, 50}

#: Those of some states, and which.
_FIXED_IN = {
    (1, 6): {"BW", "BY", "ST"},
    (3, 8): {"BE", "MV"},
    (8, 15): {"SL"},
    (9, 20): {"TH"},
    (10, 31): {"BB", "HB", "HH", "MV", "NI", "SN", "ST", "SH", "TH"},
    (11, 1): {"BW", "BY", "NW", "RP", "SL"},
}
_CORPUS_CHRISTI, _CORPUS_CHRISTI_IN = 60, {"BW", "BY", "HE", "NW", "RP", "SL"}
_REPENTANCE_IN = {"SN"}


@cache
def closed_days(year: int, state: str, own: tuple[str, ...]) -> frozenset[date]:
    """The holidays of a year in a German state ("DE": of all Germany; "none": none), and the city's own closed days."""
    days = {date(year, int(day[-5:-3]), int(day[-2:])) for day in own if _in_year(day, year)}
    if state != "none":
        fixed = _FIXED | {day for day, states in _FIXED_IN.items() if state in states}
        moving = _AFTER_EASTER | ({_CORPUS_CHRISTI} if state in _CORPUS_CHRISTI_IN else set())
        days |= {date(year, month, day) for month, day in fixed}
        days |= {easter(year) + timedelta(days=after) for after in moving}
        if state in _REPENTANCE_IN:
            # The Wednesday before 23 November.
            before = date(year, 11, 22)
            days.add(before - timedelta(days=(before.weekday() - 2) % 7))
    return frozenset(days)


def _in_year(day: str, year: int) -> bool:
    """`2026-12-24`, or `12-24` for every year that has this day."""
    if len(day) > len("12-24"):
        return day.startswith(f"{year:04}-")
    return day != "02-29" or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def is_workday(day: date) -> bool:
    """Whether this is a day on which somebody works: by HOLIDAYS and CLOSED_DAYS of the instance."""
    closed = closed_days(day.year, current_app.config["HOLIDAYS"], current_app.config["CLOSED_DAYS"])
    return day.weekday() < SATURDAY and day not in closed
