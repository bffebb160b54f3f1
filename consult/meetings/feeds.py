"""Calendars to subscribe to: of a process, of a group, and somebody's own dates.

The first is for everybody. The others open by a personal link that stands in no page but the person's own; a new one
makes the old one dead. What they show is asked again with every fetch, so that who leaves a group sees no more of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select, update

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import Account, LinkPurpose, LinkToken, Person
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.meetings import calendar, queries
from consult.meetings.calendar import Dated, Span
from consult.meetings.models import Meeting, Registration, RegistrationState
from consult.outbox.links import link
from consult.processes.models import Process, ProcessState, Stage
from consult.processes.queries import stages_in_order
from consult.processes.words import first_day, last_day

#: What a personal link opens: a group, or this.
MY_DATES = 0
#: Dates that are over stay in the calendars for so long.
KEEP_PAST = timedelta(days=400)
MOST = 500
#: Registrations whose meetings stand among somebody's dates.
_MINE = (
    RegistrationState.asked,
    RegistrationState.maybe,
    RegistrationState.coming,
    RegistrationState.waiting,
    RegistrationState.offered,
    RegistrationState.attended,
)
_COMES = (RegistrationState.coming, RegistrationState.attended)


def _stamps(table: str, ids: Iterable[int]) -> dict[int, datetime]:
    """When each row was changed last, from the record."""
    rows = db.session.execute(
        select(AuditEntry.subject_id, func.max(AuditEntry.at))
        .where(AuditEntry.subject_type == table, AuditEntry.subject_id.in_(list(ids)))
        .group_by(AuditEntry.subject_id)
    )
    return {row[0]: row[1] for row in rows}


def _dated(rows: Sequence[tuple[Meeting, Process]], online: set[int]) -> list[Dated]:
    stamps = _stamps(Meeting.__tablename__, [meeting.id for meeting, _process in rows])
    return [
        Dated(
            meeting,
            page_url=link("meetings.show", slug=process.slug, meeting_id=meeting.id, lang=None),
            description=f"{process.title}\n\n{meeting.description}".strip(),
            stamp=stamps.get(meeting.id, meeting.created_at),
            online=meeting.id in online,
        )
        for meeting, process in rows
    ]


def _spans(process: Process) -> list[Span]:
    stages = stages_in_order(process.id)
    stamps = _stamps(Stage.__tablename__, [stage.id for stage in stages])
    return [span_of(process, stage, stamps.get(stage.id, datetime(2000, 1, 1, tzinfo=UTC))) for stage in stages]


def span_of(process: Process, stage: Stage, stamp: datetime) -> Span:
    """A stage as days in the zone of the process, under the same name for good."""
    first = first_day(stage, process.zone)
    return Span(
        uid=f"stage-{stage.id}@{urlsplit(current_app.config['PUBLIC_URL']).hostname}",
        title=stage.title,
        first=first,
        after_last=(last_day(stage, process.zone) or first) + timedelta(days=1),
        page_url=link("processes.timeline", slug=process.slug, lang=None),
        description=f"{process.title}\n\n{stage.description}".strip(),
        stamp=stamp,
        sequence=stage.sequence,
    )


def of_process(process: Process) -> bytes:
    """Stages as days, and all meetings; names nobody and tells no link for taking part from home."""
    meetings = queries.all_of(process.id, limit=MOST)
    rows = [(meeting, process) for meeting in reversed(meetings)]
    return calendar.feed(
        process.title, _dated(rows, set()), _spans(process), public_url=current_app.config["PUBLIC_URL"]
    )


def groups_of(person: Person) -> list[Group]:
    """Groups somebody belongs to now, directly or by a seat."""
    now = clock.now()
    seat = and_(
        SeatHolder.membership_id == Membership.id,
        SeatHolder.person_id == person.id,
        SeatHolder.starts_at <= now,
        or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
    )
    return list(
        db.session.scalars(
            select(Group)
            .where(
                Group.id.in_(
                    select(Membership.group_id)
                    .outerjoin(SeatHolder, seat)
                    .where(
                        Membership.starts_at <= now,
                        or_(Membership.ends_at.is_(None), Membership.ends_at > now),
                        or_(Membership.person_id == person.id, SeatHolder.id.is_not(None)),
                    )
                )
            )
            .order_by(Group.name, Group.id)
        )
    )


def of_group(group: Group) -> bytes:
    """All its meetings, with what its members need to take part."""
    rows = [
        (row[0], row[1])
        for row in db.session.execute(
            select(Meeting, Process)
            .join(Process, Process.id == Meeting.process_id)
            .where(
                Meeting.group_id == group.id,
                Meeting.ends_at > clock.now() - KEEP_PAST,
                Process.state != ProcessState.draft,
            )
            .order_by(Meeting.starts_at, Meeting.id)
            .limit(MOST)
        )
    ]
    return calendar.feed(
        group.name, _dated(rows, {meeting.id for meeting, _p in rows}), public_url=current_app.config["PUBLIC_URL"]
    )


@dataclass(frozen=True)
class Mine:
    """One of somebody's dates."""

    meeting: Meeting
    process: Process
    #: State of the registration; None where they are invited or belong to the group and have said nothing.
    state: str | None


