"""Who sees addresses and puts contacts in order: operators, and leads of processes.

What would give somebody a role somewhere is left to those who could give it there.
"""

from sqlalchemy import or_, select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.processes.models import Function, ProcessGroup
from consult.processes.policy import can_create_process, is_operator
from consult.processes.queries import functions_of


def can_see_contacts(person: Person | None) -> bool:
    """Operators and leads: they invite, and answer for addresses."""
    return can_create_process(person)


def works_elsewhere(actor: Person, *person_ids: int) -> bool:
    """Whether one of these acts in a process that the actor does not lead."""
    led = [ident for ident, functions in functions_of(actor).items() if Function.lead in functions]
    now = clock.now()
    seats = select(SeatHolder.membership_id).where(
        SeatHolder.person_id.in_(person_ids), or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now)
    )
    found = db.session.scalar(
        select(Membership.id)
        .join(ProcessGroup, ProcessGroup.group_id == Membership.group_id)
        .where(
            or_(Membership.person_id.in_(person_ids), Membership.id.in_(seats)),
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            ProcessGroup.process_id.not_in(led),
        )
        .limit(1)
    )
    return found is not None


def can_edit_contact(actor: Person | None, person: Person) -> bool:
    """Only of people without an account: with one they do it themselves. Whoever holds the address of somebody with a
    role may take the account that comes with it, so those are left to operators and to leads of that process."""
    if actor is None or not can_see_contacts(actor) or person.account is not None or person.erased_at is not None:
        return False
    return is_operator(actor) or not works_elsewhere(actor, person.id)


def can_merge_people(actor: Person | None, kept: Person, other: Person) -> bool:
    """One of two takes over the roles of the other: never more than the actor could give them by hand."""
    if actor is None or not can_see_contacts(actor):
        return False
    return is_operator(actor) or not works_elsewhere(actor, kept.id, other.id)
