"""The waiting list: in order, offered for a time, never more places than there are, by kinds of organisations."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.extensions import db
from consult.meetings import quotas, registering, waiting
from consult.meetings.models import HOLDING_STATES, Meeting, Origin, Registration
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import make_person
from tests.invitations.conftest import own_app  # noqa: F401  (a fixture)
from tests.meetings.factories import BEFORE, SATURDAY, ZONE, Circle, make_circle, refused, utc_of
from tests.meetings.registrants import MIGRANTS, POLITICS, WELFARE, come, link_of, public_meeting, run_due, share
from tests.together import at_once

LATER = BEFORE + timedelta(hours=49)
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    """Two places."""
    at(BEFORE)
    return public_meeting(capacity=2)


def states(*rows: Registration) -> list[str]:
    for row in rows:
        db.session.refresh(row)
    return [row.state for row in rows]


def leave(circle: Circle, row: Registration, now: datetime = BEFORE) -> None:
    registering.step_back(circle.meeting, db.session.get_one(Person, row.person_id), now=now)


def mails(name: str) -> list[OutboxMessage]:
    return list(db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == name).order_by(OutboxMessage.id)))


def test_who_comes_too_late_waits_and_sees_their_place(circle: Circle, browser: Browser) -> None:
    rows = [come(circle.meeting) for _ in range(4)]
    db.session.commit()
    assert states(*rows) == ["coming", "coming", "waiting", "waiting"]
    assert [waiting.place_in_queue(row) for row in rows[2:]] == [1, 2]
    page = browser.get(link_of(rows[3]), headers={"Accept-Language": "en"})
    assert "Your place on the list: 2." in page.text


def test_a_free_place_is_offered_to_the_next_one_and_counts_as_taken(circle: Circle, browser: Browser) -> None:
    one, two, three, four = (come(circle.meeting) for _ in range(4))
    leave(circle, one)
    assert states(one, two, three, four) == ["declined", "coming", "offered", "waiting"]
    assert come(circle.meeting).state == "waiting"
    (message,) = mails("place_offered")
    assert (message.recipient_id, kind(message.kind).wanted(message)) == (three.person_id, True)
    db.session.commit()
    browser.submit(link_of(three, "/come"), form_at=link_of(three))
    assert states(three) == ["coming"]
    assert not kind(message.kind).wanted(message)


def test_leaving_an_offer_gives_it_to_the_next(circle: Circle, browser: Browser) -> None:
    rows = [come(circle.meeting) for _ in range(4)]
    leave(circle, rows[0])
    db.session.commit()
    browser.submit(link_of(rows[2], "/cancel"), form_at=link_of(rows[2]))
    assert states(*rows) == ["declined", "coming", "declined", "offered"]


def test_an_offer_nobody_takes_ends_is_told_and_goes_on(circle: Circle) -> None:
    rows = [come(circle.meeting) for _ in range(4)]
    leave(circle, rows[0])
    db.session.commit()
    assert run_due(BEFORE + timedelta(hours=47)) == 0
    assert run_due(LATER) == 2
    assert states(*rows) == ["declined", "coming", "declined", "offered"]
    assert [mail.recipient_id for mail in mails("place_offer_ended")] == [rows[2].person_id]
    assert [mail.recipient_id for mail in mails("place_offered")] == [rows[2].person_id, rows[3].person_id]
    with refused("no longer kept"):
        person = db.session.get_one(Person, rows[2].person_id)
        registering.take_offer(circle.meeting, rows[2], person, LATER)
    # Whoever still wants to come stands at the end.
    fifth = come(circle.meeting, now=LATER)
    back = come(circle.meeting, db.session.get_one(Person, rows[2].person_id), now=LATER + timedelta(minutes=1))
    assert [waiting.place_in_queue(row) for row in (fifth, back)] == [1, 2]


def test_two_rounds_of_the_clock_offer_once(circle: Circle) -> None:
    rows = [come(circle.meeting) for _ in range(5)]
    leave(circle, rows[0])
    db.session.commit()
    for _ in range(3):
        run_due(LATER)
    assert len(mails("place_offered")) == 2
    assert states(*rows) == ["declined", "coming", "declined", "offered", "waiting"]


def test_no_offer_lasts_beyond_the_beginning(circle: Circle, at: Callable[[datetime], Any]) -> None:
    rows = [come(circle.meeting) for _ in range(3)]
    begins = utc_of(SATURDAY, ZONE)
    leave(circle, rows[0], begins - timedelta(hours=1))
    db.session.commit()
    assert (rows[2].state, rows[2].offer_until) == ("offered", begins)
    run_due(begins)
    assert states(rows[2]) == ["declined"]


def test_more_capacity_and_forgotten_people_free_places_within_a_minute(circle: Circle) -> None:
    rows = [come(circle.meeting) for _ in range(4)]
    circle.meeting.capacity = 3
    db.session.commit()
    assert run_due(BEFORE) == 1
    assert states(*rows[2:]) == ["offered", "waiting"]


def test_places_kept_for_a_kind_go_to_it_alone_until_they_are_given_free(circle: Circle) -> None:
    share(circle.meeting, MIGRANTS, reserved=1)
    one, two, three = come(circle.meeting), come(circle.meeting), come(circle.meeting, kind=MIGRANTS)
    assert states(one, two, three) == ["coming", "waiting", "coming"]
    leave(circle, three)
    # The kept place waits for its kind, although somebody else stands in the queue.
    assert states(two) == ["waiting"]
    four = come(circle.meeting, kind=MIGRANTS)
    leave(circle, four)
    assert quotas.release(circle.meeting, circle.lead) == 1
    assert states(two) == ["offered"]


def test_a_place_kept_for_others_is_not_shown_as_free(circle: Circle, browser: Browser) -> None:
    circle.meeting.capacity = 3
    share(circle.meeting, MIGRANTS, reserved=1)
    come(circle.meeting)
    db.session.commit()
    pages = (circle.path(), circle.meeting_path())
    for page in pages:
        assert "1 place free" in browser.get(page, headers=ENGLISH).text
    come(circle.meeting)
    db.session.commit()
    for page in pages:
        text = browser.get(page, headers=ENGLISH).text
        assert "Full, waiting list" in text
        assert "place free" not in text


def test_no_more_than_the_most_of_a_kind_come(circle: Circle) -> None:
    share(circle.meeting, POLITICS, at_most=1)
    one, two, three = (come(circle.meeting, kind=kind) for kind in (POLITICS, POLITICS, WELFARE))
    assert states(one, two, three) == ["coming", "waiting", "coming"]
    four = come(circle.meeting)
    leave(circle, three)
    # The place goes past the politician who waits in front.
    assert states(two, four) == ["waiting", "offered"]


def test_shares_that_cannot_be_are_refused(circle: Circle) -> None:
    with refused("More places are kept"):
        share(circle.meeting, MIGRANTS, reserved=3)
    with refused("more places are kept than may come"):
        share(circle.meeting, MIGRANTS, reserved=2, at_most=1)


def test_organisers_set_shares_and_give_them_free(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    db.session.commit()
    desk, where = browser_of(circle.moderator), circle.meeting_path("/quotas")
    fields = desk.get(where).form_fields(where)
    name = next(key for key, value in fields.items() if value == MIGRANTS).replace("kind", "reserved")
    desk.submit(where, {name: "1"})
    assert [(row.organisation_kind, row.reserved) for row in quotas.quotas_of(circle.meeting.id)] == [(MIGRANTS, 1)]
    desk.submit(where, {name: "9"}, status=422)
    desk.submit(where + "/release", form_at=where)
    db.session.expire_all()
    assert quotas.quotas_of(circle.meeting.id)[0].reserved == 0


def test_two_hundred_at_once_never_take_more_places_than_there_are(
    own_app: Flask,  # noqa: F811
    record_property: Any,
) -> None:
    circle = make_circle(registration="everybody", capacity=7)
    share(circle.meeting, MIGRANTS, reserved=2)
    people = [make_person(account=False).id for _ in range(200)]
    db.session.commit()
    meeting_id = circle.meeting.id
    db.session.remove()

    def some(ids: list[int]) -> Callable[[], list[str]]:
        def run() -> list[str]:
            found = []
            for number, ident in enumerate(ids):
                meeting = db.session.get_one(Meeting, meeting_id)
                person = db.session.get_one(Person, ident)
                row = registering.register(meeting, person, origin=Origin.registration, now=BEFORE)
                found.append(row.state)
                db.session.commit()
                # Some change their mind at once: what they free is offered, once.
                if number == 0 and row.state == "coming":
                    registering.step_back(meeting, person, now=BEFORE)
                    db.session.commit()
            return found

        return run

    at_once(own_app, *(some(people[place::20]) for place in range(20)))
    record_property("trials", len(people))
    held = db.session.scalar(select(func.count(Registration.id)).where(Registration.state.in_(HOLDING_STATES)))
    assert held == 5
    total = db.session.scalar(select(func.count(Registration.id)))
    assert total == 200


def test_two_schedulers_at_once_offer_each_place_once(own_app: Flask) -> None:  # noqa: F811
    circle = make_circle(registration="everybody", capacity=5)
    rows = [come(circle.meeting, make_person(account=False)) for _ in range(15)]
    meeting_id = circle.meeting.id
    for row in rows[:3]:
        registering.step_back(circle.meeting, db.session.get_one(Person, row.person_id), now=BEFORE)
    db.session.commit()
    db.session.remove()
    at_once(own_app, *(lambda: run_due(LATER) for _ in range(6)))
    counts = dict(
        db.session.execute(  # type: ignore[arg-type]
            select(Registration.state, func.count())
            .where(Registration.meeting_id == meeting_id)
            .group_by(Registration.state)
        ).all()
    )
    assert counts == {"declined": 6, "coming": 2, "offered": 3, "waiting": 4}
    assert len(mails("place_offered")) == 6
