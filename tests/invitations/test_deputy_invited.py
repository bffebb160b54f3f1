"""Naming somebody who is invited already: whoever names them learns nothing; the mail to them says what it means."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from consult.accounts.models import Person
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations import operations
from consult.meetings.models import Registration
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import make_person
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import BEFORE, Circle, make_circle
from tests.meetings.registrants import come, run_due

NEW, KNOWN = "dora@example.org", "ben@example.org"


@pytest.fixture
def invited(session: Any, at: Callable[[datetime], Any]) -> Circle:
    """One place; Amira has it. Ben is invited and has not answered."""
    at(BEFORE)
    circle = make_circle(capacity=1)
    invite(circle)
    session.commit()
    return circle


def mine() -> str:
    return link_of(invitation_of("amira@example.org"))


def press(browser: Browser, address: str, verb: str) -> Any:
    page = link_of(invitation_of(address))
    form = page + (verb if verb.startswith("/deputy") else "/accept")
    return browser.post(page + verb, browser.get(page).form_fields(form))


def name(browser: Browser, email: str) -> Any:
    return browser.submit(mine() + "/deputy", {"name": "Wer Auch Immer", "email": email})


def row(address: str) -> Registration | None:
    db.session.expire_all()
    return db.session.scalar(select(Registration).join(Registration.person).where(Person.email == address))


def state(address: str) -> str:
    found = row(address)
    return found.state if found else ""


def mail_to(address: str, name: str = "deputy_invited") -> OutboxMessage | None:
    return db.session.scalar(
        select(OutboxMessage)
        .join(Person, Person.id == OutboxMessage.recipient_id)
        .where(OutboxMessage.kind == name, Person.email == address)
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    )


def words(message: OutboxMessage) -> str:
    assert kind(message.kind).wanted(message)
    with in_language("en"):
        return kind(message.kind).render(message).body


def seen(browser: Browser, address: str) -> list[Any]:
    """Everything that whoever named this address sees: the answer, the page, the page after taking it back."""
    found: list[Any] = []
    answer = name(browser, address)
    found.append((answer.status, answer.location))
    for page in (browser.follow(answer), press(browser, "amira@example.org", "/deputy/back")):
        shown = browser.follow(page) if page.location else page
        found.append((shown.status, shown.text.replace(address, "...")))
    return found


@pytest.mark.parametrize("answered", ["", "/maybe", "/decline"])
@pytest.mark.parametrize("place", [True, False])
def test_whoever_names_an_address_sees_the_same_whether_it_is_invited_or_not(
    invited: Circle, browser: Browser, answered: str, place: bool
) -> None:
    if place:
        press(browser, "amira@example.org", "/accept")
    if answered:
        press(browser, KNOWN, answered)
    first = seen(browser, NEW)
    if place:
        assert state("amira@example.org") == "offered"
        press(browser, "amira@example.org", "/accept")
    assert seen(browser, KNOWN) == first
    assert invitation_of("amira@example.org").state == "open"
    assert state("amira@example.org") == ("offered" if place else "")
    assert state(KNOWN) in ("", "maybe", "declined")


def test_a_kept_place_goes_to_whom_was_named_and_their_mail_says_the_difference(
    invited: Circle, browser: Browser
) -> None:
    press(browser, "amira@example.org", "/accept")
    press(browser, KNOWN, "/decline")
    name(browser, KNOWN)
    assert (state("amira@example.org"), state(KNOWN), invitation_of(KNOWN).state) == ("declined", "offered", "open")
    message = mail_to(KNOWN)
    assert message is not None
    text = words(message)
    assert "Amira Beispiel cannot come and has named you" in text
    assert "You are invited already" in text
    assert f"{link_of(invitation_of(KNOWN))}" in text
    assert mail_to(KNOWN, "invitation") is not None, "the first one; no second is sent"
    press(browser, KNOWN, "/accept")
    assert state(KNOWN) == "coming"
    assert "You need do nothing" in words(message)
    # Now the place is theirs.
    browser.submit(mine() + "/deputy/back", form_at=mine(), status=409)
    assert (state(KNOWN), invitation_of("amira@example.org").state) == ("coming", "deputy_named")


def test_when_they_cannot_come_either_the_first_one_is_asked_again(invited: Circle, browser: Browser) -> None:
    press(browser, "amira@example.org", "/accept")
    name(browser, KNOWN)
    press(browser, KNOWN, "/decline")
    assert invitation_of("amira@example.org").state == "open"
    assert mail_to("amira@example.org", "deputy_declined") is not None


def test_when_the_time_of_the_kept_place_is_over_the_first_one_is_asked_again(
    invited: Circle, browser: Browser
) -> None:
    press(browser, "amira@example.org", "/accept")
    name(browser, KNOWN)
    kept = row(KNOWN)
    assert kept is not None
    assert kept.offer_until is not None
    db.session.commit()
    run_due(kept.offer_until)
    db.session.expire_all()
    assert (state(KNOWN), invitation_of("amira@example.org").state) == ("declined", "open")


def test_a_place_is_not_doubled_when_the_one_named_has_one(invited: Circle, browser: Browser) -> None:
    invited.meeting.capacity = 2
    db.session.commit()
    for address in ("amira@example.org", KNOWN):
        press(browser, address, "/accept")
    waits = come(invited.meeting, make_person(), origin="invitation")
    assert waits.state == "waiting"
    db.session.commit()
    name(browser, KNOWN)
    # Both cannot sit on one chair: the second one goes to who waits.
    assert (state("amira@example.org"), state(KNOWN)) == ("declined", "coming")
    db.session.refresh(waits)
    assert waits.state == "offered"
    press(browser, "amira@example.org", "/deputy/back")
    assert (state("amira@example.org"), state(KNOWN)) == ("waiting", "coming")


def test_the_no_of_the_organisers_stands(invited: Circle, browser: Browser) -> None:
    press(browser, "amira@example.org", "/accept")
    operations.revoke(invitation_of(KNOWN), invited.lead)
    db.session.commit()
    answer = name(browser, KNOWN)
    assert answer.status == 303
    assert (invitation_of(KNOWN).state, state(KNOWN)) == ("revoked", "")
    message = mail_to(KNOWN)
    assert message is not None
    text = words(message)
    assert "have taken back your invitation" in text
    assert "/i/" not in text


def test_what_was_taken_back_is_told_to_nobody(invited: Circle, browser: Browser) -> None:
    name(browser, KNOWN)
    press(browser, "amira@example.org", "/deputy/back")
    message = mail_to(KNOWN)
    assert message is not None
    assert not kind(message.kind).wanted(message)
