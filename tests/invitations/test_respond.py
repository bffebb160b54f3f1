"""Answering by the personal link: no account, no effect of looking, bound to one person."""

import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import func, select, update

from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import answering, operations
from consult.invitations.answering import Answer
from consult.invitations.models import Invitation
from consult.invitations.views import answering as answering_views
from consult.meetings import registering as places
from consult.meetings.models import Meeting, Origin, Registration
from consult.meetings.registering import Given
from consult.meetings.words import Need, Needs
from consult.outbox.models import OutboxMessage
from consult.signing import new_nonce, sign
from tests.client import Browser
from tests.factories import make_person
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import AFTER, BEFORE, Circle, make_circle


@pytest.fixture
def invited(session: Any, at: Callable[[datetime], Any]) -> Circle:
    """A circle whose meeting in two weeks Amira and Ben are invited to."""
    at(BEFORE)
    circle = make_circle()
    invite(circle)
    session.commit()
    return circle


def amira() -> Invitation:
    return invitation_of("amira@example.org")


def registration() -> Registration | None:
    return db.session.scalar(select(Registration).where(Registration.person_id == amira().person_id))


def test_looking_shows_the_meeting_and_changes_no_answer(invited: Circle, browser: Browser) -> None:
    address = link_of(amira())
    for _ in range(3):
        page = browser.get(address)
    assert page.h1 == invited.meeting.title
    assert "Quartiersbüro" in page.text
    assert amira().state == "open"
    assert amira().opened_at is not None
    assert registration() is None


def test_the_page_is_not_stored_and_its_address_not_told_on(invited: Circle, browser: Browser) -> None:
    for rest in ("", "/meeting.ics"):
        headers = browser.get(link_of(amira(), rest)).response.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"


def test_somebody_accepts_with_needs_and_a_message_and_then_declines(invited: Circle, browser: Browser) -> None:
    address = link_of(amira())
    page = browser.submit(
        address + "/accept",
        {"needs": "interpreter", "needs_note": "Arabisch", "message": "Ich freue mich.", "name": "Amira B."},
        form_at=address,
    )
    browser.follow(page)
    stored = registration()
    assert stored is not None
    assert (amira().state, stored.state, stored.person_id) == ("accepted", "coming", amira().person_id)
    assert Needs.load(stored.needs) == Needs((Need.interpreter,), "Arabisch")
    assert amira().message == "Ich freue mich."
    assert db.session.get_one(Person, amira().person_id).name == "Amira B."
    browser.post(address + "/decline", browser.get(address).form_fields(address + "/accept"))
    db.session.expire_all()
    stored = registration()
    assert stored is not None
    assert (amira().state, stored.state, stored.needs) == ("declined", "declined", None)


def test_one_answers_for_oneself_only(invited: Circle, browser: Browser) -> None:
    browser.submit(link_of(amira(), "/accept"), {"person_id": "1", "invitation_id": "1"}, form_at=link_of(amira()))
    assert invitation_of("ben@example.org").state == "open"
    people = db.session.scalars(select(Registration.person_id)).all()
    assert people == [amira().person_id]


def test_who_has_an_account_keeps_the_name_they_chose_there(invited: Circle, browser: Browser) -> None:
    known = make_person("Wahlname", email="wahl@example.org")
    invite(invited, "wahl@example.org")
    db.session.commit()
    address = link_of(invitation_of("wahl@example.org"))
    browser.submit(address + "/accept", {"name": "Jemand anders"}, form_at=address)
    db.session.expire_all()
    assert known.name == "Wahlname"


@pytest.mark.parametrize("rest", ["", "/meeting.ics"])
def test_links_that_were_not_made_for_this_are_not_found(invited: Circle, browser: Browser, rest: str) -> None:
    mine, other = amira(), invitation_of("ben@example.org")
    genuine = sign("respond", mine.id, mine.nonce)
    head, _, mac = genuine.partition(".")
    forged = [
        f"{other.id}.{mac}", f"{head}.", f"{head}.{mac[:-1]}", f"{head}.{mac}x", f"0{genuine}",
        f"{head}.{mac.swapcase()}", sign("sign_in", mine.id, mine.nonce), sign("respond", mine.id, other.nonce),
        sign("respond", 10**11, "x"), sign("respond", 99999, mine.nonce), "x", "1", ".", f"-{genuine}",
        f"{genuine}.1", "²." + mac, head + "." + "é" * 24,
    ]  # fmt: skip
    pages = [browser.get(f"/i/{link}{rest}", 404).text for link in forged]
    assert len(set(pages)) == 1
    assert (mine.opened_at, mine.state) == (None, "open")


def test_a_link_that_was_taken_back_or_replaced_is_dead_at_once(invited: Circle, browser: Browser) -> None:
    mine, old = amira(), link_of(amira())
    browser.submit(old + "/accept", form_at=old)
    fields = browser.get(old).form_fields(old + "/accept")
    operations.revoke(amira(), invited.lead)
    db.session.commit()
    browser.get(old, 404)
    browser.post(old + "/accept", fields, 404)
    assert registration() is None
    db.session.execute(update(OutboxMessage).values(state="sent"))
    operations.send_again(mine, invited.meeting, invited.lead, BEFORE + timedelta(hours=1))
    db.session.commit()
    browser.get(old, 404)
    browser.get(link_of(amira()))


