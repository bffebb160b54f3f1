"""A sealed version stays as it is: whoever changes a byte of it behind our back is found out."""

import hashlib
import json

import pytest
from sqlalchemy import select, text

from consult import files, frozen
from consult.concept import facts, operations, seal
from consult.concept.models import (
    Concept,
    ConceptKind,
    Element,
    ElementKind,
    Fact,
    PlacedLink,
    Placement,
    Version,
    Wording,
)
from consult.concept.operations import Part, Text
from consult.files import StoredFile
from tests import factories
from tests.concept.factories import make_concept, make_picture, publish

TEXT = "Begegnung [[F1]] mit [Verweis](https://example.org/a).\n\n![Ein Platz](picture:1)"


@pytest.fixture
def process(session):
    return factories.make_process(slug="iko", code="IK")


@pytest.fixture
def sealed(session, process):
    """A version with a fact, a picture, details, a link and a note."""
    concept, goal = make_concept(process)
    facts.add(concept, facts.Figure("Anteil", "36,4", "Stadt", "%", "Aachen", 2016), actor=None, process=process)
    facts.add(concept, facts.Figure("Nicht zitiert", "1", "Stadt"), actor=None, process=process)
    make_picture(concept, process)
    wording = session.scalars(select(Wording).where(Wording.element_id == goal.id)).one()
    operations.edit(goal, wording.id, Text(markdown=TEXT), reason="Zahl", actor=None, process=process)
    field = operations.add(concept, ElementKind.field, Part("hf-1", Text("Wohnen")), parent=None, reason="r",
                           actor=None, process=process).element  # fmt: skip
    measure = operations.add(
        concept, ElementKind.measure, Part("m-1", Text("Maßnahme", details={"lead": "Amt"})), parent=field, reason="r",
        actor=None, process=process,
    ).element  # fmt: skip
    operations.set_link(measure, goal, present=True, actor=None, process=process)
    return operations.publish(
        concept, title="Entwurf", note="Ein Wort vorab", audience="public", actor=None, process=process
    )


@pytest.fixture
def run(app, session):
    """The command, with what it said and its exit code."""

    def call(*arguments):
        session.expire_all()
        return app.test_cli_runner().invoke(args=["verify-version", *arguments])

    return call


def test_the_form_holds_what_is_cited(session, sealed):
    content = json.loads(seal.canonical(sealed))
    assert content["facts"] == [[1, "Anteil", "36,4", "%", "Aachen", 2016, "Stadt"]]
    digest = session.scalars(select(StoredFile.sha256)).one()
    assert content["pictures"] == [[1, digest, "Ein Platz", "Stadt"]]


def test_a_text_without_marks_has_the_form_it_always_had(session, process):
    """The checksum of this text, as the first release computed it."""
    concept, _goal = make_concept(process)
    version = publish(concept, process)
    form = (
        '{"audience":"public","elements":[["lz-begegnung","goal","th-quartier",0,"3.1","de","",'
        '"Begegnung wird gefördert.",{}],["th-quartier","theme",null,0,"3","de","Zusammenleben im Quartier","",{}]],'
        '"format":1,"links":[],"note":"","number":1,"title":"Entwurf"}'
    )
    assert seal.canonical(version) == form
    assert version.checksum == hashlib.sha256(form.encode()).hexdigest()
    assert seal.is_intact(version)


def test_an_intact_version_says_so(session, sealed, run):
    result = run("iko")
    assert result.exit_code == 0, result.output
    assert result.output == f"intact: concept 1, {sealed.checksum}\n"
    assert run("iko", "--number", "1", "--concept", "concept").exit_code == 0


def test_the_command_finds_the_version_that_is_meant(session, sealed, process, run):
    charter = operations.create_concept(process, ConceptKind.charter, "Haltung", None)
    operations.add(charter, ElementKind.paragraph, Part("h-1", Text(markdown="Haltung.")), parent=None, reason="r",
                   actor=None, process=process)  # fmt: skip
    publish(charter, process)
    assert run("iko").output.count("intact") == 2
    assert run("iko", "--concept", "charter").output.startswith("intact: charter 1")
    for arguments in (("gibt-es-nicht",), ("iko", "--number", "7"), ("iko", "--number", "2", "--concept", "charter")):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "no such" in result.output
    assert run("iko", "--concept", "etwas").exit_code == 2


