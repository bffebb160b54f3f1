"""Questions about meetings, their agenda and minutes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import abort
from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import selectinload

from consult import clock
from consult.accounts.models import Organisation, Person
from consult.concept import queries as concepts
from consult.concept.models import ElementKind
from consult.concept.queries import Placed
from consult.contributions.models import Contribution, ContributionText, Kind
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.meetings.models import (
    HOLDING_STATES,
    AgendaItem,
    Meeting,
    MeetingState,
    MinuteLine,
    Minutes,
    MinutesRevision,
    Quota,
    Registration,
    RegistrationMode,
    RegistrationState,
)
from consult.meetings.room import Room
from consult.processes.models import Process, ProcessGroup

#: The largest id the databases take in a key.
_MAX_ID = 2**31 - 1
#: Who is on the list and gets nothing that is for guests.
_NO_GUESTS = (
    RegistrationState.unconfirmed,
    RegistrationState.asked,
    RegistrationState.declined,
    RegistrationState.refused,
)
#: Kinds of elements a line, card or agenda item can be about: what people speak of at a table.
_SPOKEN_OF = (
    ElementKind.theme,
    ElementKind.goal,
    ElementKind.sub_goal,
    ElementKind.field,
    ElementKind.measure_group,
    ElementKind.measure,
)


def upcoming(process_id: int, limit: int = 5, now: datetime | None = None) -> list[Meeting]:
    """The next meetings that take place, the nearest first; one that runs now counts."""
    return list(
        db.session.scalars(
            select(Meeting)
            .where(
                Meeting.process_id == process_id,
                Meeting.ends_at > (now or clock.now()),
                Meeting.state == MeetingState.planned,
            )
            .order_by(Meeting.starts_at, Meeting.id)
            .limit(limit)
        )
    )


def all_of(process_id: int, limit: int = 500) -> list[Meeting]:
    """Every meeting of a process, cancelled ones included, the latest first."""
    return list(
        db.session.scalars(
            select(Meeting)
            .where(Meeting.process_id == process_id)
            .order_by(Meeting.starts_at.desc(), Meeting.id.desc())
            .limit(limit)
        )
    )


def visible_or_404(process_id: int, meeting_id: int) -> Meeting:
    """The meeting, if it belongs to this process (which the visitor may read: `load_process` made sure); else 404."""
    meeting = None
    if 0 < meeting_id <= _MAX_ID:
        meeting = db.session.scalar(select(Meeting).where(Meeting.id == meeting_id, Meeting.process_id == process_id))
    if meeting is None:
        abort(404)
    return meeting


def meetings_behind(contribution_ids: Iterable[int]) -> dict[int, Meeting]:
    """The meeting from whose minutes a contribution comes, by contribution. One query; none for no contributions."""
    ids = list(contribution_ids)
    if not ids:
        return {}
    rows = db.session.execute(
        select(MinuteLine.contribution_id, Meeting)
        .join(Minutes, Minutes.id == MinuteLine.minutes_id)
        .join(Meeting, Meeting.id == Minutes.meeting_id)
        .where(MinuteLine.contribution_id.in_(ids))
    )
    return {ident: meeting for ident, meeting in rows if ident is not None}


def group_names(process_id: int) -> dict[int, str]:
    """Groups at work in the process, by name."""
    rows = db.session.execute(
        select(Group.id, Group.name)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(ProcessGroup.process_id == process_id)
        .distinct()
        .order_by(Group.name, Group.id)
    )
    return {row[0]: row[1] for row in rows}


def name_of_group(group_id: int | None) -> str | None:
    return db.session.scalar(select(Group.name).where(Group.id == group_id)) if group_id else None


def is_member(person_id: int, group_id: int) -> bool:
    """Belongs to the group now, directly or by a seat (deputies included)."""
    now = clock.now()
    seat = and_(
        SeatHolder.membership_id == Membership.id,
        SeatHolder.person_id == person_id,
        SeatHolder.starts_at <= now,
        or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
    )
    found = db.session.scalar(
        select(Membership.id)
        .outerjoin(SeatHolder, seat)
        .where(
            Membership.group_id == group_id,
            Membership.starts_at <= now,
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            or_(Membership.person_id == person_id, SeatHolder.id.is_not(None)),
        )
        .limit(1)
    )
    return found is not None


def agenda_of(meeting_id: int, with_internal: bool) -> list[AgendaItem]:
    """The agenda in its order; internal items for those who organise."""
    items = select(AgendaItem).where(AgendaItem.meeting_id == meeting_id).order_by(AgendaItem.position)
    return list(db.session.scalars(items if with_internal else items.where(AgendaItem.internal.is_(False))))


def minutes_of(meeting_id: int) -> Minutes | None:
    """The minutes with their lines, in whatever state; ask `policy.can_read_minutes` before showing them."""
    return db.session.scalar(
        select(Minutes).where(Minutes.meeting_id == meeting_id).options(selectinload(Minutes.lines))
    )


def free_text(minutes: Minutes) -> str:
    """The newest free text (Markdown)."""
    found = db.session.scalar(
        select(MinutesRevision.markdown)
        .where(MinutesRevision.minutes_id == minutes.id)
        .order_by(MinutesRevision.revision.desc())
        .limit(1)
    )
    return found or ""


def meetings_with_minutes(process_id: int) -> set[int]:
    """Ids of the meetings whose approved minutes can be read."""
    return set(
        db.session.scalars(
            select(Minutes.meeting_id)
            .join(Meeting, Meeting.id == Minutes.meeting_id)
            .where(Meeting.process_id == process_id, Minutes.state == "approved")
        )
    )


def registration_counts(meeting_id: int) -> dict[str, int]:
    """How many are coming, declined, attended."""
    rows = db.session.execute(
        select(Registration.state, func.count())
        .where(Registration.meeting_id == meeting_id)
        .group_by(Registration.state)
    )
    return {row[0]: row[1] for row in rows}


def coming(meeting_id: int) -> int:
    """How many places are taken."""
    counts = registration_counts(meeting_id)
    return counts.get(RegistrationState.coming, 0) + counts.get(RegistrationState.attended, 0)


def places_taken(process_id: int, now: datetime) -> dict[int, int]:
    """How many places nobody else can have at each meeting to come that everybody can register for, by meeting.

    They are held, or kept for organisations of one kind.
    """
    return _not_to_be_had(
        Meeting.process_id == process_id, Meeting.ends_at > now, Meeting.registration == RegistrationMode.everybody
    )


def places_taken_at(meeting: Meeting, now: datetime) -> int:
    """The same of one; asks only where it matters to somebody."""
    if meeting.registration != RegistrationMode.everybody or meeting.capacity is None or meeting.is_over(now):
        return 0
    return _not_to_be_had(Meeting.id == meeting.id).get(meeting.id, 0)


def _not_to_be_had(*which: ColumnElement[bool]) -> dict[int, int]:
    held = (
        select(Registration.meeting_id, Registration.organisation_kind, func.count(), literal(0))
        .join(Meeting, Meeting.id == Registration.meeting_id)
        .where(*which, Registration.state.in_(HOLDING_STATES))
        .group_by(Registration.meeting_id, Registration.organisation_kind)
    )
    kept = (
        select(Quota.meeting_id, Quota.organisation_kind, literal(0), Quota.reserved)
        .join(Meeting, Meeting.id == Quota.meeting_id)
        .where(*which, Quota.reserved > 0)
    )
    rooms: defaultdict[int, Room] = defaultdict(lambda: Room(None))
    for meeting_id, kind, taken, reserved in db.session.execute(held.union_all(kept)):
        rooms[meeting_id].taken[kind] += taken
        if reserved and kind is not None:
            rooms[meeting_id].reserved[kind] = reserved
    return {ident: room.total() + room.kept_for_others(None) for ident, room in rooms.items()}


def comes(meeting_id: int, person_id: int) -> bool:
    """Whether somebody holds a place and means to use it, or was there."""
    state = db.session.scalar(
        select(Registration.state).where(Registration.meeting_id == meeting_id, Registration.person_id == person_id)
    )
    return state in (RegistrationState.coming, RegistrationState.attended)


def is_guest(meeting_id: int, person_id: int) -> bool:
    """Whether somebody is on the list of a meeting, with a place or without one yet, and has not been refused."""
    state = db.session.scalar(
        select(Registration.state).where(Registration.meeting_id == meeting_id, Registration.person_id == person_id)
    )
    return state is not None and state not in _NO_GUESTS


def surveyed(meeting_id: int) -> int:
    """How many people the survey is for."""
    counts = registration_counts(meeting_id)
    return counts.get(RegistrationState.attended, 0) + counts.get(RegistrationState.coming, 0)


def element_choices(process: Process, person: Person | None) -> list[Placed]:
    """What can be chosen as "about": what people speak of at a table, in reading order.

    From the newest version this person may read; before the first one, from the working text.
    """
    placed = concepts.element_choices(process, person)
    if not placed:
        placed = [
            row
            for concept in concepts.concepts_of(process.id)
            for row in concepts.placed_in(concepts.working_version(concept.id).id, plain=False)
        ]
    return [row for row in placed if row.kind in _SPOKEN_OF]


def numbers_of(minutes: Minutes) -> dict[int, int]:
    """Under which number each line that became a contribution can be found, by contribution id."""
    ids = [line.contribution_id for line in minutes.lines if line.contribution_id]
    if not ids:
        return {}
    rows = db.session.execute(select(Contribution.id, Contribution.number).where(Contribution.id.in_(ids)))
    return {ident: number for ident, number in rows if number is not None}


def owners_of(minutes: Minutes) -> dict[int, str]:
    """Whose tasks the lines name."""
    ids = [line.owner_id for line in minutes.lines if line.owner_id]
    if not ids:
        return {}
    rows = db.session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


def organisations() -> list[tuple[int, str]]:
    """All, by name: for the list of whose task something is."""
    rows = db.session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.merged_into_id.is_(None))
        .order_by(Organisation.name)
        .limit(500)
    )
    return [(ident, name) for ident, name in rows]


@dataclass(frozen=True)
class Card:
    """A card as the list beside the form shows it."""

    number: int
    name: str
    text: str


def newest_cards(process_id: int, limit: int = 8) -> list[Card]:
    """What was typed in last, so that nobody types a card twice."""
    rows = db.session.execute(
        select(Contribution.number, Contribution.author_name, ContributionText.body)
        .join(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id, ContributionText.revision == Contribution.revision
            ),
        )
        .where(Contribution.process_id == process_id, Contribution.kind == Kind.card)
        .order_by(Contribution.number.desc())
        .limit(limit)
    )
    return [Card(number or 0, name, body or "") for number, name, body in rows]
