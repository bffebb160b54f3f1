"""Signing in by password or by link: who gets in, and that the answer tells nothing about anybody else."""

import re
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from consult import clock
from consult.accounts import passwords
from consult.accounts.models import Account, LinkPurpose, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from tests.accounts.factories import account_of, make_lead, make_member, path_of, queued, token_of, wanted
from tests.client import Browser
from tests.factories import PASSWORD, make_person

#: Addresses about which no page may tell whether they are known.
STATES = ("unknown", "guest", "member", "linkonly", "pending", "suspended")


def address_in(state: str) -> str:
    """An address in this state; all of one length, so that pages can be compared by length as well."""
    email = f"{state:x<9}@example.org"
    if state == "guest":
        make_person(account=False, email=email)
    elif state != "unknown":
        person = make_member(password=None if state == "linkonly" else PASSWORD, email=email)
        if state == "pending":
            account_of(person).confirmed_at = None
        if state == "suspended":
            account_of(person).suspended_at = clock.now()
        db.session.flush()
    return email


def anonymised(html: str, email: str) -> str:
    """The page without what differs for everybody: tokens and the address typed in."""
    html = re.sub(r'name="(csrf_token|form_id)"([^>]*)value="[^"]*"', r"\1", html)
    return re.sub(r'value="[^"]*" name="(csrf_token|form_id)"', r"\1", html).replace(email, "EMAIL")


def send(app: Flask, url: str, email: str, **data: str) -> tuple[int, str, str, set[str]]:
    """Status, target, text and cookies' shape of the answer, and of the page it leads to."""
    browser = Browser(app)
    fields = {**browser.get(url).form_fields(url), "email": email, **data}
    response = browser.client.post(url, data=fields)
    body = anonymised(response.get_data(as_text=True), email)
    location = response.headers.get("Location", "")
    if location:
        body += anonymised(browser.get(location).response.get_data(as_text=True), email)
    with browser.client.session_transaction() as cookie:
        shape = {f"{key}:{len(str(value))}" for key, value in cookie.items() if key != "csrf_token"}
    return response.status_code, location, body, shape


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("/register", {"name": "Lindenblatt", "new_password": "ein anderes Passwort"}),
        ("/register", {"name": "Lindenblatt", "new_password": ""}),
        ("/sign-in/mail", {}),
        ("/reset", {}),
        ("/sign-in", {"password": "ein falsches Passwort"}),
    ],
)
def test_the_answer_is_the_same_for_every_address(app: Flask, session: Any, url: str, data: dict[str, str]) -> None:
    answers = {state: send(app, url, address_in(state), **data) for state in STATES}
    for state in STATES:
        assert answers[state] == answers["unknown"], state


@pytest.mark.parametrize("state", STATES)
def test_one_password_is_hashed_for_every_address(app: Flask, session: Any, monkeypatch: Any, state: str) -> None:
    """The work of checking is the same whether there is something to check or not."""
    email = address_in(state)
    Browser(app).submit("/sign-in", {"email": "warm@example.org", "password": "x"}, status=200)
    calls: list[str] = []
    before = PasswordHasher.verify

    def counted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        calls.append(password_hash)
        return bool(before(self, password_hash, password))

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    Browser(app).submit("/sign-in", {"email": email, "password": "ein falsches Passwort"}, status=200)
    assert len(calls) == 1
    assert calls[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("state", "expected"),
    [("unknown", None), ("guest", None), ("member", "sign_in_link"), ("linkonly", "sign_in_link"),
     ("pending", "confirm"), ("suspended", None)],
)  # fmt: skip
def test_who_gets_which_mail_for_a_link(browser: Browser, state: str, expected: str | None) -> None:
    browser.submit("/sign-in/mail", {"email": address_in(state)})
    assert [message.kind for message in queued() if wanted(message)] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("state", "expected"),
    [("unknown", None), ("guest", None), ("member", "reset"), ("linkonly", "reset"), ("pending", "confirm"),
     ("suspended", None)],
)  # fmt: skip
def test_who_gets_which_mail_for_a_reset(browser: Browser, state: str, expected: str | None) -> None:
    browser.submit("/reset", {"email": address_in(state)})
    assert [message.kind for message in queued() if wanted(message)] == ([expected] if expected else [])


@pytest.mark.parametrize("state", ["pending", "suspended"])
def test_the_right_password_alone_lets_nobody_in(browser: Browser, state: str) -> None:
    email = address_in(state)
    browser.submit("/sign-in", {"email": email, "password": PASSWORD}, status=200)
    browser.get("/account", 303)


