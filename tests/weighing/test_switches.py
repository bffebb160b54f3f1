"""The two switches, and the link in every mail that turns one off with one click."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.personal import erase
from consult.weighing import stopping
from consult.weighing.stopping import LIFETIME, Switch
from tests.client import Browser
from tests.factories import make_person

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def person(session):
    return make_person("Birke", tell_monthly=True)


def path_of(person, switch=Switch.answers):
    stopping.prepare([person.id], switch)
    token = db.session.scalars(
        select(LinkToken).where(
            LinkToken.person_id == person.id, LinkToken.purpose == LinkPurpose.stop_mail,
            LinkToken.subject_id == int(switch),
        )
    ).one()  # fmt: skip
    db.session.commit()
    return f"/mails/stop/{tokens.link_of(token)}"


def wishes(person):
    found = db.session.scalars(select(Person).where(Person.id == person.id)).one()
    return found.tell_answers, found.tell_monthly


def test_the_account_has_two_switches(person, browser_of):
    visitor = browser_of(person)
    assert visitor.get("/account").html.select_one("a[href='/account/mails']")
    visitor.submit("/account/mails", {"tell_answers": None, "tell_monthly": "y"})
    assert wishes(person) == (False, True)
    visitor.submit("/account/mails", {"tell_answers": "y", "tell_monthly": None})
    assert wishes(person) == (True, False)
    visitor.submit("/account/mails", {"tell_answers": "y", "tell_monthly": None})
    turned = (Action.mails_turned_off, Action.mails_turned_on)
    changed = db.session.execute(
        select(AuditEntry.action, AuditEntry.facts).where(AuditEntry.action.in_(turned)).order_by(AuditEntry.id)
    ).all()
    assert [tuple(entry) for entry in changed] == [
        (Action.mails_turned_off, {"fields": ["tell_answers"]}),
        (Action.mails_turned_off, {"fields": ["tell_monthly"]}),
        (Action.mails_turned_on, {"fields": ["tell_answers"]}),
    ]


def test_opening_the_link_changes_nothing_and_says_what_stops(person, browser):
    path = path_of(person)
    for _time in range(2):
        page = browser.get(path, headers={"Accept-Language": "en"})
        assert "What became of my contribution" in page.text
    assert wishes(person) == (True, True)
    assert page.response.headers["Referrer-Policy"] == "no-referrer"
    assert page.response.headers["Cache-Control"] == "no-store"


def test_the_button_turns_it_off_and_the_same_page_on_again(person, browser):
    path = path_of(person)
    page = browser.submit(path)
    assert wishes(person) == (False, True)
    off = browser.follow(page)
    assert off.html.select_one("input[name=wish][value=on]")
    browser.submit(path)
    assert wishes(person) == (True, True)


def test_a_mail_program_needs_neither_token_nor_session(app, person):
    path = path_of(person)
    for _time in range(2):
        stranger = Browser(app)
        answer = stranger.client.post(path, data=ONE_CLICK)
        assert answer.status_code == 200
        assert wishes(person) == (False, True)
    assert stranger.client.post(path, data=ONE_CLICK, content_type="multipart/form-data").status_code == 200


def test_each_link_turns_off_its_own_switch_only(person, app):
    monthly = path_of(person, Switch.monthly)
    Browser(app).client.post(monthly, data=ONE_CLICK)
    assert wishes(person) == (True, False)


@pytest.mark.parametrize("data", [{}, {"wish": "on"}, {**ONE_CLICK, "wish": "on"}, {"List-Unsubscribe": "x"}])
def test_anything_else_needs_its_token(person, app, data):
    person.tell_answers = False
    path = path_of(person)
    assert Browser(app).client.post(path, data=data).status_code == 400
    assert wishes(person) == (False, True)


def test_one_click_works_at_no_other_door(person, app, browser_of):
    visitor = browser_of(person)
    assert visitor.client.post("/account/mails", data=ONE_CLICK).status_code == 200  # the form again, nothing done
    assert wishes(person) == (True, True)
    assert visitor.client.post("/sign-out", data=ONE_CLICK).status_code == 400


def test_forged_expired_and_foreign_links_are_no_good(person, app, browser, at):
    path = path_of(person)
    other = path_of(make_person())
    forged = f"/mails/stop/{path.rpartition('/')[2].partition('.')[0]}.{other.rpartition('.')[2]}"
    preview = tokens.issue(LinkPurpose.preview, None, subject_id=1, expires_at=clock.now() + timedelta(days=1))
    db.session.commit()
    for bad in (forged, "/mails/stop/1.x", f"/mails/stop/{tokens.link_of(preview)}"):
        browser.get(bad, status=410)
        assert Browser(app).client.post(bad, data=ONE_CLICK).status_code == 410
    at(clock.now() + LIFETIME + timedelta(seconds=1))
    browser.get(path, status=410)
    assert wishes(person) == (True, True)


def test_after_erasing_the_link_leads_nowhere(person, browser):
    path = path_of(person)
    erase(person, person)
    db.session.commit()
    browser.get(path, status=410)


def test_links_are_made_once_and_last_longer_while_they_are_used(person, count_queries, at):
    others = [make_person().id for _n in range(30)]
    with count_queries() as queries:
        stopping.prepare([person.id, *others], Switch.answers)
    assert len(queries) <= 3
    first = path_of(person)
    now = at(clock.now() + LIFETIME * 0.6)
    assert path_of(person) == first
    token = db.session.scalars(select(LinkToken).where(LinkToken.person_id == person.id)).one()
    db.session.refresh(token)
    assert token.expires_at == now + LIFETIME
