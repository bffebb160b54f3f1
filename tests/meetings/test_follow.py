"""Calendars to subscribe to, read by two independent libraries: all that belongs in them, and nothing of others."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import vobject
from icalendar import Calendar

from consult import clock, pages
from consult.groups.models import GroupKind, Membership
from consult.html import clean_line
from consult.meetings import feeds, operations
from consult.meetings.models import Meeting, Registration
from consult.processes.models import Function
from tests.client import Browser
from tests.factories import flushed, make_group, make_person, make_stage
from tests.invitations.factories import invitation_of, invite
from tests.meetings.factories import AFTER, BEFORE, Circle, make_circle, make_meeting, plan

NASTY = [
    "Zeile\r\nATTENDEE:mailto:boese@example.org",
    "Ende\nEND:VEVENT\nBEGIN:VEVENT\nUID:zwei",
    "Komma, Strich; Rück\\strich: Punkt",
    "Sehr lang " + "äöü€😀 " * 45,
    "Zitat \"CN\";X=\"1\":mailto:x@example.org",
    "\u2028Absatz\u2029\u0085Zeile\x0bTab\tEnde",
    "^n^^'",
    "\u202eumgekehrt\u200b",
]  # fmt: skip


def both(data: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The events as icalendar and as vobject see them."""
    first = [
        {
            "uid": str(event["uid"]), "summary": str(event["summary"]), "location": str(event.get("location", "")),
            "description": str(event.get("description", "")), "status": str(event.get("status", "")),
            "start": event["dtstart"].dt, "url": str(event.get("url", "")), "sequence": event.get("sequence", 0),
        }
        for event in Calendar.from_ical(data).walk("VEVENT")
    ]  # fmt: skip
    # It remembers zones by their name from one file to the next; no program of a visitor does.
    vars(vobject.icalendar)["__tzidMap"].clear()
    second = []
    for event in vobject.readOne(data.decode()).contents.get("vevent", []):
        value = {name: parts[0].value for name, parts in event.contents.items()}
        second.append(
            {
                "uid": value["uid"], "summary": value["summary"], "location": value.get("location", ""),
                "description": value.get("description", ""), "status": value.get("status", ""),
                "start": value["dtstart"], "url": value.get("url", ""), "sequence": int(value.get("sequence", 0)),
            }
        )  # fmt: skip
    return first, second


def same(data: bytes) -> list[dict[str, Any]]:
    """Both agree; the events."""
    first, second = both(data)
    assert [{**one, "start": str(one["start"])[:10]} for one in first] == [
        {**one, "start": str(one["start"])[:10]} for one in second
    ]
    for one, other in zip(first, second, strict=True):
        if isinstance(one["start"], datetime):
            assert one["start"].astimezone(UTC) == other["start"].astimezone(UTC)
        else:
            assert one["start"] == other["start"]
    return first


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    return make_circle()


def personal(visitor: Browser, subject: int = 0) -> str:
    """Make a link and read its address from the page, as a path."""
    page = visitor.get("/my/dates")
    fields = {"csrf_token": page.form_fields("/my/dates/link")["csrf_token"], "subject": str(subject)}
    visitor.post("/my/dates/link", fields)
    shown = visitor.get("/my/dates").html.find("input", id=f"feed-{subject}")
    address = shown["value"]
    assert address.startswith("http://consult.test/calendar/")
    return str(address).removeprefix("http://consult.test")


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("where", ["title", "place", "description", "online_url"])
def test_whatever_is_typed_in_stays_one_event_and_reads_the_same(
    session: Any, circle: Circle, nasty: str, where: str
) -> None:
    setattr(circle.meeting, where, nasty)
    session.flush()
    data = feeds.of_group(circle.group)
    (event,) = same(data)
    expected = clean_line(nasty)
    if where == "title":
        assert event["summary"] == expected
    if where == "place":
        assert event["location"] == expected
    if where == "online_url":
        assert event["description"].endswith(expected)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    names = [line.partition(b":")[0].partition(b";")[0] for line in data.replace(b"\r\n ", b"").split(b"\r\n")]
    assert names.count(b"UID") == names.count(b"SUMMARY") == 1
    assert b"ATTENDEE" not in names


def test_the_calendar_of_a_process_has_its_stages_as_days_and_cancelled_meetings_struck_through(
    session: Any, browser: Browser, circle: Circle
) -> None:
    stage = make_stage(circle.process, title="Kommentieren", starts_at=BEFORE, ends_at=BEFORE + timedelta(days=3))
    gone = make_meeting(circle.process, title="Fällt aus", online_url="https://video.example.org/geheim")
    operations.cancel(gone, circle.lead, BEFORE)
    session.commit()
    response = browser.get(f"/p/{circle.process.slug}/calendar.ics").response
    assert response.mimetype == "text/calendar"
    events = {event["uid"].partition("@")[0]: event for event in same(response.data)}
    assert events[f"stage-{stage.id}"]["start"] == date(2026, 4, 18)
    assert events[f"meeting-{gone.id}"]["status"] == "CANCELLED"
    assert events[f"meeting-{gone.id}"]["sequence"] == 1
    assert events[f"meeting-{circle.meeting.id}"]["status"] == "CONFIRMED"
    assert b"video.example.org" not in response.data
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT4H" in response.data


