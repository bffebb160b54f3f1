"""What every route keeps, whoever wrote it: reading changes nothing, writing needs a token, no body breaks it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from consult.extensions import db
from tests import factories
from tests.client import Browser, Page
from tests.conftest import savepoint
from tests.promises import fingerprint
from tests.promises.test_access import doors_of, expected
from tests.promises.world import NEEDLES, World, build

#: Written by reading on purpose, each in a tiny transaction of its own: "seen", "link opened", attempts.
MAY_WRITE_ON_GET = {"sign_in", "rate_bucket", "invitation"}
GETS = sorted(door for door in expected() if door.endswith("GET"))
POSTS = sorted(door for door in expected() if door.endswith("POST"))


@pytest.fixture(scope="module")
def world(app: Flask):
    with savepoint(app):
        yield build()


@pytest.fixture(scope="module")
def roles(app: Flask, world: World) -> dict[str, Browser]:
    """The people who may do most, each signed in."""
    found = {"anonymous": Browser(app)}
    for role in ("author", "lead", "operator", "member"):
        found[role] = Browser(app)
        factories.sign_in(found[role].client, world.cast[role])
    for visitor in found.values():
        visitor.token = visitor.get("/contact").form_fields("/contact")["csrf_token"]  # type: ignore[attr-defined]
    return found


def address(app: Flask, world: World, door: str) -> str:
    rule, values = doors_of(app)[door], dict(world.arguments)
    if door.startswith(("moderation.approve", "moderation.hide", "contributions.edit", "contributions.withdraw")):
        values["number"] = values["pending"]
    if door.startswith("site.answered"):
        values["message_id"] = values["contact_id"]
    if door.startswith("site.text "):
        values["key"] = "imprint"
    with app.test_request_context():
        built = rule.build({k: v for k, v in values.items() if k in rule.arguments}, append_unknown=False)
    assert built is not None
    return built[1]


def sums() -> dict[str, str]:
    """A fingerprint of every table."""
    return fingerprint.sums(MAY_WRITE_ON_GET)


def owner(door: str) -> str:
    """Somebody who gets through this door, so that the real page is tried and not its bolt."""
    roles = expected()[door] or frozenset()
    return next((role for role in ("anonymous", "lead", "operator", "author", "member") if role in roles), "anonymous")


def test_reading_changes_nothing(app, world, roles):
    """Every GET as somebody who gets through, and as nobody; then all tables are as they were."""
    before = sums()
    for door in GETS:
        url = address(app, world, door)
        for role in {owner(door), "anonymous"}:
            response = roles[role].client.get(url)
            response.get_data()
            response.close()
    db.session.expire_all()
    after = sums()
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize("door", POSTS)
def test_writing_needs_the_token_of_ones_own_session(app, world, roles, door):
    """Without a token, with somebody else's, with nonsense: nothing is written, and nothing answers as if it were."""
    visitor, url, before = roles[owner(door)], address(app, world, door), sums()
    foreign = roles["author"].token if owner(door) != "author" else roles["lead"].token
    for token in (None, "nonsense", foreign):
        undo = db.engines[None].begin_nested()
        cookies = dict(visitor.client._cookies)
        response = visitor.client.post(url, data={"csrf_token": token} if token else {})
        visitor.client._cookies = cookies
        db.session.expire_all()
        after = sums()
        changed = {name for name in before if before[name] != after[name]}
        undo.rollback()
        db.session.expire_all()
        assert not changed, f"{door} wrote {changed}"
        assert response.status_code not in (201, 204), door
        moved = response.status_code in (302, 303)
        assert not moved or "/sign-in" in response.headers["Location"], f"{door} answered {response.status_code}"


@pytest.mark.parametrize("door", [*GETS, *POSTS])
def test_every_answer_carries_the_headers(app, world, roles, door):
    url, method = address(app, world, door), door.split()[1]
    response = roles["anonymous"].client.open(url, method=method)
    response.get_data()
    headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert headers["X-Frame-Options"] == "DENY"
    response.close()


@pytest.mark.parametrize("door", GETS)
def test_private_pages_are_not_stored(app, world, roles, door):
    role = owner(door)
    if role == "anonymous":
        return
    response = roles[role].client.get(address(app, world, door))
    response.get_data()
    response.close()
    if not door.startswith("static"):
        assert "no-store" in response.headers["Cache-Control"], door


