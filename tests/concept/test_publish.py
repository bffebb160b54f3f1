"""Editors freeze the text: they see what is in it, nobody seals what they have not seen, of two at once one wins."""

import threading

import pytest
from sqlalchemy import select

from consult.concept import operations, seal
from consult.concept.models import ElementKind, Version, VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.publishing import pending, publish_seen
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions.models import Stance
from consult.contributions.sources import add_source
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Function
from tests import factories
from tests.client import Browser
from tests.concept.factories import make_concept, publish
from tests.contributions.test_parallel import real  # noqa: F401  (a fixture)

PAGE = "/p/iko/concept/publish"
FILLED = {"title": "Zweiter Entwurf", "note": "Nach der Sitzung.", "audience": "public", "sure": "y"}


def change(process, goal, words, actor=None):
    base = placed_one(working_version(goal.concept_id).id, goal.id).wording_id
    return operations.edit(goal, base, Text(markdown=words), reason=f"wegen {words}", actor=actor, process=process)


def versions(session):
    return list(session.scalars(select(Version).where(Version.number.is_not(None)).order_by(Version.number)))


def test_the_page_shows_what_will_be_in_it(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    publish(concept, process, title="Erster Entwurf")
    said = contribution_ops.submit(
        process, actor=factories.make_person(), text="abends!", stance=Stance.change, element_id=goal.id
    )
    add_source(change(process, goal, "Auch abends."), said)
    operations.add(concept, ElementKind.goal, Part("lz-neu", Text(markdown="Neu."), "3.2"),
                   parent=None, reason="r", actor=None, process=process)  # fmt: skip
    page = browser_of(editor).get(PAGE, headers={"Accept-Language": "en"})
    assert "2 changes since version 1" in page.text
    assert "1 part was written" in page.text
    assert "wegen Auch abends." in page.text
    assert page.html.find("a", href="/p/iko/e/lz-begegnung/history").get_text() == "3.1 Auch abends."
    assert page.html.find("a", href=f"/p/iko/contributions/{said.number}")


def test_it_is_frozen_with_title_note_and_checksum(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    page = browser_of(editor).submit(PAGE, FILLED)
    assert page.location == "/p/iko/concept/versions/1"
    version = versions(session)[0]
    assert (version.title, version.note, version.audience) == ("Zweiter Entwurf", "Nach der Sitzung.", "public")
    assert version.actor_id == editor.id
    assert seal.is_intact(version)


def test_it_asks_to_confirm_that_a_version_stays(session, browser_of, process, editor):
    make_concept(process)
    page = browser_of(editor).submit(PAGE, {**FILLED, "sure": None}, status=200)
    assert page.form_fields(PAGE)["title"] == FILLED["title"]
    assert versions(session) == []


def test_a_part_that_was_taken_out_is_named(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    publish(concept, process)
    operations.retire(goal, reason="doppelt", actor=None, process=process)
    page = browser_of(editor).get(PAGE, headers={"Accept-Language": "en"})
    assert "3.1 Begegnung wird gefördert." in page.text
    assert "no longer in the text" in page.text


def test_two_parts_with_one_number_are_named_before_and_refused(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    operations.add(concept, ElementKind.goal, Part("lz-neu", Text(markdown="Neu."), "3.1"),
                   parent=None, reason="r", actor=None, process=process)  # fmt: skip
    page = browser_of(editor).get(PAGE, headers={"Accept-Language": "en"})
    assert "Two parts show the same number" in page.text
    page = browser_of(editor).submit(PAGE, FILLED, status=200)
    assert page.form_fields(PAGE)["note"] == FILLED["note"]
    assert versions(session) == []


def test_nothing_new_is_said_instead_of_a_form(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    publish(concept, process)
    page = browser_of(editor).get(PAGE, headers={"Accept-Language": "en"})
    assert "Nothing has changed since the last version" in page.text
    assert not page.html.find("form", action=PAGE)


def test_an_empty_text_is_not_published(session, browser_of, process, editor):
    operations.create_concept(process, "concept", "Konzept", None)
    page = browser_of(editor).get(PAGE, headers={"Accept-Language": "en"})
    assert "There is no text to publish yet" in page.text
    assert not page.html.find("form", action=PAGE)


def test_the_words_of_the_steering_group_are_published_for_everybody_later(
    session, browser, browser_of, process, editor
):
    concept, goal = make_concept(process)
    publish(concept, process, audience=VersionAudience.steering)
    browser.get("/p/iko/concept/versions/1", 404)
    visitor = browser_of(editor)
    assert "The same words for more people" in visitor.get(PAGE, headers={"Accept-Language": "en"}).text
    page = visitor.submit(PAGE, {**FILLED, "audience": "steering"}, status=200)
    assert len(versions(session)) == 1, "for the same people it would be the same once more"
    visitor.submit(PAGE, FILLED)
    first, second = versions(session)
    assert (first.audience, second.audience) == ("steering", "public")
    assert first.revision == second.revision
    page = browser.get("/p/iko/concept/versions/2")
    assert "Begegnung wird gefördert." in page.text


def test_what_everybody_can_read_is_not_published_for_fewer(session, process, editor):
    concept, goal = make_concept(process)
    publish(concept, process)
    with pytest.raises(Refused):
        publish_seen(concept, pending(concept).seen, title="t", note="", audience=VersionAudience.steering,
                     actor=editor, process=process)  # fmt: skip
    assert len(versions(session)) == 1


def test_who_publishes_second_is_told_who_was_first_and_loses_nothing(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    other = factories.make_person("Frau Lindenblatt")
    factories.make_group(process, Function.lead, other)
    first, second = browser_of(other), browser_of(editor)
    opened = second.get(PAGE).form_fields(PAGE)
    first.submit(PAGE, {**FILLED, "title": "Von der Leitung"})
    page = second.post(PAGE, {**opened, **FILLED}, 200, headers={"Accept-Language": "en"})
    assert "Frau Lindenblatt published version 1, “Von der Leitung”" in page.text
    kept = page.form_fields(PAGE)
    assert (kept["title"], kept["note"]) == (FILLED["title"], FILLED["note"])
    assert "sure" not in kept, "what is confirmed now is something else"
    assert len(versions(session)) == 1


def test_nobody_publishes_a_change_they_have_not_seen(session, browser_of, process, editor):
    concept, goal = make_concept(process)
    visitor = browser_of(editor)
    opened = visitor.get(PAGE).form_fields(PAGE)
    change(process, goal, "Heimlich anders.")
    page = visitor.post(PAGE, {**opened, **FILLED}, 200, headers={"Accept-Language": "en"})
    assert "The working text has changed since you opened this page" in page.text
    assert "wegen Heimlich anders." in page.text
    assert versions(session) == []
    visitor.post(PAGE, {**page.form_fields(PAGE), "sure": "y"})
    assert [version.title for version in versions(session)] == [FILLED["title"]]


@pytest.mark.parametrize("seen", ["", "nonsense", "1-1", "0-999999999999999999999"])
def test_a_made_up_state_publishes_nothing(session, browser_of, process, editor, seen):
    make_concept(process)
    browser_of(editor).submit(PAGE, {**FILLED, "seen": seen}, status=200)
    assert versions(session) == []


@pytest.mark.parametrize("function", [None, Function.moderation, Function.steering])
def test_others_may_not(session, browser_of, process, function):
    make_concept(process)
    person = factories.make_person()
    if function:
        factories.make_group(process, function, person)
    browser_of(person).get(PAGE, 403)


def test_the_page_costs_the_same_for_many_changes(session, browser_of, process, editor, count_queries):
    concept, goal = make_concept(process)
    publish(concept, process)
    visitor = browser_of(editor)

    def cost():
        with count_queries() as asked:
            visitor.get(PAGE)
        return len(asked)

    change(process, goal, "Einmal.")
    few = cost()
    for n in range(30):
        change(process, goal, f"Zum {n}. Mal.")
    assert cost() == few <= 16


def test_many_changes_are_listed_up_to_a_bound(session, browser_of, process, editor, monkeypatch):
    monkeypatch.setattr("consult.concept.publishing.LISTED", 3)
    concept, goal = make_concept(process)
    publish(concept, process)
    for n in range(5):
        change(process, goal, f"Zum {n}. Mal.")
    page = browser_of(editor).get(PAGE, headers={"Accept-Language": "en"})
    assert "wegen Zum 4. Mal." in page.text
    assert "wegen Zum 1. Mal." not in page.text
    assert "2 older changes are not listed here" in page.text


def scene(app, number):
    """A committed text with two editors, each with the page open; returns (browser, what its form holds)."""
    with app.app_context():
        process = factories.make_process(slug=f"iko-{number}", code=f"IK{number}")
        concept, goal = make_concept(process)
        people = [factories.make_person(f"Redaktion {n}") for n in "ab"]
        factories.make_group(process, Function.editing, *people)
        db.session.commit()
        opened = []
        for person in people:
            visitor = Browser(app)
            factories.sign_in(visitor.client, person)
            db.session.commit()
            url = f"/p/iko-{number}/concept/publish"
            opened.append((visitor, url, visitor.get(url).form_fields(url)))
        ident = concept.id
        db.session.remove()
    return ident, opened


def test_of_two_at_the_same_moment_one_wins_and_one_is_told(real):  # noqa: F811
    for number in range(5):
        ident, opened = scene(real, number)
        gate, pages = threading.Barrier(2), [None, None]

        def press(place, visitor, url, fields, gate=gate, pages=pages):
            with real.app_context():
                gate.wait(10)
                response = visitor.client.post(
                    url, data={**fields, **FILLED, "title": f"Von {place}"}, headers={"Accept-Language": "en"}
                )
                pages[place] = (response.status_code, response.get_data(as_text=True))
                db.session.remove()

        threads = [threading.Thread(target=press, args=(place, *one)) for place, one in enumerate(opened)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(page[0] for page in pages) == [200, 303]
        loser = next(n for n, page in enumerate(pages) if page[0] == 200)
        assert f"Meanwhile Redaktion {'ba'[loser]} published version 1" in pages[loser][1]
        assert f'value="Von {loser}"' in pages[loser][1]
        with real.app_context():
            made = db.session.scalars(
                select(Version).where(Version.concept_id == ident, Version.number.is_not(None))
            ).all()
            assert [version.title for version in made] == [f"Von {1 - loser}"]
            assert seal.is_intact(made[0])
            db.session.remove()
