"""Trips of mails of newsletters: is this your address, a test to oneself, an issue, other dates, the way to stop it."""

from datetime import timedelta

from consult import clock
from consult.extensions import db
from consult.invitations.models import Subscription
from consult.newsletters import subscribing
from consult.processes.models import Process
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import press, send, text_of
from tests.browser.town import Town
from tests.browser.trips import Event, Visit, link_in, mail_to, new_address, new_event


def state_of(here: Town, event: Event) -> list[str]:
    """How those stand who have to do with the newsletter of this process."""
    with here.inside():
        process = db.session.query(Process).filter_by(slug=event.slug).one()
        return [row.state for row in db.session.query(Subscription).filter_by(process_id=process.id)]


def write_issue(visit: Visit, event: Event) -> Visitor:
    """An issue is written; nothing is sent."""
    lead = visit(event.lead)
    lead.go(f"/p/{event.slug}/newsletters")
    press(lead.page, lead.page.locator("form[action$='/newsletters'] button"))
    send(lead.page, subject="Neues im Mai", note="Die **Bänke** stehen.")
    return lead


def test_trip_newsletter_confirm(here: Town, visit: Visit) -> None:
    event, address, visitor = new_event(here), new_address(), visit()
    send(visitor.go(f"/p/{event.slug}/newsletter"), email=address)
    link = link_in(here, mail_to(here, address), "/newsletter/confirm/")
    phone = visit()
    phone.go(link)
    assert state_of(here, event) == ["pending"], "looking subscribes to nothing"
    press(phone.page, phone.page.locator("main form button.primary"))
    assert phone.page.locator(".callout.tone-success").count()
    assert state_of(here, event) == ["confirmed"]
    phone.go(link, status=410)


def test_trip_newsletter_test(here: Town, visit: Visit) -> None:
    event = new_event(here)
    lead = write_issue(visit, event)
    press(lead.page, lead.page.locator("form[action$='/test'] button"))
    mail = mail_to(here, event.lead_address)
    assert "Bänke" in mail.text
    assert not mail.message["List-Unsubscribe"], "nobody subscribed to a test"
    visit().go(link_in(here, mail, f"/p/{event.slug}"))


def test_trip_newsletter(here: Town, visit: Visit) -> None:
    event = new_event(here)
    with here.inside():
        reader = factories.make_person("Rita", email=new_address(), account=False)
        subscribing.subscribe(db.session.query(Process).filter_by(slug=event.slug).one(), reader, "de")
        address = str(reader.email)
    lead = write_issue(visit, event)
    press(lead.page, lead.page.locator("form[action$='/send'] button.primary"))
    mail = mail_to(here, address)
    assert mail.message["Subject"] == "Neues im Mai"
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    phone = visit()
    phone.go(link_in(here, mail, f"/p/{event.slug}"))
    assert event.slug.title().replace("-", " ") in text_of(phone.page)
    phone.go(link_in(here, mail, "/newsletter/stop/"))
    assert state_of(here, event) == ["confirmed"], "looking stops nothing"
    press(phone.page, phone.page.locator("main form button.primary"))
    assert state_of(here, event) == ["ended"]
    press(phone.page, phone.page.locator("main form button"))
    assert state_of(here, event) == ["confirmed"], "the same page takes it up again"


def test_trip_dates_changed(here: Town, visit: Visit) -> None:
    event, address = new_event(here), new_address()
    with here.inside():
        process = db.session.query(Process).filter_by(slug=event.slug).one()
        reader = factories.make_person("Rolf", email=address, account=False)
        subscribing.subscribe(process, reader, "de")
        starts = clock.now() + timedelta(days=3)
        stage = factories.make_stage(process, title="Rückmeldung", starts_at=starts, ends_at=starts + timedelta(days=9))
        path = f"/p/{event.slug}/stages/{stage.id}"
    lead = visit(event.lead)
    send(lead.go(path), last_day=(clock.now() + timedelta(days=40)).date().isoformat())
    mail = mail_to(here, address)
    assert "Rückmeldung" in mail.message["Subject"]
    assert any(part.get_content_type() == "text/calendar" for part in mail.message.walk())
    phone = visit()
    phone.go(link_in(here, mail, f"/p/{event.slug}/timeline"))
    assert "Rückmeldung" in text_of(phone.page)
    phone.go(link_in(here, mail, "/newsletter/stop/"))
    press(phone.page, phone.page.locator("main form button.primary"))
    assert state_of(here, event) == ["ended"]
