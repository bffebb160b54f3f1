"""The tree of the working text: what is added, moved, numbered, split, merged, taken out and taken in again."""

import pytest
from sqlalchemy import func, select

from bench.loader import make_text
from consult import clock
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.concept import numbering, operations
from consult.concept.models import (
    Change,
    ChangeKind,
    Concept,
    ConceptKind,
    Element,
    ElementHeir,
    ElementKind,
    Lineage,
    PlacedLink,
    Placement,
    VersionAudience,
    Wording,
)  # fmt: skip
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.concept.tree import outline, taken_out
from consult.concept.working import MAX_TEXT
from consult.contributions import operations as contribution_ops
from consult.contributions.models import ChangeSource, Stance
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.factories import make_concept, publish

GOAL = "/p/iko/e/lz-begegnung"


@pytest.fixture
def process(session):
    process = factories.make_process(slug="iko", code="IK")
    factories.make_stage(process, Activity.comment)
    return process


@pytest.fixture
def editor(session, process):
    editor = factories.make_person("Redaktion")
    factories.make_group(process, Function.editing, editor)
    return editor


@pytest.fixture
def add(process, editor):
    """`add(concept, kind, key, label, parent)`: an element, by the operation."""

    def make(concept, kind, key="", label="", parent=None, **text):
        text = text or {"title": key or "Ohne Namen"}
        return operations.add(
            concept, ElementKind(kind), Part(key, Text(**text), label), parent=parent, reason="r", actor=editor,
            process=process,
        ).element  # fmt: skip

    return make


@pytest.fixture
def by(process, editor):
    return {"reason": "weil", "actor": editor, "process": process}


def told(concept):
    """(depth, label, key) of the working text in reading order."""
    version = working_version(concept.id)
    return [(row.depth, row.label, row.key) for row in outline([version.id])[version.id]]


def keys(concept):
    return [key for _depth, _label, key in told(concept)]


def element(key):
    return db.session.scalars(select(Element).where(Element.key == key)).one()


def changes(kind):
    return db.session.scalars(select(Change).where(Change.kind == kind).order_by(Change.id)).all()


def links(concept):
    version = working_version(concept.id)
    rows = db.session.scalars(select(PlacedLink).where(PlacedLink.version_id == version.id))
    return {(link.from_element_id, link.to_element_id) for link in rows}


# -- the list --------------------------------------------------------------------------------------------


def test_the_list_shows_everything_with_its_number_and_its_tools(session, browser_of, process, editor, add):
    concept, goal = make_concept(process)
    add(concept, "sub_goal", "tz-1", "3.1.1", goal)
    page = browser_of(editor).get("/p/iko/concept/working")
    assert page.html.find(id="tz-1").find("a", href="/p/iko/e/tz-1/tools")
    assert page.html.find(id="tz-1").find("a", href="/p/iko/e/tz-1/edit")
    assert [li["id"] for li in page.html.select(".work-list > li")] == ["th-quartier", "lz-begegnung", "tz-1"]


def test_the_list_can_be_narrowed_to_one_kind(session, browser_of, process, editor):
    make_concept(process)
    page = browser_of(editor).get("/p/iko/concept/working?kind=goal")
    assert [li["id"] for li in page.html.select(".work-list > li")] == ["lz-begegnung"]
    assert browser_of(editor).get("/p/iko/concept/working?kind=nonsense").html.find(id="th-quartier")


def test_a_number_given_twice_is_told_at_the_top_and_leads_to_both(session, browser_of, process, editor, add):
    concept, goal = make_concept(process)
    add(concept, "goal", "lz-zwei", "3.1", element("th-quartier"))
    page = browser_of(editor).get("/p/iko/concept/working")
    link = page.html.find("a", href="/p/iko/concept/working?show=same-number")
    assert link
    assert [li["id"] for li in browser_of(editor).get(link["href"]).html.select(".work-list > li")] == [
        "lz-begegnung", "lz-zwei",
    ]  # fmt: skip


