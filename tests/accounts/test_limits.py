"""How often one may try: counted in the database, by visitor and by mailbox, and not to be got around."""

import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from consult import limits
from consult.accounts.addresses import clean_email, mailbox_key
from consult.accounts.models import Person
from consult.accounts.views import allowances
from consult.db import read_only
from consult.extensions import db
from tests.accounts.factories import make_member, queued
from tests.client import Browser
from tests.conftest import MONDAY
from tests.factories import PASSWORD

MAIL_FORMS = ["/register", "/sign-in/mail", "/reset"]


def try_password(browser: Browser, email: str, status: int = 200, **kwargs: Any) -> None:
    browser.submit("/sign-in", {"email": email, "password": "falsch falsch"}, status=status, **kwargs)


def ask(browser: Browser, url: str, email: str, status: int = 303, **kwargs: Any) -> None:
    browser.submit(url, {"email": email, "name": "Lindenblatt"}, status=status, **kwargs)


def from_address(address: str, **headers: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}, "headers": headers}


def test_ten_passwords_are_tried_on_one_account_however_many_visitors_try(app: Flask, session: Any, at: Any) -> None:
    at(MONDAY)
    person = make_member()
    email = person.email or ""
    for number in range(10):
        try_password(Browser(app), email, **from_address(f"192.0.2.{number}"))
    browser = Browser(app)
    browser.submit("/sign-in", {"email": email, "password": PASSWORD}, status=429, **from_address("192.0.2.99"))
    at(MONDAY + timedelta(minutes=15))
    browser.submit("/sign-in", {"email": email, "password": PASSWORD})


def test_an_unknown_address_is_limited_in_the_same_way(app: Flask, session: Any, at: Any) -> None:
    at(MONDAY)
    for number in range(10):
        try_password(Browser(app), "nobody@example.org", **from_address(f"192.0.2.{number}"))
    try_password(Browser(app), "nobody@example.org", 429)


def spend(name: str, who: str, times: int, per: timedelta) -> None:
    """As if `who` had done it so many times already."""
    for _time in range(times):
        limits.hit(name, who, per)


def spend_sign_ins(who: str, but: int) -> None:
    """All but so many of a visitor's tries at passwords are used."""
    spend("sign-in", who, allowances.SIGN_INS_OF_A_VISITOR - but, timedelta(minutes=15))


def test_one_visitor_tries_a_hundred_accounts(app: Flask, session: Any, at: Any) -> None:
    at(MONDAY)
    spend_sign_ins("127.0.0.1", but=2)
    browser = Browser(app)
    for number in range(2):
        try_password(browser, f"n{number}@example.org")
    try_password(browser, "n60@example.org", 429)
    try_password(browser, "n60@example.org", **from_address("192.0.2.7"))


@pytest.mark.parametrize("spoofed", ["203.0.113.{}", "unknown, 203.0.113.{}", "::1, 203.0.113.{}"])
def test_a_forged_forwarded_for_changes_nothing(app: Flask, session: Any, at: Any, spoofed: str) -> None:
    """Without a trusted proxy the header is anybody's to write."""
    at(MONDAY)
    spend_sign_ins("127.0.0.1", but=3)
    browser = Browser(app)
    for number in range(4):
        header = {"X-Forwarded-For": spoofed.format(number), "Forwarded": f"for=203.0.113.{number}",
                  "X-Real-IP": f"203.0.113.{number}"}  # fmt: skip
        try_password(browser, f"n{number}@example.org", 200 if number < 3 else 429, headers=header)


def test_a_household_has_one_ipv6_prefix(app: Flask, session: Any, at: Any) -> None:
    at(MONDAY)
    spend_sign_ins("2001:db8:0:1::", but=3)
    browser = Browser(app)
    for number in range(3):
        try_password(browser, f"n{number}@example.org", **from_address(f"2001:db8:0:1::{number:x}"))
    try_password(browser, "n60@example.org", 429, **from_address("2001:db8:0:1:ffff:ffff:ffff:ffff"))
    try_password(browser, "n60@example.org", **from_address("2001:db8:0:2::1"))


def test_an_ipv4_address_written_as_ipv6_is_the_same_visitor(app: Flask) -> None:
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": "::ffff:192.0.2.1"}):
        mapped = limits.visitor()
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": "192.0.2.1"}):
        assert limits.visitor() == mapped


@pytest.mark.parametrize("url", MAIL_FORMS)
def test_one_mailbox_gets_five_mails_an_hour_however_it_is_spelled(app: Flask, session: Any, at: Any, url: str) -> None:
    at(MONDAY)
    make_member(email="lindenblatt@example.org")
    spellings = ["lindenblatt@example.org", "Linden.Blatt@example.org", "lindenblatt+a@example.org",
                 "l.i.n.d.e.n.blatt+b+c@EXAMPLE.org", "LINDENBLATT@example.org"]  # fmt: skip
    for number, spelling in enumerate(spellings):
        ask(Browser(app), url, spelling, **from_address(f"192.0.2.{number}"))
    before = len(queued())
    ask(Browser(app), url, "lindenblatt@example.org", 429, **from_address("192.0.2.50"))
    ask(Browser(app), url, "lin.denblatt+zzz@example.org", 429, **from_address("192.0.2.51"))
    assert len(queued()) == before
    ask(Browser(app), url, "other@example.org", **from_address("192.0.2.52"))
    at(MONDAY + timedelta(hours=1))
    ask(Browser(app), url, "lindenblatt@example.org")


