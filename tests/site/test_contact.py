"""The contact form: open to everybody, without an account."""

import pytest
from sqlalchemy import select

from consult.accounts.models import Person
from consult.desk.emails import contact_message
from consult.extensions import db
from consult.outbox.models import OutboxMessage
from consult.site.models import ContactMessage, Site
from tests import factories

MESSAGE = {"topic": "accessibility", "body": "Die Karte lässt sich nicht mit der Tastatur bedienen.", "page": "/p/x"}


def messages():
    return list(db.session.scalars(select(ContactMessage)))


@pytest.fixture
def contact_address(session):
    factories.flushed(Site(id=1, city_name="Stadt", platform_name="Mitreden", contact_email="kontakt@stadt.example"))
    session.commit()


def test_a_message_is_kept_and_the_contact_address_is_told(browser, contact_address):
    page = browser.submit("/contact", MESSAGE)
    assert browser.follow(page).h1
    (message,) = messages()
    assert message.topic == "accessibility"
    assert message.email is None
    (mail,) = db.session.scalars(select(OutboxMessage))
    assert mail.kind == "desk.contact_message"
    assert mail.subject_id == message.id
    assert db.session.get(Person, mail.recipient_id).email == "kontakt@stadt.example"


def test_the_mail_quotes_the_message_and_says_whom_to_answer(app, browser, contact_address):
    browser.submit("/contact", {**MESSAGE, "email": "mina@example.org", "body": "Hallo\n# kein Titel"})
    mail = contact_message(db.session.scalars(select(OutboxMessage)).one())
    assert "mina@example" in mail.body.replace("\\", "")
    assert "> \\# kein Titel" in mail.body
    assert "/contact/messages" in mail.body


def test_without_a_contact_address_the_message_waits_at_the_desk(browser, session):
    browser.submit("/contact", MESSAGE)
    assert len(messages()) == 1
    assert db.session.scalar(select(OutboxMessage)) is None


def test_a_program_that_fills_in_everything_is_thanked_and_forgotten(browser, session):
    browser.submit("/contact", {**MESSAGE, "website": "http://spam.example"})
    assert messages() == []


def test_an_empty_message_is_shown_again_with_what_was_typed(browser, session):
    page = browser.submit("/contact", {**MESSAGE, "body": "", "email": "keine-adresse"}, status=200)
    fields = page.form_fields("/contact")
    assert fields["page"] == "/p/x"
    assert fields["email"] == "keine-adresse"
    assert len(page.html.select(".error-summary li")) == 2
    assert messages() == []


def test_after_five_messages_in_an_hour_one_is_asked_to_wait(browser, session):
    for _ in range(5):
        browser.submit("/contact", MESSAGE)
    fields = browser.get("/contact").form_fields("/contact")
    browser.post("/contact", {**fields, **MESSAGE}, status=429)
    assert len(messages()) == 5


def test_sending_the_same_form_twice_keeps_one_message(browser, session):
    fields = {**browser.get("/contact").form_fields("/contact"), **MESSAGE}
    assert browser.post("/contact", fields).location == browser.post("/contact", fields).location
    assert len(messages()) == 1


def test_operators_see_the_messages_and_tick_them_off(browser, browser_of, session):
    browser.submit("/contact", {**MESSAGE, "body": "<script>alert(1)</script>"})
    operator = browser_of(factories.make_person(operator=True))
    page = operator.get("/contact/messages")
    assert "<script>alert(1)</script>" in page.text
    (message,) = messages()
    operator.submit(f"/contact/messages/{message.id}/answered", form_at="/contact/messages")
    (message,) = messages()
    assert message.answered_at is not None


def test_messages_are_for_operators_only(browser, browser_of, session):
    assert "/sign-in" in browser.get("/contact/messages", status=303).location
    browser_of(factories.make_person()).get("/contact/messages", status=403)


def test_the_topic_can_be_chosen_by_the_link_that_leads_here(browser, session):
    assert browser.get("/contact?topic=privacy").form_fields("/contact")["topic"] == "privacy"
