"""Editors change the working text; every change has a reason, nothing is overwritten unseen."""

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.concept.models import Change, Element, Placement, Version, Wording
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions.models import ChangeSource, Stance
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.factories import make_concept, publish

EDIT = "/p/iko/e/lz-begegnung/edit"


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


def words(session, goal):
    session.expire_all()
    placed = placed_one(working_version(goal.concept_id).id, goal.id)
    return placed.markdown


def test_it_saves_new_words_with_reason_and_sources(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    for _n in range(2):
        contribution_ops.capture(
            process, actor=editor, text="abends!", stance=Stance.change, element_id=goal.id, created_at=clock.now()
        )
    browser_of(editor).submit(
        EDIT,
        {"markdown": "Begegnung auch am Abend.", "reason": "Zeiten", "sources": "1, IK-2", "passage": "auch am Abend"},
    )
    assert words(session, goal) == "Begegnung auch am Abend."
    found = session.scalars(select(ChangeSource).order_by(ChangeSource.contribution_id)).all()
    assert [(s.to_start, s.to_end) for s in found] == [(10, 23), (10, 23)]


def test_unchanged_text_makes_no_change(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    before = session.scalar(select(func.count()).select_from(Change))
    browser_of(editor).submit(EDIT, {"reason": "nichts"})
    assert session.scalar(select(func.count()).select_from(Change)) == before


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"reason": ""}, "reason"),
        ({"sources": "77", "reason": "r"}, "sources"),
        ({"markdown": "Neu.", "passage": "fehlt", "sources": "1", "reason": "r"}, "passage"),
        ({"markdown": "", "title": "", "reason": "r"}, "markdown"),
    ],
)
def test_bad_input_is_named_and_nothing_typed_is_lost(session, browser_of, process, editor, sent, problem):
    concept, goal = make_concept(process)
    contribution_ops.capture(
        process, actor=editor, text="abends!", stance=Stance.change, element_id=goal.id, created_at=clock.now()
    )
    page = browser_of(editor).submit(EDIT, {"markdown": "Mein langer Text.", **sent}, status=200)
    assert page.html.find(id=problem)["aria-invalid"] == "true"
    assert page.form_fields(EDIT)["markdown"] == sent.get("markdown", "Mein langer Text.")
    assert words(session, goal) == "Begegnung wird gefördert."


def test_a_stale_edit_shows_both_texts_and_keeps_mine(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Text der anderen.", "reason": "zuerst"})
    page = mine.post(EDIT, {**opened, "markdown": "Mein Text.", "reason": "danach"}, 409)
    assert "Text der anderen." in page.text
    assert page.form_fields(EDIT)["markdown"] == "Mein Text."
    assert words(session, goal) == "Text der anderen."
    mine.post(EDIT, {**page.form_fields(EDIT), "markdown": "Beides zusammen."})
    assert words(session, goal) == "Beides zusammen."
    assert session.scalar(select(func.count()).select_from(Wording).where(Wording.element_id == goal.id)) == 3


def test_a_stale_token_keeps_the_text(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit(EDIT, {"markdown": "Mein Text.", "reason": "r", "csrf_token": "alt"}, status=200)
    assert page.form_fields(EDIT)["markdown"] == "Mein Text."
    assert words(session, goal) == "Begegnung wird gefördert."


def test_publishing_freezes_the_text(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit("/p/iko/concept/publish", {"title": "Entwurf", "audience": "public"})
    assert page.location == "/p/iko/concept/versions/1"
    version = session.scalar(select(Version).where(Version.number == 1))
    assert version.sealed_at is not None
    assert version.checksum


def test_publishing_twice_at_once_makes_one_version(session, browser_of, process, editor):
    """Two tabs: the second is told, and keeps what was typed."""
    concept, goal = make_concept(process)
    first, second = browser_of(editor), browser_of(editor)
    opened = second.get("/p/iko/concept/publish").form_fields("/p/iko/concept/publish")
    first.submit("/p/iko/concept/publish", {"title": "Entwurf", "audience": "public"})
    page = second.post("/p/iko/concept/publish", {**opened, "title": "Zweiter", "audience": "public"}, 200)
    assert page.form_fields("/p/iko/concept/publish")["title"] == "Zweiter"
    assert session.scalar(select(func.count()).select_from(Version).where(Version.number.is_not(None))) == 1


def test_splitting_puts_two_parts_in_its_place(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    browser_of(editor).submit(
        "/p/iko/e/lz-begegnung/split",
        {
            "first_key": "orte",
            "first_text": "Orte.",
            "second_key": "wohnen",
            "second_text": "Wohnen.",
            "reason": "zwei",
        },
    )
    keys = session.scalars(
        select(Element.key)
        .join(Placement, Placement.element_id == Element.id)
        .where(Placement.version_id == working_version(concept.id).id)
        .order_by(Placement.parent_id, Placement.position)
    ).all()
    assert set(keys) == {"th-quartier", "orte", "wohnen"}


def test_a_taken_key_is_refused(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit(
        "/p/iko/concept/new", {"key": "lz-begegnung", "title": "x", "reason": "r", "kind": "goal"}, status=200
    )
    assert page.html.find(id="key")["aria-invalid"] == "true"


def test_the_first_part_brings_the_concept_about(session, browser_of, process, editor):
    browser_of(editor).submit("/p/iko/concept/new", {"key": "th-1", "title": "Thema", "reason": "r", "kind": "theme"})
    assert session.scalar(select(Element.key)) == "th-1"


def test_a_part_with_others_below_cannot_be_taken_out(session, browser_of, process, editor):
    make_concept(process)
    page = browser_of(editor).submit("/p/iko/e/th-quartier/retire", {"reason": "weg"}, status=200)
    assert page.html.find(id="reason")["aria-invalid"] == "true"
    browser_of(editor).submit("/p/iko/e/lz-begegnung/retire", {"reason": "weg"})


@pytest.mark.parametrize(
    "address", ["/p/iko/concept/working", EDIT, "/p/iko/concept/publish", "/p/iko/concept/new",
                "/p/iko/e/lz-begegnung/split", "/p/iko/e/lz-begegnung/retire"],
)  # fmt: skip
def test_only_editors_and_leads_may(session, browser, browser_of, process, editor, address):
    concept, goal = make_concept(process)
    publish(concept, process)
    moderator, stranger, lead = factories.make_person(), factories.make_person(), factories.make_person()
    factories.make_group(process, Function.moderation, moderator)
    factories.make_group(process, Function.lead, lead)
    assert "/sign-in" in browser.get(address, 303).location
    for person in (moderator, stranger):
        browser_of(person).get(address, 403)
    for person in (editor, lead):
        browser_of(person).get(address)
