"""Parts are added to the working text, taken out of it and taken in again."""

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.concept import operations
from consult.concept.models import Concept, ConceptKind, Wording
from consult.concept.operations import Part, Text
from consult.concept.tree import taken_out
from consult.concept.working import MAX_TEXT
from consult.contributions import operations as contribution_ops
from consult.contributions.models import ChangeSource, Stance
from consult.errors import Refused
from tests import factories
from tests.concept.factories import make_concept
from tests.concept.structuring import GOAL, element, keys, told

# -- adding ----------------------------------------------------------------------------------------------


def test_the_first_part_brings_the_concept_about(session, browser_of, process, editor):
    browser_of(editor).submit("/p/iko/concept/new/theme", {"title": "Wohnen", "reason": "Anfang", "label": "1"})
    assert told(session.scalars(select(Concept)).one()) == [(0, "1", "theme-wohnen")]


def test_a_key_is_made_of_kind_and_title_and_is_free(session, process, add):
    concept, _goal = make_concept(process)
    theme = element("th-quartier")
    made = [add(concept, "goal", "", "", theme, title="Gute Räume für alle").key for _n in range(3)]
    assert made == ["goal-gute-raume-fur-alle", "goal-gute-raume-fur-alle-2", "goal-gute-raume-fur-alle-3"]
    assert add(concept, "goal", "", "3.7", theme, markdown="Ein Satz.").key == "goal-ein-satz"
    assert add(concept, "goal", "", "3.8", theme, title="？").key == "goal"


def test_a_taken_key_is_refused_and_nothing_typed_is_lost(session, browser_of, process, editor):
    make_concept(process)
    page = browser_of(editor).submit(
        "/p/iko/concept/new/goal", {"key": "lz-begegnung", "title": "Neu", "reason": "r"}, status=200
    )
    assert page.html.find(id="key")["aria-invalid"] == "true"
    assert page.form_fields("/p/iko/concept/new/goal")["title"] == "Neu"


def test_a_key_of_the_charter_is_taken_for_the_concept_too(session, process, add):
    """Addresses say the key alone."""
    concept, _goal = make_concept(process)
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", None)
    with pytest.raises(Refused):
        add(charter, "paragraph", "lz-begegnung")
    other = factories.make_process()
    elsewhere = operations.create_concept(other, ConceptKind.concept, "Konzept", None)
    add(elsewhere, "theme", "lz-begegnung")


def test_the_kinds_offered_below_a_part_are_those_that_may_stand_there(session, browser_of, process, editor, add):
    concept, _goal = make_concept(process)
    add(concept, "field", "hf-bildung")
    page = browser_of(editor).get("/p/iko/concept/new?below=hf-bildung")
    offered = [a["href"] for a in page.html.main.find_all("a") if "/concept/new/" in a["href"]]
    assert offered == [f"/p/iko/concept/new/{kind}?below=hf-bildung" for kind in
                       ("need", "measure_group", "measure", "example")]  # fmt: skip
    form = browser_of(editor).get(offered[2])
    chosen = form.html.find(id="parent").find("option", selected=True)
    assert "hf-bildung" in chosen.get_text()


def test_a_kind_without_a_place_says_what_is_needed_first(session, browser_of, process, editor):
    page = browser_of(editor).get("/p/iko/concept/new")
    assert not page.html.find("a", href="/p/iko/concept/new/sub_goal")
    browser_of(editor).get("/p/iko/concept/new/sub_goal", 409)
    browser_of(editor).get("/p/iko/concept/new/nonsense", 404)


def test_a_new_measure_has_its_fields_and_a_new_goal_its_check_question(session, browser_of, process, editor, add):
    concept, _goal = make_concept(process)
    add(concept, "field", "hf-bildung")
    browser_of(editor).submit(
        "/p/iko/concept/new/measure",
        {"title": "Sprachcafé", "reason": "Bedarf", "lead": "Volkshochschule", "favours": "Neuzugewanderte",
         "disadvantages": "niemanden"},
    )  # fmt: skip
    measure = session.scalars(select(Wording).where(Wording.title == "Sprachcafé")).one()
    assert measure.details == {
        "lead": "Volkshochschule", "favours": "Neuzugewanderte", "disadvantages": "niemanden"
    }  # fmt: skip
    page = browser_of(editor).get("/p/iko/concept/new/goal")
    assert page.html.find(id="favours")
    assert not page.html.find(id="lead")
    assert not browser_of(editor).get("/p/iko/concept/new/theme").html.find(id="favours")


