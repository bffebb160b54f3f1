"""Questions about bodies: who belongs to them now, directly or by a seat."""

from flask import abort
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload, selectinload, with_loader_criteria

from consult import clock
from consult.accounts.models import Organisation
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder


def group_or_404(group_id: int) -> Group:
    return db.get_or_404(Group, group_id)


def members_of(group_id: int) -> list[Membership]:
    """Memberships that have not ended, with person or organisation and the present holders of its seats."""
    now = clock.now()
    return list(
        db.session.scalars(
            select(Membership)
            .where(
                Membership.group_id == group_id,
                or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            )
            .options(
                joinedload(Membership.person),
                joinedload(Membership.organisation),
                selectinload(Membership.seat_holders).joinedload(SeatHolder.person),
                with_loader_criteria(SeatHolder, or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now)),
            )
            .order_by(Membership.id)
            .limit(1000)
            .execution_options(populate_existing=True)
        )
    )


def membership_or_404(group_id: int, membership_id: int) -> Membership:
    """A membership of this group, with person and organisation."""
    membership = db.session.scalar(
        select(Membership)
        .where(Membership.id == membership_id, Membership.group_id == group_id)
        .options(joinedload(Membership.person), joinedload(Membership.organisation))
    )
    if membership is None:
        abort(404)
    return membership


def seat_holder_or_404(membership_id: int, holder_id: int) -> SeatHolder:
    holder = db.session.scalar(
        select(SeatHolder).where(SeatHolder.id == holder_id, SeatHolder.membership_id == membership_id)
    )
    if holder is None:
        abort(404)
    return holder


def people_in(group_id: int) -> list[int]:
    """Ids of everybody who belongs to the group now, directly or by a seat."""
    now = clock.now()
    current = and_(Membership.group_id == group_id, or_(Membership.ends_at.is_(None), Membership.ends_at > now))
    direct = select(Membership.person_id).where(current, Membership.person_id.is_not(None))
    seated = (
        select(SeatHolder.person_id)
        .join(Membership, Membership.id == SeatHolder.membership_id)
        .where(current, or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now))
    )
    return sorted(ident for ident in db.session.scalars(direct.union(seated)) if ident is not None)


def seated_people(membership_id: int) -> list[int]:
    """Ids of those who hold or deputise a seat of this membership now."""
    return list(
        db.session.scalars(
            select(SeatHolder.person_id).where(
                SeatHolder.membership_id == membership_id,
                or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > clock.now()),
            )
        )
    )


def organisation_choices() -> list[tuple[int, str]]:
    """All organisations by name."""
    rows = db.session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.merged_into_id.is_(None))
        .order_by(Organisation.name)
    ).all()
    return [(ident, name) for ident, name in rows]
