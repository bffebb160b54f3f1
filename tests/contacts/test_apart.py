"""Entries that look alike and are two: said once, never asked again, taken back with a button."""

from typing import Any

from sqlalchemy import func, select, true

from consult import personal
from consult.accounts.affiliations import Source, affiliate
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contacts import apart, doubles, merging
from consult.contacts.models import DifferentOrganisations, DifferentPeople
from consult.extensions import db
from tests.accounts.factories import make_lead
from tests.factories import make_organisation, make_person

EN = {"Accept-Language": "en"}


def twins(number: int = 2) -> list[Person]:
    """People of one name at one organisation."""
    body, found = make_organisation(), []
    for _one in range(number):
        person = make_person("Ali Weber", account=False)
        affiliate(person.id, body.id, Source.list)
        found.append(person)
    return found


def pairs() -> set[tuple[int, int]]:
    return {(pair.kept, pair.other) for pair in doubles.people(true())}


def test_two_people_told_apart_are_not_suggested_again_until_that_is_taken_back(browser_of: Any) -> None:
    one, two = twins()
    browser = browser_of(make_lead())
    assert "Not the same" in browser.get("/contacts/doubles", headers=EN).text
    browser.submit(f"/contacts/people/{one.id}/apart/{two.id}", form_at="/contacts/doubles")
    assert pairs() == set()
    page = browser.get("/contacts/doubles", headers=EN).text
    assert "Marked as not the same" in page
    assert "Ali Weber" in page
    browser.submit(f"/contacts/people/{one.id}/apart/{two.id}/undo", form_at="/contacts/doubles")
    assert pairs() == {(one.id, two.id)}


def test_the_third_of_three_is_still_compared_with_the_second(session: Any) -> None:
    one, two, three = twins(3)
    apart.tell_apart(one, three, make_person(operator=True))
    assert pairs() == {(one.id, two.id), (two.id, three.id)}


def test_organisations_are_told_apart_in_the_same_way(browser_of: Any) -> None:
    one, two = make_organisation("Treff e. V."), make_organisation("Treff gGmbH")
    browser = browser_of(make_lead())
    assert len(doubles.organisations()) == 1
    browser.submit(f"/contacts/organisations/{one.id}/apart/{two.id}", form_at="/contacts/doubles")
    assert doubles.organisations() == []
    assert "Treff gGmbH" in browser.get("/contacts/doubles").text
    browser.submit(f"/contacts/organisations/{one.id}/apart/{two.id}/undo", form_at="/contacts/doubles")
    assert len(doubles.organisations()) == 1


def test_pressing_twice_leaves_one_mark_and_one_entry(session: Any) -> None:
    one, two = twins()
    actor = make_person(operator=True)
    for first, second in ((one, two), (two, one), (one, two)):
        apart.tell_apart(first, second, actor)
    assert db.session.scalar(select(func.count()).select_from(DifferentPeople)) == 1
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == Action.told_apart)) == 1


def test_the_comparison_says_that_somebody_told_them_apart(browser_of: Any) -> None:
    one, two = twins()
    browser = browser_of(make_lead())
    url = f"/contacts/people/{one.id}/merge?other={two.id}"
    assert "Somebody looked and said: not the same" not in browser.get(url, headers=EN).text
    apart.tell_apart(one, two, make_person(operator=True))
    db.session.commit()
    assert "Somebody looked and said: not the same" in browser.get(url, headers=EN).text


def test_marks_follow_a_merge_and_never_name_one_twice(session: Any) -> None:
    one, two, three = twins(3)
    actor = make_person(operator=True)
    apart.tell_apart(one, three, actor)
    apart.tell_apart(two, three, actor)
    apart.tell_apart(one, two, actor)
    merging.merge_people(one, two, actor)
    marks = db.session.execute(select(DifferentPeople.one_id, DifferentPeople.two_id)).all()
    assert {frozenset(mark) for mark in marks} == {frozenset((one.id, three.id))}
    bodies = make_organisation("Haus e. V."), make_organisation("Haus")
    apart.tell_apart(*bodies, actor)
    merging.merge_organisations(*bodies, actor)
    assert db.session.scalar(select(func.count()).select_from(DifferentOrganisations)) == 0


def test_who_is_forgotten_is_told_apart_from_nobody(session: Any) -> None:
    one, two = twins()
    actor = make_person(operator=True)
    apart.tell_apart(one, two, actor)
    personal.erase(two, actor)
    assert db.session.scalar(select(func.count()).select_from(DifferentPeople)) == 0


def test_a_lead_tells_nobody_apart_whom_they_do_not_see(browser_of: Any) -> None:
    one, two = twins()
    hidden = make_person("Hidden", account=False)
    browser = browser_of(make_lead())
    token = browser.get("/contacts/doubles").form_fields(f"/contacts/people/{one.id}/apart/{two.id}")
    browser.post(f"/contacts/people/{one.id}/apart/{hidden.id}", token, status=404)
    assert db.session.scalar(select(func.count()).select_from(DifferentPeople)) == 0
