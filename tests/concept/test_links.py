"""Charter <- goal <- measure: what serves what, kept in the working text and published with it."""

import pytest
from sqlalchemy import func, select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.concept import operations
from consult.concept.models import ConceptKind, ElementKind, PlacedLink
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.errors import Refused
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import make_concept, publish

SERVES = "/p/iko/e/lz-begegnung/serves"


class Town:
    """A goal, a sub-goal, two measures, and a charter of two paragraphs."""

    def __init__(self):
        self.process = factories.make_process(slug="iko", code="IK")
        self.editor = factories.make_person("Redaktion")
        factories.make_group(self.process, Function.editing, self.editor)
        self.by = {"reason": "r", "actor": self.editor, "process": self.process}
        self.concept, self.goal = make_concept(self.process, self.editor)
        self.charter = operations.create_concept(self.process, ConceptKind.charter, "Haltung", self.editor)
        self.first, self.second = (self.add(self.charter, "paragraph", f"abs-{n}") for n in (1, 2))
        self.sub = self.add(self.concept, "sub_goal", "tz-1", self.goal)
        self.field = self.add(self.concept, "field", "hf")
        self.measure = self.add(self.concept, "measure", "m-1", self.field)

    def add(self, concept, kind, key, parent=None):
        return operations.add(concept, ElementKind(kind), Part(key, Text(key)), parent=parent, **self.by).element

    def link(self, source, target, present=True):
        operations.set_link(source, target, present=present, actor=self.editor, process=self.process)


@pytest.fixture
def town(session):
    return Town()


def count(session, town):
    version = working_version(town.concept.id)
    return session.scalar(select(func.count()).select_from(PlacedLink).where(PlacedLink.version_id == version.id))


def test_a_goal_serves_the_charter_and_a_measure_serves_goals(session, town):
    town.link(town.goal, town.first)
    town.link(town.sub, town.second)
    town.link(town.measure, town.goal)
    town.link(town.measure, town.sub)
    town.link(town.measure, town.sub)
    assert count(session, town) == 4
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.link_changed)).all()
    assert len(entries) == 4
    town.link(town.measure, town.sub, present=False)
    town.link(town.measure, town.sub, present=False)
    assert count(session, town) == 3


@pytest.mark.parametrize(
    ("source", "target"),
    [("measure", "first"), ("goal", "measure"), ("goal", "sub"), ("field", "goal"), ("measure", "field"),
     ("first", "goal"), ("goal", "goal"), ("measure", "measure")],
)  # fmt: skip
def test_other_links_there_are_none(session, town, source, target):
    with pytest.raises(Refused):
        town.link(getattr(town, source), getattr(town, target))
    assert count(session, town) == 0


def test_a_goal_serves_no_chapter_of_its_own_concept(session, town):
    chapter = town.add(town.concept, "chapter", "kap")
    with pytest.raises(Refused):
        town.link(town.goal, chapter)


def test_what_stands_in_no_text_cannot_be_linked(session, town):
    operations.retire(town.first, **town.by)
    with pytest.raises(Refused):
        town.link(town.goal, town.first)
    operations.retire(town.measure, **town.by)
    with pytest.raises(Refused):
        town.link(town.measure, town.goal)


def test_links_alone_can_be_published(session, town, browser, browser_of):
    publish(town.charter, town.process)
    publish(town.concept, town.process)
    town.link(town.goal, town.first)
    page = browser_of(town.editor).get("/p/iko/concept/working")
    assert page.html.find("a", href="/p/iko/concept/publish")
    session.commit()
    assert not browser.get("/p/iko/e/lz-begegnung").html.find(id="serves")
    publish(town.concept, town.process)
    session.commit()
    assert browser.get("/p/iko/e/lz-begegnung").html.find(id="serves")


