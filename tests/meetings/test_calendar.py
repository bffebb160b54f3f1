"""Calendar entries: parsed back they say what the meeting says, whatever its texts contain."""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event

from consult.html import clean_line, clean_text
from consult.meetings import calendar
from consult.meetings.calendar import Dated
from consult.meetings.models import Meeting
from consult.meetings.operations import utc_of
from tests.client import Browser
from tests.meetings.factories import SATURDAY, ZONE, make_circle
from tests.outbox.test_mail_form import payloads

NASTY = [
    'Treffen; mit, "Zeichen" \\ und mehr',
    "A\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:falsch",
    "A\nATTENDEE:mailto:evil@example.org",
    "\\nORGANIZER:mailto:evil@example.org",
    "BEGIN:VALARM\\;ACTION:EMAIL",
    "ü" * 290,
    "x" * 74 + "ß" * 40,
    "\u2028ATTACH:http://evil.example",
    "\x85METHOD:CANCEL",
    "\x0bX:1\x0cY:2\x1bZ",
    "أهلا وسهلا; 欢迎, \U0001f600",
    "=?utf-8?q?x?=",
    "^n^'",
    "  Leerzeichen  ",
]
if os.environ.get("CONSULT_FAULTS") == "full":
    # Neither half characters nor NUL are ever in the database.
    NASTY += [payload.replace("\x00", "").encode("utf-8", "ignore").decode()[:300] or "x" for payload in payloads()]


def meeting(**fields: Any) -> Meeting:
    values: dict[str, Any] = {
        "id": 7, "process_id": 1, "kind": "group_session", "title": "4. Treffen", "description": "", "zone": ZONE,
        "starts_at": utc_of(SATURDAY, ZONE), "ends_at": utc_of(SATURDAY.replace(hour=13), ZONE), "wall_start": "",
        "time_known": True, "place": "", "state": "planned", "sequence": 0, **fields,
    }  # fmt: skip
    return Meeting(**values)


def written(it: Meeting, **fields: Any) -> bytes:
    return calendar.entry(
        it, public_url="https://mitreden.example.org:8443", page_url="https://x.example/m/7", **fields
    )


def event_of(data: bytes) -> Any:
    events = [part for part in Calendar.from_ical(data).subcomponents if isinstance(part, Event)]
    assert len(events) == 1
    return events[0]


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("where", ["title", "place", "organiser", "guest", "description"])
def test_nasty_texts_stay_texts(session: Any, nasty: str, where: str) -> None:
    data = written(
        meeting(**{where: nasty} if where in ("title", "place") else {}),
        method=calendar.REQUEST,
        description=nasty if where == "description" else "Beschreibung",
        organiser=("stadt@example.org", nasty if where == "organiser" else "Stadt"),
        attendee=("gast@example.org", nasty if where == "guest" else "Gast"),
    )
    # As naive readers see it: one event, one guest, one method, nothing else.
    lines = data.replace(b"\r\n ", b"").decode().split("\r\n")
    names = [line.partition(":")[0].partition(";")[0] for line in lines if line]
    for name in ("METHOD", "SUMMARY", "ATTENDEE", "ORGANIZER", "UID", "DESCRIPTION", "STATUS"):
        assert names.count(name) == 1, name
    assert not {"VALARM", "ATTACH", "X", "Y", "Z"} & set(names)
    event = event_of(data)
    if where in ("title", "place"):
        assert str(event["summary" if where == "title" else "location"]) == clean_line(nasty)
    if where == "description":
        assert str(event["description"]).startswith(clean_text(nasty).strip())
    assert str(event["attendee"]) == "mailto:gast@example.org"
    assert str(event["organizer"]) == "mailto:stadt@example.org"
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert Calendar.from_ical(Calendar.from_ical(data).to_ical()) == Calendar.from_ical(data)


def test_identity_sequence_and_method(session: Any) -> None:
    event = event_of(written(meeting(sequence=3)))
    assert str(event["uid"]) == "meeting-7@mitreden.example.org"
    assert event["sequence"] == 3
    assert str(Calendar.from_ical(written(meeting(), method=calendar.CANCEL))["method"]) == "CANCEL"
    assert str(event_of(written(meeting(), method=calendar.CANCEL))["status"]) == "CANCELLED"
    assert str(event_of(written(meeting(state="cancelled")))["status"]) == "CANCELLED"


def test_the_public_entry_names_nobody(session: Any, browser: Browser) -> None:
    circle = make_circle()
    response = browser.get(circle.meeting_path("/meeting.ics")).response
    assert response.mimetype == "text/calendar"
    assert "attachment" in response.headers["Content-Disposition"]
    event = event_of(response.data)
    assert "attendee" not in event
    assert "organizer" not in event
    assert event["dtstart"].dt == circle.meeting.starts_at


def test_the_time_is_local_with_its_zone_and_the_zone_says_when_clocks_change(session: Any) -> None:
    data = written(meeting())
    assert b"DTSTART;TZID=Europe/Berlin:20260502T100000" in data
    zones = [part for part in Calendar.from_ical(data).subcomponents if part.name == "VTIMEZONE"]
    assert len(zones) == 1
    # The switches as the law has them: at two in the morning forward, at three back.
    assert b"DTSTART:20260329T020000" in data
    assert b"DTSTART:20261025T030000" in data
    assert len(data) < 2500


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "UTC", "Australia/Lord_Howe"])
@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_another_program_that_knows_only_the_entry_finds_the_same_moment(session: Any, zone: str, month: int) -> None:
    """The zone part alone, read as RFC 5545 says, gives the offset that the zone database gives."""
    wall = datetime(2026, month, 15, 18, 0)  # noqa: DTZ001
    component = calendar.zone_component(zone, 2026)
    past = [part for part in component.subcomponents if part["dtstart"].dt <= wall]
    newest = max(past, key=lambda part: part["dtstart"].dt)
    assert newest["tzoffsetto"].td == wall.replace(tzinfo=ZoneInfo(zone)).utcoffset()


def test_where_only_the_day_is_known_the_entry_is_a_whole_day(session: Any) -> None:
    start = utc_of(datetime(2026, 5, 9), ZONE)  # noqa: DTZ001
    event = event_of(written(meeting(time_known=False, starts_at=start, ends_at=start + timedelta(days=1))))
    assert (event["dtstart"].dt, event["dtend"].dt) == (date(2026, 5, 9), date(2026, 5, 10))


def test_the_stamp_is_in_utc(session: Any) -> None:
    assert event_of(written(meeting()))["dtstamp"].dt.tzinfo in (UTC, ZoneInfo("UTC"))


def test_no_title_of_a_calendar_takes_the_place_of_its_first_event(session: Any) -> None:
    it = Dated(meeting(), page_url="https://x.example/m/7", description="", stamp=datetime(2026, 1, 1, tzinfo=UTC))
    data = calendar.feed("BEGIN:VEVENT", [it], public_url="https://mitreden.example.org")
    assert str(Calendar.from_ical(data)["x-wr-calname"]) == "BEGIN:VEVENT"
    assert event_of(data)["dtstart"].dt == it.meeting.starts_at
    assert data.index(b"BEGIN:VTIMEZONE") > data.index(b"X-WR-CALNAME:BEGIN:VEVENT")