def test_all_forms_that_send_mail_share_one_count(app: Flask, session: Any, at: Any) -> None:
    at(MONDAY)
    for url in [*MAIL_FORMS, *MAIL_FORMS][:5]:
        ask(Browser(app), url, "lindenblatt@example.org")
    for url in MAIL_FORMS:
        ask(Browser(app), url, "lindenblatt@example.org", 429)


def test_one_visitor_causes_few_mails_more_than_a_full_hall(browser: Browser, at: Any) -> None:
    at(MONDAY)
    spend("mail-visitor", "127.0.0.1", allowances.MAILS_OF_A_VISITOR - 2, timedelta(hours=1))
    for number in range(2):
        ask(browser, "/sign-in/mail", f"n{number}@example.org")
    ask(browser, "/sign-in/mail", "n40@example.org", 429)


def test_staff_may_invite_many_but_not_one_mailbox_again_and_again(browser_of: Any, at: Any) -> None:
    at(MONDAY)
    spend("mail-visitor", "127.0.0.1", allowances.MAILS_OF_A_VISITOR, timedelta(hours=1))
    browser = browser_of(make_member(operator=True))
    for number in range(6):
        data = {"name": "X", "email": f"neu+{number}@example.org"}
        browser.submit("/people/invite", data, status=303 if number < 5 else 429)


def test_the_present_password_is_asked_ten_times(browser_of: Any, at: Any) -> None:
    at(MONDAY)
    browser = browser_of(make_member())
    for _try in range(10):
        data = {"password": "falsch falsch", "new_password": "ganz andere Worte"}
        browser.submit("/account/password", data, status=200)
    browser.submit("/account/password", {"password": PASSWORD, "new_password": "ganz andere Worte"}, status=429)


def test_made_up_links_are_tried_sixty_times(browser: Browser, at: Any) -> None:
    at(MONDAY)
    spend("link", "127.0.0.1", 58, timedelta(minutes=15))
    token = browser.get("/reset").form_fields("/reset")["csrf_token"]
    for number in range(2):
        browser.post(f"/sign-in/with/{number}.x", {"csrf_token": token}, 410)
    browser.post("/sign-in/with/61.x", {"csrf_token": token}, 429)


def test_limits_ask_nobody_but_the_database(app: Flask, session: Any) -> None:
    """They hold when Redis is gone: the count stands in a table, under a hash that is no address."""
    with app.test_request_context():
        for number in range(1, 4):
            assert limits.hit("test", "192.0.2.1", timedelta(hours=1)) == number
    rows = db.session.scalars(select(limits.RateBucket)).all()
    assert [row.hits for row in rows] == [3]
    assert "192.0.2.1" not in rows[0].key


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.b@example.org", "ab@example.org"), ("ab+x@example.org", "ab@example.org"),
     ("AB@example.org", "ab@example.org"), ("ab@googlemail.com", "a.b+c@gmail.com")],
)  # fmt: skip
def test_spellings_of_one_mailbox_have_one_key(one: str, other: str) -> None:
    assert mailbox_key(one) == mailbox_key(other)


def test_different_mailboxes_have_different_keys() -> None:
    keys = {mailbox_key(email) for email in ("ab@example.org", "ab@example.com", "abc@example.org")}
    assert len(keys) == 3


def test_addresses_are_kept_as_they_are_typed_but_for_case_and_domain() -> None:
    assert clean_email(" A.B+c@Example.ORG ") == "a.b+c@example.org"
    assert clean_email("anna@münchen.example") == "anna@xn--mnchen-3ya.example"
    for bad in (
        "",
        "a",
        "a@",
        "@b.org",
        "a@b",
        "a b@c.org",
        "a@b.org\r\nBcc: x@y.org",
        "Anna <a@b.org>",
        "a@[127.0.0.1]",
    ):
        with pytest.raises(ValueError, match="not an e-mail address"):
            clean_email(bad)


def test_counting_does_not_wait_for_the_lock_of_its_own_request(app: Flask) -> None:
    """On SQLite a writing request holds the only lock from its first question on: it must let go, not wait 30 s."""
    with app.app_context():
        began = time.monotonic()
        try:
            db.session.execute(select(Person.id)).all()
            assert limits.hit("lock", "test", timedelta(hours=1)) == 1
            with read_only():
                db.session.rollback()
                db.session.execute(select(Person.id)).all()
                assert limits.hit("lock", "test", timedelta(hours=1)) == 2
            assert time.monotonic() - began < 5
        finally:
            db.session.rollback()
            db.session.execute(delete(limits.RateBucket))
            db.session.commit()


def test_counting_after_the_first_write_is_a_mistake_that_shows_at_once(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            pytest.skip("PostgreSQL has no such lock")
        try:
            db.session.add(Person(name="A"))
            db.session.flush()
            with pytest.raises(RuntimeError, match="before the first write"):
                limits.hit("lock", "test", timedelta(hours=1))
        finally:
            db.session.rollback()


@pytest.mark.parametrize("url", MAIL_FORMS)
@pytest.mark.parametrize("email", ["bekannt@example.org", "fremd@example.org"])
def test_doors_that_send_mail_answer_at_even_times(app, session, browser, monkeypatch, url, email):
    """Whether an address is known shows neither in the answer nor in the time it takes; `make drill` measures it."""
    make_member(email="bekannt@example.org")
    session.commit()
    waited: list[tuple[float, bool]] = []
    monkeypatch.setitem(app.config, "ANSWER_EVERY", 5.0)
    monkeypatch.setattr(limits.time, "sleep", lambda s: waited.append((s, db.session().in_transaction())))
    began = time.monotonic()
    ask(browser, url, email)
    took = time.monotonic() - began
    [(seconds, in_transaction)] = waited
    assert 5 - took <= seconds <= 5
    assert not in_transaction, "nobody waits with an open transaction"