def test_the_boxes_show_and_change_what_it_serves(session, town, browser_of):
    visitor = browser_of(town.editor)
    page = visitor.get(SERVES)
    assert [box["value"] for box in page.html.select("input[name=targets]")] == [
        str(town.first.id),
        str(town.second.id),
    ]
    visitor.submit(SERVES, {"targets": [town.first.id, town.second.id]})
    assert count(session, town) == 2
    page = visitor.get(SERVES)
    assert len(page.html.select("input[name=targets][checked]")) == 2
    visitor.post(SERVES, {**page.form_fields(SERVES), "targets": [town.second.id]})
    assert count(session, town) == 1


def test_what_somebody_else_linked_meanwhile_stays(session, town, browser_of):
    visitor = browser_of(town.editor)
    fields = visitor.get(SERVES).form_fields(SERVES)
    town.link(town.goal, town.second)
    session.commit()
    visitor.post(SERVES, {**fields, "targets": [town.first.id]})
    assert count(session, town) == 2


def test_boxes_that_are_no_candidates_are_ignored(session, town, browser_of):
    visitor = browser_of(town.editor)
    visitor.submit(SERVES, {"targets": [town.measure.id, 999_999, "x"]})
    assert count(session, town) == 0
    visitor.get("/p/iko/e/th-quartier/serves", 409)


def test_goals_and_sub_goals_are_offered_to_a_measure_by_theme(session, town, browser_of):
    page = browser_of(town.editor).get("/p/iko/e/m-1/serves")
    legends = [legend.get_text(strip=True) for legend in page.html.main.find_all("legend")]
    assert legends == ["3 Zusammenleben im Quartier"]
    assert len(page.html.select("input[name=targets]")) == 2


def test_what_serves_nothing_is_shown_to_editors(session, town, browser_of):
    visitor = browser_of(town.editor)

    def listed(show):
        page = visitor.get(f"/p/iko/concept/working?show={show}")
        return [li["id"] for li in page.html.select(".work-list > li")]

    assert listed("serves-nothing") == ["lz-begegnung", "m-1"]
    assert listed("unserved") == ["lz-begegnung"]
    assert listed("unanswered") == ["lz-begegnung", "tz-1", "m-1"]
    town.link(town.goal, town.first)
    town.link(town.measure, town.sub)
    base = session.scalars(select(PlacedLink)).all()
    assert len(base) == 2
    session.commit()
    page = visitor.get("/p/iko/concept/working")
    for show in ("serves-nothing", "unserved"):
        assert not page.html.find("a", href=f"/p/iko/concept/working?show={show}")


def test_without_a_charter_no_goal_is_blamed(session, browser_of):
    process, editor = factories.make_process(slug="ohne"), factories.make_person()
    factories.make_group(process, Function.editing, editor)
    make_concept(process)
    page = browser_of(editor).get("/p/ohne/concept/working")
    assert not page.html.find("a", href="/p/ohne/concept/working?show=serves-nothing")
    assert page.html.find("a", href="/p/ohne/charter/new")
    browser_of(editor).get("/p/ohne/e/lz-begegnung/serves").html.find("a", href="/p/ohne/charter/new")


# -- the check question ----------------------------------------------------------------------------------


def test_the_check_question_is_answered_in_the_form_and_shown_beside_the_goal(session, town, browser, browser_of):
    visitor = browser_of(town.editor)
    visitor.submit(
        "/p/iko/e/lz-begegnung/edit",
        {"target_group": "alle", "favours": "Familien", "disadvantages": "Nachtarbeitende", "reason": "geprüft"},
    )
    publish(town.concept, town.process)
    session.commit()
    page = browser.get("/p/iko/e/lz-begegnung")
    shown = page.html.find("dl", class_="facts").get_text(" ", strip=True)
    assert "Familien" in shown
    assert "Nachtarbeitende" in shown
    unanswered = visitor.get("/p/iko/concept/working?show=unanswered")
    assert [li["id"] for li in unanswered.html.select(".work-list > li")] == ["tz-1", "m-1"]


def test_a_theme_is_not_asked(session, town, browser_of):
    page = browser_of(town.editor).get("/p/iko/e/th-quartier/edit")
    assert not page.html.find(id="favours")
