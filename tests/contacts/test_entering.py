"""Contacts and organisations entered by hand: who is new, where an office is reached, who speaks for whom."""

from typing import Any

from sqlalchemy import select

from consult.accounts.models import Affiliation, Organisation, Person, Representation
from consult.extensions import db
from tests.accounts.factories import make_lead
from tests.factories import make_organisation, make_person

EN = {"Accept-Language": "en"}


def test_somebody_new_is_entered_with_where_they_work(browser_of: Any) -> None:
    body = make_organisation("Frauentreff")
    browser = browser_of(make_lead())
    answer = browser.submit(
        "/contacts/people/new",
        {"name": "Nadia Stern", "email": "nadia@example.org", "organisation": "Frauentreff", "position": "Leitung",
         "locale": "ar"},
    )  # fmt: skip
    person = db.session.scalars(select(Person).where(Person.email == "nadia@example.org")).one()
    assert answer.location.endswith(f"/contacts/people/{person.id}")
    assert (person.name, person.locale) == ("Nadia Stern", "ar")
    work = db.session.scalars(select(Affiliation).where(Affiliation.person_id == person.id)).one()
    assert (work.organisation_id, work.position) == (body.id, "Leitung")


def test_without_an_address_name_and_postal_address_are_needed(browser_of: Any) -> None:
    browser = browser_of(make_person(operator=True))
    for given in ({}, {"name": "Otto"}, {"postal_address": "Weg 1"}):
        page = browser.submit("/contacts/people/new", given, status=200, headers=EN)
        assert "an e-mail address, or a name and a postal address" in page.text
    browser.submit("/contacts/people/new", {"name": "Otto", "postal_address": "Weg 1\n52062 Aachen"})
    assert db.session.scalars(select(Person.postal_address).where(Person.name == "Otto")).one().startswith("Weg 1")


def test_a_lead_enters_nobody_they_would_not_find_again(browser_of: Any) -> None:
    answer = browser_of(make_lead()).submit(
        "/contacts/people/new", {"name": "Otto", "email": "otto@example.org"}, status=200, headers=EN
    )
    assert "Please name the organisation." in answer.text
    assert db.session.scalar(select(Person).where(Person.name == "Otto")) is None


def test_an_address_somebody_has_is_not_given_twice(browser_of: Any) -> None:
    make_person("First", email="one@example.org", account=False)
    answer = browser_of(make_person(operator=True)).submit(
        "/contacts/people/new", {"name": "Second", "email": "ONE@example.org"}, status=200, headers=EN
    )
    assert "Somebody has this address already." in answer.text


def test_an_organisation_is_edited_whole(browser_of: Any) -> None:
    umbrella, body = make_organisation("Dach"), make_organisation("Verein")
    browser = browser_of(make_lead())
    answer = browser.submit(
        f"/contacts/organisations/{body.id}/edit",
        {"kind": "politics", "area": "Nord", "email": "Buero@Example.org", "umbrella_id": str(umbrella.id)},
    )  # fmt: skip
    assert answer.location.endswith(f"/contacts/organisations/{body.id}")
    db.session.expire_all()
    stored = db.session.get_one(Organisation, body.id)
    assert (stored.kind, stored.area, stored.email, stored.umbrella_id) == (
        "politics", "Nord", "buero@example.org", umbrella.id,
    )  # fmt: skip
    page = browser.get(f"/contacts/organisations/{body.id}", headers=EN).text
    assert "buero@example.org" in page
    assert "Dach" in page
    assert "Politics" in page


def test_who_may_speak_is_confirmed_and_ended_on_the_page_of_the_organisation(browser_of: Any) -> None:
    body, person = make_organisation("Verein"), make_person("Maria")
    browser = browser_of(make_lead())
    here = f"/contacts/organisations/{body.id}"
    answer = browser.submit(f"/contacts/organisations/{body.id}/speakers", {"email": person.email}, form_at=here)
    assert answer.location.endswith(here)
    assert "Maria" in browser.get(here).text
    speaks = db.session.scalars(select(Representation)).one()
    browser.submit(f"/contacts/organisations/{body.id}/speakers/{speaks.id}/end", form_at=here)
    assert "Maria" not in browser.get(here).text
