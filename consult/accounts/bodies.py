"""Organisations, and who may speak for them."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from consult import clock
from consult.accounts.models import Organisation, Person, Representation
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db


class NameTaken(Exception):
    """Another organisation has this name."""


def create_organisation(
    actor_id: int | None,
    *,
    name: str,
    kind: str,
    area: str,
    umbrella_id: int | None,
    email: str | None = None,
    source: str | None = None,
    now: datetime | None = None,
) -> Organisation:
    """A new organisation. Raises `NameTaken`."""
    organisation = Organisation(
        name=name, kind=kind, area=area, umbrella_id=umbrella_id, email=email, source=source,
        created_at=now or clock.now(),
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(organisation)
    except IntegrityError as error:
        raise NameTaken from error
    record(Action.organisation_created, actor_id, organisation)
    return organisation


def change_organisation(
    actor_id: int,
    organisation: Organisation,
    *,
    name: str,
    kind: str,
    area: str,
    umbrella_id: int | None,
    email: str | None = None,
) -> None:
    """New facts of an organisation; unchanged ones leave no trace. Raises `NameTaken`, and `Refused` for a circle."""
    values = {"name": name, "kind": kind, "area": area, "umbrella_id": umbrella_id, "email": email}
    if all(getattr(organisation, field) == value for field, value in values.items()):
        return
    _refuse_circle(organisation.id, umbrella_id)
    try:
        with db.session.begin_nested():
            for field, value in values.items():
                setattr(organisation, field, value)
    except IntegrityError as error:
        raise NameTaken from error
    record(Action.organisation_changed, actor_id, organisation)


def _refuse_circle(organisation_id: int, umbrella_id: int | None) -> None:
    seen: set[int] = set()
    while umbrella_id is not None and umbrella_id not in seen:
        if umbrella_id == organisation_id:
            raise Refused(_("An organisation cannot stand under itself."))
        seen.add(umbrella_id)
        umbrella_id = db.session.scalar(select(Organisation.umbrella_id).where(Organisation.id == umbrella_id))


def confirm_representation(
    actor_id: int | None,
    organisation: Organisation,
    person: Person,
    *,
    ends_at: datetime | None = None,
    now: datetime | None = None,
) -> Representation:
    """From now on this person may speak and sign for the organisation. Raises `Refused` when they may already."""
    now = now or clock.now()
    # The organisation's row is the lock: two people confirming at once leave one representation.
    db.session.execute(select(Organisation.id).where(Organisation.id == organisation.id).with_for_update())
    present = db.session.scalar(
        select(Representation.id).where(
            Representation.organisation_id == organisation.id,
            Representation.person_id == person.id,
            Representation.ends_at.is_(None) | (Representation.ends_at > now),
        )
    )
    if present is not None:
        raise Refused(_("This person may speak for the organisation already."))
    representation = Representation(
        person_id=person.id, organisation_id=organisation.id, confirmed_by_id=actor_id, starts_at=now, ends_at=ends_at
    )
    db.session.add(representation)
    db.session.flush()
    record(Action.representation_confirmed, actor_id, representation, organisation_id=organisation.id)
    return representation


def end_representation(actor_id: int, representation: Representation) -> None:
    """The person no longer speaks for the organisation. Twice harms nobody."""
    now = clock.now()
    if representation.ends_at is None or representation.ends_at > now:
        representation.ends_at = now
        record(
            Action.representation_ended,
            actor_id,
            representation,
            organisation_id=representation.organisation_id,
        )
