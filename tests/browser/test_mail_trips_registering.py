"""Trips of mails about a place at a meeting: prove the address, come in, wait, a place became free, no."""

from datetime import timedelta

from sqlalchemy import update

from consult import clock
from consult.extensions import db
from consult.meetings.models import Registration, RegistrationState
from tests.browser.filling import press, send, text_of
from tests.browser.town import Town
from tests.browser.trips import (
    Event,
    Visit,
    calendar_in,
    confirm_and_press,
    guest_of,
    link_in,
    mail_to,
    new_address,
    new_event,
    new_person,
    state_of,
)


def register(here: Town, visit: Visit, event: Event) -> str:
    """Somebody signed in registers; their address."""
    person, address = new_person(here)
    send(visit(person).go(f"{event.base}/register"), organisation="Nähtreff")
    return address


def ask(here: Town, visit: Visit, event: Event, address: str) -> str:
    """A guest types in this address, and the page says what it says to everybody; its words."""
    guest = visit()
    send(guest.go(f"{event.base}/register"), name="Wer auch immer", email=address)
    assert guest.page.url.endswith("/register/sent")
    return text_of(guest.page)


def test_trip_confirm_registration(here: Town, visit: Visit) -> None:
    event, address = new_event(here), new_address()
    ask(here, visit, event, address)
    mail = mail_to(here, address)
    assert "Wer auch immer" not in mail.text, "no word of a stranger goes to an address they typed in"
    link = link_in(here, mail, "/registration/confirm/")
    guest, lead = visit(), visit(event.lead)
    guest.go(link)
    assert state_of(here, event, address) == RegistrationState.unconfirmed, "looking confirms nothing"
    send(guest.page, name="Gerda Gast")
    assert guest.page.locator(".callout.tone-success").count()
    lead.go(f"{event.base}/registrations?show=coming")
    assert "Gerda Gast" in text_of(lead.page)
    guest.go(link, status=410)


def test_trip_registration_confirmed(here: Town, visit: Visit) -> None:
    event = new_event(here)
    address = register(here, visit, event)
    mail = mail_to(here, address)
    assert "METHOD:REQUEST" in calendar_in(mail)
    phone = visit()
    page = phone.go(link_in(here, mail, "/registration/"))
    code = page.locator(".door-code strong").inner_text()
    assert code in mail.text
    confirm_and_press(phone, "/cancel")
    assert state_of(here, event, address) == RegistrationState.declined


def test_trip_registration_known(here: Town, visit: Visit) -> None:
    event = new_event(here)
    address, _path = guest_of(here, event)
    # Whoever types it in learns nothing from the page.
    assert ask(here, visit, event, address) == ask(here, visit, event, new_address())
    mail = mail_to(here, address)
    assert "Wer auch immer" not in mail.text
    guest = visit()
    guest.go(link_in(here, mail, "/registration/"))
    guest.page.locator("details.details summary").first.click()
    send(guest.page, named=True)
    with here.inside():
        row = db.session.query(Registration).filter_by(meeting_id=event.meeting_id, state="coming").one()
        assert row.named


def test_trip_registration_listed(here: Town, visit: Visit) -> None:
    event = new_event(here, capacity=1)
    guest_of(here, event)
    address = register(here, visit, event)
    phone = visit()
    phone.go(link_in(here, mail_to(here, address), "/registration/"))
    assert state_of(here, event, address) == RegistrationState.waiting
    assert not phone.page.locator(".door-code").count(), "no code without a place"
    confirm_and_press(phone, "/cancel")
    assert state_of(here, event, address) == RegistrationState.declined


def free_a_place(here: Town, visit: Visit) -> tuple[Event, str]:
    """The only guest with a place leaves it to the next one: the event, and the address of whoever waited."""
    event = new_event(here, capacity=1)
    _first, path = guest_of(here, event)
    address, _path = guest_of(here, event, "Willi Wartet")
    first = visit()
    first.go(path)
    confirm_and_press(first, "/cancel")
    return event, address


def test_trip_place_offered(here: Town, visit: Visit) -> None:
    event, address = free_a_place(here, visit)
    phone = visit()
    phone.go(link_in(here, mail_to(here, address), "/registration/"))
    assert state_of(here, event, address) == RegistrationState.offered
    press(phone.page, phone.page.locator("form[action$='/come'] button"))
    assert phone.page.locator(".door-code").count()
    assert state_of(here, event, address) == RegistrationState.coming


def test_trip_place_offer_ended(here: Town, visit: Visit) -> None:
    event, address = free_a_place(here, visit)
    mail_to(here, address)
    with here.inside():
        # Time passes; the worker sees it by itself.
        db.session.execute(
            update(Registration)
            .where(Registration.meeting_id == event.meeting_id, Registration.state == RegistrationState.offered)
            .values(offer_until=clock.now() - timedelta(seconds=1))
        )
    phone = visit()
    phone.go(link_in(here, mail_to(here, address, 2), "/registration/"))
    assert state_of(here, event, address) == RegistrationState.declined
    press(phone.page, phone.page.locator("form[action$='/come'] button"))
    # Nobody took it meanwhile.
    assert state_of(here, event, address) == RegistrationState.coming


def test_trip_registration_refused(here: Town, visit: Visit) -> None:
    event = new_event(here, approval=True)
    address = register(here, visit, event)
    assert "/registration/" in link_in(here, mail_to(here, address), "/registration/")
    lead = visit(event.lead)
    lead.go(f"{event.base}/registrations?show=asked")
    press(lead.page, lead.page.locator("table a[href*='/registrations/']"))
    send(lead.page, reason="Diesmal nur für Träger.")
    mail = mail_to(here, address, 2)
    assert "Diesmal nur für Träger." in mail.text
    phone = visit()
    phone.go(link_in(here, mail, "/registration/"))
    assert "Diesmal nur für Träger." in text_of(phone.page)
    assert not phone.page.locator("form[action$='/come']").count()


def test_trip_registration_ended(here: Town, visit: Visit) -> None:
    event = new_event(here)
    address, path = guest_of(here, event)
    lead = visit(event.lead)
    lead.go(f"{event.base}/registrations")
    press(lead.page, lead.page.locator("table a[href*='/registrations/']"))
    send(lead.page, state="declined")
    mail = mail_to(here, address)
    assert "METHOD:CANCEL" in calendar_in(mail)
    phone = visit()
    # The mail says to write if it was a mistake.
    send(phone.go(link_in(here, mail, "/contact")), body="Ich wollte doch kommen.")
    assert phone.page.url.endswith("/contact/thanks")
    phone.go(path)
    assert not phone.page.locator(".door-code").count()