def dates_of(person: Person, invited_to: Sequence[int], since: datetime) -> list[Mine]:
    """Where they come or may come: registered, invited (`invited_to` are ids of meetings), or with their group."""
    groups = [group.id for group in groups_of(person)]
    own = and_(Registration.meeting_id == Meeting.id, Registration.person_id == person.id)
    rows = db.session.execute(
        select(Meeting, Process, Registration.state)
        .join(Process, Process.id == Meeting.process_id)
        .outerjoin(Registration, own)
        .where(
            Meeting.ends_at > since,
            Process.state != ProcessState.draft,
            or_(
                Registration.state.in_(_MINE),
                and_(
                    Registration.id.is_(None),
                    or_(Meeting.group_id.in_(groups), Meeting.id.in_(list(invited_to))),
                ),
            ),
        )
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(MOST)
    )
    return [Mine(row[0], row[1], row[2]) for row in rows]


def of_person(person: Person, invited_to: Sequence[int]) -> bytes:
    """Their own dates, with the link for taking part where they come or belong to the group."""
    groups = {group.id for group in groups_of(person)}
    mine = dates_of(person, invited_to, clock.now() - KEEP_PAST)
    online = {one.meeting.id for one in mine if one.state in _COMES or one.meeting.group_id in groups}
    return calendar.feed(
        _("My dates"),
        _dated([(one.meeting, one.process) for one in mine], online),
        public_url=current_app.config["PUBLIC_URL"],
    )


# -- the personal links ------------------------------------------------------------------------------------------


def links_of(person: Person) -> dict[int, str]:
    """The person's own links that count, as the text of the address, by what they open."""
    rows = db.session.scalars(
        select(LinkToken)
        .where(
            LinkToken.purpose == LinkPurpose.calendar,
            LinkToken.person_id == person.id,
            LinkToken.used_at.is_(None),
            LinkToken.expires_at > clock.now(),
        )
        .order_by(LinkToken.id)
    )
    return {row.subject_id or MY_DATES: tokens.link_of(row) for row in rows}


def renew(person: Person, subject_id: int) -> None:
    """A new link; the old one is dead at once."""
    tokens.issue(LinkPurpose.calendar, person.id, subject_id)


def end(person: Person, subject_id: int) -> None:
    """No link any more: whoever subscribed gets nothing from now on."""
    db.session.execute(
        update(LinkToken)
        .where(
            LinkToken.purpose == LinkPurpose.calendar,
            LinkToken.person_id == person.id,
            LinkToken.subject_id == subject_id,
            LinkToken.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )


@dataclass(frozen=True)
class Opened:
    """Whose link this is, and what it opens."""

    person: Person
    group: Group | None


def opened(text: str) -> Opened | None:
    """What this link opens now; None for one that is no good, of somebody shut out, or of a group they have left."""
    token = tokens.find(text, LinkPurpose.calendar)
    if token is None or token.person_id is None or token.subject_id is None:
        return None
    # One spelling only: "007." is not the link that "7." is.
    if not text.startswith(f"{token.id}."):
        return None
    row = db.session.execute(
        select(Person, Account.suspended_at)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(Person.id == token.person_id)
    ).first()
    if row is None or row[0].erased_at is not None or row[1] is not None:
        return None
    person: Person = row[0]
    if token.subject_id == MY_DATES:
        return Opened(person, None)
    group = next((group for group in groups_of(person) if group.id == token.subject_id), None)
    return Opened(person, group) if group is not None else None
