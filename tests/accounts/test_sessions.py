"""A sign-in is a row: it expires, it can be ended, it changes its secret, and it does not come back."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete, func, select

import config
from consult import clock
from consult.accounts import sessions, staff
from consult.accounts.models import SignIn
from consult.extensions import db
from tests import factories
from tests.accounts.factories import account_of, code, give_second_factor, make_lead, make_member
from tests.client import Browser
from tests.conftest import MONDAY
from tests.factories import PASSWORD


def cookie_of(browser: Browser) -> str | None:
    with browser.client.session_transaction() as cookie:
        return cookie.get("_user_id")


def is_in(browser: Browser) -> bool:
    return browser.client.get("/account").status_code == 200


def sign_in(browser: Browser, person: Any, url: str = "/sign-in", **kwargs: Any) -> Any:
    return browser.submit(url, {"email": person.email, "password": PASSWORD}, **kwargs)


def count(person: Any) -> int:
    return db.session.scalar(select(func.count()).where(SignIn.person_id == person.id)) or 0


def test_the_cookie_holds_a_secret_whose_hash_alone_is_stored(browser: Browser) -> None:
    person = make_member()
    sign_in(browser, person)
    secret = cookie_of(browser)
    assert secret
    stored = db.session.scalars(select(SignIn.secret_hash)).all()
    assert stored == [sessions.hash_of(secret)]
    assert secret not in stored


def test_guests_have_no_row_and_no_cookie(browser: Browser) -> None:
    page = browser.get("/imprint")
    assert "Set-Cookie" not in page.response.headers
    assert db.session.scalar(select(func.count()).select_from(SignIn)) == 0


def test_a_planted_cookie_does_not_survive_signing_in(browser: Browser) -> None:
    """Fixation: whoever gave the visitor a cookie knows nothing of the session afterwards."""
    person = make_member()
    with browser.client.session_transaction() as cookie:
        cookie["_user_id"] = "planted-secret"
        cookie["planted"] = "yes"
    sign_in(browser, person)
    with browser.client.session_transaction() as cookie:
        assert cookie["_user_id"] != "planted-secret"
        assert "planted" not in cookie


def test_signing_in_again_ends_the_earlier_sign_in_of_the_browser(browser: Browser, app: Flask) -> None:
    """The secret changes with each sign-in; a copy of the old cookie is worth nothing."""
    person = make_member()
    sign_in(browser, person)
    old = cookie_of(browser)
    with browser.client.session_transaction() as cookie:
        kept = dict(cookie)
    browser.submit("/sign-out", {})
    sign_in(browser, person)
    assert cookie_of(browser) != old
    thief = Browser(app)
    with thief.client.session_transaction() as cookie:
        cookie.update(kept)
    assert not is_in(thief)
    assert is_in(browser)


def test_signing_out_ends_it_on_the_server(browser: Browser, app: Flask) -> None:
    person = make_member()
    sign_in(browser, person)
    with browser.client.session_transaction() as cookie:
        kept = dict(cookie)
    browser.submit("/sign-out", {})
    assert count(person) == 0
    thief = Browser(app)
    with thief.client.session_transaction() as cookie:
        cookie.update(kept)
    assert not is_in(thief)


def test_looking_at_the_sign_out_page_signs_nobody_out(browser_of: Any) -> None:
    browser = browser_of(make_member())
    browser.get("/sign-out")
    assert is_in(browser)


def test_it_ends_after_the_idle_time_and_not_before(browser_of: Any, at: Any, app: Flask) -> None:
    idle = app.config["SIGN_IN_IDLE"]
    at(MONDAY)
    browser = browser_of(make_member())
    at(MONDAY + idle - timedelta(seconds=1))
    assert is_in(browser)
    at(MONDAY + 2 * idle - timedelta(seconds=2))
    assert is_in(browser)
    at(MONDAY + 3 * idle)
    assert not is_in(browser)


def test_it_ends_at_the_absolute_limit_however_busy_one_is(browser_of: Any, at: Any, app: Flask) -> None:
    at(MONDAY)
    browser = browser_of(make_member())
    step, limit = app.config["SIGN_IN_IDLE"] / 2, app.config["SIGN_IN_ABSOLUTE"]
    moment = MONDAY
    while moment + step < MONDAY + limit:
        moment += step
        at(moment)
        assert is_in(browser)
    at(MONDAY + limit)
    assert not is_in(browser)


def test_seen_at_is_written_at_most_every_five_minutes(browser_of: Any, at: Any, count_queries: Any) -> None:
    at(MONDAY)
    person = make_member()
    browser = browser_of(person)
    at(MONDAY + timedelta(minutes=4, seconds=59))
    with count_queries() as queries:
        browser.get("/account")
    assert not [q for q in queries if q.startswith("UPDATE")]
    at(MONDAY + timedelta(minutes=5))
    browser.get("/account")
    assert db.session.scalar(select(SignIn.seen_at)) == MONDAY + timedelta(minutes=5)


def test_a_deleted_sign_in_is_not_brought_back_by_a_request_under_way(session: Any, at: Any, app: Flask) -> None:
    """The request has loaded the row; meanwhile it is deleted elsewhere; writing `seen_at` must not recreate it."""
    at(MONDAY)
    person = make_member()
    secret = sessions.open_sign_in(person.id)
    db.session.commit()
    at(MONDAY + timedelta(minutes=10))
    db.session.execute(delete(SignIn).execution_options(synchronize_session=False))
    assert sessions.load(secret) is None
    assert count(person) == 0


def test_suspended_unconfirmed_and_erased_people_are_out_at_once(browser_of: Any) -> None:
    person = make_member()
    browser = browser_of(person)
    account = account_of(person)
    for change, undo in (({"suspended_at": clock.now()}, {"suspended_at": None}),
                         ({"confirmed_at": None}, {"confirmed_at": clock.now()})):  # fmt: skip
        for name, value in change.items():
            setattr(account, name, value)
        assert not is_in(browser)
        for name, value in undo.items():
            setattr(account, name, value)
        assert is_in(browser)
    person.erased_at = clock.now()
    assert not is_in(browser)


def test_a_changed_password_ends_all_other_sign_ins_and_renews_the_own_one(browser_of: Any) -> None:
    person = make_member()
    here, there = browser_of(person), browser_of(person)
    old = cookie_of(here)
    here.submit("/account/password", {"password": PASSWORD, "new_password": "ganz andere Worte"})
    assert is_in(here)
    assert cookie_of(here) != old
    assert not is_in(there)


def test_a_change_of_role_ends_the_sign_ins(browser_of: Any) -> None:
    person, operator = make_member(), make_member(operator=True)
    browser = browser_of(person)
    staff.grant_operator(operator.id, account_of(person))
    assert not is_in(browser)


def test_a_change_of_the_own_role_renews_the_own_sign_in(browser_of: Any) -> None:
    first, _second = make_member(operator=True), make_member(operator=True)
    here, there = browser_of(first), browser_of(first)
    old = cookie_of(here)
    here.submit(f"/people/{first.id}/operator/revoke", {}, form_at=f"/people/{first.id}")
    assert is_in(here)
    assert cookie_of(here) != old
    assert not is_in(there)


def test_giving_the_second_factor_renews_the_secret(browser_of: Any) -> None:
    person = make_lead()
    give_second_factor(person)
    browser = browser_of(person, second_factor=False)
    old = cookie_of(browser)
    browser.submit("/sign-in/code", {"totp": code()})
    assert cookie_of(browser) != old
    assert is_in(browser)


def test_the_list_shows_the_own_sign_ins_and_ends_one(browser_of: Any) -> None:
    person, other = make_member(), make_member()
    here, there, foreign = browser_of(person), browser_of(person), browser_of(other)
    rows = {row.person_id: row.id for row in db.session.scalars(select(SignIn))}
    page = here.get("/account/sign-ins")
    forms = [form["action"] for form in page.html.find_all("form") if form["action"].endswith("/end")]
    assert len(forms) == 1
    here.submit(forms[0], {}, form_at="/account/sign-ins")
    assert is_in(here)
    assert not is_in(there)
    token = page.form_fields(forms[0])
    here.post(f"/account/sign-ins/{rows[other.id]}/end", {"csrf_token": token["csrf_token"]}, 404)
    assert is_in(foreign)


def test_signing_out_everywhere_ends_all_and_only_the_own(browser_of: Any) -> None:
    person, other = make_member(), make_member()
    here, there, foreign = browser_of(person), browser_of(person), browser_of(other)
    here.submit("/account/sign-ins/end-all", {}, form_at="/account/sign-ins")
    assert not is_in(here)
    assert not is_in(there)
    assert is_in(foreign)


def test_the_cookie_flags_are_strict(app: Flask, browser: Browser) -> None:
    person = make_member()
    flags = sign_in(browser, person).response.headers["Set-Cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert "Path=/" in flags
    assert "Domain" not in flags


def test_over_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    values = config.settings({"CONSULT_ENV": "test", "PUBLIC_URL": "https://consult.test", "SECRET_KEY": "x" * 40})
    assert values["SESSION_COOKIE_SECURE"] is True
    assert values["SESSION_COOKIE_NAME"].startswith("__Host-")


def test_there_is_no_remember_cookie(browser: Browser) -> None:
    sign_in(browser, make_member())
    assert browser.client.get_cookie("remember_token") is None


def test_an_answer_whose_row_was_rolled_back_leaves_the_cookie_alone(browser: Browser, monkeypatch: Any) -> None:
    """Pressing twice at once: the second answer loses the race, and must not overwrite the good cookie."""
    person = make_member()
    page = browser.get("/sign-in")
    fields = {**page.form_fields("/sign-in"), "email": person.email, "password": PASSWORD}
    before = sessions.open_sign_in

    def undone(*args: Any, **kwargs: Any) -> str:
        secret = before(*args, **kwargs)
        db.session.rollback()
        return secret

    monkeypatch.setattr(sessions, "open_sign_in", undone)
    browser.post("/sign-in", fields)
    assert cookie_of(browser) is None


def test_devices_are_named_coarsely() -> None:
    name = sessions.device_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    assert name == "Firefox – Linux"
    assert sessions.device_name(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"
    ) == "Safari – iPhone"  # fmt: skip
    assert sessions.device_name("") == ""
    assert sessions.device_name("curl/8") == ""


def test_a_static_file_costs_a_signed_in_visitor_no_query(browser_of: Any, count_queries: Any) -> None:
    browser = browser_of(make_member(), second_factor=False)
    with count_queries() as queries, browser.client.get("/static/css/consult.css") as style:
        assert style.status_code == 200
    assert queries == []


def test_an_address_no_database_can_read_is_refused_to_whoever_is_signed_in_as_well(browser_of: Any) -> None:
    page = browser_of(factories.make_person()).get("/p/a%00b/concept", status=400)
    assert page.h1
