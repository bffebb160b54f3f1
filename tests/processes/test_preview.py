"""Preview links: read an unpublished process, nothing else, and only while the link counts."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken
from consult.contributions.models import Contribution
from consult.errors import Refused
from consult.extensions import db
from consult.processes import operations
from consult.processes.models import Activity, Function
from tests import factories
from tests.conftest import MONDAY


@pytest.fixture
def process(session):
    process = factories.make_process(state="draft", intro="Worum es geht.", published_at=None)
    factories.make_stage(process, Activity.comment)
    return process


@pytest.fixture
def lead(process):
    person = factories.make_person("Leitung")
    factories.make_group(process, Function.lead, person)
    factories.make_group(process, Function.moderation, person)
    db.session.commit()
    return person


@pytest.fixture
def link(process, lead):
    token = operations.create_preview(process, lead.id)
    db.session.commit()
    return tokens.link_of(token)


def test_without_a_link_nobody_knows_of_the_process(browser, browser_of, process, link):
    browser.get(f"/p/{process.slug}", status=404)
    browser_of(factories.make_person()).get(f"/p/{process.slug}", status=404)
    assert process.title not in browser.get("/").text


def test_with_the_link_a_guest_reads_the_whole_process(browser, process, link):
    page = browser.get(f"/preview/{link}", status=303)
    assert browser.follow(page).h1 == process.title
    browser.get(f"/p/{process.slug}/timeline")


def test_a_preview_is_kept_from_search_engines_and_caches(browser, process, link):
    browser.get(f"/preview/{link}", status=303)
    headers = browser.get(f"/p/{process.slug}").response.headers
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "change", [lambda link: link[:-1] + ("y" if link.endswith("x") else "x"), lambda link: "9" + link, lambda _: "1.x"]
)
def test_a_forged_link_opens_nothing(browser, process, link, change):
    browser.get(f"/preview/{change(link)}", status=404)
    browser.get(f"/p/{process.slug}", status=404)


def test_a_link_for_another_purpose_opens_nothing(browser, process, lead):
    token = tokens.issue(LinkPurpose.reset, lead.id, process.id)
    db.session.commit()
    browser.get(f"/preview/{tokens.link_of(token)}", status=404)


def test_a_link_opens_its_own_process_only(browser, process, link):
    other = factories.make_process(state="draft")
    db.session.commit()
    browser.get(f"/preview/{link}", status=303)
    browser.get(f"/p/{other.slug}", status=404)


def test_a_link_ends_at_its_moment_to_the_second(browser, process, lead, at):
    at(MONDAY)
    token = operations.create_preview(process, lead.id, days=3)
    db.session.commit()
    link = tokens.link_of(token)
    at(MONDAY + timedelta(days=3, seconds=-1))
    browser.get(f"/preview/{link}", status=303)
    browser.get(f"/p/{process.slug}")
    at(MONDAY + timedelta(days=3))
    browser.get(f"/p/{process.slug}", status=404)
    browser.get(f"/preview/{link}", status=404)


def test_a_revoked_link_ends_at_once_also_for_those_who_came_by_it(browser, browser_of, process, lead, link):
    browser.get(f"/preview/{link}", status=303)
    token = db.session.scalars(select(LinkToken)).one()
    path = f"/p/{process.slug}/preview-links"
    browser_of(lead).submit(f"{path}/{token.id}/revoke", form_at=path)
    browser.get(f"/p/{process.slug}", status=404)
    browser.get(f"/p/{process.slug}/timeline", status=404)


def test_readers_of_a_preview_cannot_write(app, browser_of, process, link):
    citizen = browser_of(factories.make_person())
    citizen.get(f"/preview/{link}", status=303)
    citizen.get(f"/p/{process.slug}")
    token = citizen.get("/contact").form_fields()["csrf_token"]
    data = {"csrf_token": token, "text": "Hallo", "stance": "support", "title": "Neu", "days": "7"}
    refused = {}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and rule.arguments == {"slug"} and rule.rule.startswith("/p/"):
            path = adapter.build(rule.endpoint, {"slug": process.slug})
            refused[rule.endpoint] = citizen.client.post(path, data=data).status_code
    assert {"processes.publish", "processes.settings", "processes.preview_create"} <= set(refused)
    assert all(status in (200, 403, 404, 409) for status in refused.values()), refused
    assert db.session.scalar(select(Contribution.id)) is None
    assert db.session.scalars(select(LinkToken)).one()


@pytest.mark.parametrize("days", [0, 31, -1])
def test_a_link_works_for_one_to_thirty_days(browser_of, process, lead, days):
    with pytest.raises(Refused):
        operations.create_preview(process, lead.id, days)
    path = f"/p/{process.slug}/preview-links"
    page = browser_of(lead).submit(path, {"days": str(days)}, status=200)
    assert page.form_fields(path)["days"] == str(days)


def test_a_link_works_for_seven_days_unless_told_otherwise(browser_of, process, lead):
    path = f"/p/{process.slug}/preview-links"
    browser_of(lead).submit(path)
    token = db.session.scalars(select(LinkToken)).one()
    assert timedelta(days=6, hours=23) < token.expires_at - clock.now() <= timedelta(days=7)


def test_the_lead_sees_the_link_and_the_public_none_of_it(browser_of, process, lead, link):
    page = browser_of(lead).get(f"/p/{process.slug}/preview-links")
    assert f"http://consult.test/preview/{link}" in page.text


def test_a_public_process_gets_no_preview(process, lead):
    process.state = "published"
    with pytest.raises(Refused):
        operations.create_preview(process, lead.id)


def test_a_link_of_another_process_cannot_be_revoked(browser_of, process, lead, link):
    other = factories.make_process()
    stranger = factories.make_person()
    factories.make_group(other, Function.lead, stranger)
    db.session.commit()
    token = db.session.scalars(select(LinkToken)).one()
    browser = browser_of(stranger)
    csrf = browser.get(f"/p/{other.slug}/stages/new").form_fields()["csrf_token"]
    browser.post(f"/p/{other.slug}/preview-links/{token.id}/revoke", {"csrf_token": csrf}, status=404)
    assert token.used_at is None
