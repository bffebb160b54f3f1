"""Editors change the working text; every change has a reason, nothing is overwritten unseen."""

import re

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.concept import operations
from consult.concept.models import Change, Element, ElementKind, Version, Wording
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions.models import ChangeSource, Stance, State
from consult.contributions.sources import add_source
from consult.processes.models import Activity, Function
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests import factories
from tests.concept.factories import make_concept, publish
from tests.payloads import PAYLOADS, inert

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


def hand_in(process, editor, text, **fields):
    return contribution_ops.capture(
        process, actor=editor, text=text, stance=Stance.change, created_at=clock.now(), **fields
    )


def test_it_saves_new_words_with_reason_and_sources(session, browser_of, process, editor):
    """Numbers typed become chosen contributions; each of them has words of its own that it changed."""
    concept, goal = make_concept(process)
    for _n in range(2):
        hand_in(process, editor, "abends!", element_id=goal.id)
    typed = {"markdown": "Begegnung auch\nam Abend.", "reason": "Zeiten", "sources": "1, IK-2", "step": "find"}
    visitor = browser_of(editor)
    page = visitor.submit(EDIT, typed, status=200)
    fields = page.form_fields(EDIT)
    assert (fields["markdown"], fields["reason"], fields["sources"]) == (typed["markdown"], "Zeiten", "")
    assert [box["value"] for box in page.html.find_all("input", attrs={"name": "source", "checked": True})] == [
        "1", "2",
    ]  # fmt: skip
    sent = {**fields, "source": ["1", "2"], "passage-1": "auch am Abend", "passage-2": "Begegnung"}
    visitor.post(EDIT, sent)
    assert words(session, goal) == typed["markdown"]
    found = session.scalars(select(ChangeSource).order_by(ChangeSource.contribution_id)).all()
    assert [(s.to_start, s.to_end) for s in found] == [(10, 23), (0, 9)]


def test_numbers_may_be_saved_at_once(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    hand_in(process, editor, "abends!")
    browser_of(editor).submit(EDIT, {"markdown": "Begegnung am Abend.", "reason": "Zeiten", "sources": "IK-1"})
    (found,) = session.scalars(select(ChangeSource)).all()
    assert found.to_start is None


def test_a_passage_of_the_title_is_marked_where_there_is_no_other_text(session, browser_of, process, editor):
    make_concept(process)
    hand_in(process, editor, "im Kiez!")
    address = "/p/iko/e/th-quartier/edit"
    visitor = browser_of(editor)
    page = visitor.submit(
        address, {"title": "Zusammenleben im Kiez", "reason": "r", "sources": "1", "step": "find"}, status=200
    )
    visitor.post(address, {**page.form_fields(address), "passage-1": "im Kiez"})
    (found,) = session.scalars(select(ChangeSource)).all()
    assert (found.to_start, found.to_end) == (14, 21)


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("ABENDS", ["3", "1"]),
        ("größere BÄNKE", ["2"]),
        ("100 %", ["3"]),
        ("100%", []),
        ("gibt es nicht", []),
        ("größer_", []),
    ],
)
def test_contributions_are_found_by_their_words(session, browser_of, process, editor, typed, numbers):
    """Capital and small letters, umlauts and signs that mean something to a database do not matter."""
    concept, goal = make_concept(process)
    for text in ("Länger offen, auch abends", "Größere Bänke bitte", "Zu 100 % dafür, abends"):
        hand_in(process, editor, text)
    visitor = browser_of(editor)
    page = visitor.submit(EDIT, {"markdown": "Neu.", "sources": typed, "step": "find"}, status=200)
    assert [box["value"] for box in page.html.find_all("input", attrs={"name": "source"})] == numbers
    assert page.form_fields(EDIT)["markdown"] == "Neu."
    refused = visitor.post(EDIT, {**page.form_fields(EDIT), "reason": "r"}, 200)
    assert refused.html.find(id="sources")["aria-invalid"] == "true"
    assert words(session, goal) == "Begegnung wird gefördert."


