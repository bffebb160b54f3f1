"""Questions about invitations: whose link this is, how far a campaign is, who answered what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from flask import abort
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from consult import clock
from consult.accounts.models import Organisation, OrganisationKind, Person
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.invitations.counting import searched
from consult.invitations.lists import Row, postal_lines
from consult.invitations.models import Campaign, Invitation, InvitationState
from consult.invitations.operations import INVITATION, Member, organisations_named
from consult.meetings.models import Meeting, Registration
from consult.meetings.words import Needs
from consult.outbox.models import OutboxMessage
from consult.outbox.models import State as MailState
from consult.processes.models import Process, ProcessGroup
from consult.signing import ident_of, is_genuine

PURPOSE = "respond"
PAGE = 50
_MAX_ID = 2**31 - 1


@dataclass(frozen=True)
class Answerable:
    """What stands behind a personal link."""

    invitation: Invitation
    meeting: Meeting
    process: Process
    registration: Registration | None


def by_link_or_404(link: str) -> Answerable:
    """The invitation this link was made for. Forged, foreign, taken back or made up: all are the same 404."""
    ident = ident_of(link)
    row = None
    if ident is not None and 0 < ident <= _MAX_ID:
        row = db.session.execute(
            select(Invitation, Meeting, Process)
            .join(Meeting, Meeting.id == Invitation.meeting_id)
            .join(Process, Process.id == Meeting.process_id)
            .where(Invitation.id == ident)
            .options(joinedload(Invitation.person).joinedload(Person.account), joinedload(Invitation.organisation))
        ).first()
    # A comparison is made either way, so that an unknown id takes no less time than a wrong signature.
    nonce = row[0].nonce if row else "no such invitation"
    genuine = is_genuine(link, PURPOSE, ident or 0, nonce)
    # One spelling only: "007." is not the link that "7." is.
    if not genuine or row is None or not link.startswith(f"{ident}."):
        abort(404)
    invitation, meeting, process = row
    if invitation.state == InvitationState.revoked or invitation.person.erased_at is not None:
        abort(404)
    registration = db.session.scalar(
        select(Registration).where(
            Registration.meeting_id == meeting.id, Registration.person_id == invitation.person_id
        )
    )
    return Answerable(invitation, meeting, process, registration)


def invitation_or_404(meeting: Meeting, invitation_id: int) -> Invitation:
    """An invitation to exactly this meeting; else 404."""
    invitation = None
    if 0 < invitation_id <= _MAX_ID:
        invitation = db.session.scalar(
            select(Invitation).where(Invitation.id == invitation_id, Invitation.meeting_id == meeting.id)
        )
    if invitation is None:
        abort(404)
    return invitation


def groups_of(process_id: int) -> list[tuple[int, str]]:
    """Groups of the process that can be invited as a whole."""
    rows = db.session.execute(
        select(Group.id, Group.name)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(ProcessGroup.process_id == process_id)
        .distinct()
        .order_by(Group.name, Group.id)
    )
    return [(ident, name) for ident, name in rows]


def members_of(group_ids: Sequence[int]) -> list[Member]:
    """Who belongs to these groups now, directly or by a seat; who has no address for mail gets a letter."""
    if not group_ids:
        return []
    now = clock.now()
    seat = and_(
        SeatHolder.membership_id == Membership.id,
        SeatHolder.starts_at <= now,
        or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
    )
    rows = db.session.execute(
        select(Person.id, Membership.organisation_id, Person.email)
        .select_from(Membership)
        .outerjoin(SeatHolder, seat)
        .join(Person, Person.id == func.coalesce(Membership.person_id, SeatHolder.person_id))
        .where(
            Membership.group_id.in_(group_ids),
            Membership.starts_at <= now,
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            Person.erased_at.is_(None),
        )
        .order_by(Person.id, Membership.organisation_id)
    )
    found: dict[int, Member] = {}
    for person_id, organisation_id, email in rows:
        before = found.get(person_id)
        found[person_id] = Member(
            person_id, (before.organisation_id if before else None) or organisation_id, email is None
        )
    return list(found.values())


@dataclass(frozen=True)
class Preview:
    """What would happen if the button were pressed."""

    new: int
    already: int
    by_letter: int
    from_groups: int
    unknown_organisations: list[str]


def preview(meeting: Meeting, rows: Sequence[Row], members: Sequence[Member]) -> Preview:
    """Compare a list and members of groups with who is invited already. Reads only."""
    invited: dict[str, int] = {}
    persons: set[int] = set()
    for person_id, email, name, postal in db.session.execute(
        select(Person.id, Person.email, Person.name, Person.postal_address)
        .join(Invitation, Invitation.person_id == Person.id)
        .where(Invitation.meeting_id == meeting.id)
    ):
        persons.add(person_id)
        if email or postal:
            invited[Row(0, name, email or "", postal=postal_lines(postal or "")).key] = person_id
    known = organisations_named(row.organisation for row in rows)
    unknown = sorted({row.organisation for row in rows if row.organisation and row.organisation not in known})
    addresses = {row.address for row in rows if row.address}
    listed = _ids_at(addresses) if members else set()
    from_groups = [member for member in members if member.person_id not in listed]
    new_rows = [row for row in rows if row.key not in invited]
    new_members = [member for member in from_groups if member.person_id not in persons]
    return Preview(
        new=len(new_rows) + len(new_members),
        already=len(rows) + len(from_groups) - len(new_rows) - len(new_members),
        by_letter=sum(row.by_letter for row in new_rows) + sum(member.by_letter for member in new_members),
        from_groups=len(from_groups),
        unknown_organisations=unknown,
    )


def _ids_at(addresses: set[str]) -> set[int]:
    found: set[int] = set()
    wanted = sorted(addresses)
    for start in range(0, len(wanted), 500):
        found.update(db.session.scalars(select(Person.id).where(Person.email.in_(wanted[start : start + 500]))))
    return found


class Filter(StrEnum):
    """Which part of the list is shown."""

    all = "all"
    silent = "silent"
    accepted = "accepted"
    maybe = "maybe"
    declined = "declined"
    deputy = "deputy"
    #: The mail is still on its way.
    waiting = "waiting"
    #: Has looked at the invitation and not answered.
    opened = "opened"
    failed = "failed"
    letter = "letter"
    revoked = "revoked"


#: Of an invitation the newest mail about it: asked per row by a key, so that a page of a long list reads one page.
_NEWEST_MAIL = (
    select(func.max(OutboxMessage.id))
    .where(OutboxMessage.kind == INVITATION, OutboxMessage.subject_id == Invitation.id)
    .correlate(Invitation)
    .scalar_subquery()
)


_TROUBLE = (MailState.failed, MailState.bounced, MailState.uncertain, MailState.dropped)

_WAITING = (MailState.queued, MailState.sending, MailState.retry, MailState.paused)
#: Who was never reached, or not yet, is not said to have kept silent. A reminder that waits was preceded by a mail.
_REACHED = or_(OutboxMessage.state.is_(None), OutboxMessage.state == MailState.sent)


@dataclass(frozen=True)
class Counts:
    """How far inviting is. `revoked` ones count nowhere else."""

    invited: int = 0
    waiting: int = 0
    sent: int = 0
    trouble: int = 0
    opened: int = 0
    #: Of those the ones who have not answered.
    looked: int = 0
    accepted: int = 0
    maybe: int = 0
    declined: int = 0
    deputy: int = 0
    silent: int = 0
    by_letter: int = 0
    #: Invited for a party or a group of the council: an own kind, shown apart.
    politics: int = 0
    revoked: int = 0


def _those(meeting_id: int, campaign_id: int | None) -> Any:
    """The invitations to a meeting, or of one campaign for it."""
    if campaign_id is not None:
        return Invitation.campaign_id == campaign_id
    return Invitation.meeting_id == meeting_id


def counts(meeting_id: int, campaign_id: int | None = None) -> Counts:
    """One query over all invitations to a meeting, or of one campaign for it."""
    # Asked per invitation by a key: a join reads the whole outbox, which is large and loose after a large mailing.
    newest = (
        select(OutboxMessage.state)
        .where(OutboxMessage.kind == INVITATION, OutboxMessage.subject_id == Invitation.id)
        .order_by(OutboxMessage.id.desc())
        .limit(1)
        .correlate(Invitation)
        .scalar_subquery()
        .label("mail")
    )
    opened = Invitation.opened_at.is_not(None).label("opened")
    politics = func.coalesce(Organisation.kind == OrganisationKind.politics, False).label("politics")
    by = (Invitation.state, newest, opened, Invitation.by_letter, politics)
    rows = db.session.execute(
        select(*by, func.count().label("number"))
        .outerjoin(Organisation, Organisation.id == Invitation.organisation_id)
        .where(_those(meeting_id, campaign_id))
        .group_by(*by)
    ).all()

    def number(choose: Callable[[Any], bool]) -> int:
        return sum(row.number for row in rows if choose(row))

    def holds(choose: Callable[[Any], bool]) -> int:
        return number(lambda row: row.state != InvitationState.revoked and choose(row))

    def answered(state: InvitationState) -> int:
        return number(lambda row: row.state == state)

    return Counts(
        invited=holds(lambda row: True),
        waiting=holds(lambda row: row.mail in _WAITING),
        sent=holds(lambda row: row.mail == MailState.sent),
        trouble=holds(lambda row: row.mail in _TROUBLE),
        opened=holds(lambda row: row.opened),
        looked=number(lambda row: row.state == InvitationState.open and row.opened),
        accepted=answered(InvitationState.accepted),
        maybe=answered(InvitationState.maybe),
        declined=answered(InvitationState.declined),
        deputy=answered(InvitationState.deputy_named),
        silent=number(lambda row: row.state == InvitationState.open and row.mail in (None, MailState.sent)),
        by_letter=holds(lambda row: row.by_letter),
        politics=holds(lambda row: row.politics),
        revoked=answered(InvitationState.revoked),
    )


@dataclass(frozen=True)
class Entry:
    """One invitation in the organiser's list."""

    invitation: Invitation
    mail: str | None
    mail_note: str | None
    sent_at: datetime | None
    needs: str