def test_guessing_links_is_slowed_down(invited: Circle, browser: Browser) -> None:
    statuses = [browser.client.get(f"/i/1.{new_nonce()}").status_code for _ in range(answering_views.GUESSES + 3)]
    assert statuses[0] == 404
    assert statuses[-3:] == [429] * 3
    # Whoever holds a true link is not locked out by a neighbour.
    browser.get(link_of(amira()))


def test_after_the_beginning_and_after_a_cancellation_there_is_a_friendly_page(
    invited: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    address = link_of(amira())
    fields = browser.get(address).form_fields(address + "/accept")
    at(AFTER)
    assert browser.get(address).html.select("form.form") == []
    browser.post(address + "/accept", fields, 409)
    invited.meeting.state = "cancelled"
    db.session.commit()
    page = browser.get(address)
    assert page.html.select(".tone-danger")
    assert page.html.select("form.form") == []
    method = Calendar.from_ical(browser.get(link_of(amira(), "/meeting.ics")).response.data)["method"]
    assert str(method) == "CANCEL"
    assert amira().state == "open"


def test_the_last_place_is_given_once(invited: Circle) -> None:
    invited.meeting.capacity = 1
    answering.answer(_loaded("amira@example.org"), invited.meeting, Answer(True), BEFORE)
    waits = answering.answer(_loaded("ben@example.org"), invited.meeting, Answer(True), BEFORE)
    assert (waits.state, _loaded("ben@example.org").state) == ("waiting", "accepted")
    # Who has a place may change what they need.
    answering.answer(_loaded("amira@example.org"), invited.meeting, Answer(True, needs=Needs((), "Rampe")), BEFORE)
    answering.answer(_loaded("amira@example.org"), invited.meeting, Answer(False), BEFORE)
    assert waits.state == "offered"
    assert answering.answer(_loaded("ben@example.org"), invited.meeting, Answer(True), BEFORE).state == "coming"


def test_who_is_invited_needs_no_second_yes_of_the_organisers(invited: Circle) -> None:
    invited.meeting.approval, invited.meeting.registration = True, "everybody"
    yes = answering.answer(_loaded("amira@example.org"), invited.meeting, Answer(True), BEFORE)
    assert yes.state == "coming", "whoever was invited was looked at"
    asks = places.register(invited.meeting, make_person(), Given(), origin=Origin.registration, now=BEFORE)
    assert asks.state == "asked"


def _loaded(address: str) -> Invitation:
    invitation = invitation_of(address)
    db.session.get_one(Person, invitation.person_id)
    return invitation


def test_answers_at_once_never_take_more_places_than_there_are(own_app: Flask, record_property: Any) -> None:
    circle = make_circle()
    circle.meeting.capacity = 5
    guests = 200 if os.environ.get("CONSULT_FAULTS") == "full" else 40
    invite(circle, "\n".join(f"gast{n}@example.org" for n in range(guests)), now=BEFORE)
    db.session.commit()
    ids, meeting_id = db.session.scalars(select(Invitation.id)).all(), circle.meeting.id
    db.session.remove()
    outcomes: list[str] = []
    gate = threading.Barrier(20)

    def answer(some: list[int]) -> None:
        with own_app.app_context():
            gate.wait(30)
            for ident in some:
                invitation = db.session.get_one(Invitation, ident)
                db.session.get_one(Person, invitation.person_id)
                try:
                    meeting = db.session.get_one(Meeting, meeting_id)
                    outcome = answering.answer(invitation, meeting, Answer(True), BEFORE).state
                    db.session.commit()
                    outcomes.append(outcome)
                except Exception as error:
                    db.session.rollback()
                    outcomes.append(repr(error))
            db.session.remove()

    threads = [threading.Thread(target=answer, args=(list(ids[n::20]),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    record_property("trials", guests)
    assert sorted(outcomes) == ["coming"] * 5 + ["waiting"] * (guests - 5)
    assert db.session.scalar(select(func.count(Registration.id)).where(Registration.state == "coming")) == 5


@pytest.mark.parametrize(
    "wrong", [{"name": "x" * 201}, {"needs": "limousine"}, {"needs_note": "x" * 201}, {"message": "x" * 1001}]
)
def test_an_answer_with_a_mistake_comes_back_with_what_was_typed(
    invited: Circle, browser: Browser, wrong: dict[str, str]
) -> None:
    address = link_of(amira())
    typed = {"message": "Bleibt stehen", **wrong}
    page = browser.submit(address + "/accept", typed, form_at=address, status=422)
    assert page.form_fields(address + "/accept")["message"] == typed["message"]
    assert registration() is None


def test_a_stale_token_loses_nothing(invited: Circle, browser: Browser) -> None:
    address = link_of(amira())
    fields = {**browser.get(address).form_fields(address + "/accept"), "message": "Bleibt", "csrf_token": "alt"}
    page = browser.post(address + "/accept", fields, 422)
    assert page.form_fields(address + "/accept")["message"] == "Bleibt"
    assert amira().state == "open"


def test_the_answering_page_asks_few_questions(
    invited: Circle, browser: Browser, count_queries: Callable[[], Any]
) -> None:
    address = link_of(amira())
    browser.get(address)
    with count_queries() as asked:
        browser.get(address)
    assert len(asked) <= 5
