"""A process with an editor, and the texts and circles that several files work on."""

import pytest

from consult.concept import operations
from consult.concept.models import ElementKind
from consult.concept.operations import Part, Text
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.drafting import Town
from tests.concept.factories import make_concept
from tests.concept.structuring import element
from tests.concept.tables import make_measures


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


@pytest.fixture
def town(session):
    return Town()


@pytest.fixture
def concept(process, editor):
    """A text with three measures."""
    return make_measures(process, editor)


@pytest.fixture
def desk(browser_of, editor, concept):
    """The browser of the editor of these measures."""
    return browser_of(editor)