def test_an_erased_person_cannot_sign_in(browser: Browser) -> None:
    person = make_member()
    person.erased_at = clock.now()
    db.session.flush()
    browser.submit("/sign-in", {"email": person.email, "password": PASSWORD}, status=200)


def test_the_right_password_lets_in_and_is_recorded(browser: Browser) -> None:
    person = make_member()
    browser.submit("/sign-in", {"email": (person.email or "").upper(), "password": PASSWORD})
    browser.get("/account")
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor_id, entry.facts) == (Action.signed_in, person.id, {})


def test_the_same_password_typed_on_another_keyboard_fits(browser: Browser) -> None:
    person = make_member(password="Grüße aus dem Süden")
    typed = "Gru\u0308ße aus dem Su\u0308den"
    browser.submit("/sign-in", {"email": person.email, "password": typed})


def test_an_empty_hash_fits_no_password(app: Flask, session: Any) -> None:
    for password in ("", "x", PASSWORD):
        assert not passwords.fits(None, password)
        assert not passwords.fits("", password)
        assert not passwords.fits("not a hash", password)


def test_a_broken_hash_is_no_server_error(browser: Browser) -> None:
    person = make_member()
    account_of(person).password_hash = "$argon2id$broken"
    browser.submit("/sign-in", {"email": person.email, "password": PASSWORD}, status=200)


def test_the_password_is_never_sent_back(browser: Browser) -> None:
    page = browser.submit("/sign-in", {"email": "a@example.org", "password": "GeheimGeheim99"}, status=200)
    assert "GeheimGeheim99" not in page.response.get_data(as_text=True)


def test_a_reset_sets_the_password_and_ends_every_other_sign_in(browser: Browser, browser_of: Any) -> None:
    person = make_member()
    there = browser_of(person)
    browser.submit("/reset", {"email": person.email})
    url = path_of(token_of(person, LinkPurpose.reset))
    browser.submit(url, {"new_password": "kurz"}, status=200)
    browser.submit(url, {"new_password": "ganz andere Worte"})
    browser.get("/account")
    there.get("/account", 303)
    assert passwords.fits(account_of(person).password_hash, "ganz andere Worte")


def test_a_link_leads_where_one_wanted_to_go_in_the_same_browser_only(browser: Browser, app: Flask) -> None:
    person = make_member()
    browser.submit("/sign-in/mail?next=/p/x/timeline", {"email": person.email})
    url = path_of(token_of(person, LinkPurpose.sign_in))
    assert browser.submit(url, {}).location == "/p/x/timeline"
    Browser(app).submit("/sign-in/mail?next=/p/x/timeline", {"email": person.email})
    assert Browser(app).submit(path_of(token_of(person, LinkPurpose.sign_in)), {}).location == "/"


def test_a_guest_is_led_to_the_sign_in_page_and_back(browser: Browser) -> None:
    person = make_member()
    page = browser.get("/account/profile", 303)
    assert page.location == "/sign-in?next=/account/profile"
    done = browser.submit(page.location, {"email": person.email, "password": PASSWORD})
    assert done.location == "/account/profile"


def test_signed_in_people_are_not_asked_to_sign_in_again(browser_of: Any) -> None:
    browser = browser_of(make_member())
    assert browser.get("/sign-in?next=/account", 303).location == "/account"
    assert browser.get("/register", 303).location == "/"


def test_extra_fields_of_the_sign_in_form_change_nothing(browser: Browser) -> None:
    person = make_member()
    extra = {"operator": "1", "second_factor": "1", "second_factor_at": "x", "person_id": "1", "remember": "1"}
    browser.submit("/sign-in", {"email": person.email, "password": PASSWORD, **extra})
    assert not account_of(person).operator
    assert browser.client.get_cookie("remember_token") is None


def test_a_lead_signing_in_by_link_still_needs_the_second_factor(browser: Browser) -> None:
    lead = make_lead()
    browser.submit("/sign-in/mail", {"email": lead.email})
    browser.submit(path_of(token_of(lead, LinkPurpose.sign_in)), {})
    assert browser.get("/account", 303).location.startswith("/account/second-factor")


def test_no_one_appears_by_signing_in(browser: Browser) -> None:
    browser.submit("/sign-in/mail", {"email": "nobody@example.org"})
    browser.submit("/reset", {"email": "nobody@example.org"})
    assert db.session.scalar(select(Person.id)) is None
    assert db.session.scalar(select(Account.person_id)) is None
