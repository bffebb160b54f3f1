"""Everything that stands on the page of one person or one organisation, one question per kind of thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased, joinedload

from consult.accounts.models import (
    Affiliation,
    Consent,
    NetworkMember,
    Organisation,
    Person,
    Representation,
)
from consult.contacts.queries import running
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.invitations.models import Invitation, InvitationState, Subscription
from consult.meetings.models import Meeting, Registration, RegistrationState
from consult.processes.models import Process
from consult.processes.queries import processes_visible_to

#: Meetings shown of a person or an organisation, the latest first.
MEETINGS = 20


def person_or_404(person_id: int, reach: ColumnElement[bool]) -> Person:
    """The person within `reach` with the account, also one that is merged away: its page leads on."""
    found = db.session.scalar(
        select(Person)
        .where(Person.id == person_id, or_(reach, Person.merged_into_id.is_not(None)))
        .options(joinedload(Person.account))
    )
    if found is None or (found.erased_at is not None and found.merged_into_id is None):
        abort(404)
    return found


def organisation_or_404(organisation_id: int) -> Organisation:
    found = db.session.scalar(
        select(Organisation).where(Organisation.id == organisation_id).options(joinedload(Organisation.umbrella))
    )
    if found is None:
        abort(404)
    return found


@dataclass(frozen=True)
class PersonDetails:
    affiliations: Sequence[Any]
    #: (representation, organisation, who confirmed it or None), also those that are over.
    speaks: Sequence[Any]
    #: (membership, group, organisation whose seat it is or None, deputy or None)
    groups: Sequence[Any]
    meetings: Sequence[Any]
    #: (consent, process it is about or None)
    consents: Sequence[Any]


def of_person(person_id: int, viewer: Person) -> PersonDetails:
    confirmer = aliased(Person)
    return PersonDetails(
        affiliations=db.session.execute(
            select(Affiliation, Organisation)
            .join(Organisation, Organisation.id == Affiliation.organisation_id)
            .where(Affiliation.person_id == person_id)
            .order_by(Organisation.name)
        ).all(),
        speaks=db.session.execute(
            select(Representation, Organisation, confirmer, running(Representation))
            .join(Organisation, Organisation.id == Representation.organisation_id)
            .outerjoin(confirmer, confirmer.id == Representation.confirmed_by_id)
            .where(Representation.person_id == person_id)
            .order_by(Representation.starts_at.desc(), Representation.id.desc())
        ).all(),
        groups=_groups_of(person_id),
        meetings=_meetings_of(person_id, viewer),
        consents=db.session.execute(
            select(Consent, Process.title)
            .outerjoin(Subscription, Subscription.consent_id == Consent.id)
            .outerjoin(Process, Process.id == Subscription.process_id)
            .where(Consent.person_id == person_id)
            .order_by(Consent.given_at.desc(), Consent.id.desc())
        ).all(),
    )


def _groups_of(person_id: int) -> Sequence[Any]:
    """Memberships and seats that hold now: rows (group id, name, office, organisation, deputy)."""
    own = (
        select(Group.id, Group.name, Membership.office, literal("").label("body"), literal(False).label("deputy"))
        .join(Membership, Membership.group_id == Group.id)
        .where(Membership.person_id == person_id, running(Membership))
    )
    seats = (
        select(Group.id, Group.name, Membership.office, Organisation.name, SeatHolder.deputy)
        .join(Membership, Membership.group_id == Group.id)
        .join(SeatHolder, SeatHolder.membership_id == Membership.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(SeatHolder.person_id == person_id, running(SeatHolder), running(Membership))
    )
    return sorted(db.session.execute(union_all(own, seats)).all(), key=lambda row: (row[1].casefold(), row[0]))


def _meetings_of(person_id: int, viewer: Person) -> Sequence[Any]:
    """The last meetings they were invited to or registered for: rows (meeting, slug, invitation's state or None,
    registration's state or None). Meetings of processes the viewer knows nothing of are left out."""
    seen = [process.id for process in processes_visible_to(viewer)]
    return db.session.execute(
        select(Meeting, Process.slug, Invitation.state, Registration.state)
        .join(Process, Process.id == Meeting.process_id)
        .outerjoin(Invitation, and_(Invitation.meeting_id == Meeting.id, Invitation.person_id == person_id))
        .outerjoin(Registration, and_(Registration.meeting_id == Meeting.id, Registration.person_id == person_id))
        .where(or_(Invitation.id.is_not(None), Registration.id.is_not(None)), Meeting.process_id.in_(seen))
        .order_by(Meeting.starts_at.desc(), Meeting.id.desc())
        .limit(MEETINGS)
    ).all()


@dataclass(frozen=True)
class OrganisationDetails:
    #: (person, affiliation)
    people: Sequence[Any]
    #: (representation, person, who confirmed it or None)
    speakers: Sequence[Any]
    #: What stands under it: (id, name)
    members: Sequence[Any]
    #: Networks it works in, and who works in it: (id, name)
    networks: Sequence[Any]
    network_members: Sequence[Any]
    #: (group id, group, seats, name of a holder or None, deputy)
    seats: Sequence[Any]
    #: (meeting, slug, invited, came, coming)
    meetings: Sequence[Any]


def of_organisation(organisation_id: int, viewer: Person) -> OrganisationDetails:
    confirmer = aliased(Person)
    around = db.session.execute(
        union_all(
            select(literal("member").label("what"), Organisation.id.label("id"), Organisation.name.label("name")).where(
                Organisation.umbrella_id == organisation_id, Organisation.merged_into_id.is_(None)
            ),
            select(literal("network"), Organisation.id, Organisation.name)
            .join(NetworkMember, NetworkMember.network_id == Organisation.id)
            .where(NetworkMember.organisation_id == organisation_id),
            select(literal("network_member"), Organisation.id, Organisation.name)
            .join(NetworkMember, NetworkMember.organisation_id == Organisation.id)
            .where(NetworkMember.network_id == organisation_id),
        )
    ).all()
    parts = {
        what: sorted((row for row in around if row.what == what), key=lambda row: row.name.casefold())
        for what in ("member", "network", "network_member")
    }
    return OrganisationDetails(
        people=db.session.execute(
            select(Person, Affiliation)
            .join(Affiliation, Affiliation.person_id == Person.id)
            .where(Affiliation.organisation_id == organisation_id)
            .order_by(Person.name, Person.id)
            .limit(500)
        ).all(),
        speakers=db.session.execute(
            select(Representation, Person, confirmer)
            .join(Person, Person.id == Representation.person_id)
            .outerjoin(confirmer, confirmer.id == Representation.confirmed_by_id)
            .where(Representation.organisation_id == organisation_id, running(Representation))
            .order_by(Person.name, Person.id)
        ).all(),
        members=parts["member"],
        networks=parts["network"],
        network_members=parts["network_member"],
        seats=db.session.execute(
            select(Group.id, Group.name, Membership.seats, Person.id, Person.name, SeatHolder.deputy)
            .join(Membership, Membership.group_id == Group.id)
            .outerjoin(SeatHolder, and_(SeatHolder.membership_id == Membership.id, running(SeatHolder)))
            .outerjoin(Person, Person.id == SeatHolder.person_id)
            .where(Membership.organisation_id == organisation_id, running(Membership))
            .order_by(Group.name, Group.id, SeatHolder.deputy, Person.name)
        ).all(),
        meetings=_meetings_with(organisation_id, viewer),
    )


def _meetings_with(organisation_id: int, viewer: Person) -> Sequence[Any]:
    seen = [process.id for process in processes_visible_to(viewer)]
    asked = (
        select(func.count())
        .where(
            Invitation.meeting_id == Meeting.id,
            Invitation.organisation_id == organisation_id,
            Invitation.state != InvitationState.revoked,
        )
        .correlate(Meeting)
        .scalar_subquery()
    )

    def registered(*states: RegistrationState) -> Any:
        return (
            select(func.coalesce(func.sum(case((Registration.state.in_(states), 1), else_=0)), 0))
            .where(Registration.meeting_id == Meeting.id, Registration.organisation_id == organisation_id)
            .correlate(Meeting)
            .scalar_subquery()
        )

    concerned: Any = union_all(
        select(Invitation.meeting_id).where(
            Invitation.organisation_id == organisation_id, Invitation.meeting_id.is_not(None)
        ),
        select(Registration.meeting_id).where(Registration.organisation_id == organisation_id),
    )
    return db.session.execute(
        select(
            Meeting,
            Process.slug,
            asked.label("invited"),
            registered(RegistrationState.coming).label("coming"),
            registered(RegistrationState.attended).label("came"),
        )
        .join(Process, Process.id == Meeting.process_id)
        .where(Meeting.id.in_(concerned), Meeting.process_id.in_(seen))
        .order_by(Meeting.starts_at.desc(), Meeting.id.desc())
        .limit(MEETINGS)
    ).all()


def affiliation_or_404(person_id: int, affiliation_id: int) -> Affiliation:
    found = db.session.scalar(
        select(Affiliation).where(Affiliation.id == affiliation_id, Affiliation.person_id == person_id)
    )
    if found is None:
        abort(404)
    return found


def abouts(found: Sequence[tuple[str, int] | None]) -> dict[tuple[str, int], str]:
    """Names of what clashing rows are about, in one question."""
    names: dict[str, Any] = {
        "meeting": (Meeting.id, Meeting.title), "process": (Process.id, Process.title),
        "groups": (Group.id, Group.name),
        "organisation": (Organisation.id, Organisation.name), "person": (Person.id, Person.name),
    }  # fmt: skip
    wanted: dict[str, set[int]] = {}
    for about in found:
        if about is not None and about[0] in names:
            wanted.setdefault(about[0], set()).add(about[1])
    if not wanted:
        return {}
    parts = [
        select(literal(kind).label("kind"), names[kind][0].label("id"), names[kind][1].label("name")).where(
            names[kind][0].in_(ids)
        )
        for kind, ids in wanted.items()
    ]
    return {(kind, ident): name for kind, ident, name in db.session.execute(union_all(*parts))}
