"""Home, overview and timeline: what everybody sees."""

from datetime import UTC, datetime, timedelta

import pytest

from consult import clock
from consult.processes.models import Activity, Audience, Function
from tests import factories
from tests.conftest import MONDAY
from tests.meetings.factories import make_meeting


def texts(page, selector):
    return [tag.get_text(" ", strip=True) for tag in page.html.select(selector)]


def test_a_single_process_is_the_point_of_the_start_page(browser, session):
    process = factories.make_process(title="Integrationskonzept", motto="Das sind wir alle!")
    factories.make_stage(process, Activity.comment, title="Rückmeldung")
    session.commit()
    page = browser.get("/")
    assert page.html.select_one("a.button.primary")["href"] == f"/p/{process.slug}"
    assert "Rückmeldung" in page.text
    assert "Das sind wir alle!" in page.text


def test_several_processes_stand_side_by_side_and_finished_ones_below(browser, session):
    running = [factories.make_process(title=f"Lauf {n}") for n in range(2)]
    over = factories.make_process(title="Vorbei", state="archived")
    session.commit()
    page = browser.get("/")
    links = [a["href"] for a in page.html.select("main a")]
    assert {f"/p/{p.slug}" for p in [*running, over]} <= set(links)
    assert links[-1] == f"/p/{over.slug}"


@pytest.mark.parametrize(
    ("first_ends", "word"),
    [(5, "Next:"), (6, "Also:"), (None, "Also:")],
)
def test_a_stage_that_begins_while_another_runs_does_not_come_next(browser, session, first_ends, word):
    now, process = clock.now(), factories.make_process()
    stage = factories.make_stage(process, Activity.comment, title="Rückmeldung", ends_at=now + timedelta(days=5))
    stage.ends_at = None if first_ends is None else now + timedelta(days=first_ends)
    begins = now + timedelta(days=5)
    factories.make_stage(process, title="Beschluss", starts_at=begins, ends_at=now + timedelta(days=9))
    session.commit()
    for path in ("/", f"/p/{process.slug}"):
        text = browser.get(path, headers={"Accept-Language": "en"}).text
        said = [one for one in ("Next:", "Also:") if f"{one} Beschluss" in text]
        assert said == [word], path


def test_without_a_process_the_start_page_says_so(browser, session):
    assert browser.get("/").html.find(class_="empty")


def test_an_unpublished_process_shows_to_its_staff_only(browser, browser_of, session):
    process = factories.make_process(state="draft", title="Geheim")
    editor = factories.make_person()
    factories.make_group(process, Function.editing, editor)
    session.commit()
    assert "Geheim" not in browser.get("/").text
    assert "Geheim" in browser_of(editor).get("/").text


def test_the_start_page_needs_no_more_queries_for_more_processes(browser, session, count_queries):
    def queries_with(number):
        for _ in range(number):
            factories.make_stage(factories.make_process(), Activity.comment)
        session.commit()
        with count_queries() as queries:
            browser.get("/")
        return len(queries)

    assert queries_with(2) == queries_with(10) <= 4


def test_the_overview_says_what_is_open_and_until_which_day(browser, session, at):
    at(MONDAY)
    process = factories.make_process(influence="consult")
    end = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)  # midnight after 31 March in Berlin, summer time
    factories.make_stage(process, Activity.comment, title="Jetzt", ends_at=end)
    factories.make_stage(process, title="Später", starts_at=end, ends_at=end + timedelta(days=9))
    session.commit()
    page = browser.get(f"/p/{process.slug}")
    assert page.html.select_one("main time")["datetime"] == "2026-03-31"
    assert "Jetzt" in page.html.main.get_text()
    assert "Später" in page.html.main.get_text()
    assert page.h1 == process.title


def test_after_its_end_nothing_is_open_any_more(browser, session, at):
    process = factories.make_process()
    factories.make_stage(process, Activity.comment, ends_at=MONDAY, starts_at=MONDAY - timedelta(days=1))
    session.commit()
    at(MONDAY - timedelta(seconds=1))
    assert browser.get(f"/p/{process.slug}").html.select_one("main time")
    at(MONDAY)
    assert not browser.get(f"/p/{process.slug}").html.select_one("main time")


@pytest.mark.parametrize("influence", ["inform", "consult", "cooperate", "decide"])
def test_each_influence_is_said_in_plain_words(browser, session, influence):
    process = factories.make_process(influence=influence)
    session.commit()
    browser.get("/language?to=en", status=303)
    words = {"inform": "learn", "consult": "the council will decide", "cooperate": "together", "decide": "You decide"}
    assert words[influence] in browser.get(f"/p/{process.slug}").text


