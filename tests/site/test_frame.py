"""The frame of every page, the language and the display."""

import pytest

from consult.extensions import db
from consult.processes.models import Activity, Function
from tests import factories


def test_a_guest_page_outside_a_process_asks_once_for_the_frame(browser, count_queries):
    with count_queries() as queries:
        browser.get("/imprint")
    assert len([q for q in queries if "FROM site" in q and "site_text" not in q]) == 1
    assert len(queries) == 2, queries


def test_a_process_adds_only_its_stages_to_the_frame(browser, session, count_queries):
    process = factories.make_process()
    factories.make_stage(process, Activity.comment)
    session.commit()
    with count_queries() as queries:
        page = browser.get(f"/p/{process.slug}/timeline")
    # process, stages, their activities, meetings, names of the groups that meet, site
    assert len(queries) <= 6, queries
    assert page.html.find("ol", class_="strip")


def test_links_lead_only_to_pages_that_exist(app, browser, session):
    process = factories.make_process()
    session.commit()
    page = browser.get(f"/p/{process.slug}")
    adapter = app.url_map.bind("localhost")
    for anchor in page.html.find_all("a", href=True):
        if anchor["href"].startswith("/"):
            adapter.match(anchor["href"].partition("?")[0].partition("#")[0])


def test_the_footer_leads_to_the_legal_texts_and_to_the_receipts(browser):
    footer = browser.get("/").html.find("footer")
    assert [a["href"] for a in footer.find_all("a")] == [
        "/imprint", "/privacy", "/accessibility", "/contact", "/receipt",
    ]  # fmt: skip


def test_choosing_a_language_sets_a_cookie_and_comes_back(browser):
    page = browser.get("/language?to=en&next=/imprint", status=303)
    assert page.location == "/imprint"
    assert browser.get("/imprint").html.html["lang"] == "en"
    browser.get("/language?to=de", status=303)
    assert browser.get("/imprint").html.html["lang"] == "de"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
def test_choosing_a_language_never_leads_away(browser, target):
    assert browser.get("/language", status=303, query_string={"to": "en", "next": target}).location == "/"


def test_an_unknown_language_changes_nothing(browser):
    page = browser.get("/language?to=xx", status=303)
    assert "lang=" not in str(page.response.headers.getlist("Set-Cookie"))


def test_a_language_may_be_chosen_by_a_link_because_it_writes_nothing(browser, count_queries):
    with count_queries() as queries:
        browser.get("/language?to=en", status=303)
    assert queries == []


def test_display_can_be_dark_and_go_back_to_the_device(browser):
    browser.submit("/display", {"theme": "dark", "language": "de"})
    assert browser.get("/").html.html.get("data-theme") == "dark"
    browser.submit("/display", {"theme": "system", "language": "de"})
    assert browser.get("/").html.html.get("data-theme") is None


def test_display_refuses_what_is_no_choice(browser):
    page = browser.submit("/display", {"theme": "purple", "language": "de"}, status=200)
    assert page.html.find(class_="error-summary")


def test_a_process_offers_its_work_area_to_its_staff_only(browser, browser_of, session):
    process = factories.make_process()
    lead = factories.make_person("Leitung")
    factories.make_group(process, Function.lead, lead)
    session.commit()
    tabs = "nav.tabs a"
    guest = [a.get_text(strip=True) for a in browser.get(f"/p/{process.slug}").html.select(tabs)]
    staff = [a.get_text(strip=True) for a in browser_of(lead).get(f"/p/{process.slug}").html.select(tabs)]
    assert len(staff) == len(guest) + 1


def test_a_member_of_the_steering_group_sees_no_settings(browser_of, session):
    process = factories.make_process()
    steering = factories.make_person()
    factories.make_group(process, Function.steering, steering)
    session.commit()
    links = [a["href"] for a in browser_of(steering).get(f"/p/{process.slug}/groups").html.select(".desk-nav a")]
    assert f"/p/{process.slug}/groups" in links
    assert f"/p/{process.slug}/settings" not in links
    assert f"/p/{process.slug}/moderation" not in links


def test_an_error_page_keeps_the_frame_of_the_signed_in_person(browser_of, session):
    operator = factories.make_person("Betrieb", operator=True)
    lead_process = factories.make_process(state="draft", intro="")
    factories.make_group(lead_process, Function.lead, operator)
    session.commit()
    browser = browser_of(operator)
    token = browser.get(f"/p/{lead_process.slug}/settings").form_fields()["csrf_token"]
    page = browser.post(f"/p/{lead_process.slug}/publish", {"csrf_token": token}, status=409)
    assert "Betrieb" in page.html.find("header").get_text()
    assert db.session.get(type(lead_process), lead_process.id).state == "draft"


def test_robots_are_kept_from_personal_links(browser):
    assert "Disallow: /i/" in browser.get("/robots.txt").response.text
