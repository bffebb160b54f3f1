"""Figures with place, year and source; texts cite them, and nobody can change a figure behind a published text."""

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from consult.audit.models import AuditEntry
from consult.concept import facts, marks, operations
from consult.concept.models import ConceptKind, ElementKind, Fact, VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_one, working_version
from consult.concept.words import kind_names
from consult.errors import Refused
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import make_concept, publish
from tests.payloads import PAYLOADS, inert

FIGURE = facts.Figure("Anteil an der Bevölkerung", "36,4", "Stadt Aachen", "%", "Aachen", 2016)


@pytest.fixture
def concept_and_goal(session, process, editor):
    return make_concept(process, editor)


def write(goal, markdown, process, actor=None):
    base = placed_one(working_version(goal.concept_id).id, goal.id).wording_id
    return operations.edit(goal, base, Text(markdown=markdown), reason="Zahl", actor=actor, process=process)


def test_an_editor_adds_a_fact_and_texts_cite_it(session, browser, browser_of, process, editor, concept_and_goal):
    concept, goal = concept_and_goal
    desk = browser_of(editor)
    page = desk.submit(
        "/p/iko/facts/new",
        {"statement": "Anteil an der Bevölkerung", "figure": "36,4", "unit": "%", "place": "Aachen", "year": "2016",
         "source": "Stadt Aachen"},
    )  # fmt: skip
    assert page.location == "/p/iko/facts#F1"
    assert session.scalars(select(AuditEntry.action)).all()[-1] == "concept.fact.added"
    write(goal, "Viele [[F1]] leben hier.", process, editor)
    publish(concept, process)
    for address in ("/p/iko/concept", "/p/iko/e/lz-begegnung", "/p/iko/concept/versions/1"):
        html = browser.get(address).html
        assert html.find("a", class_="fact")["href"] == "/p/iko/facts#F1"
        cited = html.find("ul", class_="cited").get_text(" ", strip=True)
        assert "36,4 %" in cited
        assert "Anteil an der Bevölkerung, Aachen, 2016." in cited
        assert "Stadt Aachen" in cited
    assert browser.get("/p/iko/facts").html.find(id="F1")


def test_a_fact_needs_words_figure_and_source(session, browser_of, process, editor, concept_and_goal):
    page = browser_of(editor).submit("/p/iko/facts/new", {"statement": " ", "year": "20"}, status=200)
    for name in ("statement", "figure", "source", "year"):
        assert page.html.find(id=name)["aria-invalid"] == "true"
    concept, _goal = concept_and_goal
    with pytest.raises(Refused):
        facts.add(concept, facts.Figure("x", " ", "y"), actor=editor, process=process)
    assert session.scalar(select(Fact)) is None


def test_numbers_count_up_per_concept(session, process, editor, concept_and_goal):
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", editor)
    concept, _goal = concept_and_goal
    numbers = [facts.add(where, FIGURE, actor=editor, process=process).number for where in (concept, concept, charter)]
    assert numbers == [1, 2, 1]


def test_a_text_cannot_cite_what_does_not_exist(session, browser_of, process, editor, concept_and_goal):
    concept, goal = concept_and_goal
    facts.add(concept, FIGURE, actor=editor, process=process)
    with pytest.raises(Refused, match="F7, F9"):
        write(goal, "A [[F1]] [[F7]] \\[[F9]\\]", process)
    with pytest.raises(Refused):
        operations.add(concept, ElementKind.goal, Part("neu", Text(markdown="[[F2]]")), parent=goal, reason="r",
                       actor=editor, process=process)  # fmt: skip
    page = browser_of(editor).submit(
        "/p/iko/e/lz-begegnung/edit", {"markdown": "Zahl [[F8]].", "reason": "r"}, status=200
    )
    assert "F8" in page.text
    assert page.form_fields("/p/iko/e/lz-begegnung/edit")["markdown"] == "Zahl [[F8]]."


def test_a_charter_cites_its_own_facts(session, browser, process, editor, concept_and_goal):
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", editor)
    facts.add(charter, FIGURE, actor=editor, process=process)
    operations.add(charter, ElementKind.paragraph, Part("h-1", Text(markdown="So viele [[F1]].")), parent=None,
                   reason="r", actor=editor, process=process)  # fmt: skip
    publish(charter, process)
    link = browser.get("/p/iko/e/h-1").html.find("a", class_="fact")["href"]
    assert link == "/p/iko/facts#charter-F1"
    assert browser.get("/p/iko/facts").html.find(id="charter-F1")


def test_a_newer_figure_takes_the_place_of_an_older_one(
    session, browser, browser_of, process, editor, concept_and_goal
):
    concept, goal = concept_and_goal
    facts.add(concept, FIGURE, actor=editor, process=process)
    write(goal, "So viele [[F1]].", process)
    publish(concept, process)
    desk = browser_of(editor)
    form = desk.get("/p/iko/facts/1/newer").form_fields("/p/iko/facts/1/newer")
    assert form["statement"] == "Anteil an der Bevölkerung"
    assert form["figure"] == ""
    desk.submit("/p/iko/facts/1/newer", {"figure": "40", "source": "Stadt", "year": "2024"})
    page = desk.get("/p/iko/facts")
    warned = page.html.find("div", class_="tone-warning")
    assert warned.find("a", href="/p/iko/e/lz-begegnung/edit")
    # Once is enough: a third figure replaces the second one.
    desk.submit("/p/iko/facts/1/newer", {"figure": "41", "source": "Stadt"}, status=200)
    assert len(session.scalars(select(Fact)).all()) == 2
    # Readers do not hear of a figure that no version cites.
    assert "F2" not in browser.get("/p/iko/facts").text
    write(goal, "So viele [[F2]].", process)
    assert not desk.get("/p/iko/facts").html.find("div", class_="tone-warning")
    publish(concept, process)
    assert browser.get("/p/iko/facts").html.find("a", href="#F2")


