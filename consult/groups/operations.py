"""Bodies, their members, organisations' seats and who fills them."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from consult import clock
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder


def create_group(
    actor_id: int,
    name: str,
    kind: str,
    description: str,
    *,
    process_id: int | None = None,
    source: str | None = None,
    now: datetime | None = None,
) -> Group:
    """A body without members."""
    group = Group(name=name, kind=kind, description=description, source=source, created_at=now or clock.now())
    db.session.add(group)
    db.session.flush()
    record(Action.group_created, actor_id, group, process_id=process_id)
    return group


def change_group(
    group: Group, actor_id: int, name: str, kind: str, description: str, *, process_id: int | None = None
) -> None:
    """Other words for a body; nothing is recorded when all is as before."""
    if (group.name, group.kind, group.description) == (name, kind, description):
        return
    group.name, group.kind, group.description = name, kind, description
    db.session.flush()
    record(Action.group_changed, actor_id, group, process_id=process_id)


def _lock(group_id: int) -> None:
    """Whoever adds members to a group waits here for the other: nobody becomes a member twice."""
    db.session.execute(select(Group.id).where(Group.id == group_id).with_for_update())


def _still_to_come(ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at <= clock.now():
        raise Refused(_("The last day is over already."))


def add_person(
    group: Group,
    person_id: int,
    actor_id: int | None,
    *,
    office: str = "",
    ends_at: datetime | None = None,
    process_id: int | None = None,
    now: datetime | None = None,
) -> Membership:
    """The person belongs to the group from now on, until `ends_at` or for good; no actor: done on the machine itself.

    Raises `Refused` when they belong to it already, or when the end is over.
    """
    _still_to_come(ends_at)
    _lock(group.id)
    if _current_membership(Membership.group_id == group.id, Membership.person_id == person_id) is not None:
        raise Refused(_("This person belongs to the group already."))
    membership = Membership(
        group_id=group.id, person_id=person_id, office=office, starts_at=now or clock.now(), ends_at=ends_at
    )
    return _added(membership, actor_id, process_id)


def add_organisation(
    group: Group,
    organisation_id: int,
    actor_id: int,
    *,
    seats: int = 1,
    ends_at: datetime | None = None,
    process_id: int | None = None,
    now: datetime | None = None,
) -> Membership:
    """The organisation has this many seats in the group from now on.

    Raises `Refused` when it has seats already, or when the end is over.
    """
    _still_to_come(ends_at)
    _lock(group.id)
    known = _current_membership(Membership.group_id == group.id, Membership.organisation_id == organisation_id)
    if known is not None:
        raise Refused(_("This organisation has seats in the group already."))
    membership = Membership(
        group_id=group.id,
        organisation_id=organisation_id,
        seats=seats,
        starts_at=now or clock.now(),
        ends_at=ends_at,
    )
    return _added(membership, actor_id, process_id)


def _current_membership(*conditions: object) -> int | None:
    return db.session.scalar(
        select(Membership.id).where(
            *conditions,  # type: ignore[arg-type]  # conditions of the two callers above
            or_(Membership.ends_at.is_(None), Membership.ends_at > clock.now()),
        )
    )


def _added(membership: Membership, actor_id: int | None, process_id: int | None) -> Membership:
    db.session.add(membership)
    db.session.flush()
    record(Action.member_added, actor_id, membership, process_id=process_id, group_id=membership.group_id)
    return membership


def end_membership(
    membership: Membership, actor_id: int, *, at: datetime | None = None, process_id: int | None = None
) -> None:
    """The membership ends now, or at a later moment; what the member did stays. Ended ones stay as they are."""
    now = clock.now()
    if membership.ends_at is not None and membership.ends_at <= now:
        return
    membership.ends_at = now if at is None else max(at, now)
    if membership.ends_at <= membership.starts_at:
        membership.starts_at = membership.ends_at
    db.session.flush()
    record(Action.member_removed, actor_id, membership, process_id=process_id, group_id=membership.group_id)


def fill_seat(
    membership: Membership,
    person_id: int,
    actor_id: int,
    *,
    deputy: bool = False,
    process_id: int | None = None,
    now: datetime | None = None,
) -> SeatHolder:
    """The person sits on a seat of the organisation, or stands in.

    Raises `Refused` when all seats are taken (deputies need none) or the person has this place already.
    """
    _lock(membership.group_id)
    now = now or clock.now()
    current = (
        SeatHolder.membership_id == membership.id,
        or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
    )
    if db.session.scalar(select(SeatHolder.id).where(*current, SeatHolder.person_id == person_id)):
        raise Refused(_("This person has a place of this organisation already."))
    taken = db.session.scalar(select(func.count()).where(*current, SeatHolder.deputy.is_(False))) or 0
    if not deputy and taken >= membership.seats:
        raise Refused(_("All seats of this organisation are taken."))
    holder = SeatHolder(membership_id=membership.id, person_id=person_id, deputy=deputy, starts_at=now)
    db.session.add(holder)
    db.session.flush()
    record(
        Action.seat_filled,
        actor_id,
        holder,
        process_id=process_id,
        membership_id=membership.id,
        deputy=deputy,
    )
    return holder


def vacate_seat(holder: SeatHolder, actor_id: int, *, process_id: int | None = None) -> None:
    """The person no longer sits there; a second time changes nothing."""
    now = clock.now()
    if holder.ends_at is not None and holder.ends_at <= now:
        return
    holder.ends_at = now
    db.session.flush()
    record(Action.seat_vacated, actor_id, holder, process_id=process_id, membership_id=holder.membership_id)


def change_seats(membership: Membership, actor_id: int, seats: int, *, process_id: int | None = None) -> None:
    """Another number of seats. Raises `Refused` when more are taken than would remain."""
    _lock(membership.group_id)
    taken = db.session.scalar(
        select(func.count()).where(
            SeatHolder.membership_id == membership.id,
            SeatHolder.deputy.is_(False),
            or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > clock.now()),
        )
    )
    if (taken or 0) > seats:
        raise Refused(_("More seats are taken than would remain. Free a seat first."))
    if membership.seats != seats:
        membership.seats = seats
        db.session.flush()
        record(Action.group_changed, actor_id, ("groups", membership.group_id), process_id=process_id)
