"""What is open to whom now: activities of the stage, and organisations one may speak for."""

from datetime import datetime

from sqlalchemy import or_, select

from consult.accounts.models import Person, Representation
from consult.extensions import db
from consult.processes.models import Activity, Audience
from consult.processes.queries import Opening, functions_of, openings


def may_use(person: Person | None, process_id: int, opening: Opening) -> bool:
    """Whether an opening is for this person: for the public, or they work in the process."""
    return Audience.public in opening.audiences or bool(functions_of(person).get(process_id))


def opening_for(
    person: Person | None, process_id: int, activity: Activity, now: datetime | None = None
) -> Opening | None:
    """The present opening of `activity` if it is open to this person, else None."""
    opening = openings(process_id, now).get(activity)
    return opening if opening is not None and may_use(person, process_id, opening) else None


def speaks_for(person_id: int, organisation_id: int, now: datetime) -> bool:
    """Whether this person may write in the name of this organisation now."""
    found = db.session.scalar(
        select(Representation.id).where(
            Representation.person_id == person_id,
            Representation.organisation_id == organisation_id,
            Representation.starts_at <= now,
            or_(Representation.ends_at.is_(None), Representation.ends_at > now),
        )
    )
    return found is not None