@pytest.mark.parametrize("door", POSTS)
def test_no_body_breaks_a_route(app, world, roles, door):
    """NUL, lone surrogates, endless fields, many fields, wrong types: 4xx at worst."""
    visitor, url = roles[owner(door)], address(app, world, door)
    bodies: list[dict[str, Any]] = [
        {"csrf_token": visitor.token, "text": "a\x00b", "name": "a\x00b"},
        {"csrf_token": "x" * 5000, **{f"f{n}": "1" for n in range(1001)}},
        {"csrf_token": "x", "text": "y" * 600_000},
    ]  # fmt: skip
    for data in bodies:
        undo = db.engines[None].begin_nested()
        cookies = dict(visitor.client._cookies)
        response = visitor.client.post(url, data=data)
        visitor.client._cookies = cookies
        undo.rollback()
        db.session.expire_all()
        assert 400 <= response.status_code < 500 or response.status_code in (200, 302, 303), (
            f"{door}: {response.status_code}"
        )
        assert b"Traceback" not in response.data
    nul = visitor.client.post(url, data={"x": "\x00"})
    assert nul.status_code in (303, 400, 403, 404, 410), f"{door}: {nul.status_code} for a NUL byte"


@pytest.mark.parametrize("door", GETS)
def test_no_query_breaks_a_page(app, world, roles, door):
    visitor, url = roles[owner(door)], address(app, world, door)
    for query in ("before=-1", "before=99999999999999999999", "before=abc", "page=[]", "lang=xx&lang=de", "next=//evil",
                  "stance='--&state=%00", "after=%F0%9F%98%80", "q=" + "x" * 3000):  # fmt: skip
        response = visitor.client.get(f"{url}?{query}")
        response.get_data()
        response.close()
        assert response.status_code < 500 or door == "outbox.ready GET", f"{door}?{query}: {response.status_code}"


def test_needles_are_seen_only_by_those_they_are_for(app, world, roles):
    """Private texts are looked for on every page as visitor, as citizen, and as everybody of another process."""
    allowed: dict[str, set[str]] = {
        # The author reads their own words and what the moderators wrote to them.
        "author": {"pending", "hidden", "note"},
        "anonymous": set(),
        "citizen": set(),
        "lead_elsewhere": set(),
        "steering": {"steering", "minutes"},
    }
    for role, may in allowed.items():
        visitor = roles.get(role) or Browser(app)
        if role not in roles and role != "anonymous":
            factories.sign_in(visitor.client, world.cast[role])
        for door in GETS:
            response = visitor.client.get(address(app, world, door))
            body = response.get_data(as_text=True) if response.mimetype.startswith("text") else ""
            response.close()
            for name, needle in NEEDLES.items():
                assert needle not in body or name in may, f"{role} sees the {name} text at {door}"


def test_each_form_has_one_effect_however_often_it_is_sent(app, world, roles):
    """Twice the same form: the same answer, and the second one writes nothing."""
    cases = {
        "/p/offen/e/lz-begegnung/comment": ("author", {"text": "Doppelt?", "stance": "support", "lang": "de"}),
        "/p/offen/comment": ("author", {"text": "Doppelt?", "stance": "support", "lang": "de"}),
        "/p/offen/concept/new/goal": ("lead", {"key": "doppelt", "title": "Doppelt", "reason": "r"}),
        "/p/offen/groups/new": ("lead", {"name": "Doppelt", "kind": "team"}),
    }
    for url, (role, data) in cases.items():
        visitor = roles[role]
        form = Page(visitor.client.get(url))
        if form.status == 404:
            continue
        fields = {**form.form_fields(url), **data}
        first = visitor.client.post(url, data=fields)
        assert first.status_code == 303, f"{url}: {Page(first).text[:300]}"
        db.session.expire_all()
        between = sums()
        second = visitor.client.post(url, data=fields)
        db.session.expire_all()
        assert second.status_code == 303
        assert second.headers["Location"] == first.headers["Location"]
        assert {n: v for n, v in sums().items() if v != between[n]} == {}, url


def test_every_form_of_ours_carries_its_one_time_id(app, world, roles):
    """Then `commit_and_go` stores the answer with the effect, for every route alike.

    But for the list at the door: each press there is another person, and a unique key takes the same one once.
    """
    for door in GETS:
        visitor = roles[owner(door)]
        response = visitor.client.get(address(app, world, door))
        if response.mimetype == "text/html" and response.status_code == 200:
            page = Page(response)
            for form in page.html.find_all("form", method="post"):
                once = form.find("input", attrs={"name": "form_id"})
                assert once or "data-people" in form.attrs, f"{door}: form to {form.get('action')}"
                assert form.find("input", attrs={"name": "csrf_token"}), f"{door}: form to {form.get('action')}"
        response.get_data()
        response.close()


def test_tables_are_still_frozen_afterwards(world):
    with pytest.raises(Exception, match="is frozen"), db.session.begin_nested():
        db.session.execute(text("DELETE FROM audit_entry"))
