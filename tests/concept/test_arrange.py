"""The tree of the working text: its list, moving and numbering, and what holds for every step."""

import pytest
from sqlalchemy import func, select

from bench.loader import make_text
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.concept import numbering, operations
from consult.concept.models import Change, ChangeKind, ConceptKind, Placement
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.errors import Refused
from tests.concept.factories import make_concept, publish
from tests.concept.structuring import GOAL, changes, element, keys, told

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


# -- moving and numbers ----------------------------------------------------------------------------------


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


# -- every step ------------------------------------------------------------------------------------------


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
