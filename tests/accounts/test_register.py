"""Registering: a mail to confirm, the same answer for everybody, and nothing counts before the confirmation."""

from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import select

from consult import clock
from consult.accounts import operations, passwords, tokens
from consult.accounts.models import Account, LinkPurpose, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from tests.accounts.factories import (
    account_of,
    make_member,
    path_of,
    queued,
    rendered,
    token_of,
    wanted,
)
from tests.client import Browser
from tests.factories import PASSWORD, make_person

DATA = {"name": "Lindenblatt", "email": "linde@example.org", "new_password": PASSWORD}


def register(browser: Browser, **data: Any) -> Any:
    return browser.submit("/register", {**DATA, **data})


def person() -> Person:
    found = db.session.scalar(select(Person).where(Person.email == DATA["email"]))
    assert found is not None
    return found


def confirm(browser: Browser, **data: Any) -> Any:
    return browser.submit(path_of(token_of(person(), LinkPurpose.confirm)), data)


def can_sign_in(browser: Browser, password: str = PASSWORD) -> bool:
    page = browser.get("/sign-in")
    fields = {**page.form_fields("/sign-in"), "email": DATA["email"], "password": password}
    return browser.client.post("/sign-in", data=fields).status_code == 303


def test_the_whole_way_from_the_form_to_being_signed_in(browser: Browser, app: Flask) -> None:
    assert register(browser).location == "/register/sent"
    (message,) = queued()
    assert (message.kind, message.recipient_id) == ("confirm", person().id)
    assert path_of(token_of(person(), LinkPurpose.confirm)) in rendered(message).body
    confirm(browser)
    assert browser.get("/account").status == 200
    assert person().name == "Lindenblatt"
    assert can_sign_in(Browser(app))
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[:3] == [Action.account_registered, Action.account_confirmed, Action.signed_in]


def test_without_confirmation_nobody_signs_in(browser: Browser, app: Flask) -> None:
    register(browser)
    assert not can_sign_in(Browser(app))


def test_the_language_of_the_page_becomes_the_persons(browser: Browser) -> None:
    browser.client.set_cookie("lang", "en")
    register(browser)
    assert person().locale == "en"


def test_the_address_is_kept_in_one_form(browser: Browser) -> None:
    register(browser, email="  LINDE@Example.ORG ")
    assert person().email == "linde@example.org"


def test_the_password_is_kept_as_argon2_only(browser: Browser) -> None:
    register(browser)
    assert (account_of(person()).password_hash or "").startswith("$argon2id$")


def test_without_a_password_one_signs_in_by_link(browser: Browser, app: Flask) -> None:
    register(browser, new_password="")
    confirm(browser)
    assert account_of(person()).password_hash is None
    assert not can_sign_in(Browser(app), "")
    operations.ask_for_sign_in_link(DATA["email"])
    other = Browser(app)
    other.submit(path_of(token_of(person(), LinkPurpose.sign_in)), {})
    assert other.get("/account").status == 200


def test_a_password_counts_only_in_the_browser_that_registered(browser: Browser, app: Flask) -> None:
    """Anybody can register somebody else's address with a password of their own and wait for the click."""
    register(Browser(app), new_password="das Passwort des Angreifers")
    confirm(browser)
    assert account_of(person()).password_hash is None
    assert not can_sign_in(Browser(app), "das Passwort des Angreifers")


def test_a_stranger_registering_last_gets_nothing_either(browser: Browser, app: Flask) -> None:
    register(browser)
    register(Browser(app), new_password="das Passwort des Angreifers", name="Angreifer")
    page = browser.get(path_of(token_of(person(), LinkPurpose.confirm)))
    assert "new_password" in page.form_fields()
    confirm(browser, new_password=PASSWORD, name="Lindenblatt")
    assert not can_sign_in(Browser(app), "das Passwort des Angreifers")
    assert can_sign_in(Browser(app))
    assert person().name == "Lindenblatt"


def test_a_known_address_gets_the_same_answer_and_another_mail(browser: Browser, app: Flask) -> None:
    known = make_member(email=DATA["email"], name="Wirklich")
    before = account_of(known).password_hash
    assert register(browser, new_password="ein anderes Passwort").location == "/register/sent"
    (message,) = queued()
    assert message.kind == "account_exists"
    assert wanted(message)
    assert "/sign-in" in rendered(message).body
    assert account_of(known).password_hash == before
    assert known.name == "Wirklich"


