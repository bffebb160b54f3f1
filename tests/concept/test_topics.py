"""Ways into the text from daily life: editors say what belongs to a topic, readers find it."""

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.concept import operations, topics
from consult.concept.models import Element, ElementKind, LifeTopic, LifeTopicElement, VersionAudience
from consult.concept.operations import Part, Text
from consult.contributions import operations as contributions
from consult.contributions.models import Stance
from consult.errors import Refused
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import make_concept, publish
from tests.payloads import PAYLOADS, inert

DESK = "/p/iko/concept/topics"


@pytest.fixture
def concept(session, process):
    return make_concept(process)[0]


def element(session, key):
    return session.scalars(select(Element).where(Element.key == key)).one()


def make_topic(process, *elements, key="housing", title="Wohnen", position=0):
    topic = factories.flushed(LifeTopic(process_id=process.id, key=key, title=title, position=position))
    for one in elements:
        factories.flushed(LifeTopicElement(life_topic_id=topic.id, element_id=one.id))
    return topic


def keys(session):
    return session.scalars(select(LifeTopic.key).order_by(LifeTopic.position)).all()


def test_the_five_usual_topics_are_one_press(session, browser_of, process, editor, concept):
    desk = browser_of(editor)
    desk.submit(f"{DESK}/usual", form_at=DESK)
    assert keys(session) == ["language", "work", "housing", "children", "neighbourhood"]
    assert session.scalars(select(AuditEntry.action)).all()[-1] == "concept.life_topics.changed"
    page = desk.get(DESK)
    assert not page.html.find("form", action=f"{DESK}/usual")
    # Taken over once more nothing is doubled, and what was removed comes back.
    topics.take_usual(process, topics.usual_topics(), editor)
    topics.remove(topics.topic_or_none(process.id, "work"), process, editor)
    assert desk.get(DESK).html.find("form", action=f"{DESK}/usual")
    topics.take_usual(process, {"work": "Arbeit", "language": "Sprache"}, editor)
    assert keys(session) == ["language", "housing", "children", "neighbourhood", "work"]


def test_editors_add_rename_order_and_remove(session, browser, browser_of, process, editor, concept):
    desk = browser_of(editor)
    publish(concept, process)
    theme, goal = element(session, "th-quartier"), element(session, "lz-begegnung")
    desk.submit(f"{DESK}/new", {"title": "Sport & Spiel", "elements": [str(theme.id)]})
    desk.submit(f"{DESK}/new", {"title": "Zweites"})
    desk.submit(f"{DESK}/new", {"title": "New"})
    assert keys(session) == ["sport-spiel", "zweites", "new-2"]
    assert browser.get("/p/iko/topics/sport-spiel").html.find("a", href="/p/iko/e/lz-begegnung")
    desk.submit(f"{DESK}/sport-spiel", {"title": "Sport", "elements": [str(goal.id)]})
    topic = topics.topic_or_none(process.id, "sport-spiel")
    assert topic.title == "Sport"
    assert topics.ticked([topic.id]) == {topic.id: {goal.id}}
    desk.submit(f"{DESK}/zweites/up", form_at=DESK)
    assert keys(session) == ["zweites", "sport-spiel", "new-2"]
    desk.submit(f"{DESK}/zweites/remove", form_at=DESK)
    assert keys(session) == ["sport-spiel", "new-2"]
    browser.get("/p/iko/topics/zweites", 404)
    assert element(session, "lz-begegnung")


def test_an_unchanged_topic_leaves_no_entry(session, browser_of, process, editor, concept):
    make_topic(process, element(session, "th-quartier"))
    before = len(session.scalars(select(AuditEntry.id)).all())
    browser_of(editor).submit(f"{DESK}/housing", {"elements": [str(element(session, "th-quartier").id)]})
    assert len(session.scalars(select(AuditEntry.id)).all()) == before


def test_only_parts_of_this_process_can_be_ticked(session, browser_of, process, editor, concept):
    _other, goal = make_concept(factories.make_process(slug="anders", code="AN"))
    page = browser_of(editor).submit(f"{DESK}/new", {"title": "Wohnen", "elements": [str(goal.id)]}, status=200)
    assert page.html.find(class_="error-summary")
    page = browser_of(editor).submit(f"{DESK}/new", {"title": ""}, status=200)
    assert page.html.find(id="title")["aria-invalid"] == "true"
    assert keys(session) == []


def test_twenty_topics_are_enough(session, browser_of, process, editor, concept):
    for _n in range(topics.MAX_TOPICS):
        topics.add(process, "Gleich", [], editor)
    assert len(set(keys(session))) == topics.MAX_TOPICS
    with pytest.raises(Refused):
        topics.add(process, "Noch eins", [], editor)
    page = browser_of(editor).submit(f"{DESK}/new", {"title": "Noch eins"}, status=200)
    assert page.html.find(id="title")["aria-invalid"] == "true"