def test_without_gaps_nothing_is_warned_of(session, browser_of, process, editor, add):
    concept = operations.create_concept(process, ConceptKind.concept, "Konzept", editor)
    add(concept, "theme", "th-1", "1")
    assert not browser_of(editor).get("/p/iko/concept/working").html.select(".tone-warning")


def test_what_was_taken_out_is_listed_and_leads_back(session, browser_of, process, editor, by):
    _concept, goal = make_concept(process)
    operations.retire(goal, **by)
    page = browser_of(editor).get("/p/iko/concept/working")
    assert page.html.find("a", href=f"{GOAL}/restore")
    assert "weil" in page.html.find(id="lz-begegnung").get_text()


@pytest.mark.parametrize("elements", [1, 120])
def test_the_list_asks_at_most_eleven_questions(session, browser_of, count_queries, process, editor, add, elements):
    concept, goal = make_concept(process)
    for n in range(elements):
        add(concept, "sub_goal", f"tz-{n}", f"3.1.{n}", goal)
    publish(concept, process)
    session.commit()
    visitor = browser_of(editor)
    with count_queries() as queries:
        visitor.get("/p/iko/concept/working")
    assert len(queries) <= 11, "\n".join(queries)


@pytest.mark.parametrize(
    "page", ["tools", "move", "renumber", "split", "merge", "retire", "serves", "../../concept/new",
             "../../concept/new/goal", "../../concept/numbers"],
)  # fmt: skip
def test_each_tool_asks_at_most_thirteen_questions(session, browser_of, count_queries, process, editor, add, page):
    concept, goal = make_concept(process)
    for n in range(40):
        add(concept, "sub_goal", f"tz-{n}", f"3.1.{n}", goal)
    session.commit()
    visitor = browser_of(editor)
    url = f"/p/iko/{page[6:]}" if page.startswith("../../") else f"{GOAL}/{page}"
    with count_queries() as queries:
        visitor.get(url)
    assert len(queries) <= 13, "\n".join(queries)


def test_the_tools_of_an_element_lead_everywhere(session, browser_of, process, editor, add):
    concept, goal = make_concept(process)
    add(concept, "sub_goal", "tz-1", "3.1.1", goal)
    page = browser_of(editor).get(f"{GOAL}/tools")
    for tool in ("edit", "serves", "move", "renumber", "split", "merge", "retire", "history"):
        assert page.html.find("a", href=f"{GOAL}/{tool}"), tool
    assert page.html.find("a", href="/p/iko/e/tz-1/tools")
    assert page.html.find("a", href="/p/iko/e/th-quartier/tools")


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


# -- moving and numbers ----------------------------------------------------------------------------------


@pytest.fixture
def three(process, add):
    """A theme with the goals lz-begegnung, b and c, and a second theme."""
    concept, goal = make_concept(process)
    theme = element("th-quartier")
    add(concept, "goal", "b", "3.2", theme)
    add(concept, "goal", "c", "3.3", theme)
    add(concept, "sub_goal", "tz", "3.1.1", goal)
    add(concept, "theme", "th-zwei", "4")
    return concept


def test_it_moves_before_a_sibling(session, browser_of, editor, three):
    before = element("b").id
    browser_of(editor).submit("/p/iko/e/c/move", {"position": str(before), "reason": "Reihenfolge"})
    assert keys(three) == ["th-quartier", "lz-begegnung", "tz", "c", "b", "th-zwei"]
    move = changes(ChangeKind.move)[0]
    assert (move.reason, move.from_parent_id, move.to_parent_id) == ("Reihenfolge",) + (element("th-quartier").id,) * 2
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == Action.element_moved)).one()


def test_it_moves_below_another_part_with_a_new_number_and_takes_along_what_stands_below(
    session, browser_of, editor, three
):
    visitor = browser_of(editor)
    target = element("th-zwei").id
    page = visitor.get(f"{GOAL}/move?below={target}")
    fields = page.form_fields(f"{GOAL}/move")
    assert fields["parent"] == str(target)
    visitor.post(f"{GOAL}/move", {**fields, "label": "4.1", "reason": "passt besser"})
    assert told(three)[-3:] == [(0, "4", "th-zwei"), (1, "4.1", "lz-begegnung"), (2, "3.1.1", "tz")]
    move = changes(ChangeKind.move)[0]
    assert (move.from_label, move.to_label) == ("3.1", "4.1")


