"""Perhaps, and "I send somebody else": a link of their own, one step and no further, taken back until answered."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult import personal
from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import answering, operations
from consult.invitations.answering import Answer
from consult.invitations.models import Invitation
from consult.meetings import registering
from consult.meetings.models import Origin, Registration
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import make_organisation, make_person
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import AFTER, BEFORE, Circle, make_circle, refused
from tests.meetings.registrants import come
from tests.meetings.registrants import link_of as registration_link

DEPUTY = {"name": "Dora Vertretung", "email": "Dora@Example.org"}


@pytest.fixture
def invited(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    make_organisation("Frauentreff")
    circle = make_circle(capacity=1)
    invite(circle)
    session.commit()
    return circle


def registration(address: str) -> Registration | None:
    return db.session.scalar(select(Registration).join(Registration.person).where(Person.email == address))


def name_deputy(browser: Browser, **fields: str) -> None:
    where = link_of(invitation_of("amira@example.org"), "/deputy")
    browser.submit(where, {**DEPUTY, **fields})


def test_perhaps_holds_no_place_and_can_become_a_yes(invited: Circle, browser: Browser) -> None:
    address = link_of(invitation_of("amira@example.org"))
    fields = browser.get(address).form_fields(address + "/accept")
    page = browser.post(address + "/maybe", {**fields, "needs": "wheelchair"})
    assert invitation_of("amira@example.org").state == "maybe"
    assert registration("amira@example.org").state == "maybe"
    assert browser.follow(page).form_fields(address + "/accept")["needs"] == "wheelchair"
    browser.submit(address + "/accept", form_at=address)
    assert registration("amira@example.org").state == "coming"


def test_a_deputy_gets_their_own_link_and_the_place_is_kept_for_them(invited: Circle, browser: Browser) -> None:
    mine = link_of(invitation_of("amira@example.org"))
    browser.submit(mine + "/accept", form_at=mine)
    name_deputy(browser)
    first, theirs = invitation_of("amira@example.org"), invitation_of("dora@example.org")
    assert (first.state, theirs.state, theirs.deputy_for_id) == ("deputy_named", "open", first.person_id)
    assert theirs.organisation_id == first.organisation_id
    assert (registration("amira@example.org").state, registration("dora@example.org").state) == ("declined", "offered")
    message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.recipient_id == theirs.person_id)).one()
    assert (message.kind, kind(message.kind).wanted(message)) == ("invitation", True)
    assert "Amira Beispiel" in kind(message.kind).render(message).body
    answer = link_of(theirs)
    browser.submit(answer + "/accept", form_at=answer)
    came = registration("dora@example.org")
    assert (came.state, came.deputy_for_id, came.origin) == ("coming", first.person_id, "deputy")
    # Two people were never counted for one place.
    assert registering.places_left(invited.meeting) == 0


def test_a_deputy_names_nobody(invited: Circle, browser: Browser) -> None:
    name_deputy(browser)
    theirs = link_of(invitation_of("dora@example.org"))
    assert "/deputy" not in str(browser.get(theirs).html)
    assert browser.get(theirs + "/deputy", 303).location == theirs
    with refused("named by somebody"):
        answering.name_deputy(invitation_of("dora@example.org"), invited.meeting, "E", "e@example.org", "de", BEFORE)


def test_naming_is_taken_back_until_the_deputy_has_answered(invited: Circle, browser: Browser) -> None:
    mine = link_of(invitation_of("amira@example.org"))
    browser.submit(mine + "/accept", form_at=mine)
    name_deputy(browser)
    old = link_of(invitation_of("dora@example.org"))
    browser.submit(mine + "/deputy/back", form_at=mine)
    browser.get(old, 404)
    assert invitation_of("amira@example.org").state == "open"
    # The place comes back with it.
    assert registration("amira@example.org").state == "offered"
    assert registration("dora@example.org") is None
    name_deputy(browser)
    again = link_of(invitation_of("dora@example.org"))
    assert again != old
    browser.submit(again + "/accept", form_at=again)
    with refused("answered already"):
        answering.take_back_deputy(invitation_of("amira@example.org"), invited.meeting, BEFORE)


def test_when_the_deputy_cannot_come_the_first_one_is_asked_again(invited: Circle, browser: Browser) -> None:
    name_deputy(browser)
    theirs = link_of(invitation_of("dora@example.org"))
    browser.post(theirs + "/decline", browser.get(theirs).form_fields(theirs + "/accept"))
    first = invitation_of("amira@example.org")
    assert first.state == "open"
    message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "deputy_declined")).one()
    assert (message.recipient_id, kind(message.kind).wanted(message)) == (first.person_id, True)
    assert kind(message.kind).render(message).subject


@pytest.mark.parametrize(
    ("fields", "status"), [({"email": "amira@example.org"}, 422), ({"email": "keine"}, 422), ({"name": ""}, 422)],
)  # fmt: skip
def test_oneself_is_no_deputy_and_neither_is_no_address(
    invited: Circle, browser: Browser, fields: dict[str, str], status: int
) -> None:
    where = link_of(invitation_of("amira@example.org"), "/deputy")
    page = browser.submit(where, {**DEPUTY, **fields}, status=status)
    assert page.html.select(".error-summary")
    assert invitation_of("amira@example.org").state == "open"


def test_looking_at_the_page_names_nobody_and_foreign_links_are_not_found(invited: Circle, browser: Browser) -> None:
    mine, other = invitation_of("amira@example.org"), invitation_of("ben@example.org")
    for _ in range(2):
        browser.get(link_of(mine, "/deputy"))
    assert (mine.state, db.session.query(Invitation).count()) == ("open", 2)
    mixed = f"/i/{other.id}.{link_of(mine).partition('.')[2]}"
    for rest in ("/deputy", ""):
        browser.get(mixed + rest, 404)
    for verb in ("/accept", "/maybe", "/decline", "/deputy", "/deputy/back"):
        assert browser.client.post(mixed + verb).status_code in (400, 404)


def test_naming_many_one_after_the_other_is_slowed_down(invited: Circle, browser: Browser) -> None:
    mine = link_of(invitation_of("amira@example.org"))
    for number in range(5):
        name_deputy(browser, email=f"d{number}@example.org")
        browser.submit(mine + "/deputy/back", form_at=mine)
    page = browser.submit(mine + "/deputy", {**DEPUTY, "email": "d9@example.org"}, status=429)
    assert page.status == 429


def test_a_revoked_deputy_has_no_place_and_no_link(invited: Circle, browser: Browser) -> None:
    name_deputy(browser)
    theirs = link_of(invitation_of("dora@example.org"))
    browser.submit(theirs + "/accept", form_at=theirs)
    operations.revoke(invitation_of("dora@example.org"), invited.lead)
    db.session.commit()
    browser.get(theirs, 404)
    assert registration("dora@example.org") is None


def test_accepting_when_it_is_full_leads_to_the_list_with_a_number(invited: Circle, browser: Browser) -> None:
    come(invited.meeting, origin=Origin.staff)
    db.session.commit()
    mine = link_of(invitation_of("amira@example.org"))
    page = browser.follow(browser.submit(mine + "/accept", form_at=mine))
    assert registration("amira@example.org").state == "waiting"
    page = browser.get(mine, headers={"Accept-Language": "en"})
    assert "Your place on the list: 1." in page.text


def test_who_registered_before_keeps_that_when_they_are_invited_and_when_it_is_taken_back(invited: Circle) -> None:
    invited.meeting.registration = "everybody"
    ben = db.session.get_one(Person, invitation_of("ben@example.org").person_id)
    own = come(invited.meeting, ben)
    invite(invited, "ben@example.org")
    assert own.state == "coming"
    operations.revoke(invitation_of("ben@example.org"), invited.lead)
    db.session.refresh(own)
    assert own.state == "coming"


def test_a_change_on_the_page_of_the_registration_shows_in_the_invitation(invited: Circle, browser: Browser) -> None:
    mine = link_of(invitation_of("amira@example.org"))
    browser.submit(mine + "/accept", form_at=mine)
    from_there = browser.get(mine).html.select_one("a[href*='/registration/']")["href"]
    browser.submit(from_there + "/cancel", form_at=from_there)
    assert invitation_of("amira@example.org").state == "declined"
    browser.submit(from_there + "/come", form_at=from_there)
    assert invitation_of("amira@example.org").state == "accepted"


def test_after_the_beginning_nobody_is_named(
    invited: Circle, browser: Browser, at: Callable[[datetime], Any], count_queries: Callable[[], Any]
) -> None:
    where = link_of(invitation_of("amira@example.org"), "/deputy")
    with count_queries() as asked:
        fields = browser.get(where).form_fields(where)
    assert len(asked) <= 10
    at(AFTER)
    browser.get(where, 303)
    browser.post(where, {**fields, **DEPUTY}, 303)
    assert invitation_of("amira@example.org").state == "open"
    with refused("begun"):
        answering.answer(invitation_of("amira@example.org"), invited.meeting, Answer(True), AFTER + timedelta(1))


def test_naming_an_address_does_not_tell_whose_it_is(invited: Circle, browser: Browser) -> None:
    make_person("Geheimer Name", email="dora@example.org")
    db.session.commit()
    name_deputy(browser)
    page = browser.get(link_of(invitation_of("amira@example.org")))
    assert "dora@example.org" in page.text
    assert "Geheimer Name" not in page.text


def test_whoever_named_somebody_comes_by_no_other_way_until_they_take_it_back(
    invited: Circle, browser: Browser
) -> None:
    mine = link_of(invitation_of("amira@example.org"))
    browser.submit(mine + "/accept", form_at=mine)
    place = registration_link(registration("amira@example.org"))
    name_deputy(browser)
    browser.submit(place + "/come", form_at=place, status=409)
    assert invitation_of("amira@example.org").state == "deputy_named"
    assert registration("amira@example.org").state == "declined"


def test_a_deputy_who_cancels_by_the_registration_gives_the_invitation_back(invited: Circle, browser: Browser) -> None:
    mine = link_of(invitation_of("amira@example.org"))
    browser.submit(mine + "/accept", form_at=mine)
    name_deputy(browser)
    theirs = link_of(invitation_of("dora@example.org"))
    browser.submit(theirs + "/accept", form_at=theirs)
    place = registration_link(registration("dora@example.org"))
    browser.submit(place + "/cancel", form_at=place)
    assert invitation_of("dora@example.org").state == "declined"
    assert invitation_of("amira@example.org").state == "open"
    told = select(OutboxMessage.recipient_id).where(OutboxMessage.kind == "deputy_declined")
    assert db.session.scalars(told).all() == [invitation_of("amira@example.org").person_id]


@pytest.mark.parametrize("how", ["revoked", "erased"])
def test_when_the_deputy_is_gone_the_first_can_answer_again(invited: Circle, browser: Browser, how: str) -> None:
    name_deputy(browser)
    theirs = invitation_of("dora@example.org")
    theirs.state = "accepted"
    mine = link_of(invitation_of("amira@example.org"))
    if how == "revoked":
        operations.revoke(theirs, invited.moderator)
        db.session.commit()
        assert invitation_of("amira@example.org").state == "open"
    else:
        personal.erase(db.session.get_one(Person, theirs.person_id), invited.moderator)
        db.session.commit()
        browser.submit(mine + "/deputy/back", form_at=mine)
    browser.submit(mine + "/accept", form_at=mine)
    assert invitation_of("amira@example.org").state == "accepted"