def _entries(
    meeting_id: int, wanted: Filter, campaign_id: int | None = None
) -> Select[Invitation, str, str | None, datetime | None, str | None]:
    statement = (
        select(Invitation, OutboxMessage.state, OutboxMessage.note, OutboxMessage.sent_at, Registration.needs)
        .join(Invitation.person)
        .outerjoin(Invitation.organisation)
        .outerjoin(OutboxMessage, OutboxMessage.id == _NEWEST_MAIL)
        .outerjoin(
            Registration,
            and_(Registration.meeting_id == Invitation.meeting_id, Registration.person_id == Invitation.person_id),
        )
        .where(_those(meeting_id, campaign_id))
        .options(contains_eager(Invitation.person), contains_eager(Invitation.organisation))
    )
    states = {
        Filter.accepted: InvitationState.accepted,
        Filter.maybe: InvitationState.maybe,
        Filter.declined: InvitationState.declined,
        Filter.deputy: InvitationState.deputy_named,
        Filter.revoked: InvitationState.revoked,
    }
    if wanted == Filter.silent:
        return statement.where(Invitation.state == InvitationState.open, _REACHED)
    if wanted == Filter.waiting:
        return statement.where(OutboxMessage.state.in_(_WAITING), Invitation.state != InvitationState.revoked)
    if wanted == Filter.opened:
        return statement.where(Invitation.state == InvitationState.open, Invitation.opened_at.is_not(None))
    if wanted in states:
        return statement.where(Invitation.state == states[wanted])
    if wanted == Filter.failed:
        return statement.where(OutboxMessage.state.in_(_TROUBLE), Invitation.state != InvitationState.revoked)
    if wanted == Filter.letter:
        return statement.where(Invitation.by_letter.is_(True), Invitation.state != InvitationState.revoked)
    return statement


