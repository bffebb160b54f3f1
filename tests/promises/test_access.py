"""Every door, every role, over HTTP, against the table in access.yaml that people reviewed."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from consult.accounts.models import SignIn
from consult.extensions import db
from tests import factories
from tests.client import Browser
from tests.conftest import savepoint
from tests.promises.world import World, build

TABLE = yaml.safe_load((Path(__file__).parent / "access.yaml").read_text())
NOBODY = ("anonymous", "suspended", "expired")


@cache
def expected() -> dict[str, frozenset[str] | None]:
    """door -> roles that get through; None where it depends on the state of the account."""
    doors: dict[str, frozenset[str] | None] = {}
    for name, entries in TABLE["access"].items():
        for door in entries:
            assert door not in doors, f"{door} stands in the table twice"
            doors[door] = None if name == "depends" else frozenset(TABLE["sets"][name])
    return doors


@cache
def doors_of(app: Flask) -> dict[str, Any]:
    """door -> one rule that leads to it."""
    found: dict[str, Any] = {}
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            # One address of several is enough: the charter's pages are the concept's.
            if (rule.defaults or {}).get("which") != "charter":
                found.setdefault(f"{rule.endpoint} {method}", rule)
    return found


@pytest.fixture(scope="module")
def world(app: Flask):
    with savepoint(app):
        yield build()


@pytest.fixture(scope="module")
def visitors(app: Flask, world: World) -> dict[str, Browser]:
    """One browser per role, with a form's token in its session."""
    found = {"anonymous": Browser(app)}
    for role, person in world.cast.items():
        found[role] = Browser(app)
        factories.sign_in(found[role].client, person)
    world.cast["suspended"].account.suspended_at = factories.LONG_AGO
    for row in db.session.query(SignIn).filter_by(person_id=world.cast["expired"].id):
        row.expires_at = factories.LONG_AGO
    db.session.commit()
    for visitor in found.values():
        visitor.token = visitor.get("/contact").form_fields("/contact")["csrf_token"]  # type: ignore[attr-defined]
    return found


def knock(app: Flask, world: World, visitor: Any, door: str, **changed: Any) -> Any:
    """Try one door; whatever it did is undone. Returns the response."""
    rule, method = doors_of(app)[door], door.split()[1]
    values = {**world.arguments, **changed}
    waiting = ("moderation.approve", "moderation.hide", "contributions.edit ", "contributions.withdraw ")
    if door.startswith(waiting) and not changed:
        values["number"] = values["pending"]
    if door.startswith("moderation.appeal ") and not changed:
        values["number"] = values["hidden"]
    if door.startswith("moderation.author_trust"):
        values["person_id"] = values["author_id"]
    if door.startswith("contacts.edit "):
        values["person_id"] = values["guest_id"]
    if "organisations_apart" in door:
        values["other_id"] = values["network_id"]
    if door.startswith("site.answered"):
        values["message_id"] = values["contact_id"]
    if door.startswith("site.text "):
        values["key"] = "imprint"
    with app.test_request_context():
        address = rule.build({k: v for k, v in values.items() if k in rule.arguments}, append_unknown=False)
    url = address[1] if address else pytest.fail(f"no address for {door}")
    undo = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # a connection here
    cookies = dict(visitor.client._cookies)
    try:
        if method == "GET":
            response = visitor.client.get(url)
            response.get_data()
            response.close()
            return response
        return visitor.client.open(url, method=method, data={"csrf_token": visitor.token, "act_id": values["act"]})
    finally:
        visitor.client._cookies = cookies
        undo.rollback()
        db.session.expire_all()


def verdict(response: Any) -> str:
    """through, or how the door stayed shut."""
    if response.status_code in (401, 403, 404, 410):
        return f"shut ({response.status_code})"
    if response.status_code in (302, 303) and "/sign-in" in response.headers["Location"]:
        return "shut (sign in)"
    # Nobody sends mail in this town: "not ready" is a true answer of the health page.
    fine = response.status_code < 500 or response.request.path == "/health/ready"
    assert fine, f"{response.status_code} at {response.request.path}"
    return "through"


def test_every_door_stands_in_the_table(app):
    actual, written = set(doors_of(app)), set(expected())
    assert not actual - written, f"new doors that nobody reviewed: {sorted(actual - written)}"
    assert not written - actual, f"doors that are gone: {sorted(written - actual)}"


@pytest.mark.parametrize("door", sorted(door for door, roles in expected().items() if roles is not None))
def test_who_gets_through(app, world, visitors, door):
    wrong = []
    for role, visitor in visitors.items():
        got = verdict(knock(app, world, visitor, door))
        wanted = role in (expected()[door] or ())
        # Signing in or out leads to the sign-in page by design; that is through as well.
        if door.startswith(("accounts.sign_out", "accounts.sign_in")) and got == "shut (sign in)" and wanted:
            got = "through"
        if (got == "through") != wanted:
            wrong.append(f"{role}: {got}, expected {'through' if wanted else 'shut'}")
    assert not wrong, f"{door}: " + "; ".join(wrong)


@pytest.mark.parametrize("door", sorted(door for door in expected()))
def test_an_unpublished_process_is_as_good_as_none(app, world, visitors, door):
    """Nobody of another process gets anything but what a process that does not exist gives."""
    if "slug" not in doors_of(app)[door].arguments:
        return
    for role in ("anonymous", "citizen", "lead", "operator", "lead_elsewhere"):
        visitor = visitors[role]
        hidden = knock(app, world, visitor, door, slug="entwurf")
        absent = knock(app, world, visitor, door, slug="fehlend")
        assert (hidden.status_code, absent.status_code) == (404, 404), f"{role} at {door}: {hidden.status_code}"
        assert len(hidden.data) == len(absent.data), f"{role} at {door}: the pages differ"


@pytest.mark.parametrize("door", sorted(door for door in expected() if door.endswith("POST")))
def test_nobody_changes_an_archived_process(app, world, visitors, door):
    if "slug" not in doors_of(app)[door].arguments:
        return
    for role in ("citizen", "author", "moderator", "lead"):
        assert verdict(knock(app, world, visitors[role], door, slug="archiv")) != "through", f"{role} at {door}"


@pytest.mark.parametrize("door", sorted(door for door in expected()))
def test_objects_of_one_process_are_not_found_in_another(app, world, visitors, door):
    """Every id of "offen" asked for under "anderswo", by the people who may do everything there."""
    rule = doors_of(app)[door]
    ids = set(rule.arguments) - {"slug", "which", "lang", "key", "kind", "day"}
    if "slug" not in rule.arguments or not ids or rule.endpoint == "concept.version":
        return
    for role in ("lead_elsewhere", "moderator_elsewhere"):
        got = knock(app, world, visitors[role], door, slug="anderswo")
        assert verdict(got) != "through", f"{role} at {door}: {got.status_code}"
