"""Putting contacts in order by hand. Every change leaves its trace."""

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from consult.accounts import tokens
from consult.accounts.affiliations import Source, affiliate
from consult.accounts.models import Affiliation, LinkPurpose, NetworkMember, Organisation, OrganisationKind, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.outbox.bounces import forget
from consult.processes.policy import is_operator


class AddressTaken(Exception):
    """Another person has this address: they may be one and the same."""


def change_contact(
    person: Person, actor: Person, *, name: str, email: str | None, locale: str, postal_address: str | None
) -> None:
    """New facts of somebody without an account; unchanged ones leave no trace. Raises `AddressTaken`, and `Refused`
    when they have an account by now."""
    db.session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    db.session.refresh(person)
    db.session.refresh(person, ["account"])
    if person.account is not None:
        raise Refused(_("This person has an account by now and changes this themselves."))
    if person.erased_at is not None:
        raise Refused(_("This person is forgotten."))
    values = {"name": name, "email": email, "locale": locale, "postal_address": postal_address}
    changed = [field for field, value in values.items() if getattr(person, field) != value]
    if not changed:
        return
    try:
        with db.session.begin_nested():
            for field in changed:
                setattr(person, field, values[field])
    except IntegrityError as error:
        raise AddressTaken from error
    if "email" in changed:
        # What came back spoke of the old address, and links that went there must not open anything any more.
        forget(person.id)
        tokens.void(person.id, *(purpose for purpose in LinkPurpose if purpose != LinkPurpose.stop_mail))
        db.session.expire(person, ["mail_paused_at", "mail_paused_why"])
    record(Action.contact_changed, actor.id, person, fields=changed)


def add_contact(
    actor: Person,
    *,
    name: str,
    email: str | None,
    locale: str,
    postal_address: str | None,
    organisation: Organisation | None = None,
    position: str = "",
) -> Person:
    """Somebody new, without an account. Raises `AddressTaken`, and `Refused` when there is nothing to write to.

    Leads see people of organisations and guests of their own processes: of others they would not find them again.
    """  # fmt: skip
    if organisation is None and not is_operator(actor):
        raise Refused(_("Please name the organisation. People without one come in when you invite them by a list."))
    if email is None and not (name and postal_address):
        raise Refused(_("Please enter an e-mail address, or a name and a postal address."))
    person = Person(name=name, email=email, locale=locale, postal_address=postal_address)
    try:
        with db.session.begin_nested():
            db.session.add(person)
    except IntegrityError as error:
        raise AddressTaken from error
    record(Action.contact_added, actor.id, person)
    if organisation is not None:
        add_affiliation(person, organisation, position, actor)
    return person


def add_affiliation(person: Person, organisation: Organisation, position: str, actor: Person) -> None:
    """The person works there; a new position takes the place of the old one."""
    affiliate(person.id, organisation.id, Source.staff, position)
    known = db.session.query(Affiliation).filter_by(person_id=person.id, organisation_id=organisation.id).one()
    if position:
        known.position = position
    db.session.flush()
    record(Action.affiliation_changed, actor.id, person, organisation_id=organisation.id, present=True)


def remove_affiliation(affiliation: Affiliation, actor: Person) -> None:
    """The person does not work there, or no longer."""
    db.session.execute(delete(Affiliation).where(Affiliation.id == affiliation.id))
    record(
        Action.affiliation_changed, actor.id, ("person", affiliation.person_id),
        organisation_id=affiliation.organisation_id, present=False,
    )  # fmt: skip


def add_to_network(network: Organisation, organisation: Organisation, actor: Person) -> None:
    """The organisation works in the network; twice harms nobody. Raises `Refused` for what is no network, or itself."""
    if network.kind != OrganisationKind.network:
        raise Refused(_("Only an organisation of the kind network has members."))
    if network.id == organisation.id:
        raise Refused(_("A network cannot be a member of itself."))
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = db.session.scalar(
        insert(NetworkMember)
        .values(network_id=network.id, organisation_id=organisation.id)
        .on_conflict_do_nothing(index_elements=["network_id", "organisation_id"])
        .returning(NetworkMember.id)
    )
    if added is not None:
        record(Action.network_changed, actor.id, network, organisation_id=organisation.id, present=True)


def remove_from_network(network_id: int, organisation_id: int, actor: Person) -> None:
    """The organisation works there no longer; twice harms nobody."""
    removed = db.session.scalar(
        delete(NetworkMember)
        .where(NetworkMember.network_id == network_id, NetworkMember.organisation_id == organisation_id)
        .returning(NetworkMember.id)
    )
    if removed is not None:
        record(
            Action.network_changed, actor.id, ("organisation", network_id), organisation_id=organisation_id,
            present=False,
        )  # fmt: skip