def test_a_program_that_asks_again_gets_nothing_new_until_a_meeting_moves(
    session: Any, browser: Browser, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    address = f"/p/{circle.process.slug}/calendar.ics"
    first = browser.get(address).response
    at(BEFORE + timedelta(hours=5))
    again = {"If-None-Match": first.headers["ETag"]}
    assert browser.client.get(address, headers=again).status_code == 304
    operations.change(circle.meeting, plan(place="Rathaus", group_id=circle.group.id), circle.lead)
    session.commit()
    moved = browser.client.get(address, headers=again)
    assert moved.status_code == 200
    (event,) = same(moved.data)
    assert (event["location"], event["sequence"]) == ("Rathaus", 1)


def test_years_of_meetings_keep_their_hours_through_all_changes_of_clocks(
    session: Any, browser: Browser, circle: Circle
) -> None:
    for year in (2025, 2027):
        wall = datetime(year, 7, 1, 18, 0)  # noqa: DTZ001
        operations.create(circle.process, plan(wall_start=wall, wall_end=wall.replace(hour=20)), None)
    session.commit()
    data = browser.get(f"/p/{circle.process.slug}/calendar.ics").response.data
    assert len(same(data)) == 3
    assert data.count(b"BEGIN:VTIMEZONE") == 1


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, 3, 0), datetime(2026, 10, 25, 2, 30)])  # noqa: DTZ001
def test_meetings_in_the_nights_of_the_change_stand_at_their_true_moment(
    session: Any, circle: Circle, day: datetime
) -> None:
    meeting = operations.create(
        circle.process, plan(wall_start=day, wall_end=day.replace(hour=5), group_id=circle.group.id), None
    )
    event = next(one for one in same(feeds.of_group(circle.group)) if one["uid"].startswith(f"meeting-{meeting.id}@"))
    assert event["start"].astimezone(UTC) == meeting.starts_at