def test_facts_of_unpublished_texts_are_for_editors(session, browser, browser_of, process, editor, concept_and_goal):
    concept, goal = concept_and_goal
    member = factories.make_person()
    factories.make_group(process, Function.steering, member)
    for n in range(1, 4):
        facts.add(concept, facts.Figure(f"Nadel-{n}", "1", "Quelle"), actor=editor, process=process)
    write(goal, "[[F1]]", process)
    publish(concept, process)
    write(goal, "[[F2]]", process)
    publish(concept, process, audience=VersionAudience.steering)
    write(goal, "[[F3]]", process)
    seen = {
        who: [n for n in range(1, 4) if f"Nadel-{n}" in visitor.get("/p/iko/facts").text]
        for who, visitor in (("public", browser), ("member", browser_of(member)), ("editor", browser_of(editor)))
    }
    assert seen == {"public": [1], "member": [1, 2], "editor": [1, 2, 3]}


def test_a_fact_never_changes(session, process, editor, concept_and_goal):
    concept, _goal = concept_and_goal
    facts.add(concept, FIGURE, actor=editor, process=process)
    for statement in ("UPDATE fact SET figure = '99'", "DELETE FROM fact"):
        with pytest.raises(DBAPIError, match="frozen"), session.begin_nested():
            session.execute(text(statement))


def test_hostile_words_in_a_fact_do_nothing(session, browser, process, editor, concept_and_goal):
    concept, goal = concept_and_goal
    lines = [" ".join(payload.split())[:300] for payload in PAYLOADS]
    for line in lines:
        facts.add(concept, facts.Figure(line, line[:40], line, line[:40], line, 2020), actor=editor, process=process)
    write(goal, " ".join(f"[[F{n}]]" for n in range(1, len(lines) + 1)), process)
    publish(concept, process)
    for address in ("/p/iko/facts", "/p/iko/e/lz-begegnung"):
        assert inert(browser.get(address).html) == []


def test_a_mark_in_an_attribute_stays_an_attribute(session, process, editor, concept_and_goal, app):
    """A mark inside the title of a link must not break out of it."""
    concept, goal = concept_and_goal
    facts.add(concept, FIGURE, actor=editor, process=process)
    write(goal, '[t](https://example.org "a> [[F1]] <img src=x onerror=window.XSS=1> b") [[F1]]', process)
    placed = placed_one(working_version(concept.id).id, goal.id)
    with app.test_request_context():
        cited = marks.cited_in(process, [(concept.id, placed.html)])
        html = BeautifulSoup(cited.resolve(concept.id, placed.html), "html5lib")
    assert inert(html) == []
    assert len(html.find_all("a", class_="fact")) == 1
    assert not html.find("img")


def test_a_table_says_what_it_is_and_can_be_scrolled(session, browser, process, concept_and_goal):
    concept, goal = concept_and_goal
    table = "| Jahr | Zahl |\n|---|--:|\n| 2016 | 36,4 |\n"
    write(goal, f"{table}\n\n{table}", process)
    publish(concept, process)
    boxes = browser.get("/p/iko/e/lz-begegnung").html.find_all("div", class_="table-box")
    assert [box["tabindex"] for box in boxes] == ["0", "0"]
    names = [box["aria-label"] for box in boxes]
    assert all("Jahr, Zahl" in name for name in names)
    assert len(set(names)) == 2
    assert boxes[0].find("th")["scope"] == "col"
    assert boxes[0].find("table")


def test_lists_and_mails_read_without_marks(session, process, editor, concept_and_goal):
    concept, goal = concept_and_goal
    facts.add(concept, FIGURE, actor=editor, process=process)
    write(goal, "So viele [[F1]] leben hier.", process)
    assert placed_one(working_version(concept.id).id, goal.id).name == "So viele leben hier."
    assert marks.readable("![Ein Platz](picture:3) und ![](<picture:4>)") == "[Ein Platz] und [4]"
    assert kind_names()


@pytest.mark.parametrize("number", [1, 30])
def test_pages_ask_one_question_more_for_all_they_cite(
    session, browser, count_queries, process, editor, concept_and_goal, number
):
    concept, goal = concept_and_goal
    publish(concept, process)
    addresses = ("/p/iko/concept", "/p/iko/e/lz-begegnung")
    before = {}
    for address in addresses:
        browser.get(address)  # remembers the order of this version
        with count_queries() as queries:
            browser.get(address)
        before[address] = len(queries)
    for n in range(number):
        facts.add(concept, FIGURE, actor=editor, process=process)
        operations.add(concept, ElementKind.sub_goal, Part(f"z-{n}", Text(markdown=f"[[F{n + 1}]]")), parent=goal,
                       reason="r", actor=editor, process=process)  # fmt: skip
    write(goal, "[[F1]]", process)
    publish(concept, process)
    for address in addresses:
        browser.get(address)  # remembers the order of this version
        with count_queries() as queries:
            browser.get(address)
        assert len(queries) <= before[address] + 1, "\n".join(queries)
    with count_queries() as queries:
        browser.get("/p/iko/facts")
    assert len(queries) <= 8, "\n".join(queries)
