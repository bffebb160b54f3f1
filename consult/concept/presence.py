"""Who has the form for an element open: a courtesy among editors. Their words are safe by the base of the form."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import Editing, Element
from consult.extensions import db

#: A form tells every half minute that it is open; who was not heard of for so long has left.
FRESH = timedelta(minutes=2)


@dataclass(frozen=True)
class Other:
    """Somebody else who has the form open."""

    name: str
    seen_at: datetime


def others(element_id: int, person_id: int, now: datetime | None = None) -> list[Other]:
    """Who else has the form for this element open, by name. One query."""
    rows = db.session.execute(
        select(Person.name, Editing.seen_at)
        .join(Editing, Editing.person_id == Person.id)
        .where(
            Editing.element_id == element_id,
            Editing.person_id != person_id,
            Editing.seen_at > (now or clock.now()) - FRESH,
            Person.erased_at.is_(None),
        )
        .order_by(Person.name)
    )
    return [Other(name, seen_at) for name, seen_at in rows]


def arrive(element: Element, person: Person, now: datetime | None = None) -> None:
    """This person has the form open now. Saying it twice, also at the same time, is saying it once."""
    mine = (Editing.element_id == element.id) & (Editing.person_id == person.id)
    seen = {"seen_at": now or clock.now()}
    known = db.session.execute(update(Editing).where(mine).values(seen))
    if known.rowcount:  # type: ignore[attr-defined]  # a DML result has it
        return
    try:
        with db.session.begin_nested():
            db.session.add(Editing(element_id=element.id, person_id=person.id, **seen))
    except IntegrityError:
        db.session.execute(update(Editing).where(mine).values(seen))


def leave(element: Element, person: Person) -> None:
    """This person has closed the form. Who was not there leaves as well."""
    db.session.execute(delete(Editing).where(Editing.element_id == element.id, Editing.person_id == person.id))
