"""Trips of mails around meetings: being invited, named, reminded, thanked and asked."""

from datetime import timedelta

from consult import clock
from consult.extensions import db
from consult.meetings.models import LineKind, Meeting, MinuteLine, Minutes, MinutesState, RegistrationState
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press, send, text_of
from tests.browser.town import Town
from tests.browser.trips import (
    Event,
    Visit,
    calendar_in,
    confirm_and_press,
    guest_of,
    let_it_begin,
    link_in,
    mail_to,
    new_address,
    new_event,
    state_of,
)

# -- invited ------------------------------------------------------------------------------------------------------


def invite(here: Town, visit: Visit) -> tuple[Visitor, Event, str]:
    """An organiser invites one guest by the list: the organiser, the event, the guest's address."""
    event, address = new_event(here), new_address()
    lead = visit(event.lead)
    send(lead.go(f"{event.base}/invite"), text=f"Amira Beispiel; {address}")
    assert not here.sink.to(address), "the dry run sent something"
    press(lead.page, lead.page.locator("form.form button.primary"))
    return lead, event, address


def test_trip_invitation(here: Town, visit: Visit) -> None:
    lead, event, address = invite(here, visit)
    mail = mail_to(here, address)
    assert "METHOD:REQUEST" in calendar_in(mail)
    guest = visit()
    guest.go(link_in(here, mail, "/i/"))
    assert state_of(here, event, address) == "", "looking is no answer"
    press(guest.page, guest.page.locator("form button.primary"))
    assert guest.page.locator(".callout.tone-success").count()
    lead.go(f"{event.base}/invitations?show=accepted")
    assert address in text_of(lead.page)


def test_trip_invitation_reminder(here: Town, visit: Visit) -> None:
    lead, event, address = invite(here, visit)
    mail_to(here, address)
    press(lead.page, lead.page.locator("#larger a[href*='/campaigns/']"))
    confirm_and_press(lead, "/remind")
    guest = visit()
    guest.go(link_in(here, mail_to(here, address, 2), "/i/"))
    press(guest.page, guest.page.locator("form button[formaction$='/decline']"))
    assert state_of(here, event, address) == RegistrationState.declined
    # Whoever has answered is not asked again.
    lead.page.reload()
    assert not lead.page.locator("form[action$='/remind']").count()


def test_trip_invitation_test(here: Town, visit: Visit) -> None:
    event = new_event(here)
    lead = visit(event.lead)
    lead.go(f"{event.base}/invitations")
    press(lead.page, lead.page.locator("form[action$='/campaigns'] button"))
    press(lead.page, lead.page.locator("a[href$='/edit']"))
    send(lead.page, note="Es gibt Suppe.")
    press(lead.page, lead.page.locator("a[href$='/preview']"))
    assert "Es gibt Suppe." in text_of(lead.page)
    press(lead.page, lead.page.locator("form[action$='/test'] button"))
    mail = mail_to(here, event.lead_address)
    assert "Es gibt Suppe." in mail.text
    # Nobody can answer with it: it leads back to what was tried.
    lead.go(link_in(here, mail, f"/p/{event.slug}/campaigns/"))
    assert "Es gibt Suppe." in text_of(lead.page)


def test_trip_deputy_declined(here: Town, visit: Visit) -> None:
    _lead, event, address = invite(here, visit)
    personal = link_in(here, mail_to(here, address), "/i/")
    guest, deputy, stands_in = visit(), visit(), new_address()
    guest.go(personal)
    press(guest.page, guest.page.locator("a[href$='/deputy']"))
    send(guest.page, email=stands_in, name="Vera Vertretung")
    assert not guest.page.locator("form[action$='/accept']").count(), "only one of the two answers"
    deputy.go(link_in(here, mail_to(here, stands_in), "/i/"))
    press(deputy.page, deputy.page.locator("form button[formaction$='/decline']"))
    guest.go(link_in(here, mail_to(here, address, 2), "/i/"))
    press(guest.page, guest.page.locator("form button.primary"))
    assert state_of(here, event, address) == RegistrationState.coming
    assert state_of(here, event, stands_in) == RegistrationState.declined