def test_my_dates_are_where_i_am_invited_where_i_come_and_what_my_groups_do(
    session: Any, browser_of: Callable[..., Browser], browser: Browser, circle: Circle
) -> None:
    person = circle.citizen
    person.email = "citizen@example.org"
    invited = circle.meeting
    comes = make_meeting(circle.process, title="Komme", online_url="https://video.example.org/komme")
    declined = make_meeting(circle.process, title="Komme nicht")
    make_meeting(circle.process, title="Fremd")
    flushed(Registration(meeting_id=comes.id, person_id=person.id, state="coming"))
    flushed(Registration(meeting_id=declined.id, person_id=person.id, state="declined"))
    invited.online_url = "https://video.example.org/noch-nicht"
    invite(circle, "citizen@example.org")
    own = make_group(circle.process, Function.working, person, kind=GroupKind.working_group, name="Meine AG")
    session_of_group = make_meeting(circle.process, title="AG", group_id=own.id)
    session.commit()
    visitor = browser_of(person)
    path = personal(visitor)
    response = browser.get(path).response
    events = {event["summary"]: event for event in same(response.data)}
    assert set(events) == {"4. Treffen", "Komme", "AG"}
    assert "video.example.org/komme" in events["Komme"]["description"]
    assert b"noch-nicht" not in response.data
    assert response.headers["Cache-Control"] == "private, no-cache"
    shown = visitor.get("/my/dates")
    assert all(title in shown.text for title in ("4. Treffen", "Komme", "AG"))
    assert "Fremd" not in shown.text
    assert browser.client.get(path, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    # Saying no to the group's meeting takes it out.
    flushed(Registration(meeting_id=session_of_group.id, person_id=person.id, state="declined"))
    invitation_of("citizen@example.org").state = "declined"
    session.commit()
    assert {one["summary"] for one in same(browser.get(path).response.data)} == {"Komme"}


def test_a_new_link_makes_the_old_one_dead_and_switching_off_leaves_none(
    session: Any, browser_of: Callable[..., Browser], browser: Browser, circle: Circle
) -> None:
    session.commit()
    visitor = browser_of(circle.member)
    mine, groups = personal(visitor), personal(visitor, circle.group.id)
    newer = personal(visitor)
    browser.get(mine, 404)
    browser.get(newer)
    # The one of the group is another link.
    browser.get(groups)
    visitor.submit("/my/dates/end", {"subject": str(circle.group.id)}, form_at="/my/dates")
    browser.get(groups, 404)
    browser.get(newer)


def test_the_calendar_of_a_group_opens_for_members_only_and_closes_when_they_leave(
    session: Any, browser_of: Callable[..., Browser], browser: Browser, circle: Circle
) -> None:
    circle.meeting.online_url = "https://video.example.org/kreis"
    session.commit()
    path = personal(browser_of(circle.member), circle.group.id)
    assert "video.example.org/kreis" in same(browser.get(path).response.data)[0]["description"]
    stranger = browser_of(circle.citizen)
    token = stranger.get("/my/dates").form_fields("/my/dates/link")["csrf_token"]
    stranger.post("/my/dates/link", {"csrf_token": token, "subject": str(circle.group.id)}, 404)
    member = session.query(Membership).filter_by(group_id=circle.group.id, person_id=circle.member.id).one()
    member.ends_at = clock.now()
    session.commit()
    browser.get(path, 404)


@pytest.mark.parametrize("how", ["forged", "other", "suspended", "erased", "garbage"])
def test_links_that_are_no_good_open_nothing(
    session: Any, browser_of: Callable[..., Browser], browser: Browser, circle: Circle, how: str
) -> None:
    session.commit()
    path = personal(browser_of(circle.member))
    if how == "forged":
        path = path.replace(".ics", "x.ics")
    elif how == "other":
        path = path.replace("/calendar/", "/calendar/0")
    elif how == "garbage":
        path = "/calendar/%F0%9F%98%80.ics"
    elif how == "suspended":
        circle.member.account.suspended_at = AFTER
    else:
        circle.member.erased_at = AFTER
    session.commit()
    browser.get(path, 404)


def test_the_page_about_following_shows_both_addresses(session: Any, browser: Browser, circle: Circle) -> None:
    session.commit()
    page = browser.get(f"/p/{circle.process.slug}/calendar")
    links = [link["href"] for link in page.html.find_all("a")]
    assert f"webcal://consult.test/p/{circle.process.slug}/calendar.ics" in links
    assert f"http://consult.test/p/{circle.process.slug}/calendar.ics" in links


def test_calendars_and_my_dates_ask_the_same_number_of_questions_with_one_and_forty_meetings(
    session: Any, browser: Browser, browser_of: Callable[..., Browser], circle: Circle, count_queries: Any
) -> None:
    session.commit()
    visitor = browser_of(circle.member)
    addresses = [
        (visitor, "/my/dates"), (browser, personal(visitor)), (browser, f"/p/{circle.process.slug}/calendar.ics"),
        (browser, f"/p/{circle.process.slug}/calendar"),
    ]  # fmt: skip
    figures: list[list[int]] = []
    for many in (0, 39):
        for _ in range(many):
            make_meeting(circle.process, group_id=circle.group.id)
        session.commit()
        row = []
        for who, address in addresses:
            with count_queries() as asked:
                who.get(address)
            row.append(len(asked))
        figures.append(row)
    assert figures[0] == figures[1]
    assert max(figures[0]) <= 10


def test_drafts_of_processes_stay_out_of_calendars(session: Any, browser: Browser, circle: Circle) -> None:
    circle.process.state = "draft"
    session.commit()
    assert browser.client.get(f"/p/{circle.process.slug}/calendar.ics").status_code in (303, 404)


def test_nobody_is_named_in_any_calendar(session: Any, circle: Circle) -> None:
    guest = make_person("Geheime Gästin")
    flushed(Registration(meeting_id=circle.meeting.id, person_id=guest.id, state="coming", needs="{}"))
    for data in (feeds.of_group(circle.group), feeds.of_process(circle.process), feeds.of_person(guest, [])):
        assert b"Geheime" not in data
        assert b"ORGANIZER" not in data


def test_a_meeting_knows_its_own_page(session: Any, circle: Circle) -> None:
    meeting = session.get(Meeting, circle.meeting.id)
    (event,) = same(feeds.of_group(circle.group))
    assert event["url"].endswith(f"/p/{circle.process.slug}/meetings/{meeting.id}")


def test_groups_and_guests_see_no_meetings_of_drafts_in_their_calendars(session: Any, circle: Circle) -> None:
    guest = make_person("Gast")
    flushed(Registration(meeting_id=circle.meeting.id, person_id=guest.id, state="coming"))
    assert same(feeds.of_group(circle.group))
    assert same(feeds.of_person(guest, []))
    circle.process.state = "draft"
    session.flush()
    assert same(feeds.of_group(circle.group)) == same(feeds.of_person(guest, [])) == []


def test_a_calendar_that_programs_fetch_is_made_once_until_a_meeting_moves(
    session: Any, app: Any, browser: Browser, circle: Circle, monkeypatch: Any, count_queries: Any
) -> None:
    monkeypatch.setitem(app.config, "KEEP_PAGES", True)
    pages.pages.clear()
    address = f"/p/{circle.process.slug}/calendar.ics"
    first = browser.get(address).response
    with count_queries() as queries:
        second = browser.get(address).response
    assert len(queries) == 1
    assert second.data == first.data
    for response in (first, second):
        assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
    again = {"If-None-Match": first.headers["ETag"]}
    with count_queries() as queries:
        assert browser.client.get(address, headers=again).status_code == 304
    assert len(queries) == 1
    operations.change(circle.meeting, plan(place="Rathaus", group_id=circle.group.id), circle.lead)
    session.commit()
    assert "Rathaus" in browser.client.get(address, headers=again).text
    pages.pages.clear()
