"""People who come without being on the list: a place in the room they stand in already."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from consult.accounts.models import Affiliation, Organisation, Person
from consult.extensions import db
from consult.meetings import registering
from consult.meetings.models import FieldAnswer, Meeting, Origin, Registration


def place_for(meeting: Meeting, name: str, organisation: str, actor: Person, now: datetime) -> Registration:
    """A registration for somebody nobody knew of; their name is all there is. Never refused: they are in the room.

    Capacity and quotas speak of who may come. Who has come counts, and the page at the door says when it is too many.
    """
    person = Person(name=name, email=None, created_at=now)
    db.session.add(person)
    db.session.flush()
    given = registering.Given(organisation_id=_organisation_id(organisation), organisation_name=organisation)
    return registering.register(
        meeting, person, given, origin=Origin.walk_in, actor_id=actor.id, beyond=True, tell=False, now=now
    )


def _organisation_id(name: str) -> int | None:
    """The organisation of this name, whichever way it is written in capitals; of merged ones the one that stands."""
    if not name:
        return None
    return db.session.scalar(
        select(func.coalesce(Organisation.merged_into_id, Organisation.id))
        .where(func.lower(Organisation.name) == name.lower())
        .order_by(Organisation.id)
        .limit(1)
    )


def take_off(registration_id: int, person_id: int) -> None:
    """Somebody who was typed in by mistake: off the list, and forgotten where nothing else knows them."""
    for gone in (
        delete(FieldAnswer).where(FieldAnswer.registration_id == registration_id),
        delete(Registration).where(Registration.id == registration_id),
    ):
        db.session.execute(gone.execution_options(synchronize_session=False))
    try:
        with db.session.begin_nested():
            for gone in (
                delete(Affiliation).where(Affiliation.person_id == person_id),
                delete(Person).where(Person.id == person_id, Person.email.is_(None)),
            ):
                db.session.execute(gone.execution_options(synchronize_session=False))
    except IntegrityError:
        # Something of them stands elsewhere; then the person stays.
        return
