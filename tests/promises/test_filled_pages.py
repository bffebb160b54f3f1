"""A page kept for everybody who is signed in shows each of them exactly what a page of their own would show."""

import re

import pytest
from sqlalchemy import select

from consult import filled
from consult.contributions import operations
from consult.contributions.models import Contribution, ReactionKind
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.processes.models import Function, Moderation
from tests import factories
from tests.contributions.factories import make_many, make_town

ONE_TIME = re.compile(r'(name="(?:form_id|csrf_token)" value=")[^"]*"')


@pytest.fixture
def keeping(app, monkeypatch):
    monkeypatch.setitem(app.config, "KEEP_PAGES", True)
    filled.layouts.clear()
    yield
    filled.layouts.clear()


@pytest.fixture
def town(session, keeping):
    town = make_town()
    make_many(town, 30)
    session.commit()
    return town


@pytest.fixture
def reader(town):
    return factories.make_person("Ahornblatt")


@pytest.fixture
def alone(app, monkeypatch):
    """`alone(visitor, address)`: the page as it is made for one person."""

    def get(visitor, address):
        with monkeypatch.context() as patch:
            patch.setitem(app.config, "KEEP_PAGES", False)
            return visitor.get(address)

    return get


def html(page):
    return page.response.get_data(as_text=True)


def told(page):
    """The page without what is another one each time."""
    return ONE_TIME.sub(r'\1"', html(page))


def newest(town, number):
    return db.session.scalars(
        select(Contribution)
        .where(Contribution.process_id == town.process.id, Contribution.parent_id.is_(None))
        .order_by(Contribution.number.desc())
        .limit(number)
    ).all()


def test_it_is_the_page_each_would_get_alone(session, town, browser_of, alone):
    goal = town.path("/e/ankommen")
    own = town.write("Von mir, vor einer Minute.", actor=town.citizen)
    town.write("Ich antworte.", actor=town.citizen, reply_to=newest(town, 3)[1], stance=None)
    reader = factories.make_person("O'Brien & <b>Söhne</b>")
    for contribution, kind in zip(newest(town, 8)[3:], [*ReactionKind, *ReactionKind], strict=False):
        operations.react(contribution, reader, kind)
    session.commit()
    for person in (town.citizen, town.neighbour, reader):
        visitor = browser_of(person)
        for address in (goal, f"{goal}?before={own.number - 2}&lang=en"):
            expected = told(alone(visitor, address))
            assert told(visitor.get(address)) == expected
            assert told(visitor.get(address)) == expected, "kept"
    assert len(filled.layouts._pages) == 2


def test_nothing_of_one_person_is_on_the_page_of_another(town, reader, browser_of):
    goal = town.path("/e/ankommen")
    town.write("Von Birke geschrieben.", actor=town.citizen)
    first, second = browser_of(town.citizen).get(goal), browser_of(reader).get(goal)
    assert "/withdraw" in html(first)
    assert "/withdraw" not in html(second)
    name = first.html.select_one(".site-head bdi")
    assert (name.text, second.html.select_one(".site-head bdi").text) == ("Birke", "Ahornblatt")
    tokens = [{field["value"] for field in page.html.find_all("input", attrs={"name": "csrf_token"})}
              for page in (first, second)]  # fmt: skip
    assert all(len(found) == 1 for found in tokens)
    assert tokens[0] != tokens[1]


def test_every_form_has_an_id_of_its_own_and_none_twice(town, reader, browser_of):
    visitor = browser_of(reader)
    operations.react(newest(town, 1)[0], reader)
    found = []
    for _visit in range(2):
        page = visitor.get(town.path("/e/ankommen"))
        found += [field["value"] for field in page.html.find_all("input", attrs={"name": "form_id"})]
    assert len(found) == len(set(found)) > 20
    assert all(16 < len(one) <= 64 for one in found)


def test_its_forms_work(session, town, reader, browser_of):
    visitor = browser_of(reader)
    written = town.write("Mehr Bänke.", actor=town.citizen)
    session.commit()
    address = town.number_path(written, "/react")
    visitor.get(town.path("/e/ankommen"))
    page = visitor.get(town.path("/e/ankommen"))
    for agrees in (1, 0):
        fields = page.form_fields(address)
        visitor.post(address, fields)
        visitor.post(address, fields)
        session.refresh(written)
        assert written.agrees == agrees
        page = visitor.get(town.path("/e/ankommen"))


def test_a_message_is_shown_once_to_the_one_it_is_for(session, town, reader, browser_of):
    goal = town.path("/e/ankommen")
    written = town.write("Mehr Bänke.", actor=town.citizen)
    session.commit()
    visitor, other = browser_of(reader), browser_of(town.citizen)
    page = visitor.get(goal)
    visitor.post(town.number_path(written, "/react"), page.form_fields(town.number_path(written, "/react")))
    assert visitor.get(goal).html.select_one(".flashes")
    assert not other.get(goal).html.select_one(".flashes")
    assert not visitor.get(goal).html.select_one(".flashes")