def test_moving_to_where_it_stands_is_no_change(session, browser_of, editor, three, by):
    for position in ("stay", str(element("b").id)):
        browser_of(editor).submit(f"{GOAL}/move", {"position": position, "reason": "r"})
    browser_of(editor).submit("/p/iko/e/c/move", {"position": "end", "reason": "r"})
    assert not changes(ChangeKind.move)
    browser_of(editor).submit(f"{GOAL}/move", {"position": "stay", "label": "9", "reason": "r"})
    assert [c.to_label for c in changes(ChangeKind.renumber)] == ["9"]
    assert not changes(ChangeKind.move)


def test_cycles_and_wrong_places_are_refused_with_a_message(session, browser_of, editor, three, by, add):
    chapter = add(three, "chapter", "kap")
    inner = add(three, "chapter", "kap-1", "", chapter)
    for target in (chapter, inner):
        with pytest.raises(Refused, match="sich selbst|itself"):
            operations.move(chapter, target, **by)
    with pytest.raises(Refused):
        operations.move(element("b"), element("c"), **by)
    with pytest.raises(Refused):
        operations.move(element("tz"), None, **by)
    page = browser_of(editor).get("/p/iko/e/kap/move")
    offered = [option["value"] for option in page.html.select("#below option")]
    assert offered == [], "the only place is where it stands: the part itself and what is below it are none"
    visitor = browser_of(editor)
    fields = visitor.get("/p/iko/e/kap-1/move").form_fields("/p/iko/e/kap-1/move")
    visitor.post("/p/iko/e/kap-1/move", {**fields, "position": str(element("b").id), "reason": "r"}, 200)
    assert told(three)[-1] == (1, "", "kap-1")


def test_a_number_changes_alone(session, browser_of, process, editor, three):
    visitor = browser_of(editor)
    page = visitor.submit(f"{GOAL}/renumber", {"label": "3.9", "reason": ""}, status=200)
    assert page.html.find(id="reason")["aria-invalid"] == "true"
    visitor.submit(f"{GOAL}/renumber", {"label": "3.9", "reason": "Reihe"})
    assert (1, "3.9", "lz-begegnung") in told(three)
    assert [(c.from_label, c.to_label) for c in changes(ChangeKind.renumber)] == [("3.1", "3.9")]


def test_publishing_refuses_a_number_given_twice(session, process, three, by):
    operations.renumber(element("b"), "3.1", **by)
    with pytest.raises(Refused, match="3.1"):
        publish(three, process)
    operations.renumber(element("b"), "3.2", **by)
    publish(three, process)


def test_numbers_follow_the_order_after_a_preview(session, browser_of, editor, three):
    visitor = browser_of(editor)
    visitor.submit("/p/iko/e/c/move", {"position": str(element("lz-begegnung").id), "reason": "zuerst"})
    url = "/p/iko/concept/numbers?below=th-quartier&kind=goal&prefix=3.&deep=1"
    page = visitor.get(url)
    cells = [[cell.get_text(" ", strip=True) for cell in row.find_all("td")] for row in page.html.select("tbody tr")]
    assert [(cell[0], cell[1].split()[0]) for cell in cells] == [
        ("3.3", "3.1"), ("3.1", "3.2"), ("3.1.1", "3.2.1"), ("3.2", "3.3"),
    ]  # fmt: skip
    assert told(three)[1][1] == "3.3", "a preview changes nothing"
    action = page.html.find("form", method="post")["action"]
    visitor.post(action, {**page.form_fields(action), "reason": "neue Ordnung"})
    assert told(three) == [
        (0, "3", "th-quartier"), (1, "3.1", "c"), (1, "3.2", "lz-begegnung"), (2, "3.2.1", "tz"), (1, "3.3", "b"),
        (0, "4", "th-zwei"),
    ]  # fmt: skip
    renumbered = changes(ChangeKind.renumber)
    assert len(renumbered) == 4
    assert {change.reason for change in renumbered} == {"neue Ordnung"}


