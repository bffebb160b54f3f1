"""Entries that look alike and are two: somebody looked and said so, and nobody is asked again."""

from collections.abc import Sequence
from typing import Any, TypeVar

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from consult.accounts.models import Organisation, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contacts.models import DifferentOrganisations, DifferentPeople
from consult.errors import Refused
from consult.extensions import db

#: Two of the same kind.
Contact = TypeVar("Contact", Person, Organisation)
Marks = type[DifferentPeople] | type[DifferentOrganisations]
#: Marks shown with a button to take them back, the latest first.
SHOWN = 50


def _table(one: Person | Organisation) -> Marks:
    return DifferentPeople if isinstance(one, Person) else DifferentOrganisations


def _pair(table: Marks, one: int, two: int) -> ColumnElement[bool]:
    """The two in either order: a merge may turn them round."""
    return or_(and_(table.one_id == one, table.two_id == two), and_(table.one_id == two, table.two_id == one))


def are_told_apart(one: Person | Organisation, two: Person | Organisation) -> bool:
    """Whether somebody said that these are two."""
    table = _table(one)
    return db.session.scalar(select(table.id).where(_pair(table, one.id, two.id)).limit(1)) is not None


def tell_apart(one: Contact, two: Contact, actor: Person) -> None:
    """These are two, whatever they look like. Twice harms nobody. Raises `Refused` for one and the same."""
    if one.id == two.id:
        raise Refused(_("This is one and the same entry."))
    if are_told_apart(one, two):
        return
    table = _table(one)
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    first, second = sorted((one.id, two.id))
    added = db.session.scalar(
        insert(table)
        .values(one_id=first, two_id=second, said_by_id=actor.id)
        .on_conflict_do_nothing(index_elements=["one_id", "two_id"])
        .returning(table.id)
    )
    if added is not None:
        record(Action.told_apart, actor.id, one, other_id=two.id, present=True)


def take_back(one: Contact, two: Contact, actor: Person) -> None:
    """They may be one after all. Twice harms nobody."""
    table = _table(one)
    gone = db.session.scalars(delete(table).where(_pair(table, one.id, two.id)).returning(table.id)).all()
    if gone:
        record(Action.told_apart, actor.id, one, other_id=two.id, present=False)


def people(reach: ColumnElement[bool]) -> Sequence[Any]:
    """The last marks on people who are both within `reach`: rows (mark, one, two, who said so or None)."""
    one, two, said = aliased(Person), aliased(Person), aliased(Person)
    seen = select(Person.id).where(reach, Person.erased_at.is_(None))
    return db.session.execute(
        select(DifferentPeople, one, two, said.name)
        .join(one, one.id == DifferentPeople.one_id)
        .join(two, two.id == DifferentPeople.two_id)
        .outerjoin(said, said.id == DifferentPeople.said_by_id)
        .where(DifferentPeople.one_id.in_(seen), DifferentPeople.two_id.in_(seen))
        .order_by(DifferentPeople.id.desc())
        .limit(SHOWN)
    ).all()


def organisations() -> Sequence[Any]:
    """The same for organisations."""
    one, two = aliased(Organisation), aliased(Organisation)
    return db.session.execute(
        select(DifferentOrganisations, one, two, Person.name)
        .join(one, one.id == DifferentOrganisations.one_id)
        .join(two, two.id == DifferentOrganisations.two_id)
        .outerjoin(Person, Person.id == DifferentOrganisations.said_by_id)
        .order_by(DifferentOrganisations.id.desc())
        .limit(SHOWN)
    ).all()