def page_of(
    meeting_id: int,
    wanted: Filter,
    after: int = 0,
    campaign_id: int | None = None,
    words: str = "",
    number: int = PAGE,
) -> tuple[list[Entry], int | None]:
    """A page of the list in order of inviting, and where the next one begins (None: this was the last)."""
    rows = db.session.execute(
        _entries(meeting_id, wanted, campaign_id)
        .where(Invitation.id > min(after, _MAX_ID), *searched(words))
        .order_by(Invitation.id)
        .limit(number + 1)
    ).all()
    entries = [_entry(row) for row in rows[:number]]
    return entries, entries[-1].invitation.id if len(rows) > number else None


class Line(NamedTuple):
    """One invitation in the file of a campaign: what the file says and nothing else, because there may be 20,000."""

    id: int
    name: str
    email: str | None
    organisation: str | None
    locale: str
    by_letter: bool
    mail: str | None
    sent_at: datetime | None
    opened_at: datetime | None
    state: str
    answered_at: datetime | None
    reminded_at: datetime | None


def lines_of(campaign_id: int, after: int, number: int) -> tuple[list[Line], int | None]:
    """A piece of everybody invited by this campaign, in order of inviting, and where the next one begins."""
    rows = db.session.execute(
        select(
            Invitation.id, Person.name, Person.email, Organisation.name, Person.locale, Invitation.by_letter,
            OutboxMessage.state, OutboxMessage.sent_at, Invitation.opened_at, Invitation.state,
            Invitation.answered_at, Invitation.reminded_at,
        )
        .join(Invitation.person)
        .outerjoin(Invitation.organisation)
        .outerjoin(OutboxMessage, OutboxMessage.id == _NEWEST_MAIL)
        .where(Invitation.campaign_id == campaign_id, Invitation.id > min(after, _MAX_ID))
        .order_by(Invitation.id)
        .limit(number + 1)
    ).all()  # fmt: skip
    lines = [Line._make(row) for row in rows[:number]]
    return lines, lines[-1].id if len(rows) > len(lines) else None