def test_a_suspended_address_gets_the_same_answer_and_no_mail(browser: Browser) -> None:
    account_of(make_member(email=DATA["email"])).suspended_at = clock.now()
    assert register(browser).location == "/register/sent"
    assert not any(wanted(message) for message in queued())


def test_a_guest_becomes_a_user_by_one_row_and_is_not_renamed_before_confirming(browser: Browser) -> None:
    guest = make_person("Frau Gast", account=False, email=DATA["email"])
    register(browser)
    assert person().id == guest.id
    assert guest.name == "Frau Gast"
    page = browser.get(path_of(token_of(guest, LinkPurpose.confirm)))
    assert page.form_fields()["name"] == "Lindenblatt"
    confirm(browser)
    assert guest.name == "Lindenblatt"


def test_registering_twice_leaves_one_person_and_one_open_link(browser: Browser) -> None:
    register(browser)
    first = path_of(token_of(person(), LinkPurpose.confirm))
    register(browser)
    browser.get(first, 410)
    assert [wanted(message) for message in queued()] == [False, True]
    confirm(browser)


def test_short_passwords_and_repeated_names_are_refused(browser: Browser) -> None:
    for password in ("kurz", "Lindenblatt", "lindenblatt99", "linde@example.org", "x" * 201):
        page = browser.submit("/register", {**DATA, "new_password": password}, status=200)
        assert page.html.find(attrs={"aria-invalid": "true"})["name"] == "new_password", password
    assert db.session.scalar(select(Account.person_id)) is None


def test_a_long_password_needs_no_digits_or_signs(browser: Browser) -> None:
    register(browser, new_password="wiese wolke wasser")
    assert person()


def test_bad_addresses_are_refused_in_words(browser: Browser) -> None:
    for email in ("", "linde", "linde@", "@example.org", "a b@example.org", "linde@localhost", "lïnde@example.org"):
        page = browser.submit("/register", {**DATA, "email": email}, status=200)
        assert page.html.find(id="email-error"), email


def test_extra_fields_change_nothing(browser: Browser) -> None:
    """Mass assignment: only the named fields are read."""
    extra = {
        "operator": "1", "confirmed_at": "2020-01-01", "person_id": "1", "id": "7", "erased_at": "x", "role": "lead",
        "password_hash": "x", "locale": "en", "totp_secret": "x", "suspended_at": "",
    }  # fmt: skip
    register(browser, **extra)
    account = account_of(person())
    assert not account.operator
    assert account.confirmed_at is None
    assert account.totp_secret is None
    assert person().locale == "de"
    browser.submit(
        path_of(token_of(person(), LinkPurpose.confirm)), {**extra, "email": "other@example.org", "password": "x"}
    )
    assert not account_of(person()).operator
    assert person().email == DATA["email"]


def test_a_stale_form_keeps_what_was_typed(browser: Browser) -> None:
    page = browser.post("/register", {**DATA, "csrf_token": "stale"}, 200)
    assert page.form_fields("/register")["name"] == "Lindenblatt"
    assert queued() == []


def test_confirming_twice_at_once_counts_once(session: Any) -> None:
    operations.register(name="A", email="a@example.org", password_hash=None, locale="de")
    found = db.session.scalar(select(Person).where(Person.email == "a@example.org"))
    assert found is not None
    token = token_of(found, LinkPurpose.confirm)
    assert tokens.consume(token)
    assert not operations.confirm(token, found, name="B", password_hash=None, keep_password=False)
    assert found.name == "A"


def test_hashing_waits_for_no_write_lock(session: Any, monkeypatch: Any) -> None:
    """Argon2 takes its time: it runs after SQLite's lock was let go."""
    seen: list[bool] = []
    monkeypatch.setattr(passwords, "lock_released", _noting(seen))
    passwords.hash_password(PASSWORD)
    passwords.fits(None, PASSWORD)
    assert seen == [True, True]


def _noting(seen: list[bool]) -> Any:
    @contextmanager
    def released(_session: Any) -> Any:
        seen.append(True)
        yield

    return released