def test_trip_deputy_invited(here: Town, visit: Visit) -> None:
    event, address, other = new_event(here), new_address(), new_address()
    lead = visit(event.lead)
    send(lead.go(f"{event.base}/invite"), text=f"Amira Beispiel; {address}\nBen Beispiel; {other}")
    press(lead.page, lead.page.locator("form.form button.primary"))
    # The mail about the deputy is the second to come.
    mail_to(here, other)
    guest, known = visit(), visit()
    guest.go(link_in(here, mail_to(here, address), "/i/"))
    press(guest.page, guest.page.locator("a[href$='/deputy']"))
    send(guest.page, email=other, name="Ben Beispiel")
    mail = mail_to(here, other, 2)
    assert "Amira Beispiel" in mail.text
    known.go(link_in(here, mail, "/i/"))
    press(known.page, known.page.locator("form button.primary"))
    assert state_of(here, event, other) == RegistrationState.coming


def test_trip_meeting_changed(here: Town, visit: Visit) -> None:
    lead, event, address = invite(here, visit)
    mail_to(here, address)
    send(lead.go(f"{event.base}/edit"), place="Rathaus, Saal 3")
    mail = mail_to(here, address, 2)
    guest = visit()
    guest.go(link_in(here, mail, event.base))
    assert "Rathaus, Saal 3" in mail.text
    assert "Rathaus, Saal 3" in text_of(guest.page)


def test_trip_meeting_cancelled(here: Town, visit: Visit) -> None:
    lead, event, address = invite(here, visit)
    personal = link_in(here, mail_to(here, address), "/i/")
    lead.go(event.base)
    confirm_and_press(lead, f"{event.base}/cancel")
    mail = mail_to(here, address, 2)
    assert "METHOD:CANCEL" in calendar_in(mail)
    guest = visit()
    guest.go(link_in(here, mail, event.base))
    assert guest.page.locator(".callout.tone-danger").count()
    guest.go(personal)
    assert not guest.page.locator("form[action$='/accept']").count()
    with here.inside():
        assert db.session.get_one(Meeting, event.meeting_id).state == "cancelled"


# -- before and after ---------------------------------------------------------------------------------------------


def plan(lead: Visitor, event: Event, preset: str) -> None:
    """Plan one of the usual mails by its button."""
    lead.go(f"{event.base}/reminders")
    press(lead.page, lead.page.locator(f"form[action$='/reminders/{preset}'] button"))


def test_trip_meeting_reminder(here: Town, visit: Visit) -> None:
    event = new_event(here)
    address, _path = guest_of(here, event)
    lead = visit(event.lead)
    plan(lead, event, "day_before")
    assert not here.sink.to(address)
    let_it_begin(here, event, timedelta(hours=12))
    mail = mail_to(here, address)
    assert "METHOD:REQUEST" in calendar_in(mail)
    guest = visit()
    guest.go(link_in(here, mail, event.base))
    assert "Abend" in text_of(guest.page)
    lead.page.reload()
    assert lead.page.locator("section.card .badge.tone-success").count() == 1, "sent, and not twice"


def test_trip_meeting_thanks(here: Town, visit: Visit) -> None:
    event = new_event(here)
    address, _path = guest_of(here, event, state=RegistrationState.attended)
    absent, _path = guest_of(here, event, state=RegistrationState.absent)
    plan(visit(event.lead), event, "thanks")
    with here.inside():
        minutes = factories.flushed(Minutes(meeting_id=event.meeting_id, revision=1))
        factories.flushed(MinuteLine(minutes_id=minutes.id, position=1, kind=LineKind.result, text="Mehr Bänke."))
        minutes.state, minutes.approved_at = MinutesState.approved, clock.now()
    let_it_begin(here, event, timedelta(hours=-30))
    mail = mail_to(here, address)
    guest = visit()
    guest.go(next(link for link in mail.links if link.endswith("#minutes")))
    assert "Mehr Bänke." in text_of(guest.page)
    assert guest.page.locator("#minutes").count() == 1
    assert not here.sink.to(absent)


def test_trip_meeting_survey(here: Town, visit: Visit) -> None:
    event = new_event(here)
    address, _path = guest_of(here, event, state=RegistrationState.attended)
    lead = visit(event.lead)
    lead.go(f"{event.base}/survey/questions")
    press(lead.page, lead.page.locator("form[action$='/survey/usual'] button"))
    plan(lead, event, "survey")
    let_it_begin(here, event, timedelta(hours=-30))
    link = link_in(here, mail_to(here, address), "/survey/")
    guest = visit()
    page = guest.go(link)
    for question in page.locator("fieldset").all():
        question.locator("input[value='4']").check()
    page.locator("textarea").fill("Mehr Pausen.")
    press(page, page.locator("main form button.primary"))
    guest.go(link)
    assert not form_with(page, "later").count(), "it is sent once"
    lead.go(f"{event.base}/survey")
    assert "Mehr Pausen." in text_of(lead.page)
