"""The second factor: required where much is at stake, each code once, ten codes for the day the phone is lost."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from consult.accounts import second_factor, staff
from consult.accounts.models import RecoveryCode, SignIn
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.processes.models import Function
from tests.accounts.factories import APP_KEY, account_of, code, give_second_factor, make_lead, make_member
from tests.client import Browser
from tests.conftest import MONDAY
from tests.factories import make_group, make_process

STEP = timedelta(seconds=30)
DOORS = ["/account", "/people", "/tasks", "/contacts/organisations", "/account/password", "/contact"]


def set_up(browser: Browser) -> list[str]:
    """Through the pages; returns the recovery codes."""
    browser.submit("/account/second-factor/start", {}, form_at="/account/second-factor")
    page = browser.get("/account/second-factor")
    shown = "".join((page.html.find("code").get_text()).split())
    done = browser.submit(
        "/account/second-factor/confirm", {"totp": code(shown)}, form_at="/account/second-factor", status=200
    )
    assert done.response.headers["Cache-Control"] == "no-store"
    return [tag.get_text() for tag in done.html.select("ol code")]


@pytest.mark.parametrize("make", [lambda: make_member(operator=True), make_lead])
def test_operators_and_leads_do_nothing_before_setting_it_up(browser_of: Any, make: Any) -> None:
    browser = browser_of(make(), second_factor=False)
    for url in DOORS:
        page = browser.client.get(url)
        assert page.status_code in (303, 404), url
        if page.status_code == 303:
            assert page.headers["Location"].startswith("/account/second-factor"), url
    token = browser.get("/account/second-factor").form_fields()["csrf_token"]
    refused = browser.client.post("/account/profile", data={"csrf_token": token, "name": "Anders", "locale": "en"})
    assert refused.headers["Location"].startswith("/account/second-factor")
    browser.get("/sign-out")
    browser.get("/imprint")
    with browser.client.get("/static/css/consult.css") as style:
        assert style.status_code == 200
    assert browser.client.get("/language?to=en").headers["Location"] == "/"


@pytest.mark.parametrize("function", [f for f in Function if f != Function.lead])
def test_other_functions_do_not_need_it(browser_of: Any, session: Any, function: Function) -> None:
    person = make_member()
    make_group(make_process(), function, person)
    browser_of(person, second_factor=False).get("/account")


def test_setting_it_up_opens_the_doors_and_leads_on(browser_of: Any) -> None:
    lead = make_lead()
    browser = browser_of(lead, second_factor=False)
    page = browser.get("/account/profile", 303)
    assert page.location == "/account/second-factor?next=/account/profile"
    codes = set_up(browser)
    assert len(codes) == len(set(codes)) == 10
    browser.get("/account")
    actions = db.session.scalars(select(AuditEntry.action)).all()
    assert Action.second_factor_set in actions


def test_who_has_one_gives_a_code_before_anything_else(browser_of: Any) -> None:
    """Also people who set it up of their own accord."""
    person = make_member()
    give_second_factor(person)
    browser = browser_of(person, second_factor=False)
    assert browser.get("/account/profile", 303).location == "/sign-in/code?next=/account/profile"
    assert browser.get("/account/second-factor/remove", 303).location.startswith("/sign-in/code")
    assert browser.get("/account/second-factor", 303).location.startswith("/sign-in/code")
    browser.submit("/sign-in/code", {"totp": "000000"}, status=200)
    browser.get("/account", 303)
    done = browser.submit("/sign-in/code?next=/account/profile", {"totp": code()})
    assert done.location == "/account/profile"
    browser.get("/account")


def test_it_is_given_for_one_sign_in_only(browser_of: Any) -> None:
    person = make_member()
    give_second_factor(person)
    browser_of(person, second_factor=False).submit("/sign-in/code", {"totp": code()})
    browser_of(person, second_factor=False).get("/account", 303)


def test_a_code_works_once(browser_of: Any, at: Any) -> None:
    """Replay: who reads the digits over a shoulder can do nothing with them."""
    at(MONDAY)
    person = make_member()
    give_second_factor(person)
    seen = code()
    browser_of(person, second_factor=False).submit("/sign-in/code", {"totp": seen})
    other = browser_of(person, second_factor=False)
    other.submit("/sign-in/code", {"totp": seen}, status=200)
    at(MONDAY + STEP)
    other.submit("/sign-in/code", {"totp": seen}, status=200)
    other.submit("/sign-in/code", {"totp": code()})


def test_an_older_code_does_not_count_after_a_newer_one(session: Any, at: Any) -> None:
    at(MONDAY)
    account = account_of(make_member())
    account.totp_secret = APP_KEY
    db.session.flush()
    older, newer = code(steps=-1), code()
    assert second_factor.accept_code(account, newer)
    assert not second_factor.accept_code(account, older)


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_half_a_minute(session: Any, at: Any, steps: int, counts: bool) -> None:
    at(MONDAY)
    account = account_of(make_member())
    account.totp_secret = APP_KEY
    db.session.flush()
    assert second_factor.accept_code(account, code(steps=steps)) is counts


def test_codes_may_be_typed_with_a_gap(session: Any) -> None:
    account = account_of(make_member())
    account.totp_secret = APP_KEY
    db.session.flush()
    digits = code()
    assert second_factor.accept_code(account, f" {digits[:3]} {digits[3:]} ")


@pytest.mark.parametrize("nonsense", ["", "1", "12345", "1234567", "abcdef", "٠٠٠٠٠٠", "0" * 40, "-00001"])
def test_nonsense_is_no_code(session: Any, nonsense: str) -> None:
    account = account_of(make_member())
    account.totp_secret = APP_KEY
    db.session.flush()
    assert not second_factor.accept(account, nonsense)


def test_a_recovery_code_works_once_and_is_recorded(browser_of: Any) -> None:
    lead = make_lead()
    codes = set_up(browser_of(lead, second_factor=False))
    browser_of(lead, second_factor=False).submit("/sign-in/code", {"totp": codes[3].upper().replace("-", " ")})
    other = browser_of(lead, second_factor=False)
    other.submit("/sign-in/code", {"totp": codes[3]}, status=200)
    other.submit("/sign-in/code", {"totp": codes[4]})
    used = db.session.scalar(select(func.count()).where(AuditEntry.action == Action.recovery_code_used))
    assert used == 2


def test_a_recovery_code_opens_no_other_account(session: Any) -> None:
    mine, theirs = account_of(make_member()), account_of(make_member())
    codes = second_factor.new_recovery_codes(mine)
    second_factor.new_recovery_codes(theirs)
    assert not second_factor.accept_recovery_code(theirs, codes[0])
    assert second_factor.accept_recovery_code(mine, codes[0])


def test_recovery_codes_are_stored_as_keyed_hashes_only(session: Any) -> None:
    codes = second_factor.new_recovery_codes(account_of(make_member()))
    stored = str(db.session.execute(text("SELECT * FROM recovery_code")).all())
    assert not any(one in stored or one.replace("-", "") in stored for one in codes)
    assert all(len(row) == 64 for row in db.session.scalars(select(RecoveryCode.code_hash)))


def test_new_codes_replace_the_old_ones(browser_of: Any, at: Any) -> None:
    at(MONDAY)
    lead = make_lead()
    browser = browser_of(lead, second_factor=False)
    old = set_up(browser)
    secret = account_of(lead).totp_secret or ""
    at(MONDAY + STEP)
    page = browser.submit("/account/second-factor/codes", {"totp": code(secret)}, status=200)
    new = [tag.get_text() for tag in page.html.select("ol code")]
    assert not set(old) & set(new)
    assert db.session.scalar(select(func.count()).select_from(RecoveryCode)) == 10
    assert not second_factor.accept_recovery_code(account_of(lead), old[0])


def test_removing_needs_a_code_and_leads_those_who_need_one_to_a_new_one(browser_of: Any, at: Any) -> None:
    at(MONDAY)
    lead = make_lead()
    browser = browser_of(lead, second_factor=False)
    set_up(browser)
    secret = account_of(lead).totp_secret or ""
    at(MONDAY + STEP)
    browser.submit("/account/second-factor/remove", {"totp": "000000"}, status=200)
    assert account_of(lead).totp_secret == secret
    browser.submit("/account/second-factor/remove", {"totp": code(secret)})
    assert account_of(lead).totp_secret is None
    assert browser.get("/account", 303).location.startswith("/account/second-factor")
    assert db.session.scalar(select(func.count()).where(SignIn.second_factor_at.is_not(None))) == 0


def test_a_key_in_use_is_not_replaced_by_starting_again(browser_of: Any) -> None:
    person = make_member()
    give_second_factor(person)
    browser = browser_of(person)
    token = browser.get("/account/profile").form_fields()["csrf_token"]
    browser.post("/account/second-factor/start", {"csrf_token": token}, 409)
    browser.post("/account/second-factor/confirm", {"csrf_token": token, "totp": code()}, 409)
    assert account_of(person).totp_secret == APP_KEY


def test_few_tries_are_allowed(browser_of: Any, at: Any) -> None:
    at(MONDAY)
    person = make_member()
    give_second_factor(person)
    browser = browser_of(person, second_factor=False)
    for _try in range(8):
        browser.submit("/sign-in/code", {"totp": "000000"}, status=200)
    browser.submit("/sign-in/code", {"totp": code()}, status=429)
    # Another sign-in of the same person has no tries of its own.
    browser_of(person, second_factor=False).submit("/sign-in/code", {"totp": code()}, status=429)
    at(MONDAY + timedelta(minutes=15))
    browser.submit("/sign-in/code", {"totp": code()})


def test_the_picture_belongs_to_its_person_and_is_kept_by_nobody(browser_of: Any, app: Flask, browser: Browser) -> None:
    person = make_member()
    mine = browser_of(person)
    mine.submit("/account/second-factor/start", {}, form_at="/account/second-factor")
    response = mine.client.get("/account/second-factor/qr.svg")
    assert response.headers["Cache-Control"] == "no-store"
    assert browser.client.get("/account/second-factor/qr.svg").status_code == 303
    browser_of(make_member()).get("/account/second-factor/qr.svg", 404)


def test_an_operator_helps_who_lost_everything(browser_of: Any) -> None:
    lead = make_lead()
    give_second_factor(lead)
    there = browser_of(lead)
    operator = browser_of(make_member(operator=True))
    url = f"/people/{lead.id}"
    operator.submit(f"{url}/second-factor/remove", {}, form_at=url)
    there.get("/account", 303)
    assert account_of(lead).totp_secret is None
    entry = db.session.scalar(select(AuditEntry).where(AuditEntry.action == Action.second_factor_removed))
    assert entry is not None
    assert entry.actor_id != lead.id


def test_becoming_an_operator_asks_for_it(browser_of: Any, session: Any) -> None:
    person, operator = make_member(), make_member(operator=True)
    staff.grant_operator(operator.id, account_of(person))
    assert browser_of(person, second_factor=False).get("/people", 303).location.startswith("/account/second-factor")
