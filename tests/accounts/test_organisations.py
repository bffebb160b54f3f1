"""Organisations and who may speak for them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts import bodies, queries
from consult.accounts.models import Organisation, Representation
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contacts.details import of_organisation
from consult.errors import Refused
from consult.extensions import db
from tests.accounts.factories import make_lead, make_member
from tests.factories import make_organisation, make_person


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def speakers(organisation: Organisation) -> list[int]:
    return [person.id for _row, person, _confirmer in of_organisation(organisation.id, make_person()).speakers]


def test_a_lead_creates_and_changes_an_organisation(browser_of: Any, session: Any) -> None:
    browser = browser_of(make_lead())
    umbrella = make_organisation("Netzwerk", kind="network")
    page = browser.submit(
        "/contacts/organisations/new",
        {"name": "Frauentreff e. V.", "kind": "migrant_organisation", "umbrella_id": str(umbrella.id)},
    )
    organisation = db.session.scalar(select(Organisation).where(Organisation.name == "Frauentreff e. V."))
    assert organisation is not None
    assert page.location == f"/contacts/organisations/{organisation.id}"
    assert organisation.umbrella_id == umbrella.id
    url = f"/contacts/organisations/{organisation.id}/edit"
    assert browser.get(url).form_fields(url)["umbrella_id"] == str(umbrella.id)
    browser.submit(url, {"area": "Nordstadt", "umbrella_id": "0", "source": "x", "id": "9"})
    session.refresh(organisation)
    assert organisation.area == "Nordstadt"
    assert organisation.umbrella_id is None
    assert organisation.source is None
    browser.submit(url, {})
    assert actions() == [Action.organisation_created, Action.organisation_changed]


def test_a_name_is_given_once(browser_of: Any) -> None:
    make_organisation("Frauentreff")
    other = make_organisation("Andere")
    browser = browser_of(make_member(operator=True))
    for url in ("/contacts/organisations/new", f"/contacts/organisations/{other.id}/edit"):
        page = browser.submit(url, {"name": "Frauentreff"}, status=200)
        assert page.html.find(id="name-error")
    assert other.name == "Andere"


def test_nobody_stands_under_themselves(session: Any) -> None:
    top, middle = make_organisation(), make_organisation()
    bottom = make_organisation(umbrella_id=middle.id)
    middle.umbrella_id = top.id
    actor = make_person()
    values = {"name": top.name, "kind": top.kind, "area": ""}
    for umbrella in (top, bottom, middle):
        with pytest.raises(Refused):
            bodies.change_organisation(actor.id, top, umbrella_id=umbrella.id, **values)


def test_confirming_and_ending_a_representation(browser_of: Any) -> None:
    lead, person, organisation = make_lead(), make_person(), make_organisation()
    browser = browser_of(lead)
    page_url = f"/contacts/organisations/{organisation.id}"
    browser.submit(f"{page_url}/speakers", {"email": (person.email or "").upper()}, form_at=page_url)
    assert speakers(organisation) == [person.id]
    row = db.session.scalars(select(Representation)).one()
    assert row.confirmed_by_id == lead.id
    browser.submit(f"{page_url}/speakers/{row.id}/end", {}, form_at=page_url)
    assert speakers(organisation) == []
    assert queries.speaks_for(person.id) == []
    entries = db.session.scalars(select(AuditEntry)).all()
    assert [(e.action, e.actor_id, e.facts) for e in entries] == [
        (Action.representation_confirmed, lead.id, {"organisation_id": organisation.id}),
        (Action.representation_ended, lead.id, {"organisation_id": organisation.id}),
    ]


def test_confirming_twice_is_refused_and_confirming_anew_after_the_end_is_not(browser_of: Any) -> None:
    person, organisation = make_person(), make_organisation()
    browser = browser_of(make_member(operator=True))
    page_url = f"/contacts/organisations/{organisation.id}"
    row = bodies.confirm_representation(None, organisation, person)
    page = browser.submit(f"{page_url}/speakers", {"email": person.email}, form_at=page_url, status=200)
    assert page.html.find(id="email-error")
    bodies.end_representation(person.id, row)
    browser.submit(f"{page_url}/speakers", {"email": person.email}, form_at=page_url)
    assert speakers(organisation) == [person.id]


def test_a_representation_may_end_by_itself(session: Any, at: Any) -> None:
    moment = at(clock.now())
    person, organisation = make_person(), make_organisation()
    bodies.confirm_representation(None, organisation, person, ends_at=moment + timedelta(days=1))
    at(moment + timedelta(hours=23))
    assert queries.speaks_for(person.id) == [organisation]
    at(moment + timedelta(days=1))
    assert queries.speaks_for(person.id) == []


def test_an_unknown_address_is_answered_in_words(browser_of: Any) -> None:
    organisation = make_organisation()
    url = f"/contacts/organisations/{organisation.id}"
    browser = browser_of(make_member(operator=True))
    page = browser.submit(f"{url}/speakers", {"email": "nobody@example.org"}, form_at=url, status=200)
    assert page.html.find(id="email-error")


def test_a_representation_of_another_organisation_is_not_found(browser_of: Any) -> None:
    row = bodies.confirm_representation(None, make_organisation(), make_person())
    other = make_organisation()
    browser = browser_of(make_member(operator=True))
    token = browser.get("/account/profile").form_fields()["csrf_token"]
    browser.post(f"/contacts/organisations/{other.id}/speakers/{row.id}/end", {"csrf_token": token}, 404)
    assert row.ends_at is None


def test_citizens_change_nothing(browser_of: Any) -> None:
    organisation = make_organisation("Alt")
    row = bodies.confirm_representation(None, organisation, make_person())
    browser = browser_of(make_member())
    token = browser.get("/account/profile").form_fields()["csrf_token"]
    page = f"/contacts/organisations/{organisation.id}"
    for url in ("/contacts/organisations/new", f"{page}/edit", f"{page}/speakers", f"{page}/speakers/{row.id}/end"):
        browser.post(url, {"csrf_token": token, "name": "Neu", "kind": "welfare", "email": "a@example.org"}, 403)
    assert organisation.name == "Alt"
    assert row.ends_at is None
