"""A contribution without an account finds its author: by an account with its code, or registered later."""

from sqlalchemy import func, select

from consult.accounts import operations as accounts
from consult.accounts.models import Person
from consult.contributions.models import State
from consult.processes.models import Moderation
from tests.contributions.claiming import ADDRESS, EN, link_in, mails, person_with, send
from tests.contributions.factories import make_town
from tests.contributions.guests import TYPED, newest, open_with, write


def test_whoever_has_the_code_puts_it_into_their_account_once(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = write(town)
    visitor = browser_of(town.citizen)
    page = open_with(visitor, "7K3M-Q0TW-94XA-B2ZR")
    assert page.html.find("form", action="/receipt/contribution/keep")
    visitor.submit("/receipt/contribution/keep", form_at="/receipt/contribution")
    session.refresh(contribution)
    assert (contribution.author_id, contribution.state) == (town.citizen.id, State.pending)
    page = visitor.get("/receipt/contribution", headers=EN)
    assert "It stands in your account" in page.text
    assert not page.html.find("form", action="/receipt/contribution/keep")
    assert "Die Treppe ist zu steil." in visitor.get(town.path("/contributions?mine=1")).text
    other = browser_of(town.neighbour)
    page = open_with(other, "7K3M-Q0TW-94XA-B2ZR")
    assert not page.html.find("form", action="/receipt/contribution/keep"), "the code still opens it"
    fields = page.form_fields("/receipt/close")
    other.post("/receipt/contribution/keep", {**fields, "about": str(contribution.id)}, 409)
    session.refresh(contribution)
    assert contribution.author_id == town.citizen.id


def test_a_helper_does_not_take_what_they_typed_in_for_somebody_else(browser_of, session):
    town = make_town()
    contribution = write(town, helper=town.neighbour)
    visitor = browser_of(town.neighbour)
    page = open_with(visitor, "7K3M-Q0TW-94XA-B2ZR")
    assert not page.html.find("form", action="/receipt/contribution/keep")
    fields = page.form_fields("/receipt/close")
    visitor.post("/receipt/contribution/keep", {**fields, "about": str(contribution.id)}, 409)
    session.refresh(contribution)
    assert contribution.author_id is None


def test_keeping_needs_an_account_and_the_contribution_opened(browser, browser_of, session):
    town = make_town()
    write(town)
    page = open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    fields = page.form_fields("/receipt/close")
    about = str(newest(session).id)
    assert browser.post("/receipt/contribution/keep", {**fields, "about": about}).location.startswith("/sign-in")
    visitor = browser_of(town.citizen)
    token = visitor.get(town.path("/comment")).form_fields(town.path("/comment"))["csrf_token"]
    assert visitor.post("/receipt/contribution/keep", {"csrf_token": token, "about": about}).location == "/receipt"
    assert newest(session).author_id is None


def test_registering_with_the_address_gives_the_guest_an_account_with_what_they_wrote(browser, browser_of, session):
    town = make_town()
    send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    guest = person_with(session)
    token = accounts.register(name="Birke", email=ADDRESS, password_hash=None, locale="de")
    assert token.person_id == guest.id
    assert accounts.confirm(token, guest, name="Birke", password_hash=None, keep_password=False)
    session.commit()
    assert session.scalar(select(func.count()).select_from(Person).where(Person.email == ADDRESS)) == 1
    mine = browser_of(guest).get(town.path("/contributions?mine=1"))
    assert TYPED["text"] in mine.text
    assert "Wetterhahn" in mine.text, "the name above it stays the one chosen then"
