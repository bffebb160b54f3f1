"""What operators say about the instance."""

import io

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.processes.models import Function
from consult.site import queries
from consult.site.models import Site, SiteText
from consult.site.operations import MAX_LOGO, picture_type
from tests import factories

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def operator(browser_of, session):
    return browser_of(factories.make_person("Betrieb", operator=True))


def facts():
    return [entry.facts for entry in db.session.scalars(select(AuditEntry)) if entry.action.startswith("site.")]


def test_names_appear_on_every_page(operator, browser):
    operator.submit("/settings", {"city_name": "Stadt Musterhausen", "platform_name": "Mitreden"})
    page = browser.get("/imprint")
    assert "Stadt Musterhausen" in page.html.find("header").get_text()
    assert page.html.title.string.endswith("Mitreden")


def test_what_changed_is_on_record_and_saving_the_same_is_not(operator):
    names = {"city_name": "Stadt", "platform_name": "Mitreden"}
    operator.submit("/settings", names)
    operator.submit("/settings", names)
    assert facts() == [{"fields": ["city_name", "platform_name"]}]


def test_a_missing_name_is_asked_for_and_the_rest_is_kept(operator):
    page = operator.submit("/settings", {"city_name": "", "platform_name": "Mitreden"}, status=200)
    assert page.form_fields("/settings")["platform_name"] == "Mitreden"
    assert db.session.get(Site, 1) is None


@pytest.mark.parametrize("who", ["guest", "citizen", "lead"])
def test_settings_are_for_operators_only(who, browser, browser_of, session):
    process = factories.make_process()
    lead = factories.make_person()
    factories.make_group(process, Function.lead, lead)
    visitor = {"guest": browser, "citizen": browser_of(factories.make_person()), "lead": browser_of(lead)}[who]
    for path in ("/settings", "/settings/texts", "/settings/texts/imprint/de"):
        visitor.get(path, status=303 if who == "guest" else 403)


def upload(visitor, data, name="logo.png", **values):
    fields = visitor.get("/settings").form_fields("/settings")
    fields |= {"city_name": "Stadt", "platform_name": "Mitreden", **values}
    return {**fields, "logo": (io.BytesIO(data), name)}


def test_a_logo_is_shown_to_everybody_as_the_picture_it_is(operator, browser):
    operator.post("/settings", upload(operator, PNG, "logo.html"))
    source = browser.get("/imprint").html.select_one(".brand img")["src"]
    with browser.client.get(source) as answer:
        data = answer.data
    assert answer.mimetype == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert data == PNG


@pytest.mark.parametrize(
    "data",
    [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html>", b"GIF89a" + b"0" * 20, b""],
)
def test_other_files_are_no_logo(operator, browser, data):
    page = operator.post("/settings", upload(operator, data), status=200)
    assert page.html.find(class_="error-summary")
    assert page.form_fields("/settings")["city_name"] == "Stadt"
    browser.get("/logo", status=404)


def test_a_large_picture_is_refused(operator):
    page = operator.post("/settings", upload(operator, PNG + b"0" * MAX_LOGO), status=200)
    assert "300 kB" in page.text


def test_a_logo_can_be_removed(operator, browser):
    operator.post("/settings", upload(operator, PNG))
    operator.submit("/settings", {"remove_logo": "y"})
    browser.get("/logo", status=404)


def test_the_kind_of_a_picture_is_read_from_its_bytes():
    assert picture_type(PNG) == "image/png"
    assert picture_type(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert picture_type(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert picture_type(b"RIFF\x00\x00\x00\x00WAVEfmt ") is None


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("key", queries.TEXT_KEYS)
def test_every_legal_text_begins_as_a_draft_that_says_so(browser, key, lang):
    browser.get(f"/language?to={lang}", status=303)
    page = browser.get(f"/{key}")
    assert page.html.find(class_="callout")
    assert page.html.main.find("h2")
    assert "{" not in page.html.main.get_text()


def test_the_citys_own_text_replaces_the_draft(operator, browser):
    operator.submit("/settings/texts/imprint/de", {"markdown": "## Wir\n\nRathaus <script>alert(1)</script> {city}"})
    page = browser.get("/imprint")
    assert "Rathaus" in page.text
    assert not page.html.main.find("script")
    assert not page.html.find(class_="callout")
    assert facts() == [{"key": "imprint", "lang": "de"}]


def test_saving_a_text_twice_leaves_one_row_and_one_entry(operator):
    for _ in range(2):
        operator.submit("/settings/texts/privacy/en", {"markdown": "Our text."})
    assert db.session.scalars(select(SiteText)).one().markdown == "Our text."
    assert len(facts()) == 1


@pytest.mark.parametrize("path", ["/settings/texts/secret/de", "/settings/texts/imprint/xx"])
def test_there_are_no_other_texts(operator, path):
    operator.get(path, status=404)


def test_an_unknown_field_of_the_form_changes_nothing(operator):
    operator.submit("/settings", {"city_name": "Stadt", "platform_name": "M", "logo_id": "1", "id": "2"})
    assert db.session.scalars(select(Site)).one().logo_id is None


def test_the_accessibility_statement_leads_to_the_contact_form(browser):
    assert browser.get("/accessibility").html.main.find("a", href="/contact")