def test_the_timeline_holds_every_stage_with_its_state(browser, session, at):
    at(MONDAY)
    process = factories.make_process()
    day = timedelta(days=1)
    for title, start, end in (("Danach", 2, 3), ("Jetzt", -1, 1), ("Davor", -3, -2)):
        factories.make_stage(
            process, Activity.comment, title=title, starts_at=MONDAY + start * day, ends_at=MONDAY + end * day
        )
    session.commit()
    page = browser.get(f"/p/{process.slug}/timeline")
    assert texts(page, ".timeline h2") == ["Davor", "Jetzt", "Danach"]
    assert [li["data-state"] for li in page.html.select(".timeline > li")] == ["done", "now", "ahead"]


def test_the_timeline_says_what_one_can_do_and_for_whom(browser, session):
    process = factories.make_process()
    factories.make_stage(process, Activity.register, audience=Audience.invited, title="Auftakt")
    session.commit()
    browser.get("/language?to=en", status=303)
    assert "Invited people can register for meetings." in browser.get(f"/p/{process.slug}/timeline").text


def test_the_timeline_mixes_stages_and_meetings_in_order_of_time(browser, session, at):
    at(MONDAY)
    process = factories.make_process()
    day = timedelta(days=1)
    factories.make_stage(process, Activity.comment, title="Online", starts_at=MONDAY - day, ends_at=MONDAY + 3 * day)
    factories.make_stage(process, title="Danach", starts_at=MONDAY + 3 * day, ends_at=MONDAY + 9 * day)
    make_meeting(process, title="Offener Abend", starts_at=MONDAY + day, ends_at=MONDAY + 1.1 * day)
    make_meeting(process, title="Abschluss", starts_at=MONDAY + 4 * day, ends_at=MONDAY + 4.1 * day)
    session.commit()
    page = browser.get(f"/p/{process.slug}/timeline")
    order = [entry.find(["h2", "h3"]).get_text(" ", strip=True) for entry in page.html.select(".timeline li")]
    assert order == ["Online", "Offener Abend", "Danach", "Abschluss"]


def test_facts_of_the_model_case_stand_with_their_source(browser, session):
    process = factories.make_process(is_demo=True, banner="Dies ist eine Vorführung.")
    factories.make_stage(process, source="Sachstandsbericht 2017", historic_on=datetime(2017, 5, 15, tzinfo=UTC).date())
    session.commit()
    page = browser.get(f"/p/{process.slug}/timeline")
    assert "Sachstandsbericht 2017" in page.text
    assert "15. Mai 2017" in page.text
    assert "Dies ist eine Vorführung." in page.html.select_one(".demo-banner").get_text()


def test_the_introduction_is_markdown_without_power(browser, session):
    process = factories.make_process(intro="**Wichtig** <script>alert(1)</script>")
    session.commit()
    main = browser.get(f"/p/{process.slug}").html.main
    assert main.find("strong")
    assert not main.find("script")


@pytest.mark.parametrize("path", ["/p/gibt-es-nicht", "/p/gibt-es-nicht/timeline"])
def test_an_unknown_process_is_not_found(browser, session, path):
    browser.get(path, status=404)


def test_a_page_of_a_process_in_another_zone_shows_its_days(browser, session, at):
    at(MONDAY)
    process = factories.make_process(zone="Pacific/Auckland")
    first = clock.start_of_day(MONDAY.date(), process.zone)
    factories.make_stage(process, starts_at=first, ends_at=clock.end_of_day(MONDAY.date(), process.zone))
    session.commit()
    assert "16. März 2026" in browser.get(f"/p/{process.slug}/timeline").text


def test_only_what_the_platform_has_a_page_for_is_promised(browser, session):
    process = factories.make_process()
    factories.make_stage(process, Activity.vote, Activity.register, Activity.comment)
    session.commit()
    browser.get("/language?to=en", status=303)
    for path in ("/", f"/p/{process.slug}", f"/p/{process.slug}/timeline"):
        text = browser.get(path).text
        assert "You can write comments." in text
        assert "You can vote" not in text
        assert "You can register" not in text


def test_the_overview_of_a_busy_process_takes_few_queries(browser, session, count_queries):
    process = factories.make_process()
    for _ in range(20):
        factories.make_stage(process, Activity.comment)
    session.commit()
    url = f"/p/{process.slug}"
    with count_queries() as queries:
        browser.get(url)
    # process, stages, activities, newest versions, meetings, site
    assert len(queries) <= 6, queries
