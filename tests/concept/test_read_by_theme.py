"""Large texts are read by theme; each paragraph, version and day has an address that stays."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from consult.concept import operations
from consult.concept.models import ConceptKind, Element, ElementKind, VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.queries import newest_versions, placed_one, working_version
from consult.concept.reading_order import day_of, order_of
from consult.contributions import operations as contribution_ops
from consult.contributions.models import Stance
from consult.extensions import db
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.factories import make_concept, publish

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def process(session):
    process = factories.make_process(slug="iko", code="IK")
    factories.make_stage(process, Activity.comment, starts_at=datetime(2026, 1, 1, tzinfo=UTC))
    return process


@pytest.fixture
def member(session, process):
    member = factories.make_person()
    factories.make_group(process, Function.steering, member)
    return member


def add(concept, process, kind, key, label, parent, title="", words="Ein Satz."):
    part = Part(key, Text(title, "" if title else words), label)
    return operations.add(concept, kind, part, parent=parent, reason="r", actor=None, process=process).element


@pytest.fixture
def text(process):
    """Theme 3 with goal 3.1, below it two sub-goals; theme 4 with goal 4.1; unpublished."""
    concept, goal = make_concept(process)
    add(concept, process, ElementKind.sub_goal, "tz-abends", "3.1.1", goal, words="Abends ist offen.")
    add(concept, process, ElementKind.sub_goal, "tz-morgens", "3.1.2", goal, words="Morgens ist offen.")
    theme = add(concept, process, ElementKind.theme, "th-arbeit", "4", None, title="Arbeit")
    add(concept, process, ElementKind.goal, "lz-arbeit", "4.1", theme, words="Arbeit für alle.")
    return concept, goal


def edit(process, goal, words):
    base = placed_one(working_version(goal.concept_id).id, goal.id).wording_id
    operations.edit(goal, base, Text(markdown=words), reason="r", actor=None, process=process)


def links(page, text):
    return [a["href"] for a in page.html.main.find_all("a") if text in a.get_text(" ", strip=True)]


def articles(page):
    return [article["id"] for article in page.html.find_all("article", class_="element")]


def test_the_contents_lead_to_each_theme(browser, process, text):
    publish(text[0], process)
    page = browser.get("/p/iko/concept")
    contents = [a["href"] for a in page.html.find("nav", class_="toc").find_all("a")]
    assert contents[1:] == ["#th-quartier", "#th-arbeit"]
    assert all(page.html.find(id=address[1:]) for address in contents)


def test_a_theme_has_a_page_with_all_that_stands_below_it(browser, process, text):
    concept, goal = text
    publish(concept, process)
    author = factories.make_person()
    contribution_ops.submit(process, actor=author, text="Ja!", stance=Stance.support, element_id=goal.id)
    page = browser.get("/p/iko/concept/th-quartier")
    assert page.h1 == "3 Zusammenleben im Quartier"
    assert articles(page) == ["th-quartier", "lz-begegnung", "tz-abends", "tz-morgens"]
    assert page.html.find(id="lz-begegnung").find("ul", class_="counts").get_text(strip=True).startswith("1")
    assert page.html.find("a", rel="next")["href"] == "/p/iko/concept/th-arbeit"
    assert not page.html.find("a", rel="prev")
    assert page.html.find("nav", class_="toc").find("a", attrs={"aria-current": "true"})["href"].endswith("th-quartier")
    last = browser.get("/p/iko/concept/th-arbeit")
    assert last.html.find("a", rel="prev")["href"] == "/p/iko/concept/th-quartier"
    assert not last.html.find("a", rel="next")


def test_a_part_that_is_no_theme_has_its_own_page(browser, process, text):
    publish(text[0], process)
    assert browser.get("/p/iko/concept/tz-abends", 303).location == "/p/iko/e/tz-abends"
    browser.get("/p/iko/concept/nichts", 404)


def test_a_theme_that_was_replaced_leads_on(browser, process, text):
    concept, goal = text
    publish(concept, process)
    operations.split(
        _element(concept, "th-arbeit"),
        [Part("th-beruf", Text("Beruf"), "4"), Part("th-ausbildung", Text("Ausbildung"), "5")],
        reason="zu viel", actor=None, process=process,
    )  # fmt: skip
    publish(concept, process)
    page = browser.get("/p/iko/concept/th-arbeit", 303)
    told = browser.follow(page)
    assert told.html.find("a", href="/p/iko/e/th-beruf")
    assert articles(browser.get("/p/iko/concept/th-beruf")) == ["th-beruf", "lz-arbeit"]


def _newest(process, concept):
    version = newest_versions(process.id, ["public"])[concept.id]
    return version.id, version.checksum


def _element(concept, key):
    return db.session.query(Element).filter_by(concept_id=concept.id, key=key).one()


def test_a_theme_of_a_steering_draft_is_not_public(browser, browser_of, process, text, member):
    publish(text[0], process, audience=VersionAudience.steering)
    browser.get("/p/iko/e/th-arbeit", 404)
    hidden, absent = browser.get("/p/iko/concept/th-arbeit", 404), browser.get("/p/iko/concept/nichts", 404)
    assert hidden.text == absent.text
    assert "th-arbeit" in articles(browser_of(member).get("/p/iko/concept/th-arbeit"))


def test_a_large_text_begins_with_its_themes_and_goals(browser, process, text, monkeypatch):
    monkeypatch.setattr("consult.concept.views.reading.LARGE", 3)
    publish(text[0], process)
    page = browser.get("/p/iko/concept", headers=ENGLISH)
    assert articles(page) == ["th-quartier", "lz-begegnung", "th-arbeit", "lz-arbeit"]
    assert links(page, "Read on: all 3 parts") == ["/p/iko/concept/th-quartier"]
    assert links(page, "The whole text on one page") == ["/p/iko/concept/whole"]
    whole = browser.get("/p/iko/concept/whole")
    assert articles(whole) == ["th-quartier", "lz-begegnung", "tz-abends", "tz-morgens", "th-arbeit", "lz-arbeit"]


def test_a_small_text_is_shown_whole(browser, process, text):
    publish(text[0], process)
    page = browser.get("/p/iko/concept", headers=ENGLISH)
    assert len(articles(page)) == 6
    assert not links(page, "The whole text on one page")


def test_each_paragraph_can_be_linked(browser, process, text):
    publish(text[0], process)
    link = browser.get("/p/iko/concept").html.find(id="tz-abends").find("a", class_="permalink")
    assert link["href"] == "/p/iko/e/tz-abends"
    assert "data-copy" in link.attrs
    assert "3.1.1" in link.get_text(), "which paragraph, for those who hear it"
    sealed = browser.get("/p/iko/concept/versions/1").html.find(id="tz-abends").find("a", class_="permalink")
    assert sealed["href"] == "/p/iko/concept/versions/1#tz-abends"


def test_a_part_leads_to_those_around_it_and_up_to_its_theme(browser, process, text):
    publish(text[0], process)
    page = browser.get("/p/iko/e/tz-abends")
    assert page.html.find("a", rel="prev")["href"] == "/p/iko/e/lz-begegnung"
    assert page.html.find("a", rel="next")["href"] == "/p/iko/e/tz-morgens"
    crumbs = [a["href"] for a in page.html.find("nav", class_="crumbs").find_all("a")]
    assert crumbs == ["/p/iko/concept", "/p/iko/concept/th-quartier", "/p/iko/e/lz-begegnung"]
    assert page.html.find("a", href="/p/iko/e/tz-abends/difference")


def test_an_older_version_says_so_and_is_not_commented(browser, process, text):
    concept, goal = text
    publish(concept, process)
    edit(process, goal, "Ganz neu.")
    publish(concept, process)
    old = browser.get("/p/iko/concept/versions/1")
    assert old.html.find("a", href="/p/iko/concept/versions/2")
    assert old.html.find("a", href="/p/iko/concept/difference?from=1&to=2")
    assert not old.html.find("a", href="/p/iko/e/lz-begegnung/comment")
    new = browser.get("/p/iko/concept/versions/2")
    assert new.html.find("a", href="/p/iko/e/lz-begegnung/comment")
    assert not new.html.find("a", href="/p/iko/concept/versions/1")


@pytest.fixture
def three_versions(process, text, at):
    """Sealed on 3 March (steering), 4 March shortly before midnight in Berlin, and twice on 10 March 2026."""
    concept, goal = text
    moments = (
        (datetime(2026, 3, 3, 12, tzinfo=UTC), "steering"), (datetime(2026, 3, 4, 22, 50, tzinfo=UTC), "public"),
        (datetime(2026, 3, 10, 9, tzinfo=UTC), "public"), (datetime(2026, 3, 10, 23, 30, tzinfo=UTC), "public"),
    )  # fmt: skip
    for n, (moment, audience) in enumerate(moments, 1):
        at(moment)
        edit(process, goal, f"Stand {n}.")
        publish(concept, process, audience=VersionAudience(audience), title=f"Fassung {n}")
    at(datetime(2026, 4, 1, 12, tzinfo=UTC))
    return concept


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-03-04", "Stand 2."),
        ("2026-03-05", "Stand 2."),
        ("2026-03-09", "Stand 2."),
        ("2026-03-10", "Stand 3."),
        # Half past eleven in the evening in Greenwich is the next day in Berlin.
        ("2026-03-11", "Stand 4."),
        ("2026-04-01", "Stand 4."),
    ],
)
def test_a_day_leads_to_the_text_that_held_at_its_end(browser, three_versions, day, words):
    page = browser.get(f"/p/iko/concept/on/{day}")
    assert words in page.text


def test_before_the_first_version_it_says_that_there_was_none(browser, browser_of, three_versions, member):
    page = browser.get("/p/iko/concept/on/2026-03-03", 404, headers=ENGLISH)
    assert "nothing was published yet" in page.text
    assert "Stand 1." in browser_of(member).get("/p/iko/concept/on/2026-03-03").text


@pytest.mark.parametrize(
    "day", ["2026-04-02", "2026-3-4", "20260304", "2026-02-30", "gestern", "0001-01-01", "9999-12-31", "2026-W10-3"]
)
def test_what_is_no_day_or_is_yet_to_come_is_not_found(browser, three_versions, day):
    page = browser.get(f"/p/iko/concept/on/{day}", 404, headers=ENGLISH)
    assert "2018-04-12" in page.text
    browser.get(f"/p/iko/charter/on/{day}", 404)


def test_the_charter_has_days_as_well(browser, process, at):
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", None)
    add(charter, process, ElementKind.paragraph, "h-1", "", None, words="Wir hören zu.")
    at(datetime(2026, 3, 3, 12, tzinfo=UTC))
    publish(charter, process)
    assert "Wir hören zu." in browser.get("/p/iko/charter/on/2026-03-03").text
    browser.get("/p/iko/concept/on/2026-03-03", 404)


def test_a_version_says_how_to_cite_it(browser, three_versions):
    page = browser.get("/p/iko/concept/versions/2", headers={**ENGLISH, "Host": "evil.example"})
    cited = page.html.find("aside", class_="citation")
    addresses = [a["href"] for a in cited.find_all("a")]
    assert addresses == [
        "http://consult.test/p/iko/concept/versions/2", "http://consult.test/p/iko/concept/on/2026-03-04"
    ]  # fmt: skip
    checksum = cited.code.get_text()
    assert len(checksum) == 64
    copied = cited.find("button")["data-copy"]
    assert checksum in copied
    assert addresses[0] in copied
    assert "Version 2: Fassung 2" in copied
    assert "evil.example" not in page.response.get_data(as_text=True)


def test_a_day_is_only_given_as_address_where_it_leads_to_that_version(browser, process, text, at):
    concept, goal = text
    for n, hour in ((1, 9), (2, 11)):
        at(datetime(2026, 3, 4, hour, tzinfo=UTC))
        edit(process, goal, f"Stand {n}.")
        publish(concept, process)
    assert "/on/" not in str(browser.get("/p/iko/concept/versions/1").html.find("aside", class_="citation"))
    assert "/on/2026-03-04" in str(browser.get("/p/iko/concept/versions/2").html.find("aside", class_="citation"))


@pytest.mark.parametrize(
    "url", ["/p/iko/concept", "/p/iko/concept/whole", "/p/iko/concept/th-quartier", "/p/iko/concept/versions/1",
            "/p/iko/concept/on/{today}"],
)  # fmt: skip
def test_what_a_page_costs(browser, process, text, count_queries, url, at):
    at(datetime(2026, 3, 4, 9, tzinfo=UTC))
    publish(text[0], process)
    url = url.format(today="2026-03-04")
    browser.get(url)
    with count_queries() as queries:
        browser.get(url)
    assert len(queries) <= 13, "\n".join(queries)


def test_the_order_knows_what_stands_where(process, text):
    publish(text[0], process)
    order = order_of(*_newest(process, text[0]))
    assert [part.key for part in order.parts] == [
        "th-quartier", "lz-begegnung", "tz-abends", "tz-morgens", "th-arbeit", "lz-arbeit"
    ]  # fmt: skip
    assert [order.number_below(part.key) for part in order.parts] == [3, 2, 0, 0, 1, 0]
    assert [part.key for part in order.above("tz-morgens")] == ["th-quartier", "lz-begegnung"]
    assert [part and part.key for part in order.around("th-arbeit")] == ["tz-morgens", "lz-arbeit"]
    assert order.around("th-quartier")[0] is None
    assert order.around("lz-arbeit")[1] is None
    assert "nichts" not in order


def test_an_order_is_never_that_of_another_text(process, text):
    concept, goal = text
    publish(concept, process)
    before = order_of(*_newest(process, concept))
    operations.renumber(goal, "3.9", reason="r", actor=None, process=process)
    publish(concept, process)
    after = order_of(*_newest(process, concept))
    assert (before.part("lz-begegnung").label, after.part("lz-begegnung").label) == ("3.1", "3.9")


def test_days_are_read_strictly(at):
    at(datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    berlin = ZoneInfo("Europe/Berlin")
    assert day_of("2026-03-05", berlin).day == 5
    assert day_of("2026-03-06", berlin) is None
    assert day_of(" 2026-03-05", berlin) is None
