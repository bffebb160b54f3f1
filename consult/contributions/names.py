"""Names that guests may not bear in a process, so that nobody is mistaken for somebody who works in it."""

from sqlalchemy import or_, select

from consult import clock
from consult.accounts.models import Person
from consult.accounts.names import names_of_bodies, skeleton
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.processes.models import Process, ProcessGroup


def taken_in(process: Process) -> set[str]:
    """Skeletons of names that guests may not bear here: organisations, offices, and who works in the process."""
    now = clock.now()
    current = Membership.starts_at <= now, or_(Membership.ends_at.is_(None), Membership.ends_at > now)
    groups = select(ProcessGroup.group_id).where(ProcessGroup.process_id == process.id)
    members = select(Membership.id, Membership.person_id).where(Membership.group_id.in_(groups), *current).subquery()
    holders = select(SeatHolder.person_id).where(
        SeatHolder.membership_id.in_(select(members.c.id)),
        SeatHolder.starts_at <= now,
        or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
    )
    people = select(Person.name).where(or_(Person.id.in_(select(members.c.person_id)), Person.id.in_(holders)))
    return names_of_bodies() | {found for found in map(skeleton, db.session.scalars(people)) if found}
