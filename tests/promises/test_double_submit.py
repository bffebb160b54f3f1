"""Every form, found by walking the pages: sent twice it has one effect, and fields nobody asked for have none.

The forms are filled by their kinds of fields. A form that refuses what we typed has no effect to double; which forms
accept it is pinned below, so that the promise cannot become empty unseen.
"""

import os
from typing import Any

import pytest
from flask import Flask, current_app

from consult.extensions import db
from tests import factories
from tests.client import Browser, Page
from tests.conftest import savepoint
from tests.promises import fingerprint
from tests.promises.test_requests import GETS, address
from tests.promises.world import World, build

#: How often each form is sent again; the drill asks for more.
TIMES = int(os.environ.get("CONSULT_DOUBLE_SUBMITS", "1"))

BY_TYPE = {
    "email": "neu@example.org",
    "date": "2030-12-24",
    "datetime-local": "2030-12-24T18:00",
    "time": "18:00",
    "number": "5",
    "password": factories.PASSWORD,
    "url": "https://example.org/",
    "tel": "0241 1234",
}
BY_NAME = {"key": "neuer-teil", "slug": "neues-verfahren", "code": "NV", "parts-0-key": "teil-a",
           "parts-1-key": "teil-b", "starts_on": "2030-12-24", "sources": "", "passage": "", "website": ""}  # fmt: skip
#: Fields an attacker would add; none of our forms has them.
EXTRA = {
    "operator": "1", "is_operator": "1", "role": "lead", "function_": "lead", "owner_id": "1", "author_id": "1",
    "actor_id": "1", "published": "1", "published_at": "2020-01-01", "is_demo": "1", "number": "1", "id": "1",
    "person_id": "1", "process_id": "1", "confirmed_at": "2020-01-01", "second_factor_at": "2020-01-01",
    "sealed_at": "2020-01-01", "entered_by_id": "1", "email_confirmed": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(app: Flask):
    with savepoint(app):
        yield build()


@pytest.fixture(scope="module")
def forms(app: Flask, world: World) -> dict[tuple[str, str], tuple[Browser, dict[str, str]]]:
    """(role, action) -> who sends it and what a person would have typed; from every page of every door."""
    found: dict[tuple[str, str], tuple[Browser, dict[str, str]]] = {}
    for role in ("anonymous", "author", "member", "lead", "operator"):
        visitor = Browser(app)
        if role != "anonymous":
            factories.sign_in(visitor.client, world.cast[role])
        for door in GETS:
            url = address(app, world, door)
            response = visitor.client.get(url)
            if response.mimetype == "text/html" and response.status_code == 200:
                for form in Page(response).html.find_all("form", method="post"):
                    action = form.get("action") or url
                    if not action.startswith("/sign-out"):
                        found.setdefault((role, action), (visitor, filled(form)))
            response.get_data()
            response.close()
    return found


def filled(form: Any) -> dict[str, str]:
    """What a person might type into this form."""
    values: dict[str, str] = {}
    for field in form.find_all(["input", "select", "textarea"]):
        name, kind = field.get("name"), field.get("type", "text")
        if not name or kind in ("submit", "button", "file"):
            continue
        if kind == "hidden":
            values[name] = field.get("value", "")
        elif field.name == "select":
            options = [option.get("value", "") for option in field.find_all("option")]
            chosen = field.find("option", selected=True)
            values[name] = (chosen.get("value", "") if chosen else "") or next((o for o in options if o), "")
        elif kind in ("radio", "checkbox"):
            if field.has_attr("checked") or (kind == "radio" and name not in values):
                values[name] = field.get("value", "on")
        else:
            typed = field.get("value") or (field.get_text() if field.name == "textarea" else "")
            values[name] = typed.strip() or BY_NAME.get(name, BY_TYPE.get(kind, "Ein neuer Satz."))
    return values


def sums(*, times: bool = True) -> dict[str, str]:
    """A fingerprint of every table; without ids and times where two runs are compared."""
    return fingerprint.sums(("rate_bucket", "sign_in"), times=times)


def send(visitor: Browser, action: str, data: dict[str, str]) -> Any:
    response = visitor.client.post(action, data=data)
    response.get_data()
    response.close()
    db.session.expire_all()
    return response


def accepted(response: Any) -> bool:
    return response.status_code == 303 and "/sign-in" not in response.headers["Location"]


def test_forms_sent_again_have_one_effect(forms, record_testsuite_property):
    sent: list[str] = []
    try:
        kinds = {endpoint(action) for action in send_again(forms, sent)}
    finally:
        # The drill counts them, also those before a failure.
        record_testsuite_property("sent_again", len(sent))
    assert len(kinds) >= 30, f"only {len(kinds)} kinds of forms were accepted: {sorted(kinds)}"


def send_again(forms: dict[tuple[str, str], tuple[Browser, dict[str, str]]], sent: list[str]) -> list[str]:
    """Send each form and send it again; returns the accepted ones, and puts into `sent` what was sent again."""
    tried: list[str] = []
    for (role, action), (visitor, data) in forms.items():
        undo = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # a connection here
        cookies = dict(visitor.client._cookies)
        try:
            first = send(visitor, action, data)
            if not accepted(first):
                continue
            tried.append(action)
            # Signing in or out changes who sends: that is another person's form then.
            if dict(visitor.client._cookies) != cookies and action.startswith(("/sign-", "/account/password")):
                continue
            between = sums()
            for _again in range(TIMES):
                second = send(visitor, action, data)
                sent.append(action)
                assert second.status_code == 303, f"{role} {action}: {second.status_code}"
                assert second.headers["Location"] == first.headers["Location"], f"{role} {action}"
            changed = {name for name, value in sums().items() if value != between[name]}
            assert not changed, f"{role} {action} sent twice wrote {changed} again"
        finally:
            visitor.client._cookies = cookies
            db.session.rollback()
            undo.rollback()
            db.session.expire_all()
    return tried


def endpoint(action: str) -> str:
    adapter = current_app.url_map.bind("localhost")
    return adapter.match(action.partition("?")[0], method="POST")[0]


def test_fields_nobody_asked_for_are_ignored(forms):
    tried = 0
    for (role, action), (visitor, data) in forms.items():
        results = []
        for extra in ({}, {name: value for name, value in EXTRA.items() if name not in data}):
            undo = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # a connection here
            cookies = dict(visitor.client._cookies)
            response = send(visitor, action, {**data, **extra})
            results.append((response.status_code, sums(times=False)))
            visitor.client._cookies = cookies
            db.session.rollback()
            undo.rollback()
            db.session.expire_all()
        tried += results[0][0] == 303
        different = {n for n in results[0][1] if results[0][1][n] != results[1][1][n]} - {"form_answer"}
        assert results[0][0] == results[1][0], f"{role} {action}: {results[0][0]} became {results[1][0]}"
        assert not different, f"{role} {action} took foreign fields into {different}"
    assert tried >= 30