def _entry(row: Any) -> Entry:
    invitation, mail, note, sent_at, needs = row
    return Entry(invitation, mail, note, sent_at, Needs.load(needs).text() if needs else "")


def person_of(person_id: int) -> Person:
    return db.session.get_one(Person, person_id)


def campaigns_of(meeting_id: int) -> list[Campaign]:
    """What was sent for a meeting and what is being prepared, the newest first."""
    return list(
        db.session.scalars(
            select(Campaign).where(Campaign.meeting_id == meeting_id).order_by(Campaign.id.desc()).limit(50)
        )
    )


def campaign_or_404(process_id: int, campaign_id: int) -> tuple[Campaign, Meeting]:
    """A campaign of exactly this process, and its meeting; else 404."""
    row = db.session.execute(
        select(Campaign, Meeting)
        .join(Meeting, Meeting.id == Campaign.meeting_id)
        .where(Campaign.id == campaign_id, Campaign.process_id == process_id, Meeting.process_id == process_id)
    ).first()
    if row is None:
        abort(404)
    return row[0], row[1]


def campaign_of(invitation: Invitation) -> Campaign:
    return db.session.get_one(Campaign, invitation.campaign_id)


def organisation_name(organisation_id: int | None) -> str | None:
    if organisation_id is None:
        return None
    return db.session.scalar(select(Organisation.name).where(Organisation.id == organisation_id))
