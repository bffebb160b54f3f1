"""Citizens read the newest text, each version, and one element with everything that belongs to it."""

import pytest

from consult import clock
from consult.concept import operations
from consult.concept.history import history
from consult.concept.models import VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_in, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions.models import Stance
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.factories import make_concept, publish


@pytest.fixture
def process(session):
    process = factories.make_process(slug="iko", code="IK")
    factories.make_stage(process, Activity.comment, Activity.react)
    return process


def test_the_newest_public_text_is_shown(session, browser, process):
    concept, goal = make_concept(process)
    publish(concept, process)
    page = browser.get("/p/iko/concept")
    assert "Begegnung wird gefördert." in page.text
    assert page.html.find(id="lz-begegnung")


def test_without_a_version_the_page_says_what_will_come(session, browser, process):
    make_concept(process)
    page = browser.get("/p/iko/concept")
    assert "Begegnung" not in page.text
    assert page.html.find("a", href="/p/iko/timeline")


def test_a_steering_draft_is_for_those_who_work_in_the_process(session, browser, browser_of, process):
    member, stranger = factories.make_person(), factories.make_person()
    factories.make_group(process, Function.steering, member)
    concept, goal = make_concept(process)
    publish(concept, process, audience=VersionAudience.steering)
    for visitor in (browser, browser_of(stranger)):
        assert "Begegnung" not in visitor.get("/p/iko/concept").text
        visitor.get("/p/iko/concept/versions/1", 404)
        visitor.get("/p/iko/e/lz-begegnung", 404)
        visitor.get("/p/iko/e/lz-begegnung/history", 404)
        assert "Entwurf" not in visitor.get("/p/iko/concept/versions").html.main.get_text()
    assert "Begegnung wird gefördert." in browser_of(member).get("/p/iko/concept/versions/1").text


def test_a_version_keeps_its_words_at_its_address(session, browser, process):
    concept, goal = make_concept(process)
    publish(concept, process, title="Erster")
    base = placed_in(working_version(concept.id).id)[1].wording_id
    operations.edit(goal, base, Text(markdown="Ganz neu."), reason="besser", actor=None, process=process)
    publish(concept, process, title="Zweiter")
    assert "Begegnung wird gefördert." in browser.get("/p/iko/concept/versions/1").text
    assert "Ganz neu." in browser.get("/p/iko/concept/versions/2").text
    page = browser.get("/p/iko/concept/versions")
    assert "besser" in page.text
    browser.get("/p/iko/concept/versions/3", 404)


def test_an_element_page_shows_words_thread_and_the_button(session, browser, process):
    author = factories.make_person("Lindenblatt")
    concept, goal = make_concept(process)
    publish(concept, process)
    contribution_ops.submit(process, actor=author, text="Endlich!", stance=Stance.support, element_id=goal.id)
    page = browser.get("/p/iko/e/lz-begegnung")
    assert page.h1.startswith("3.1")
    assert "Endlich!" in page.text
    assert "Lindenblatt" in page.text
    assert page.html.find("a", href="/p/iko/e/lz-begegnung/comment")


def test_a_replaced_element_leads_to_its_heirs(session, browser, process):
    concept, goal = make_concept(process)
    publish(concept, process)
    operations.split(
        goal,
        [Part("a", Text(markdown="Orte."), "3.1"), Part("b", Text(markdown="Wohnen."), "3.2")],
        reason="zwei Aufgaben",
        actor=None,
        process=process,
    )
    publish(concept, process)
    page = browser.get("/p/iko/e/lz-begegnung")
    assert page.html.find("a", href="/p/iko/e/a")
    assert page.html.find("a", href="/p/iko/e/b")
    assert not page.html.find("a", href="/p/iko/e/lz-begegnung/comment")
    told = browser.get("/p/iko/e/a/history").text
    assert "zwei Aufgaben" in told


def test_history_leaves_out_the_working_text_for_the_public(session, process):
    concept, goal = make_concept(process)
    publish(concept, process)
    base = placed_in(working_version(concept.id).id)[1].wording_id
    operations.edit(goal, base, Text(markdown="Geheim."), reason="noch nicht", actor=None, process=process)
    assert [e.reason for e in history(goal, ["public"], include_working=False)] == ["Erster Wurf"]
    assert [e.reason for e in history(goal, ["public"], include_working=True)] == ["noch nicht", "Erster Wurf"]


@pytest.mark.parametrize("number", [1, 60])
def test_the_goal_page_asks_at_most_ten_questions(session, browser, count_queries, process, number):
    author = factories.make_person()
    concept, goal = make_concept(process)
    publish(concept, process)
    for _n in range(number):
        first = contribution_ops.capture(
            process, actor=None, author_id=author.id, text="Hallo", stance=Stance.change, element_id=goal.id,
            created_at=clock.now(),
        )  # fmt: skip
    contribution_ops.submit(process, actor=author, text="Antwort", stance=None, element_id=goal.id, reply_to=first)
    session.commit()
    # The order of a sealed version is asked for once in a web process, not for each of its pages.
    browser.get("/p/iko/e/th-quartier")
    with count_queries() as queries:
        browser.get("/p/iko/e/lz-begegnung")
    assert len(queries) <= 10, "\n".join(queries)


def test_the_whole_concept_costs_the_same_for_many_elements(session, browser, count_queries, process):
    concept, goal = make_concept(process)
    publish(concept, process)
    # The order of a sealed version is asked for once in a web process.
    browser.get("/p/iko/concept")
    with count_queries() as few:
        browser.get("/p/iko/concept")
    for n in range(40):
        operations.add(
            concept, "sub_goal", Part(f"t-{n}", Text(f"Teilziel {n}")), parent=goal, reason="r", actor=None,
            process=process,
        )  # fmt: skip
    publish(concept, process)
    browser.get("/p/iko/concept")
    with count_queries() as many:
        browser.get("/p/iko/concept")
    assert len(many) <= len(few) <= 14


def test_unknown_addresses_are_not_found(session, browser, process):
    concept, goal = make_concept(process)
    publish(concept, process)
    for address in ("/p/iko/e/nichts", "/p/nein/concept", "/p/iko/charter/versions/1", "/p/iko/concept/versions/0"):
        browser.get(address, 404)
