"""The command that makes the first operator."""

from typing import Any

from flask import Flask
from sqlalchemy import select

from consult import clock
from consult.accounts import passwords
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from tests.accounts.factories import account_of, make_member
from tests.client import Browser
from tests.factories import PASSWORD


def run(app: Flask, *args: str, typed: str | None = None) -> Any:
    return app.test_cli_runner().invoke(args=["create-admin", *args], input=typed)


def admin(email: str = "amt@example.org") -> Person:
    db.session.expire_all()
    person = db.session.scalar(select(Person).where(Person.email == email))
    assert person is not None
    return person


def test_it_asks_and_prints_a_link_that_signs_in(app: Flask, browser: Browser) -> None:
    result = run(app, typed="Amt@Example.org\nFrau Amt\n")
    assert result.exit_code == 0, result.output
    account = account_of(admin())
    assert (account.operator, account.password_hash) == (True, None)
    assert account.confirmed_at is not None
    url = result.output.split("http://consult.test", 1)[1].split()[0]
    browser.submit(url.partition("?")[0], {})
    assert browser.get("/people", 303).location.startswith("/account/second-factor")
    assert Action.account_operator_granted in db.session.scalars(select(AuditEntry.action)).all()


def test_with_a_password_it_prints_no_link(app: Flask, browser: Browser) -> None:
    result = run(app, "--email", "amt@example.org", "--name", "Amt", "--password", PASSWORD)
    assert result.exit_code == 0, result.output
    assert "http" not in result.output
    assert PASSWORD not in result.output
    browser.submit("/sign-in", {"email": "amt@example.org", "password": PASSWORD})


def test_an_existing_account_becomes_operator_and_keeps_its_password(app: Flask, session: Any) -> None:
    person = make_member(email="amt@example.org")
    account_of(person).suspended_at = clock.now()
    session.commit()
    assert run(app, "--email", "amt@example.org", "--name", "Amt").exit_code == 0
    account = account_of(admin())
    assert account.operator
    assert account.suspended_at is None
    assert passwords.fits(account.password_hash, PASSWORD)


def test_a_bad_address_and_a_short_password_are_refused_in_words(app: Flask, session: Any) -> None:
    bad = run(app, "--email", "amt", "--name", "Amt")
    short = run(app, "--email", "amt@example.org", "--name", "Amt", "--password", "kurz")
    assert bad.exit_code == short.exit_code == 1
    assert "e-mail" in bad.output
    assert "10 characters" in short.output
    assert db.session.scalar(select(Person.id)) is None


def test_a_password_somebody_chose_for_an_unproven_address_counts_no_more(app: Flask, browser: Browser) -> None:
    """Whoever registers the address of an operator to be, with a password of their own, gets nothing by it."""
    person = make_member(email="amt@example.org")
    account_of(person).confirmed_at = None
    db.session.commit()
    assert run(app, "--email", "amt@example.org", "--name", "Amt").exit_code == 0
    assert account_of(admin()).password_hash is None
    form = browser.get("/sign-in").form_fields("/sign-in")
    browser.post("/sign-in", {**form, "email": "amt@example.org", "password": PASSWORD}, 200)
