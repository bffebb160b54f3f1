"""The two lists, and what may stand in them twice."""

from typing import Any

from flask import render_template, request, url_for
from sqlalchemy import select

from consult.accounts.models import Organisation, OrganisationKind, Person
from consult.accounts.words import organisation_kinds
from consult.authz import authorize, current_person
from consult.contacts import apart, policy, queries
from consult.contacts import doubles as suggestions
from consult.contacts.queries import Filters
from consult.contacts.reach import within
from consult.contacts.views.blueprint import bp
from consult.contacts.words import reasons
from consult.extensions import db
from consult.web import row_id


def _number(name: str) -> int:
    return request.args.get(name, default=0, type=row_id) or 0


def _filters() -> Filters:
    kind = request.args.get("kind", "")
    return Filters(
        words=request.args.get("q", "").strip()[:254],
        kind=kind if kind in list(OrganisationKind) else "",
        area=request.args.get("area", "")[:300],
        network=_number("network"),
        umbrella=_number("umbrella"),
        group=_number("group"),
        paused=request.args.get("paused") == "1",
        newsletter=request.args.get("newsletter") == "1",
    )


def _address(endpoint: str, filters: Filters, **more: Any) -> str:
    return url_for(
        endpoint,
        q=filters.words or None,
        kind=filters.kind or None,
        area=filters.area or None,
        network=filters.network or None,
        umbrella=filters.umbrella or None,
        group=filters.group or None,
        paused="1" if filters.paused else None,
        newsletter="1" if filters.newsletter else None,
        **more,
    )


def _frame(filters: Filters) -> dict[str, Any]:
    return {
        "filters": filters,
        "choices": queries.choices(),
        "kinds": organisation_kinds(),
        "people_url": _address(".people", filters),
        "organisations_url": _address(".organisations", filters),
    }


@bp.get("/contacts")
def people() -> str:
    """Everybody we know, by name."""
    authorize(policy.can_see_contacts)
    filters = _filters()
    found = queries.people(filters, within(current_person()), request.args.get("after", type=row_id))
    return render_template(
        "contacts/people.html",
        rows=found.rows,
        count=found.count,
        bodies=queries.bodies_of([row[0].id for row in found.rows]),
        next_url=_address(".people", filters, after=found.next) if found.next else None,
        **_frame(filters),
    )


@bp.get("/contacts/organisations")
def organisations() -> str:
    """Every organisation, by name."""
    authorize(policy.can_see_contacts)
    filters = _filters()
    found = queries.organisations(filters, request.args.get("after", type=row_id))
    return render_template(
        "contacts/organisations.html",
        rows=found.rows,
        count=found.count,
        next_url=_address(".organisations", filters, after=found.next) if found.next else None,
        **_frame(filters),
    )


@bp.get("/contacts/doubles")
def doubles() -> str:
    """Pairs that may be one; nothing happens here."""
    authorize(policy.can_see_contacts)
    reach = within(current_person())
    people_found, bodies_found = suggestions.people(reach), suggestions.organisations()
    shown, bodies = people_found[: suggestions.SHOWN], bodies_found[: suggestions.SHOWN]
    persons = {
        person.id: person
        for person in db.session.scalars(
            select(Person).where(Person.id.in_({ident for pair in shown for ident in (pair.kept, pair.other)}))
        )
    }
    named = {
        organisation.id: organisation
        for organisation in db.session.scalars(
            select(Organisation).where(Organisation.id.in_({i for pair in bodies for i in (pair.kept, pair.other)}))
        )
    }
    return render_template(
        "contacts/doubles.html",
        people=[(persons[pair.kept], persons[pair.other], pair.why) for pair in shown],
        bodies=[(named[pair.kept], named[pair.other], pair.why) for pair in bodies],
        more_people=len(people_found) - len(shown),
        more_bodies=len(bodies_found) - len(bodies),
        why=reasons(),
        people_apart=apart.people(reach),
        bodies_apart=apart.organisations(),
    )