CHANGES = {
    "a word": ("wording", "markdown", "markdown || '.'"),
    "a letter": ("wording", "markdown", "replace(markdown, 'Begegnung', 'begegnung')"),
    "what is shown": ("wording", "html", "replace(html, 'Begegnung', 'Bewegung')"),
    "where a link leads": ("wording", "html", "replace(html, 'example.org/a', 'example.org/b')"),
    "which picture is shown": ("wording", "html", "replace(html, 'picture:1', 'picture:2')"),
    "a title": ("wording", "title", "title || '.'"),
    "a detail": ("wording", "details", '\'{"lead": "amt"}\''),
    "the language": ("wording", "lang", "'en'"),
    "a number": ("placement", "label", "label || '1'"),
    "a place": ("placement", "position", "position + 1"),
    "what stands above": ("placement", "parent_id", "NULL"),
    "a key": ("element", "key", "key || 'x'"),
    "a kind": ("element", "kind", "'need'"),
    "a link": ("placed_link", "kind", "'hinders'"),
    "the title of the version": ("version", "title", "title || '.'"),
    "the note": ("version", "note", "note || '.'"),
    "the number of the version": ("version", "number", "number + 1"),
    "who may read it": ("version", "audience", "'steering'"),
    "the checksum": ("version", "checksum", "replace(checksum, substr(checksum, 1, 1), 'x')"),
    "the figure": ("fact", "figure", "'36,5'"),
    "what it counts": ("fact", "statement", "statement || '.'"),
    "the unit": ("fact", "unit", "'‰'"),
    "the place": ("fact", "place", "'Köln'"),
    "the year": ("fact", "year", "year + 1"),
    "the source": ("fact", "source", "source || '.'"),
    "the number of a fact": ("fact", "number", "number + 5"),
    "the words of a picture": ("picture", "alt", "alt || '.'"),
    "who made the picture": ("picture", "credit", "''"),
    "the number of a picture": ("picture", "number", "number + 5"),
    "the hash of the file": ("stored_file", "sha256", "replace(sha256, substr(sha256, 1, 1), 'x')"),
}


@pytest.fixture
def thawed(session):
    """Without the triggers, as somebody has it who works on the database itself."""
    frozen.remove(session.connection())


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_any_sealed_row_is_found(session, sealed, thawed, run, what):
    table, column, value = CHANGES[what]
    session.execute(text(f'UPDATE {table} SET "{column}" = {value}'))  # noqa: S608  (ours)
    result = run("iko")
    assert result.exit_code == 1, result.output
    assert "BROKEN: concept" in result.output
    assert "intact" not in result.output


@pytest.mark.parametrize("model", [Placement, PlacedLink])
def test_a_row_that_is_gone_is_found(session, sealed, thawed, run, model):
    session.delete(session.scalars(select(model).where(model.version_id == sealed.id)).first())
    session.flush()
    assert run("iko").exit_code == 1


def test_a_row_that_was_added_is_found(session, sealed, thawed, run):
    element = Element(concept_id=sealed.concept_id, kind="goal", key="neu")
    session.add(element)
    session.flush()
    wording = session.scalars(select(Wording).limit(1)).one()
    session.add(Placement(version_id=sealed.id, element_id=element.id, wording_id=wording.id))
    session.flush()
    assert run("iko").exit_code == 1


def test_another_picture_in_the_place_of_the_sealed_one_is_found(session, sealed, run):
    digest = session.scalars(select(StoredFile.sha256)).one()
    path = files.folder() / digest[:2] / digest
    kept = path.read_bytes()
    try:
        path.write_bytes(kept + b"x")
        assert "picture 1 was changed" in run("iko").output
        path.unlink()
        result = run("iko")
        assert "picture 1 is missing" in result.output
        assert result.exit_code == 1
    finally:
        path.write_bytes(kept)


def test_a_fact_nobody_cites_is_no_part_of_it(session, sealed, thawed, run):
    session.execute(text("UPDATE fact SET figure = '2' WHERE number = 2"))
    assert run("iko").exit_code == 0


def test_later_work_leaves_a_sealed_version_alone(session, sealed, process, run):
    goal = session.scalars(select(Element).where(Element.key == "lz-begegnung")).one()
    concept = goal.concept_id
    base = session.scalar(select(Placement.wording_id).join(Version).where(
        Version.concept_id == concept, Version.number.is_(None), Placement.element_id == goal.id))  # fmt: skip
    operations.edit(goal, base, Text(markdown="Neu [[F2]]."), reason="neu", actor=None, process=process)
    old = session.scalars(select(Fact).where(Fact.number == 1)).one()
    facts.add(session.get_one(Concept, concept), facts.Figure("Anteil", "40", "Stadt"), actor=None,
              process=process, replaces=old)  # fmt: skip
    assert run("iko").exit_code == 0
