"""My contributions over all processes: each with its state and its fate."""

import pytest

from consult.contributions import operations as contributions
from consult.extensions import db
from consult.weighing import own
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.contributions.factories import make_many, make_town
from tests.factories import make_person
from tests.weighing.factories import Draft

EN = {"Accept-Language": "en"}


@pytest.fixture
def town(session):
    return make_town(code="IK")


def listed(page):
    return [tag["id"] for tag in page.html.select("article.contribution")]


def test_it_is_for_those_who_are_signed_in(browser, session):
    assert "/sign-in" in browser.get("/account/contributions", status=303).location


def test_with_nothing_written_it_says_so(browser_of, session):
    page = browser_of(make_person()).get("/account/contributions", headers=EN)
    assert "You have not written anything yet" in page.text


def test_each_stands_there_newest_first_with_its_state_from_all_processes(town, browser_of):
    elsewhere = make_town(code="AW")
    first = town.write("Erster")
    second = contributions.submit(
        elsewhere.process, actor=town.citizen, text="Zweiter", stance="change", element_id=elsewhere.goal.id
    )
    third = town.write("Dritter")
    town.write("Von jemand anderem", actor=town.neighbour)
    contributions.withdraw(first, town.citizen)
    decide(second, DispositionKind.reject, "Kein Platz.", actor=elsewhere.steering, plain_reason="Leider nein.")
    db.session.commit()
    page = browser_of(town.citizen).get("/account/contributions", headers=EN)
    assert listed(page) == [f"IK-{third.number}", f"AW-{second.number}", f"IK-{first.number}"]
    for words in ("Leider nein.", "Withdrawn", "Nothing has been decided about it yet"):
        assert words in page.text
    assert "Von jemand anderem" not in page.text


def test_what_it_changed_is_linked_when_it_is_public(town, browser_of):
    draft = Draft(town)
    one = town.write()
    draft.change(one)
    db.session.commit()
    visitor, place = browser_of(town.citizen), town.path(f"/e/{draft.goal.key}/difference")
    assert place not in str(visitor.get("/account/contributions").html)
    draft.publish()
    db.session.commit()
    assert place in str(visitor.get("/account/contributions").html)


def test_held_back_says_why(town, browser_of):
    one = town.write()
    one.state = "hidden"
    db.session.commit()
    assert "Held back" in browser_of(town.citizen).get("/account/contributions", headers=EN).text


def test_processes_that_went_out_of_view_are_left_out(town, browser_of):
    town.write()
    town.process.state = "draft"
    db.session.commit()
    assert listed(browser_of(town.citizen).get("/account/contributions")) == []


def test_page_by_page_in_the_same_few_questions(town, browser_of, count_queries):
    visitor = browser_of(town.citizen)
    counts = []
    for number in (5, 60):
        make_many(town, number, author_id=town.citizen.id)
        db.session.commit()
        visitor.get("/account/contributions")
        with count_queries() as queries:
            page = visitor.get("/account/contributions")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10, queries
    seen = listed(page)
    while following := page.html.select_one("nav.pager a[rel=next]"):
        page = visitor.get(following["href"])
        seen += listed(page)
    assert len(seen) == len(set(seen)) == 65
    assert own.PAGE == 20


def test_bad_places_to_go_on_from_begin_at_the_start(town, browser_of):
    town.write()
    db.session.commit()
    visitor = browser_of(town.citizen)
    for before in ("x", "-1", "99999999999"):
        assert len(listed(visitor.get(f"/account/contributions?before={before}"))) == 1
