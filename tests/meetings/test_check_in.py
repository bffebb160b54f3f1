"""At the door: whoever comes counts once, however late, often and from wherever it is said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.meetings import attendees, door, opening
from consult.meetings.attendees import Count
from consult.meetings.models import CheckIn, Registration
from tests.client import Browser
from tests.factories import flushed, make_organisation, make_person
from tests.meetings.factories import Circle, make_circle, refused

#: Ten minutes before the meeting of the factories begins.
EVENING = datetime(2026, 5, 2, 7, 50, tzinfo=UTC)
CODES = iter(f"{n:08d}".translate(str.maketrans("0123456789", "ABCDEFGHJK")) for n in range(10**7))


def guest(circle: Circle, name: str, state: str = "coming", **fields: Any) -> Registration:
    person = make_person(name, account=False)
    fields.setdefault("code", next(CODES))
    row: Registration = flushed(Registration(meeting_id=circle.meeting.id, person_id=person.id, state=state, **fields))
    return row


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(EVENING)
    return make_circle(kind="kickoff", capacity=3)


@pytest.fixture
def staff(circle: Circle, browser_of: Callable[..., Browser]) -> Browser:
    return browser_of(circle.moderator)


def press(staff: Browser, circle: Circle, what: str, **fields: Any) -> str:
    """Press a button of the page; what the next page says."""
    token = staff.get(circle.meeting_path("/door")).form_fields(circle.meeting_path("/door/check-in"))["csrf_token"]
    page = staff.post(circle.meeting_path(f"/door/{what}"), {"csrf_token": token, **fields})
    return staff.follow(page).html.select_one("[data-flash]").get_text(" ", strip=True)


def sync(staff: Browser, circle: Circle, *entries: dict[str, Any], status: int = 200, sent_at: str = "") -> Any:
    """What a device sends when the network is back."""
    token = staff.get(circle.meeting_path("/door")).form_fields(circle.meeting_path("/door/check-in"))["csrf_token"]
    answer = staff.client.post(
        circle.meeting_path("/door-sync"),
        data={"csrf_token": token, "entries": json.dumps(entries), "sent_at": sent_at or EVENING.isoformat()},
    )
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    return answer.get_json()


def came(row: Registration, when: datetime = EVENING, key: str = "") -> dict[str, Any]:
    return {"key": key or str(uuid4()), "act": "came", "id": row.id, "at": when.isoformat()}


def there(session: Any) -> int:
    return int(session.scalar(select(func.count()).select_from(CheckIn)))


def test_one_press_checks_in_and_another_one_undoes_it(session, circle, staff):
    row = guest(circle, "Ayşe Yılmaz", organisation_id=make_organisation("Frauentreff").id, needs="Nadel")
    page = staff.get(circle.meeting_path("/door"))
    assert "Ayşe Yılmaz" in page.text
    assert "Frauentreff" in page.text
    assert "Nadel" not in page.response.get_data(as_text=True)
    assert "Ayşe Yılmaz" in press(staff, circle, "check-in", registration=str(row.id))
    assert (row.state, there(session)) == ("attended", 1)
    press(staff, circle, "undo", registration=str(row.id))
    assert (row.state, there(session)) == ("coming", 0)
    acts = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == row.id).order_by(AuditEntry.id))
    assert list(acts)[-2:] == ["meetings.check_in.made", "meetings.check_in.undone"]


def test_whoever_declined_counts_when_they_come_and_the_page_says_so(session, circle, staff):
    row = guest(circle, "Doch Gekommen", "declined")
    said = press(staff, circle, "check-in", registration=str(row.id))
    assert (row.state, there(session)) == ("attended", 1)
    with staff.client.application.test_request_context(headers={"Accept-Language": "de"}):
        assert "Doch Gekommen" in said
        assert said != "Doch Gekommen ist da."
    press(staff, circle, "undo", registration=str(row.id))
    assert row.state == "declined"


def test_the_same_said_again_counts_once(session, circle, staff):
    row = guest(circle, "Einmal")
    said = came(row)
    first = sync(staff, circle, said)["results"]
    again = sync(staff, circle, said, came(row))["results"]
    assert [r["outcome"] for r in first + again] == ["counted", "already", "already"]
    assert there(session) == 1


def test_who_comes_without_being_on_the_list_is_there_at_once_and_once(session, circle, staff):
    organisation = make_organisation("Sportverein Nord")
    said = {
        "key": str(uuid4()), "act": "walk_in", "name": "Neu Hier", "organisation": "SPORTVEREIN nord",
        "at": EVENING.isoformat(),
    }  # fmt: skip
    for _time in range(2):
        sync(staff, circle, said)
    row = session.scalars(select(Registration)).one()
    person = session.get(Person, row.person_id)
    assert (row.state, row.origin, row.organisation_id) == ("attended", "walk_in", organisation.id)
    assert (person.name, person.email) == ("Neu Hier", None)
    assert there(session) == 1
    press(staff, circle, "undo", registration=str(row.id))
    assert session.scalars(select(Registration)).all() == []
    assert session.scalar(select(Person.id).where(Person.name == "Neu Hier")) is None


def test_nobody_in_the_room_is_refused_and_staff_is_told_when_it_is_too_full(session, circle, staff):
    for n in range(3):
        guest(circle, f"Gast {n}")
    for row in session.scalars(select(Registration)).all():
        press(staff, circle, "check-in", registration=str(row.id))
    said = press(staff, circle, "walk-in", name="Eine zu viel")
    assert there(session) == 4
    assert "4" in said
    assert "3" in said


def test_a_name_that_is_on_the_list_already_is_pointed_out(session, circle, staff):
    guest(circle, "Ali Kaya")
    result = sync(staff, circle, {"key": str(uuid4()), "act": "walk_in", "name": "ali kaya", "at": "x"})["results"][0]
    assert result["outcome"] == "counted"
    assert result["warns"] is True


def test_codes_are_found_however_they_are_typed(session, circle, staff):
    row, other = guest(circle, "Mit Code", code="7K3MQTW9"), guest(circle, "Ohne Treffer", code="22222222")
    known = door.guests(circle.meeting.id)
    for typed in ("7K3MQTW9", "7k3m-qtw9", " 7k3m qtw9 ", "7K3M0TW9", "1k3mOtw9"):
        found = door.by_code(known, typed)
        assert found, typed
        assert found.id == row.id, typed
    assert door.by_code(known, "ZZZZZZZZ") is not None, "alike: 2 and Z"
    assert door.by_code(known, "99999999") is None
    assert door.by_code(known, "7K3") is None
    page = staff.get(circle.meeting_path("/door?q=7k3m-qtw9"))
    assert [li["data-guest"] for li in page.html.select(".door-list > li:not([hidden])")] == [str(row.id)]
    page = staff.get(circle.meeting_path("/door?q=treff"))
    assert [li["data-guest"] for li in page.html.select(".door-list > li:not([hidden])")] == [str(other.id)]


def test_signs_that_look_alike_do_not_choose_between_two_people(session, circle):
    guest(circle, "Eins", code="5AAAAAAA"), guest(circle, "Zwei", code="SAAAAAAA")
    known = door.guests(circle.meeting.id)
    assert door.by_code(known, "SAAAAAAA").name == "Zwei"
    assert door.by_code(known, "saaaaaa4") is None
    three = [g for g in known if g.name == "Eins"] * 2
    assert door.by_code(three, "SAAAAAAA") is None


@pytest.mark.parametrize(
    ("told", "sent", "kept"),
    [
        (EVENING - timedelta(minutes=30), EVENING, EVENING - timedelta(minutes=30)),
        # The clock of the device is a year slow; what counts is how long ago it was.
        (EVENING - timedelta(days=365, minutes=5), EVENING - timedelta(days=365), EVENING - timedelta(minutes=5)),
        (EVENING + timedelta(days=9), EVENING, EVENING),
        (EVENING - timedelta(days=9), EVENING, datetime(2026, 5, 2, 2, 0, tzinfo=UTC)),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC), EVENING),
    ],
)
def test_a_wrong_clock_says_nothing_that_cannot_be(session, circle, staff, told, sent, kept):
    sync(staff, circle, came(guest(circle, "Uhr"), told), sent_at=sent.isoformat())
    assert session.scalars(select(CheckIn.at)).one() == kept


def test_an_undo_that_arrives_late_does_not_undo_what_came_after_it(session, circle, staff):
    row = guest(circle, "Doch da")
    sync(staff, circle, came(row, EVENING - timedelta(minutes=5)))
    old = {"key": str(uuid4()), "act": "undo", "id": row.id, "at": (EVENING - timedelta(minutes=10)).isoformat()}
    assert sync(staff, circle, old)["results"][0]["outcome"] == "already"
    assert there(session) == 1
    new = {**old, "key": str(uuid4()), "at": EVENING.isoformat()}
    assert sync(staff, circle, new)["results"][0]["outcome"] == "undone"
    assert there(session) == 0


@pytest.mark.parametrize(
    "told",
    ["", "[", "{}", "7", '[{"key": 7}]', '["x"]', "[" * 5000, '[{"key": "abcdefgh-1", "act": "came", "id": 1e99}]',
     '[{"key": "abcdefgh-1", "act": "drop", "id": 1}]', '[{"key": "abcdefgh-1", "act": [], "id": {}, "name": 0}]',
     '[{"key": "abcdefgh-1", "act": "walk_in", "name": ["x"]}]',
     '[{"key": "abcdefgh-1", "act": "walk_in", "name": "\\u0000\\ud800"}]',
     '[{"key": "abcdefgh-1", "act": "came", "id": true, "at": "9999-12-31T23:59:59+00:00"}]'],
)  # fmt: skip
def test_nonsense_from_a_device_counts_nobody(session, circle, staff, told):
    token = staff.get(circle.meeting_path("/door")).form_fields(circle.meeting_path("/door/check-in"))["csrf_token"]
    answer = staff.client.post(circle.meeting_path("/door-sync"), data={"csrf_token": token, "entries": told})
    assert answer.status_code == 200
    assert there(session) == 0
    # What cannot be read is not sent again for ever.
    assert [r["key"] for r in answer.get_json()["results"]] == (["abcdefgh-1"] if "abcdefgh" in told else [])


def test_people_of_another_meeting_are_not_checked_in_here(session, circle, staff):
    elsewhere = guest(make_circle(), "Woanders")
    assert sync(staff, circle, came(elsewhere))["results"][0]["outcome"] == "unknown"
    press(staff, circle, "check-in", registration=str(elsewhere.id))
    assert there(session) == 0


def test_nobody_is_there_days_before_and_nobody_at_a_cancelled_meeting(session, circle, staff):
    row = guest(circle, "Zu früh")
    circle.meeting.starts_at += timedelta(days=3)
    circle.meeting.ends_at += timedelta(days=3)
    assert sync(staff, circle, came(row), status=409)["error"]
    circle.meeting.starts_at -= timedelta(days=3)
    circle.meeting.state = "cancelled"
    assert sync(staff, circle, came(row), status=409)["error"]
    assert there(session) == 0


def test_before_the_door_opens_no_button_is_offered_and_the_page_says_when_it_opens(session, circle, staff):
    guest(circle, "Zu früh")
    circle.meeting.starts_at = EVENING + opening.OPENS_BEFORE + timedelta(hours=1)
    circle.meeting.ends_at = circle.meeting.starts_at + timedelta(hours=3)
    session.commit()
    page = staff.get(circle.meeting_path("/door"), headers={"Accept-Language": "en"})
    around = page.html.select_one("[data-door]")
    assert "door-shut" in around["class"]
    assert around["data-opens-in"] == "3600000"
    assert "The door is still closed" in page.text
    assert "2 May 2026" in page.text
    # What the style sheet takes away while it is shut: every way to say that somebody is here.
    ways = page.html.select('[data-act="came"], [data-walk-in] button, [data-scan]')
    assert len(ways) >= 3
    for way in ways:
        if way.find_parent("template") is None:
            assert way.find_parent(class_="when-open") or "when-open" in way["class"], way
    circle.meeting.starts_at = EVENING + opening.OPENS_BEFORE
    session.commit()
    page = staff.get(circle.meeting_path("/door"), headers={"Accept-Language": "en"})
    assert "door-shut" not in page.html.select_one("[data-door]")["class"]
    assert "The door is still closed" not in page.text.replace("The door is still closed.", "")
    circle.meeting.state = "cancelled"
    session.commit()
    page = staff.get(circle.meeting_path("/door"), headers={"Accept-Language": "en"})
    assert "door-shut" in page.html.select_one("[data-door]")["class"]
    assert page.html.select_one("[data-door]")["data-opens"] == "never"


def test_afterwards_whoever_did_not_come_was_absent_and_that_can_be_undone(session, circle, staff, at):
    rows = [guest(circle, f"Gast {n}") for n in range(3)]
    waiting, declined = guest(circle, "Wartet", "waiting"), guest(circle, "Kommt nicht", "declined")
    door.take_in(
        circle.meeting, [door.Entry("k" * 8, door.Act.came, EVENING, rows[0].id)], circle.moderator, now=EVENING
    )
    with refused("not begun"):
        door.close(circle.meeting, circle.moderator, EVENING)
    after = at(EVENING + timedelta(hours=6))
    close = staff.get(circle.meeting_path("/door")).form_fields(circle.meeting_path("/attendance/close"))
    staff.post(circle.meeting_path("/attendance/close"), close)
    states = [row.state for row in (*rows, waiting, declined)]
    assert states == ["attended", "absent", "absent", "waiting", "declined"]
    assert circle.meeting.present == 1
    # A device that was offline all evening: it counts.
    sync(staff, circle, came(rows[1]), sent_at=after.isoformat())
    assert (rows[1].state, circle.meeting.present) == ("attended", 2)
    staff.submit(circle.meeting_path("/attendance/reopen"), form_at=circle.meeting_path("/door"))
    assert [row.state for row in rows] == ["attended", "attended", "coming"]
    assert circle.meeting.present is None
    with refused("still open"):
        door.reopen(circle.meeting, circle.moderator, after)


def test_a_sheet_of_paper_is_entered_at_once(session, circle, browser_of, at):
    rows = [guest(circle, f"Gast {n}") for n in range(4)]
    at(EVENING + timedelta(days=1))
    staff = browser_of(circle.moderator)
    path = circle.meeting_path("/attendance")
    sync(staff, circle, came(rows[0]), came(rows[1]))
    token = staff.get(path).form_fields(path)
    assert token["seen"].split() == [str(rows[0].id), str(rows[1].id)]
    data = {**token, "there": [str(rows[0].id), str(rows[2].id)], "name": ["Nachgetragen", "", ""],
            "organisation": ["Verein", "", ""]}  # fmt: skip
    staff.post(path, data)
    assert [row.state for row in rows] == ["attended", "coming", "attended", "coming"]
    assert session.scalar(select(Registration.organisation_name).where(Registration.origin == "walk_in")) == "Verein"
    assert there(session) == 3
    # Somebody ticked on another page meanwhile is left alone.
    stale = {**data, "csrf_token": token["csrf_token"], "seen": str(rows[0].id), "name": "", "form_id": "anders"}
    staff.post(path, {**stale, "there": [str(rows[0].id)]})
    assert rows[2].state == "attended"


def test_the_list_to_tick_has_the_numbers_of_the_printed_sheet(session, circle, staff):
    for name, state in (("Ada", "coming"), ("Bo", "declined"), ("Cem", "coming")):
        guest(circle, name, state)
    lines = staff.get(circle.meeting_path("/attendance")).html.select(".door-ticks label")
    told = [line.get_text(" ", strip=True) for line in lines]
    assert (told[0], told[1].split()[0], told[2]) == ("1. Ada", "Bo", "2. Cem")


def test_counts_tell_kinds_apart(session, circle):
    council, club = make_organisation("Rat", kind="politics"), make_organisation("Club", kind="migrant_organisation")
    first = guest(circle, "Politik", organisation_id=council.id)
    guest(circle, "Verein", organisation_id=club.id), guest(circle, "Allein")
    door.take_in(circle.meeting, [door.Entry("k" * 8, door.Act.came, EVENING, first.id)], circle.moderator, now=EVENING)
    counted = door.counts(door.guests(circle.meeting.id))
    assert (counted.expected, counted.there, counted.walk_ins) == (3, 1, 0)
    assert counted.kinds == [("", 1, 0), ("migrant_organisation", 1, 0), ("politics", 1, 1)]


def test_politics_stands_apart_in_every_count_at_the_door_and_afterwards(session, circle, staff, browser, at):
    english = {"Accept-Language": "en"}
    club = make_organisation("Club", kind="migrant_organisation")
    rows = [guest(circle, "Verein", organisation_id=club.id), guest(circle, "Allein")]
    before = staff.get(circle.meeting_path("/door"), headers=english)
    assert "politics" not in before.html.select_one(".door-counts").text
    council = make_organisation("Rat", kind="politics")
    # Known as of politics by the organisation, or entered so without one.
    rows += [guest(circle, "Rätin", organisation_id=council.id), guest(circle, "Rat", organisation_kind="politics")]
    sync(staff, circle, *(came(row) for row in rows[:3]))
    for page in ("/door", "/attendance"):
        text = " ".join(staff.get(circle.meeting_path(page), headers=english).text.split())
        assert "Of these from politics: 1 here, 2 expected" in text
    # What a device shows is this part of the page, as the server made it.
    counts = staff.get(circle.meeting_path("/door"), headers=english).html.select_one(".door-counts")
    assert "Of these from politics" in counts.text
    assert counts.select_one("[data-count=there]").text == "3"
    at(EVENING + timedelta(hours=6))
    close = staff.get(circle.meeting_path("/door")).form_fields(circle.meeting_path("/attendance/close"))
    done = staff.post(circle.meeting_path("/attendance/close"), close, headers=english)
    assert "3 people were there. Of them from politics: 1." in staff.get(done.location, headers=english).text
    assert attendees.were_there([circle.meeting.id]) == {circle.meeting.id: Count(2, 1)}
    assert "2 people and 1 from politics" in browser.get(circle.meeting_path(), headers=english).text


def test_a_meeting_of_which_only_the_whole_is_known_has_one_count(session, circle):
    assert attendees.were_there([]) == attendees.were_there([circle.meeting.id]) == {}
    circle.meeting.present = 40
    session.flush()
    assert attendees.were_there([circle.meeting.id]) == {circle.meeting.id: Count(40, 0)}


def test_only_this_page_may_use_the_camera(circle, staff):
    door_page = staff.get(circle.meeting_path("/door")).response.headers
    # Said twice, browsers would take the one that forbids it.
    assert door_page.getlist("Permissions-Policy") == ["camera=(self), geolocation=(), microphone=()"]
    assert staff.get(circle.meeting_path()).response.headers["Permissions-Policy"].startswith("camera=()")
    worker = staff.client.get(circle.meeting_path("/door-worker.js"))
    assert worker.mimetype == "text/javascript"
    assert worker.headers["Cache-Control"] == "no-store"
    worker.close()


def test_the_page_at_the_door_asks_few_questions(circle, staff, count_queries):
    for n in range(30):
        guest(circle, f"Gast {n}")
    for path, most in (("/door", 15), ("/attendance", 15), ("/paper", 15)):
        db.session.flush()
        with count_queries() as queries:
            staff.get(circle.meeting_path(path))
        assert len(queries) <= most, path


def test_strangers_find_no_door(circle, browser, browser_of):
    browser.get(circle.meeting_path("/door"), status=303)
    browser_of(circle.citizen).get(circle.meeting_path("/door"), status=403)


@pytest.mark.parametrize("act", ["walk_in", "came"])
def test_what_was_undone_is_not_counted_again_when_an_old_answer_was_lost(session, circle, staff, act):
    row = guest(circle, "Erst da")
    said = came(row) if act == "came" else {
        "key": str(uuid4()), "act": "walk_in", "name": "Erst da", "at": EVENING.isoformat(),
    }  # fmt: skip
    sync(staff, circle, said)
    newest = session.scalars(select(CheckIn)).one()
    press(staff, circle, "undo", registration=str(newest.registration_id))
    assert there(session) == 0
    # The device never heard that it had arrived.
    for _time in range(2):
        assert [r["outcome"] for r in sync(staff, circle, said, said)["results"]] == ["already", "already"]
    assert there(session) == 0
    assert session.scalars(select(Registration.state)).all() == ["coming"]
    # Somebody who comes back is said anew.
    assert sync(staff, circle, {**said, "key": str(uuid4())})["results"][0]["outcome"] == "counted"


def test_a_second_device_that_was_late_does_not_count_who_was_undone(session, circle, staff):
    row = guest(circle, "Zwei Geräte")
    first, second = came(row), came(row)
    assert [r["outcome"] for r in sync(staff, circle, first, second)["results"]] == ["counted", "already"]
    press(staff, circle, "undo", registration=str(row.id))
    assert [r["outcome"] for r in sync(staff, circle, first, second)["results"]] == ["already", "already"]
    assert (row.state, there(session)) == ("coming", 0)