def test_a_preview_that_does_not_hold_any_more_is_shown_again(session, browser_of, editor, three, by):
    visitor = browser_of(editor)
    page = visitor.get("/p/iko/concept/numbers?below=th-quartier&prefix=X")
    action = page.html.find("form", method="post")["action"]
    operations.move(element("c"), element("th-zwei"), **by)
    session.commit()
    again = visitor.post(action, {**page.form_fields(action), "reason": "r"}, 200)
    assert again.html.find(id="reason")["aria-invalid"] == "true"
    assert not changes(ChangeKind.renumber)
    visitor.post(action, {**again.form_fields(action), "reason": "r"})
    assert [c.to_label for c in changes(ChangeKind.renumber)] == ["X1", "X2"]


def test_numbers_at_the_top_are_given_by_kind(session, process, editor, three, add, by):
    add(three, "field", "hf")
    working = working_version(three.id)
    numbering.number_anew(three, None, "theme", "", deep=False, revision=working.revision, **by)
    assert [row for row in told(three) if row[0] == 0] == [(0, "1", "th-quartier"), (0, "2", "th-zwei"), (0, "", "hf")]


# -- splitting and merging -------------------------------------------------------------------------------


def split_fields(*texts, **more):
    fields = {"reason": "zwei Aufgaben", **more}
    for n, text in enumerate(texts):
        fields |= {f"parts-{n}-title": "", f"parts-{n}-markdown": text}
    return fields


def test_splitting_puts_the_parts_in_its_place(session, browser_of, process, editor, three):
    visitor = browser_of(editor)
    visitor.submit(
        f"{GOAL}/split",
        split_fields("Orte.", "Wohnen.", **{"parts-0-key": "orte", "parts-0-label": "3.1", "parts-1-label": "3.2"}),
    )
    assert keys(three) == ["th-quartier", "orte", "tz", "goal-wohnen", "b", "c", "th-zwei"]
    assert len(changes(ChangeKind.split_)) == 2


def test_one_more_part_works_without_scripts_and_keeps_what_was_typed(session, browser_of, process, editor, three):
    visitor = browser_of(editor)
    page = visitor.submit(f"{GOAL}/split", {**split_fields("Eins.", "Zwei."), "more": "1"}, status=200)
    fields = page.form_fields(f"{GOAL}/split")
    assert (fields["parts-0-markdown"], fields["parts-1-markdown"]) == ("Eins.", "Zwei.")
    visitor.post(f"{GOAL}/split", {**fields, "parts-2-markdown": "Drei."})
    assert keys(three)[1:5] == ["goal-eins", "tz", "goal-zwei", "goal-drei"]


def test_each_part_may_have_sources_of_its_own(session, browser_of, process, editor, three):
    goal = element("lz-begegnung")
    for _n in range(2):
        contribution_ops.capture(
            process, actor=editor, text="Hm", stance=Stance.change, element_id=goal.id, created_at=clock.now()
        )
    browser_of(editor).submit(
        f"{GOAL}/split", split_fields("Orte.", "Wohnen.", **{"parts-0-sources": "1", "parts-1-sources": "1, 2"})
    )
    counts = dict(session.execute(select(ChangeSource.change_id, func.count()).group_by(ChangeSource.change_id)).all())
    assert [counts[change.id] for change in changes(ChangeKind.split_)] == [1, 2]


def test_an_empty_part_is_named(session, browser_of, process, editor, three):
    page = browser_of(editor).submit(f"{GOAL}/split", split_fields("Orte.", ""), status=200)
    assert page.html.find(id="parts-1-markdown")["aria-invalid"] == "true"
    assert not changes(ChangeKind.split_)


