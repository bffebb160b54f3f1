"""Role cards: one press in the demonstration, and nothing at all anywhere else."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import config
from consult import clock
from consult.accounts.models import SignIn
from consult.extensions import db
from consult.processes.models import Function
from tests.accounts.factories import account_of, make_member
from tests.client import Browser
from tests.factories import make_group, make_process


@pytest.fixture
def demo(app: Flask) -> Iterator[None]:
    app.config["DEMO"] = True
    yield
    app.config["DEMO"] = False


def make_cast() -> dict[str, Any]:
    lead, citizen = (make_member(password=None, email=f"{n}@demo.invalid", name=n) for n in ("leitung", "buergerin"))
    make_group(make_process(), Function.lead, lead, name="Prozessleitung")
    return {"lead": lead, "citizen": citizen}


def press(browser: Browser, person_id: int, status: int = 303) -> Any:
    token = browser.get("/contact").form_fields("/contact")["csrf_token"]
    return browser.post(f"/demo/sign-in/{person_id}", {"csrf_token": token}, status)


def test_cards_show_the_cast_with_groups_and_let_in_with_one_press(demo: None, browser: Browser) -> None:
    cast = make_cast()
    stranger = make_member(name="Fremde")
    page = browser.get("/sign-in")
    assert "leitung" in page.text
    assert "Prozessleitung" in page.text
    assert "Fremde" not in page.text
    url = f"/demo/sign-in/{cast['lead'].id}"
    assert browser.submit(f"{url}?next=/account", {}, form_at="/sign-in?next=/account").location == "/account"
    browser.get("/account")
    assert db.session.scalar(select(SignIn.second_factor_at)) is not None
    press(Browser(browser.client.application), stranger.id, 404)


def test_one_changes_the_role_without_signing_out(demo: None, browser: Browser) -> None:
    cast = make_cast()
    press(browser, cast["lead"].id)
    browser.submit(f"/demo/sign-in/{cast['citizen'].id}", {}, form_at="/sign-in")
    assert db.session.scalars(select(SignIn.person_id)).all() == [cast["citizen"].id]


def test_suspended_and_unknown_people_have_no_card(demo: None, browser: Browser) -> None:
    cast = make_cast()
    account_of(cast["lead"]).suspended_at = clock.now()
    assert "leitung" not in browser.get("/sign-in").text
    press(browser, cast["lead"].id, 404)
    press(browser, 999_999, 404)


def test_an_address_that_only_looks_like_the_cast_has_no_card(demo: None, browser: Browser) -> None:
    for email in ("x@notdemo.invalid", "x@demo.invalid.example.org", "demo.invalid@example.org"):
        press(browser, make_member(email=email).id, 404)


def test_outside_the_demonstration_there_is_neither_card_nor_door(browser: Browser) -> None:
    cast = make_cast()
    page = browser.get("/sign-in")
    assert "leitung" not in page.text
    assert "/demo/" not in page.response.get_data(as_text=True)
    press(browser, cast["citizen"].id, 404)
    browser.get("/account", 303)


def test_the_cards_cost_three_queries_however_many(demo: None, browser: Browser, count_queries: Any) -> None:
    for number in range(6):
        person = make_member(password=None, email=f"p{number}@demo.invalid")
        make_group(make_process(), Function.moderation, person)
    with count_queries() as queries:
        browser.get("/sign-in")
    assert len(queries) <= 5, "\n".join(queries)


def test_production_is_never_a_demonstration() -> None:
    values = config.settings(
        {
            "CONSULT_ENV": "production", "DEMO": "1", "SECRET_KEY": "x" * 40, "PUBLIC_URL": "https://x.example",
            "DATABASE_URL": "postgresql+psycopg://x", "MAIL_URL": "smtp://x",
        }
    )  # fmt: skip
    assert values["DEMO"] is False
