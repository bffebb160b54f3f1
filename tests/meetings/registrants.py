"""Scenery for registering: a public meeting, people who want to come, offers and quotas."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from consult.accounts.models import Organisation, OrganisationKind, Person
from consult.extensions import db
from consult.invitations import answering
from consult.meetings import quotas, registering, registrations, waiting
from consult.meetings.models import Meeting, Origin, Registration, RegistrationMode
from consult.meetings.quotas import Share
from consult.meetings.registering import Given
from tests.factories import make_organisation, make_person
from tests.meetings.factories import BEFORE, Circle, make_circle

MIGRANTS, POLITICS, WELFARE = (
    OrganisationKind.migrant_organisation, OrganisationKind.politics, OrganisationKind.welfare,
)  # fmt: skip


def public_meeting(**fields: Any) -> Circle:
    """A meeting in two weeks anybody may register for."""
    return make_circle(registration=RegistrationMode.everybody, **fields)


def come(
    meeting: Meeting, person: Person | None = None, kind: OrganisationKind | None = None, **rest: Any
) -> Registration:
    """Somebody registers, for an organisation of this kind."""
    given = rest.pop("given", Given(organisation_id=organisation(kind).id if kind else None))
    rest.setdefault("origin", Origin.registration)
    rest.setdefault("now", BEFORE)
    return registering.register(meeting, person or make_person(), given, **rest)


def organisation(kind: OrganisationKind) -> Organisation:
    return make_organisation(kind=kind)


def share(meeting: Meeting, kind: OrganisationKind, reserved: int = 0, at_most: int | None = None) -> None:
    quotas.set_quotas(meeting, [Share(kind, reserved, at_most)], None)


def of(address: str) -> Registration | None:
    return db.session.scalar(select(Registration).join(Registration.person).where(Person.email == address))


def run_due(now: datetime) -> int:
    """What the worker does every minute."""
    return waiting.run_due(now, answering.follow_ended)


def link_of(registration: Registration, rest: str = "") -> str:
    return f"/registration/{registrations.link_to(registration)}{rest}"