def test_what_only_the_author_sees_is_shown_to_them_alone(session, keeping, browser_of, alone):
    town = make_town(moderation=Moderation.pre)
    goal = town.path("/e/ankommen")
    browser_of(town.citizen).get(goal)
    waiting = town.write("Das wartet noch.", actor=town.citizen)
    session.commit()
    assert "Das wartet noch." in browser_of(town.citizen).get(goal).text
    assert "Das wartet noch." not in browser_of(town.neighbour).get(goal).text
    deciding.approve(waiting, town.moderator)
    session.commit()
    assert "Das wartet noch." in browser_of(town.neighbour).get(goal).text


def pre_moderated(session):
    """A goal on which one waits, with published contributions on it."""
    town = make_town(moderation=Moderation.pre)
    make_many(town, 5)
    session.commit()
    return town


def test_with_something_waiting_it_is_still_the_page_each_would_get_alone(session, keeping, browser_of, alone):
    town = pre_moderated(session)
    goal = town.path("/e/ankommen")
    browser_of(town.neighbour).get(goal)
    kept = dict(filled.layouts._pages)
    for body in ("Das wartet noch.", "Das auch."):
        town.write(body, actor=town.citizen)
    refused = town.write("Das wird nie gezeigt.", actor=town.citizen)
    session.commit()
    deciding.hide(refused, town.moderator, town.reason)
    session.commit()
    visitor = browser_of(town.citizen)
    for address in (goal, f"{goal}?order=supported", f"{goal}?before=3"):
        expected = told(alone(visitor, address))
        assert ("Das wartet noch." in expected) == ("before" not in address)
        assert told(visitor.get(address)) == expected
        assert told(visitor.get(address)) == expected, "kept"
        assert "Das wartet noch." not in html(browser_of(town.neighbour).get(address))
    assert len(filled.layouts._pages) == len(kept) + 2


@pytest.mark.parametrize("kind", ["reply", "once_public", "nothing_else"])
def test_what_stands_among_what_others_see_gets_a_page_of_its_own(session, keeping, browser_of, alone, kind):
    town = pre_moderated(session) if kind != "nothing_else" else make_town(moderation=Moderation.pre)
    goal, first = town.path("/e/ankommen"), None
    if kind == "reply":
        first = town.write("Ich antworte.", actor=town.citizen, reply_to=newest(town, 1)[0], stance=None)
    else:
        first = town.write("Das wartet noch.", actor=town.citizen)
    if kind == "once_public":
        session.commit()
        deciding.approve(first, town.moderator)
        session.commit()
        operations.edit(first, town.citizen, "Das wartet wieder.", first.revision)
    session.commit()
    visitor = browser_of(town.citizen)
    browser_of(town.neighbour).get(goal)
    expected = told(alone(visitor, goal))
    assert told(visitor.get(goal)) == expected
    assert "wartet" in expected or "Ich antworte." in expected


def test_with_something_waiting_it_costs_four_questions(session, keeping, browser_of, count_queries):
    town = pre_moderated(session)
    for body in ("Das wartet noch.", "Das auch."):
        town.write(body, actor=town.citizen)
    session.commit()
    visitor, goal = browser_of(town.citizen), town.path("/e/ankommen")
    visitor.get(goal)
    with count_queries() as queries:
        visitor.get(goal)
    # Who it is and where, whether anything changed, what is theirs, and what of it waits.
    assert len(queries) == 4


def test_those_who_work_in_a_process_get_pages_of_their_own(town, reader, browser_of):
    goal = town.path("/e/ankommen")
    browser_of(reader).get(goal)
    kept = len(filled.layouts._pages)
    assert "/edit" in html(browser_of(town.editor).get(goal))
    assert "/edit" not in html(browser_of(reader).get(goal))
    for person in (town.editor, town.moderator, town.lead, town.stranger):
        browser_of(person).get(goal)
    assert len(filled.layouts._pages) == kept


def test_a_new_member_of_staff_sees_at_once_what_they_may_do(session, town, reader, browser_of):
    visitor = browser_of(reader)
    goal = town.path("/e/ankommen")
    assert "/edit" not in html(visitor.get(goal))
    factories.make_group(town.process, Function.editing, reader)
    session.commit()
    assert "/edit" in html(visitor.get(goal))


def test_it_costs_three_questions(town, reader, browser_of, count_queries):
    visitor = browser_of(reader)
    operations.react(newest(town, 1)[0], reader)
    goal = town.path("/e/ankommen")
    visitor.get(goal)
    with count_queries() as queries:
        visitor.get(goal)
    # Who it is, whether anything changed, what is theirs.
    assert len(queries) == 3