def test_a_topic_shows_its_parts_with_all_below_and_the_way_to_comment(session, browser, process, concept):
    author = factories.make_person()
    goal = element(session, "lz-begegnung")
    publish(concept, process)
    contributions.submit(process, actor=author, text="Gut!", stance=Stance.support, element_id=goal.id)
    make_topic(process, element(session, "th-quartier"), goal)
    page = browser.get("/p/iko/topics/housing")
    assert page.h1 == "Wohnen"
    # The goal was ticked as well, and stands once: below its theme.
    assert [h2.a["href"] for h2 in page.html.main.find_all("h2")] == ["/p/iko/e/th-quartier"]
    assert len(page.html.main.find_all("a", href="/p/iko/e/lz-begegnung")) == 1
    assert page.html.main.find("a", href="/p/iko/e/lz-begegnung/comment")
    assert page.html.main.find("ul", class_="counts").find("a", href="/p/iko/e/lz-begegnung#contributions")


def test_it_is_an_entry_where_the_process_begins(session, browser, process, concept):
    publish(concept, process)
    make_topic(process, element(session, "th-quartier"))
    make_topic(process, key="work", title="Arbeit", position=1)
    for address in ("/p/iko", "/p/iko/concept", "/p/iko/topics"):
        html = browser.get(address).html
        assert html.find("a", href="/p/iko/topics/housing"), address
        # Nothing belongs to it yet, so it leads nowhere.
        assert not html.find("a", href="/p/iko/topics/work"), address


def test_without_topics_nothing_is_in_the_way(session, browser, process, concept):
    publish(concept, process)
    for address in ("/p/iko", "/p/iko/concept"):
        assert not browser.get(address).html.find(class_="topics")
    assert browser.get("/p/iko/topics").html.find(class_="empty")
    browser.get("/p/iko/topics/housing", 404)


def test_a_topic_of_unpublished_parts_says_so(session, browser, browser_of, process, concept):
    member = factories.make_person()
    factories.make_group(process, Function.steering, member)
    make_topic(process, element(session, "th-quartier"))
    assert browser.get("/p/iko/topics/housing").html.find(class_="empty")
    publish(concept, process, audience=VersionAudience.steering)
    page = browser.get("/p/iko/topics/housing")
    assert page.html.find(class_="empty")
    assert "Begegnung" not in page.text
    assert "Begegnung" in browser_of(member).get("/p/iko/topics/housing").text


def test_a_part_that_was_taken_out_is_left_out(session, browser, process, concept):
    goal = element(session, "lz-begegnung")
    make_topic(process, goal)
    publish(concept, process)
    assert browser.get("/p/iko/topics/housing").html.find("a", href="/p/iko/e/lz-begegnung")
    operations.retire(goal, reason="weg", actor=None, process=process)
    publish(concept, process)
    assert browser.get("/p/iko/topics/housing").html.find(class_="empty")


def test_hostile_names_do_nothing(session, browser, browser_of, process, editor, concept):
    publish(concept, process)
    theme = element(session, "th-quartier")
    for position, payload in enumerate(PAYLOADS):
        make_topic(process, theme, key=f"t-{position}", title=" ".join(payload.split())[:300], position=position)
    for visitor, address in (
        (browser, "/p/iko"), (browser, "/p/iko/concept"), (browser, "/p/iko/topics"), (browser, "/p/iko/topics/t-3"),
        (browser_of(editor), DESK), (browser_of(editor), f"{DESK}/t-3"),
    ):  # fmt: skip
        assert inert(visitor.get(address).html) == [], address


def test_pages_cost_the_same_for_many_parts(session, browser, browser_of, count_queries, process, editor, concept):
    theme, goal = element(session, "th-quartier"), element(session, "lz-begegnung")
    make_topic(process, theme)
    publish(concept, process)
    desk = browser_of(editor)

    def asked(visitor, address):
        visitor.get(address)
        with count_queries() as queries:
            visitor.get(address)
        return len(queries)

    places = ((browser, "/p/iko/topics"), (browser, "/p/iko/topics/housing"), (desk, DESK), (desk, f"{DESK}/housing"))
    few = [asked(*place) for place in places]
    for n in range(30):
        operations.add(concept, ElementKind.sub_goal, Part(f"z-{n}", Text(f"Teil {n}")), parent=goal, reason="r",
                       actor=None, process=process)  # fmt: skip
    for n in range(6):
        make_topic(process, theme, goal, key=f"t-{n}", position=n + 1)
    publish(concept, process)
    assert [asked(*place) for place in places] == few
    assert few[0] <= 5
    assert few[1] <= 11
    assert max(few[2:]) <= 13, few