def test_a_new_part_may_name_its_sources(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    contribution_ops.capture(
        process, actor=editor, text="Bänke!", stance=Stance.change, element_id=goal.id, created_at=clock.now()
    )
    visitor = browser_of(editor)
    page = visitor.submit(
        "/p/iko/concept/new/goal", {"title": "Bänke", "reason": "gewünscht", "sources": "IK-99"}, status=200
    )
    assert page.html.find(id="sources")["aria-invalid"] == "true"
    visitor.submit("/p/iko/concept/new/goal", {"title": "Bänke", "reason": "gewünscht", "sources": "IK-1"})
    assert session.scalar(select(func.count()).select_from(ChangeSource)) == 1


def test_a_process_gets_its_charter_once(session, browser_of, process, editor):
    make_concept(process)
    visitor = browser_of(editor)
    page = visitor.submit("/p/iko/charter/new", {"title": "Unsere Haltung"})
    assert page.location == "/p/iko/concept/new/paragraph?into=charter"
    visitor.get("/p/iko/charter/new", 409)
    form = visitor.get(page.location)
    chosen = form.html.find(id="parent").find("option", selected=True)
    assert chosen.get_text() == "Unsere Haltung"
    visitor.submit(
        "/p/iko/concept/new/paragraph", {"parent": chosen["value"], "markdown": "Wir sind viele.", "reason": "r"}
    )
    charter = session.scalars(select(Concept).where(Concept.kind == ConceptKind.charter)).one()
    assert keys(charter) == ["paragraph-wir-sind-viele"]


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        ("goal", "lz-begegnung"), ("sub_goal", "th-quartier"), ("sub_goal", None), ("measure", "lz-begegnung"),
        ("measure", None), ("need", "th-quartier"), ("theme", "th-quartier"), ("paragraph", "th-quartier"),
        ("example", None), ("measure_group", None), ("field", "th-quartier"),
    ],
)  # fmt: skip
def test_no_kind_stands_where_it_makes_no_sense(session, process, add, kind, parent):
    concept, _goal = make_concept(process)
    with pytest.raises(Refused):
        add(concept, kind, "neu", "", element(parent) if parent else None)


def test_the_charter_is_prose(session, process, add):
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", None)
    chapter = add(charter, "chapter", "kap-1")
    add(charter, "paragraph", "abs-1", "1", chapter)
    with pytest.raises(Refused):
        add(charter, "goal", "lz-1")


@pytest.mark.parametrize(
    "text",
    [{"title": " ", "markdown": "\n"}, {"markdown": "x" * (MAX_TEXT + 1)}, {"title": "x" * 301}, {"title": "a\x00b"},
     {"markdown": "a\ud800b"}, {"title": "x", "details": {"lead": "\x00"}}],
)  # fmt: skip
def test_words_that_are_none_or_too_many_are_refused(session, process, add, text):
    concept, _goal = make_concept(process)
    with pytest.raises(Refused):
        add(concept, "theme", "neu", "", **text)
    add(concept, "theme", "lang", "", markdown="x" * MAX_TEXT)


def test_too_long_a_text_is_refused_with_a_message_and_a_nul_byte_is_no_request(session, browser_of, process, editor):
    make_concept(process)
    visitor = browser_of(editor)
    page = visitor.submit("/p/iko/concept/new/goal", {"markdown": "x" * (MAX_TEXT + 1), "reason": "r"}, status=200)
    assert page.html.find(id="markdown")["aria-invalid"] == "true"
    visitor.submit("/p/iko/concept/new/goal", {"title": "a\x00b", "reason": "r"}, status=400)
    page = visitor.submit("/p/iko/concept/new/goal", {"reason": "r"}, status=200)
    assert page.html.find(id="markdown")["aria-invalid"] == "true"


# -- taking out and in again -----------------------------------------------------------------------------


def test_a_part_with_others_below_cannot_be_taken_out(session, browser_of, process, editor):
    concept, _goal = make_concept(process)
    page = browser_of(editor).submit("/p/iko/e/th-quartier/retire", {"reason": "weg"}, status=200)
    assert page.html.find(id="reason")["aria-invalid"] == "true"
    assert page.html.find("a", href=f"{GOAL}/tools")
    browser_of(editor).submit(f"{GOAL}/retire", {"reason": "weg"})
    assert keys(concept) == ["th-quartier"]


def test_it_comes_back_with_the_words_and_number_it_had(session, browser_of, process, editor, by):
    concept, goal = make_concept(process)
    operations.retire(goal, **by)
    page = browser_of(editor).get(f"{GOAL}/restore")
    fields = page.form_fields(f"{GOAL}/restore")
    assert (fields["parent"], fields["label"]) == (str(element("th-quartier").id), "3.1")
    browser_of(editor).submit(f"{GOAL}/restore", {"reason": "doch"})
    assert told(concept) == [(0, "3", "th-quartier"), (1, "3.1", "lz-begegnung")]
    assert taken_out([concept.id]) == []
    browser_of(editor).get(f"{GOAL}/restore", 409)


def test_what_lives_on_in_others_does_not_come_back(session, browser_of, process, editor, three, by):
    operations.split(element("lz-begegnung"), [Part("x", Text("X")), Part("y", Text("Y"))], **by)
    assert taken_out([three.id]) == []
    browser_of(editor).get(f"{GOAL}/restore", 409)
    operations.retire(element("y"), **by)
    assert [gone.key for gone in taken_out([three.id])] == ["y"]


def test_it_comes_back_only_where_it_may_stand(session, process, three, by):
    sub = element("tz")
    operations.retire(sub, **by)
    with pytest.raises(Refused):
        operations.restore(sub, element("th-quartier"), **by)
    with pytest.raises(Refused):
        operations.restore(sub, None, **by)
    operations.restore(sub, element("b"), **by)
    assert (2, "3.1.1", "tz") in told(three)


def test_a_taken_out_part_has_no_tools(session, browser_of, process, editor, by):
    _concept, goal = make_concept(process)
    operations.retire(goal, **by)
    session.commit()
    for page in ("tools", "move", "renumber", "split", "merge", "retire", "serves"):
        browser_of(editor).get(f"{GOAL}/{page}", 409)