def test_hidden_contributions_are_not_found_by_their_words(session, browser_of, process, editor):
    make_concept(process)
    hidden = hand_in(process, editor, "Abends ist es dunkel")
    hidden.state = State.hidden
    page = browser_of(editor).submit(EDIT, {"sources": "dunkel", "step": "find"}, status=200)
    assert not page.html.find("input", attrs={"name": "source"})
    page = browser_of(editor).submit(EDIT, {"sources": "1", "step": "find"}, status=200)
    assert page.html.find("input", attrs={"name": "source", "checked": True})
    assert "dunkel" not in page.text


def test_what_was_not_taken_up_yet_at_this_place_is_offered(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    first, second, third = (hand_in(process, editor, text, element_id=goal.id) for text in ("eins", "zwei", "drei"))
    hand_in(process, editor, "anderswo")
    change = session.scalar(select(Change).where(Change.element_id == goal.id))
    add_source(change, second)
    decide(third, DispositionKind.reject, reason="zu teuer", actor=editor)
    page = browser_of(editor).get(EDIT)
    assert [box["value"] for box in page.html.find_all("input", attrs={"name": "source"})] == ["1"]


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
        ({"markdown": "Neu.", "passage-1": "fehlt", "source": "1", "reason": "r"}, "passage-1"),
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
    sides = [side.get_text() for side in page.html.select(".callout.tone-warning ~ .grid .words")]
    assert "der anderen" in sides[0]
    assert "Mein" in sides[1]
    for said in ("Redaktion", "zuerst"):
        assert said in page.html.select_one(".callout.tone-warning").get_text()
    assert page.form_fields(EDIT)["markdown"] == "Mein Text."
    assert page.form_fields(EDIT)["reason"] == "danach"
    assert words(session, goal) == "Text der anderen."
    mine.post(EDIT, {**page.form_fields(EDIT), "markdown": "Beides zusammen."})
    assert words(session, goal) == "Beides zusammen."
    assert session.scalar(select(func.count()).select_from(Wording).where(Wording.element_id == goal.id)) == 3


def test_what_does_not_overlap_is_put_together_and_shown_before_it_is_saved(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Begegnung wird stark gefördert.", "target_group": "Alle", "reason": "mehr"})
    sent = {**opened, "markdown": "Begegnung wird gefördert und gepflegt.", "title": "Treffen", "reason": "dauerhaft"}
    page = mine.post(EDIT, sent, 409)
    both = "Begegnung wird stark gefördert und gepflegt."
    fields = page.form_fields(EDIT)
    assert (fields["markdown"], fields["title"], fields["target_group"]) == (both, "Treffen", "Alle")
    assert words(session, goal) == "Begegnung wird stark gefördert."
    mine.post(EDIT, fields)
    assert words(session, goal) == both


@pytest.mark.parametrize(
    ("button", "text"),
    [
        ("theirs", "Begegnung wird stark gefördert."),
        ("mine", "Begegnung wird gefördert und gepflegt."),
        ("merged", "Begegnung wird stark gefördert und gepflegt."),
    ],
)
def test_each_text_can_be_taken_over_without_a_script(session, browser_of, process, editor, button, text):
    concept, goal = make_concept(process)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Begegnung wird stark gefördert.", "reason": "mehr"})
    page = mine.post(EDIT, {**opened, "markdown": "Begegnung wird gefördert und gepflegt.", "reason": "r"}, 409)
    page = mine.post(EDIT, {**page.form_fields(EDIT), "markdown": "Ganz anders.", "step": "preview"}, 200)
    assert page.form_fields(EDIT)["markdown"] == "Ganz anders."
    page = mine.post(EDIT, {**page.form_fields(EDIT), "step": button}, 200)
    assert page.form_fields(EDIT)["markdown"] == text
    assert len(page.html.select(".callout.tone-warning ~ .grid .words")) == 2
    assert words(session, goal) == "Begegnung wird stark gefördert."


def test_a_third_change_while_putting_together_is_a_conflict_again(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Ihr Text.", "reason": "eins"})
    page = mine.post(EDIT, {**opened, "markdown": "Mein Text.", "reason": "r"}, 409)
    theirs.submit(EDIT, {"markdown": "Noch ein Text von ihnen.", "reason": "zwei"})
    page = mine.post(EDIT, page.form_fields(EDIT), 409)
    assert "Noch ein" in page.html.select(".grid .words")[0].get_text()
    assert words(session, goal) == "Noch ein Text von ihnen."


def test_a_form_in_which_nothing_was_changed_overwrites_nothing(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Text der anderen.", "reason": "zuerst"})
    mine.post(EDIT, {**opened, "reason": "nichts"})
    assert words(session, goal) == "Text der anderen."


@pytest.mark.parametrize("base", ["", "0", "x", "99999999999999999999", "\u0663", "-1"])
def test_a_base_that_nobody_knows_is_a_conflict(session, browser_of, process, editor, base):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit(EDIT, {"markdown": "Mein Text.", "reason": "r", "base": base}, status=409)
    assert "Mein Text." in page.form_fields(EDIT)["markdown"]
    assert words(session, goal) == "Begegnung wird gefördert."


def test_words_of_another_element_are_no_base(session, browser_of, process, editor):
    """Even if they are what was typed: that would look as if nothing had been changed."""
    concept, goal = make_concept(process)
    other = operations.add(
        concept, ElementKind.goal, Part("lz-anders", Text(markdown="Mein Text.")), parent=None, reason="r",
        actor=None, process=process,
    )  # fmt: skip
    sent = {"markdown": "Mein Text.", "reason": "r", "base": str(other.to_wording_id)}
    browser_of(editor).submit(EDIT, sent, status=409)
    assert words(session, goal) == "Begegnung wird gefördert."


def test_words_changed_and_changed_back_are_no_conflict(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Versehen.", "reason": "eins"})
    theirs.submit(EDIT, {"markdown": "Begegnung wird gefördert.", "reason": "zurück"})
    mine.post(EDIT, {**opened, "markdown": "Mein Text.", "reason": "r"})
    assert words(session, goal) == "Mein Text."


def test_what_was_typed_for_a_part_that_is_gone_is_shown(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine = browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    operations.retire(goal, reason="fort", actor=editor, process=process)
    page = mine.post(EDIT, {**opened, "markdown": "Mein langer Text.", "reason": "r"}, 409)
    assert page.html.textarea.get_text().strip() == "Mein langer Text."


def test_a_part_that_was_split_leads_to_where_its_words_stand_now(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    mine = browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    split = {"reason": "zwei", "actor": editor, "process": process}
    first = [Part("lz-eins", Text(markdown="Eins."), "3.1"), Part("lz-zwei", Text(markdown="Zwei."), "3.2")]
    changes = operations.split(goal, first, **split)
    again = [Part("lz-drei", Text(markdown="Drei."), "3.1"), Part("lz-vier", Text(markdown="Vier."), "3.3")]
    operations.split(session.get_one(Element, changes[0].element_id), again, **split)
    page = mine.post(EDIT, {**opened, "markdown": "Mein Text.", "reason": "r"}, 409)
    links = {link["href"]: link.get_text() for link in page.html.main.find_all("a", href=re.compile("/e/.*/edit$"))}
    assert links == {f"/p/iko/e/lz-{key}/edit": name for key, name in (
        ("drei", "3.1 Drei."), ("vier", "3.3 Vier."), ("zwei", "3.2 Zwei.")
    )}  # fmt: skip


def test_a_preview_saves_nothing_and_keeps_everything(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit(
        EDIT, {"markdown": "**Fett** <script>", "reason": "r", "step": "preview"}, status=200
    )
    preview = page.html.find(id="preview")
    assert preview.strong.get_text() == "Fett"
    assert not preview.script
    assert page.form_fields(EDIT)["reason"] == "r"
    assert words(session, goal) == "Begegnung wird gefördert."


def test_texts_that_try_to_become_code_stay_texts_in_a_conflict(session, browser_of, process):
    """Both texts, the reason and the name of the other one, places of a clash, what the form carries along."""
    editor = factories.make_person(" ".join(PAYLOADS[0].split()))
    factories.make_group(process, Function.editing, editor)
    make_concept(process, text="\n\n".join(PAYLOADS[::3]))
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    for start, step in ((1, "mine"), (2, "merged")):
        theirs.submit(EDIT, {"title": PAYLOADS[start], "markdown": "\n\n".join(PAYLOADS[start::3]),
                             "reason": "\n".join(PAYLOADS[:40])})  # fmt: skip
        sent = {**opened, "title": PAYLOADS[9], "markdown": "\n\n".join(PAYLOADS[::2]), "reason": PAYLOADS[5]}
        page = mine.post(EDIT, sent, 409)
        assert page.text.count("XSS") > 100
        assert inert(page.html) == []
        page = mine.post(EDIT, {**page.form_fields(EDIT), "step": step}, 200)
        assert inert(page.html) == []
        page = mine.post(EDIT, {**page.form_fields(EDIT), "step": "preview"}, 200)
        assert inert(page.html) == []


def test_a_text_of_two_hundred_thousand_characters_can_be_in_conflict(session, browser_of, process, editor):
    long = "Zeile um Zeile. " * 12_000
    concept, goal = make_concept(process, text=long)
    mine, theirs = browser_of(editor), browser_of(editor)
    opened = mine.get(EDIT).form_fields(EDIT)
    theirs.submit(EDIT, {"markdown": "Vorweg. " + long, "reason": "eins"})
    page = mine.post(EDIT, {**opened, "markdown": long + "Am Ende.", "reason": "r"}, 409)
    assert page.form_fields(EDIT)["markdown"] == "Vorweg. " + long + "Am Ende."
    mine.post(EDIT, page.form_fields(EDIT))
    assert words(session, goal) == "Vorweg. " + long + "Am Ende."


@pytest.mark.parametrize("number", [1, 40])
def test_the_form_asks_the_same_for_many_contributions(session, browser_of, count_queries, process, editor, number):
    concept, goal = make_concept(process)
    for _n in range(number):
        hand_in(process, editor, "abends!", element_id=goal.id)
    visitor = browser_of(editor)
    session.commit()
    with count_queries() as queries:
        visitor.get(EDIT)
    assert len(queries) <= 15, "\n".join(queries)


def test_a_stale_token_keeps_the_text(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit(EDIT, {"markdown": "Mein Text.", "reason": "r", "csrf_token": "alt"}, status=200)
    assert page.form_fields(EDIT)["markdown"] == "Mein Text."
    assert words(session, goal) == "Begegnung wird gefördert."


def test_publishing_freezes_the_text(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit("/p/iko/concept/publish", {"title": "Entwurf", "audience": "public", "sure": "y"})
    assert page.location == "/p/iko/concept/versions/1"
    version = session.scalar(select(Version).where(Version.number == 1))
    assert version.sealed_at is not None
    assert version.checksum


def test_publishing_twice_at_once_makes_one_version(session, browser_of, process, editor):
    """Two tabs: the second is told, and keeps what was typed."""
    concept, goal = make_concept(process)
    first, second = browser_of(editor), browser_of(editor)
    opened = second.get("/p/iko/concept/publish").form_fields("/p/iko/concept/publish")
    first.submit("/p/iko/concept/publish", {"title": "Entwurf", "audience": "public", "sure": "y"})
    page = second.post("/p/iko/concept/publish", {**opened, "title": "Zweiter", "audience": "public", "sure": "y"}, 200)
    assert page.form_fields("/p/iko/concept/publish")["title"] == "Zweiter"
    assert session.scalar(select(func.count()).select_from(Version).where(Version.number.is_not(None))) == 1


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