def test_a_split_measure_keeps_its_fields_in_all_parts(session, browser_of, process, editor, add):
    concept, _goal = make_concept(process)
    place = add(concept, "field", "hf")
    add(concept, "measure", "m", "", place, title="Café", details={"lead": "VHS"})
    browser_of(editor).submit("/p/iko/e/m/split", split_fields("Eins.", "Zwei."))
    rows = session.scalars(select(Wording).where(Wording.markdown.in_(["Eins.", "Zwei."]))).all()
    assert [row.details for row in rows] == [{"lead": "VHS"}] * 2


def test_merging_goes_in_two_steps(session, browser_of, process, editor, three):
    visitor = browser_of(editor)
    choose = visitor.get(f"{GOAL}/merge")
    assert [box["value"] for box in choose.html.select("input[name=with]")] == ["b", "c"]
    page = visitor.get(f"{GOAL}/merge?with=c")
    fields = page.form_fields(f"{GOAL}/merge")
    assert (fields["keep"], fields["with"]) == ("lz-begegnung", "c")
    assert "Begegnung wird gefördert." in fields["markdown"]
    visitor.post(f"{GOAL}/merge", {**fields, "markdown": "Beides.", "reason": "gehört zusammen"})
    assert keys(three) == ["th-quartier", "lz-begegnung", "tz", "b", "th-zwei"]
    assert session.scalars(select(Lineage)).one().from_element_id == element("c").id


def test_merging_into_a_new_part_takes_everything_along(session, browser_of, process, editor, three, add, by):
    add(three, "sub_goal", "tz-b", "3.2.1", element("b"))
    visitor = browser_of(editor)
    fields = visitor.get(f"{GOAL}/merge?with=b&with=c").form_fields(f"{GOAL}/merge")
    visitor.post(
        f"{GOAL}/merge",
        {**fields, "with": ["b", "c"], "keep": "new", "key": "alles", "label": "3.1", "title": "Alles", "reason": "r"},
    )
    assert told(three) == [
        (0, "3", "th-quartier"), (1, "3.1", "alles"), (2, "3.1.1", "tz"), (2, "3.2.1", "tz-b"), (0, "4", "th-zwei"),
    ]  # fmt: skip
    assert session.scalar(select(func.count()).select_from(Lineage)) == 3


def test_only_what_belongs_together_can_be_merged(session, three, by, add):
    goal, theme, sub = element("lz-begegnung"), element("th-quartier"), element("tz")
    chapter = add(three, "chapter", "kap")
    inner = add(three, "chapter", "kap-1", "", chapter)
    innermost = add(three, "chapter", "kap-2", "", inner)
    text = Text("Neu")
    for elements, into in (
        ([goal], goal), ([goal, goal], goal), ([goal, theme], goal), ([goal, sub], sub), ([chapter, inner], chapter),
        ([chapter, innermost], innermost), ([chapter, inner], Part("neu", text)),
        ([goal, element("b")], element("c")),
    ):  # fmt: skip
        with pytest.raises(Refused):
            operations.merge(elements, into, text, **by)
    assert not changes(ChangeKind.merge)


def test_links_are_handed_on_to_the_heirs(session, process, editor, add, by, three):
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", None)
    paragraphs = [add(charter, "paragraph", f"abs-{n}") for n in (1, 2)]
    place = add(three, "field", "hf")
    measure = add(three, "measure", "m", "", place)
    goal = element("lz-begegnung")
    who = {"present": True, "actor": editor, "process": process}
    operations.set_link(goal, paragraphs[0], **who)
    operations.set_link(measure, goal, **who)
    parts = operations.split(goal, [Part("x", Text("X")), Part("y", Text("Y"))], **by)
    x, y = (change.element_id for change in parts)
    p1, p2 = (paragraph.id for paragraph in paragraphs)
    assert links(three) == {(x, p1), (y, p1), (measure.id, x), (measure.id, y)}
    operations.merge([element("x"), element("y")], element("x"), Text("X und Y"), **by)
    assert links(three) == {(x, p1), (measure.id, x)}
    before = working_version(three.id).revision
    operations.merge(paragraphs, paragraphs[1], Text("Beides"), **by)
    assert links(three) == {(x, p2), (measure.id, x)}, "a goal's link into the charter follows the charter"
    assert working_version(three.id).revision == before + 1, "and the concept has something to publish"
    operations.retire(measure, **by)
    assert links(three) == {(x, p2)}


