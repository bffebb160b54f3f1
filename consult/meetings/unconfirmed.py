"""Registering without an account: the owner of the address proves it by a link; until then nobody holds a place."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.extensions import db
from consult.html import clean_line
from consult.meetings.models import FieldAnswer, Meeting, Origin, Registration, RegistrationState
from consult.meetings.registering import MAX_NAME, Given, of_person, promise, put, refuse_when_over, register
from consult.meetings.room import lock
from consult.outbox.operations import queue
from consult.signing import new_code

CONFIRM = "confirm_registration"
KNOWN = "registration_known"


def ask(
    meeting: Meeting, email: str, name: str, given: Given, locale: str, now: datetime | None = None
) -> LinkToken | None:
    """Somebody without an account wants to come: the owner of the address gets a link; until then they hold no place.

    Whoever is on the list already gets a mail with the way to their registration, and nothing of theirs changes.
    What a visitor sees must not depend on which it was. Raises `Refused` when registration is not open.
    """
    now = now or clock.now()
    lock(meeting)
    refuse_when_over(meeting, Origin.registration, now)
    person = _guest(email, name, locale, now)
    registration = of_person(meeting.id, person.id)
    if registration is not None and registration.state != RegistrationState.unconfirmed:
        promise(KNOWN, meeting, registration, now.replace(second=0, microsecond=0))
        return None
    if registration is None:
        registration = Registration(
            meeting_id=meeting.id, person_id=person.id, state=RegistrationState.unconfirmed,
            origin=Origin.registration, organisation_name="", named=False, created_at=now, code=new_code(),
        )  # fmt: skip
        db.session.add(registration)
    # As long as its newest link is good: `forget_unconfirmed` counts from here.
    registration.created_at = now
    put(registration, meeting, given)
    db.session.flush()
    token = tokens.issue(LinkPurpose.register, person.id, registration.id)
    # The mail is in the language we know of them, and in the one somebody asked in.
    queue(CONFIRM, token.id, person.id, period=locale, process_id=meeting.process_id)
    return token


def _guest(email: str, name: str, locale: str, now: datetime) -> Person:
    """The person with this address; made where nobody has it. A name people have stays as it is."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(Person)
        .values(email=email, name=clean_line(name)[:MAX_NAME], locale=locale, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def confirm(
    token: LinkToken, meeting: Meeting, registration: Registration, person: Person, name: str | None = None,
    now: datetime | None = None,
) -> bool:  # fmt: skip
    """The address is proven: now it counts. False when the link was used up meanwhile.

    `name` only when they may correct it. Raises `Refused` when registration has closed meanwhile.
    """
    if not tokens.consume(token):
        return False
    if name:
        person.name = clean_line(name)[:MAX_NAME]
    if registration.state == RegistrationState.unconfirmed:
        register(meeting, person, origin=Origin.registration, now=now)
    return True


def forget_unconfirmed(now: datetime) -> int:
    """Delete registrations whose address nobody proved while the link was good; returns how many."""
    stale = db.session.scalars(
        select(Registration.id).where(
            Registration.state == RegistrationState.unconfirmed,
            Registration.created_at < now - 2 * tokens.LIFETIMES[LinkPurpose.register],
        )
    ).all()
    for start in range(0, len(stale), 500):
        some = stale[start : start + 500]
        db.session.execute(delete(FieldAnswer).where(FieldAnswer.registration_id.in_(some)))
        db.session.execute(
            delete(Registration).where(Registration.id.in_(some), Registration.state == RegistrationState.unconfirmed)
        )
    return len(stale)
