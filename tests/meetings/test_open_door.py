"""The door is opened earlier than a day before: by one press, on record, and taken back the same way."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.meetings import door, opening, operations
from consult.meetings.models import Registration
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.meetings.factories import Circle, make_circle, refused

#: Three days before the meeting of the factories begins.
EARLY = datetime(2026, 4, 29, 8, 0, tzinfo=UTC)
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(EARLY)
    return make_circle(kind="kickoff", capacity=3)


@pytest.fixture
def guest(circle: Circle) -> Registration:
    row: Registration = flushed(
        Registration(meeting_id=circle.meeting.id, person_id=make_person("Früh Da", account=False).id, state="coming")
    )
    return row


@pytest.fixture
def staff(circle: Circle, browser_of: Callable[..., Browser]) -> Browser:
    return browser_of(circle.moderator)


def page_of(staff: Browser, circle: Circle) -> Any:
    return staff.get(circle.meeting_path("/door"), headers=ENGLISH)


def shut(page: Any) -> bool:
    return "door-shut" in page.html.select_one("[data-door]")["class"]


def press(staff: Browser, circle: Circle, what: str) -> None:
    staff.submit(circle.meeting_path(f"/door/{what}"), form_at=circle.meeting_path("/door"))


def acts(session: Any, circle: Circle) -> list[str]:
    of_door = AuditEntry.action.like("meetings.door.%")
    return list(session.scalars(select(AuditEntry.action).where(of_door).order_by(AuditEntry.id)))


def test_one_press_opens_the_door_days_before_and_another_one_closes_it(session, circle, guest, staff):
    assert shut(page_of(staff, circle))
    press(staff, circle, "open")
    page = page_of(staff, circle)
    assert not shut(page)
    # What a device that keeps the page asks: how long it still is.
    assert page.html.select_one("[data-door]")["data-opens-in"] == "0"
    assert page.html.select_one("[data-door]")["data-opens"] == str(int(EARLY.timestamp() * 1000))
    token = page.form_fields(circle.meeting_path("/door/check-in"))["csrf_token"]
    staff.post(circle.meeting_path("/door/check-in"), {"csrf_token": token, "registration": str(guest.id)})
    assert guest.state == "attended"
    press(staff, circle, "shut")
    assert shut(page_of(staff, circle))
    # Nobody is thrown out by it.
    assert guest.state == "attended"
    assert acts(session, circle) == ["meetings.door.opened", "meetings.door.shut"]


def test_pressing_twice_opens_it_once_and_a_second_closing_changes_nothing(session, circle):
    opening.open_early(circle.meeting, circle.moderator, EARLY)
    opening.open_early(circle.meeting, circle.moderator, EARLY + timedelta(minutes=1))
    assert circle.meeting.door_opened_at == EARLY
    opening.shut_again(circle.meeting, circle.moderator, EARLY)
    opening.shut_again(circle.meeting, circle.moderator, EARLY)
    assert acts(session, circle) == ["meetings.door.opened", "meetings.door.shut"]


def test_where_the_door_is_open_by_itself_nothing_is_offered_and_nothing_closes_it(session, circle, browser_of, at):
    opening.open_early(circle.meeting, circle.moderator, EARLY)
    at(circle.meeting.starts_at - timedelta(hours=2))
    page = page_of(browser_of(circle.moderator), circle)
    assert not shut(page)
    assert "opened early" not in page.text
    assert page.html.select_one('form[action$="/door/open"], form[action$="/door/shut"]') is None
    with refused("the door is open"):
        opening.shut_again(circle.meeting, circle.moderator, circle.meeting.starts_at - timedelta(hours=2))
    assert acts(session, circle) == ["meetings.door.opened"]


def test_the_door_of_a_cancelled_meeting_stays_closed(session, circle, staff):
    opening.open_early(circle.meeting, circle.moderator, EARLY)
    circle.meeting.state = "cancelled"
    session.commit()
    page = page_of(staff, circle)
    assert shut(page)
    assert page.html.select_one('form[action$="/door/open"]') is None
    with refused("cancelled"):
        opening.open_early(circle.meeting, circle.moderator, EARLY)


def test_a_meeting_that_moves_has_a_closed_door_again(session, circle, guest):
    opening.open_early(circle.meeting, circle.moderator, EARLY)
    plan = operations.plan_of(circle.meeting)
    later = timedelta(days=30)
    operations.change(
        circle.meeting,
        replace(plan, wall_start=plan.wall_start + later, wall_end=plan.wall_end + later),
        circle.moderator,
    )
    assert not opening.is_open(circle.meeting, EARLY)
    with refused("still closed"):
        door.take_in(circle.meeting, [door.Entry("k" * 8, door.Act.came, EARLY, guest.id)], circle.moderator, now=EARLY)


def test_what_happened_since_the_early_opening_keeps_its_hour(circle, guest):
    opening.open_early(circle.meeting, circle.moderator, EARLY)
    came = EARLY + timedelta(minutes=10)
    assert door.happened_at(circle.meeting, came, EARLY + timedelta(hours=2)) == came
    # But nobody came before it was open.
    assert door.happened_at(circle.meeting, EARLY - timedelta(hours=1), EARLY + timedelta(hours=2)) == EARLY


@pytest.mark.parametrize("act", ["came", "walk_in"])
def test_what_is_taken_back_before_its_answer_came_is_taken_back(session, circle, guest, staff, act):
    """The answer to the first was lost: the device does not know whether it arrived, and names what it takes back."""
    opening.open_early(circle.meeting, circle.moderator, EARLY)
    session.commit()
    said = {"key": "einmal-gesagt", "act": act, "id": guest.id, "name": "Neu Hier", "at": EARLY.isoformat()}
    back = {"key": "und-zurueck", "act": "undo", "id": None, "of": said["key"], "at": EARLY.isoformat()}

    def send(*entries: dict[str, Any]) -> list[str]:
        token = page_of(staff, circle).form_fields(circle.meeting_path("/door/check-in"))["csrf_token"]
        data = {"csrf_token": token, "entries": json.dumps(entries), "sent_at": EARLY.isoformat()}
        answer = staff.client.post(circle.meeting_path("/door-sync"), data=data)
        return [result["outcome"] for result in answer.get_json()["results"]]

    assert send(said) == ["counted"]
    assert send(back) == ["undone"]
    names = {registration.person_id for registration in session.scalars(select(Registration))}
    assert (guest.state, names) == ("coming", {guest.person_id})
    # It never arrived, and comes after all when it was taken back already: it does not count.
    late = {**said, "key": "kommt-zu-spaet"}
    assert send({**back, "key": "noch-einmal-zurueck", "of": late["key"]}) == ["undone"]
    assert send(late) == ["already"]
    assert door.counts(door.guests(circle.meeting.id)).there == 0
