"""Whether somebody leads a process, until when, and how a process gets a lead that has none."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select

from consult import clock
from consult.accounts import sessions
from consult.accounts.models import Person
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.groups.operations import add_person
from consult.processes.models import Function, Process, ProcessGroup, ProcessState

#: So long before the last role of a lead ends, staff are told.
WARNED = timedelta(days=30)


@dataclass(frozen=True)
class LeadEnds:
    """From this moment on nobody leads the process; it may be over already."""

    process_id: int
    title: str
    zone: str
    at: datetime

    def already(self) -> bool:
        return self.at <= clock.now()

    def soon(self) -> bool:
        return self.at <= clock.now() + WARNED


def lead_ends(among: Collection[int] | None = None) -> list[LeadEnds]:
    """Processes, of these or of all that are not archived, whose last lead has an end today, and those without any.

    As `queries.people_with` counts: members of leading groups, and who fills an organisation's seat in one.
    """
    now = clock.now()
    rows = db.session.execute(
        select(
            Process.id,
            Process.title,
            Process.zone,
            Membership.person_id,
            Membership.ends_at,
            SeatHolder.id,
            SeatHolder.ends_at,
        )  # fmt: skip
        .outerjoin(ProcessGroup, and_(ProcessGroup.process_id == Process.id, ProcessGroup.function == Function.lead))
        .outerjoin(
            Membership,
            and_(
                Membership.group_id == ProcessGroup.group_id,
                Membership.starts_at <= now,
                or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            ),
        )
        .outerjoin(
            SeatHolder,
            and_(
                SeatHolder.membership_id == Membership.id,
                SeatHolder.starts_at <= now,
                or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
            ),
        )
        .where(Process.state != ProcessState.archived, *([Process.id.in_(among)] if among is not None else []))
        .order_by(Process.id)
    )
    found: dict[int, LeadEnds] = {}
    led_for_good: set[int] = set()
    for ident, title, zone, person_id, ends_at, holder_id, holds_until in rows:
        found.setdefault(ident, LeadEnds(ident, title, zone, now))
        if person_id is None and holder_id is None:
            continue
        ends = [end for end in (ends_at, holds_until) if end is not None]
        if not ends:
            led_for_good.add(ident)
        elif min(ends) > found[ident].at:
            found[ident] = LeadEnds(ident, title, zone, min(ends))
    return [entry for entry in found.values() if entry.process_id not in led_for_good]


def leading_group(process_id: int) -> Group | None:
    """The first group that leads the process, with or without anybody in it."""
    return db.session.scalars(
        select(Group)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(ProcessGroup.process_id == process_id, ProcessGroup.function == Function.lead)
        .order_by(Group.id)
    ).first()


def must_need_lead(process: Process) -> None:
    """Raises `Refused` while the leads themselves can name another: it is not for operators to do so."""
    if not any(ends.soon() for ends in lead_ends([process.id])):
        raise Refused(_("Somebody leads this process. They can name others on its page “Groups and people”."))


def name_lead(process: Process, person: Person, actor_id: int | None) -> Group:
    """The person belongs to the leading group from now on and signs in anew; no actor: done on the machine itself.

    Raises `Refused` when no group leads the process, or when they belong to it already.
    """
    group = leading_group(process.id)
    if group is None:
        raise Refused(_("No group leads this process."))
    add_person(group, person.id, actor_id, process_id=process.id)
    # Whoever may do more signs in anew, as everywhere.
    sessions.close_all(person.id)
    return group