def test_what_a_steering_draft_merges_again_still_shows_at_what_the_public_reads(session, process, three, by):
    publish(three, process)
    first = operations.split(element("lz-begegnung"), [Part("x", Text("X")), Part("y", Text("Y"))], **by)
    publish(three, process, title="Öffentlich")
    operations.merge([element("x"), element("y")], Part("z", Text("Z")), Text("Z"), **by)
    publish(three, process, audience=VersionAudience.steering)
    heirs = set(
        session.scalars(select(ElementHeir.heir_id).where(ElementHeir.element_id == element("lz-begegnung").id))
    )
    assert heirs == {*(change.element_id for change in first), element("z").id}


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


@pytest.mark.parametrize("verb", ["move", "renumber", "split", "merge", "retire", "restore"])
def test_nothing_happens_without_a_reason(session, process, editor, three, by, verb):
    goal, rest = element("lz-begegnung"), {**by, "reason": "  "}
    sub = element("tz")
    operations.retire(sub, **by)
    tries = {
        "move": lambda: operations.move(goal, element("th-zwei"), **rest),
        "renumber": lambda: operations.renumber(goal, "7", **rest),
        "split": lambda: operations.split(goal, [Part("x", Text("X")), Part("y", Text("Y"))], **rest),
        "merge": lambda: operations.merge([goal, element("b")], goal, Text("X"), **rest),
        "retire": lambda: operations.retire(element("c"), **rest),
        "restore": lambda: operations.restore(sub, element("b"), **rest),
    }
    before = session.scalar(select(func.count()).select_from(Change))
    with pytest.raises(Refused):
        tries[verb]()
    assert session.scalar(select(func.count()).select_from(Change)) == before


def test_every_step_stands_in_the_record(session, process, three, by):
    goal, sub = element("lz-begegnung"), element("tz")
    operations.move(goal, element("th-zwei"), **by)
    operations.renumber(goal, "4.1", **by)
    operations.retire(sub, **by)
    operations.restore(sub, goal, **by)
    operations.split(element("b"), [Part("x", Text("X")), Part("y", Text("Y"))], **by)
    operations.merge([element("x"), element("y")], element("x"), Text("XY"), **by)
    written = set(session.scalars(select(AuditEntry.action)))
    assert written >= {
        Action.element_moved, Action.element_renumbered, Action.element_retired, Action.element_restored,
        Action.element_split, Action.elements_merged,
    }  # fmt: skip


def test_positions_stay_apart_whatever_is_done(session, process, three, by, add):
    """Two siblings at the same position would have no order."""
    add(three, "sub_goal", "tz-b", "", element("b"))
    operations.merge([element("b"), element("lz-begegnung")], element("b"), Text("B"), **by)
    operations.move(element("c"), element("th-quartier"), position=0, **by)
    operations.split(element("b"), [Part("x", Text("X")), Part("y", Text("Y"))], **by)
    version = working_version(three.id)
    rows = session.execute(
        select(Placement.parent_id, Placement.position).where(Placement.version_id == version.id)
    ).all()
    assert len(rows) == len(set(rows))
    assert keys(three) == ["th-quartier", "c", "x", "tz-b", "tz", "y", "th-zwei"]


def test_a_large_text_costs_no_more_questions(session, browser_of, count_queries, process, editor):
    """600 parts, 20 versions, 3,000 changes: the desk and the tables stay as they are for ten."""
    make_text(process, elements=600, versions=20, changes=3000)
    session.commit()
    visitor = browser_of(editor)
    for address, most in (
        ("concept/working", 11), ("concept/matrix?text=working", 10), ("concept/matrix/goals?text=working", 10),
        ("concept/new/goal", 13),
    ):  # fmt: skip
        with count_queries() as queries:
            page = visitor.get(f"/p/iko/{address}")
        assert len(queries) <= most, "\n".join(queries)
        assert len(page.response.data) < 500_000
    assert len(page.html.select("#parent option")) > 5
