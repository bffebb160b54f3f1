"""Parts are split and merged: what comes in their place, and what follows them there."""

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.concept import operations
from consult.concept.models import ChangeKind, ConceptKind, ElementHeir, Lineage, PlacedLink, VersionAudience, Wording
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.contributions import operations as contribution_ops
from consult.contributions.models import ChangeSource, Stance
from consult.errors import Refused
from consult.extensions import db
from tests.concept.factories import make_concept, publish
from tests.concept.structuring import GOAL, changes, element, keys, told


def links(concept):
    version = working_version(concept.id)
    rows = db.session.scalars(select(PlacedLink).where(PlacedLink.version_id == version.id))
    return {(link.from_element_id, link.to_element_id) for link in rows}


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
