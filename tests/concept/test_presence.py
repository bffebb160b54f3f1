"""Editors see who else has the same text open; nobody else does, and reading writes nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.concept import presence
from consult.concept.models import Editing
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import make_concept

EDIT = "/p/iko/e/lz-begegnung/edit"
HERE = "/p/iko/e/lz-begegnung/editing"


@pytest.fixture
def process(session):
    process = factories.make_process(slug="iko", code="IK")
    make_concept(process)
    return process


@pytest.fixture
def pair(session, process):
    anna, bert = factories.make_person("Anna Ahorn"), factories.make_person("Bert Birke")
    factories.make_group(process, Function.editing, anna, bert)
    return anna, bert


def tell(visitor, **more):
    """What the script of the open form sends; the answer is a part of the page."""
    token = visitor.get(EDIT).form_fields(EDIT)["csrf_token"]
    response = visitor.client.post(HERE, data={"csrf_token": token, **more})
    assert response.status_code == 200
    return response.get_data(as_text=True)


def test_who_opens_the_form_sees_who_else_has_it_open(session, browser_of, pair):
    anna, bert = map(browser_of, pair)
    assert "Ahorn" not in tell(anna)
    assert "Anna Ahorn" in bert.get(EDIT).text
    assert "Anna Ahorn" in tell(bert)
    assert "Bert Birke" in tell(anna)
    assert "Bert Birke" not in browser_of(pair[0]).get("/p/iko/e/th-quartier/edit").text


def test_opening_the_form_writes_nothing(session, browser_of, pair):
    browser_of(pair[0]).get(EDIT)
    assert session.scalar(select(func.count()).select_from(Editing)) == 0


def test_telling_twice_is_telling_once(session, browser_of, pair):
    anna = browser_of(pair[0])
    tell(anna)
    tell(anna)
    assert session.scalar(select(func.count()).select_from(Editing)) == 1


def test_who_was_not_heard_of_for_two_minutes_has_left(session, browser_of, pair, at):
    began = at(clock.now() + timedelta(minutes=5))
    anna, bert = map(browser_of, pair)
    tell(anna)
    at(began + presence.FRESH - timedelta(seconds=1))
    assert "Anna Ahorn" in bert.get(EDIT).text
    at(began + presence.FRESH)
    assert "Anna Ahorn" not in bert.get(EDIT).text


def test_who_closes_the_form_or_saves_has_left(session, browser_of, pair):
    anna, bert = map(browser_of, pair)
    tell(anna)
    tell(anna, left="1")
    assert "Anna Ahorn" not in bert.get(EDIT).text
    tell(anna)
    anna.submit(EDIT, {"markdown": "Neu.", "reason": "r"})
    assert "Anna Ahorn" not in bert.get(EDIT).text


def test_erased_people_are_not_named(session, browser_of, pair):
    tell(browser_of(pair[0]))
    pair[0].erased_at = clock.now()
    assert "Ahorn" not in browser_of(pair[1]).get(EDIT).text


def test_only_editors_tell_and_are_told(session, browser, browser_of, pair, process):
    moderator = factories.make_person()
    factories.make_group(process, Function.moderation, moderator)
    tell(browser_of(pair[0]))
    visitor = browser_of(moderator)
    token = visitor.get("/contact").form_fields("/contact")["csrf_token"]
    response = visitor.client.post(HERE, data={"csrf_token": token})
    assert response.status_code == 403
    assert "Ahorn" not in response.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(Editing)) == 1


def test_it_needs_the_token_of_the_form(session, browser_of, pair):
    assert browser_of(pair[0]).client.post(HERE).status_code == 400
    assert session.scalar(select(func.count()).select_from(Editing)) == 0


def test_telling_costs_little(session, browser_of, count_queries, pair):
    anna = browser_of(pair[0])
    tell(anna)
    token = anna.get(EDIT).form_fields(EDIT)["csrf_token"]
    session.commit()
    with count_queries() as queries:
        anna.client.post(HERE, data={"csrf_token": token})
    assert len(queries) <= 7, "\n".join(queries)
