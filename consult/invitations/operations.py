"""Inviting, answering, revoking, sending again. Thousands of rows are a few statements, not thousands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, insert, select, union, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.affiliations import Source, affiliate_many
from consult.accounts.models import Organisation, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db, own_transaction
from consult.html import clean_line, clean_text
from consult.invitations.answering import free_place
from consult.invitations.lists import Row, postal_lines
from consult.invitations.models import Campaign, CampaignState, Invitation, InvitationState
from consult.meetings.models import Meeting, MeetingState, Registration, RegistrationState
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue, queue_many
from consult.signing import new_nonce

INVITATION = "invitation"
REMINDER = "invitation_reminder"
TEST = "invitation_test"
CANCELLATION = "meeting_cancelled"
CHANGE = "meeting_changed"
#: How long after a meeting the organisers still see what somebody needed and wrote.
KEEP_ANSWERS = timedelta(days=30)
#: Ids in one IN list.
_BATCH = 500
#: Whoever still holds an invitation: not taken back, not refused.
_HOLDING = (InvitationState.open, InvitationState.accepted, InvitationState.maybe, InvitationState.deputy_named)
#: Whoever comes, or hopes to.
_REGISTERED = (
    RegistrationState.coming,
    RegistrationState.offered,
    RegistrationState.waiting,
    RegistrationState.asked,
    RegistrationState.maybe,
)


@dataclass(frozen=True)
class Invited:
    """What became of one press of the button."""

    invited: int
    already: int
    campaign_id: int | None


def _insert() -> type[sqlite.Insert] | type[postgresql.Insert]:
    return postgresql.Insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.Insert


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def persons_for(rows: Sequence[Row], locale: str, now: datetime) -> dict[str, int]:
    """Id of the person of each row by its key; made where we know nobody there. Names people gave themselves stay."""
    by_address = {row.address: row for row in rows if row.address}
    on_paper = _persons_on_paper([row for row in rows if not row.address], locale, now)
    if not by_address:
        return on_paper
    # In one order everywhere: two transactions that make the same people wait for each other and never deadlock.
    addresses = sorted(by_address)
    db.session.execute(
        _insert()(Person).on_conflict_do_nothing(index_elements=["email"]),
        [
            {
                "email": address,
                "name": by_address[address].name,
                "locale": by_address[address].lang or locale,
                "postal_address": by_address[address].postal or None,
                "created_at": now,
            }
            for address in addresses
        ],
    )
    found: dict[str, int] = dict(on_paper)
    nameless: list[dict[str, object]] = []
    homeless: list[dict[str, object]] = []
    for some in _batches(addresses):
        for ident, email, name, postal in db.session.execute(
            select(Person.id, Person.email, Person.name, Person.postal_address).where(Person.email.in_(some))
        ):
            row = by_address[email or ""]
            found[row.key] = ident
            if not name and row.name:
                nameless.append({"id": ident, "name": row.name})
            if not postal and row.postal:
                homeless.append({"id": ident, "postal_address": row.postal})
    for changes in (nameless, homeless):
        if changes:
            db.session.execute(update(Person), changes)
    return found


def _persons_on_paper(rows: Sequence[Row], locale: str, now: datetime) -> dict[str, int]:
    """The same for people without an e-mail address: whoever has this name and postal address is the same person."""
    by_key = {row.key: row for row in rows}
    found: dict[str, int] = {}
    for some in _batches(sorted({row.name for row in rows})):
        for ident, name, postal in db.session.execute(
            select(Person.id, Person.name, Person.postal_address)
            .where(Person.email.is_(None), Person.erased_at.is_(None), Person.merged_into_id.is_(None))
            .where(Person.name.in_(some), Person.postal_address.is_not(None))
            .order_by(Person.id.desc())
        ):
            key = Row(0, name, "", postal=postal_lines(postal or "")).key
            if key in by_key:
                found[key] = ident
    new = [row for key, row in by_key.items() if key not in found]
    for start in range(0, len(new), _BATCH):
        some_rows = new[start : start + _BATCH]
        made = db.session.scalars(
            insert(Person).returning(Person.id, sort_by_parameter_order=True),
            [
                {"name": row.name, "postal_address": row.postal, "locale": row.lang or locale, "created_at": now}
                for row in some_rows
            ],
        ).all()
        found.update((row.key, ident) for row, ident in zip(some_rows, made, strict=True))
    return found


def organisations_named(names: Iterable[str]) -> dict[str, int]:
    """Organisations we know by exactly this name; of merged ones the one that stands for both."""
    wanted = sorted({name for name in names if name})
    found: dict[str, int] = {}
    for some in _batches(wanted):
        for ident, name in db.session.execute(
            select(func.coalesce(Organisation.merged_into_id, Organisation.id), Organisation.name).where(
                Organisation.name.in_(some)
            )
        ):
            found[name] = ident
    return found


@dataclass(frozen=True)
class Member:
    """Somebody of a group, or of a list when its person is known."""

    person_id: int
    organisation_id: int | None = None
    by_letter: bool = False


def invite(
    meeting: Meeting,
    *,
    rows: Sequence[Row],
    by: Person | None,
    members: Sequence[Member] = (),
    subject: str = "",
    note: str = "",
    now: datetime | None = None,
) -> Invited:
    """Invite everybody on the list and these members. Whoever is invited already is left alone.

    Pressing twice, or many at once, makes one invitation and one mail per person: unique keys see to it.
    Raises `Refused` when the meeting is cancelled or over.
    """
    now = now or clock.now()
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if meeting.is_over(now):
        raise Refused(_("This meeting is over."))
    wanted = _wanted(rows, members, now)
    campaign = Campaign(
        process_id=meeting.process_id,
        meeting_id=meeting.id,
        subject=clean_line(subject)[:200],
        note=clean_text(note).strip(),
        state=CampaignState.running,
        started_at=now,
        created_by_id=by.id if by else None,
        created_at=now,
    )
    db.session.add(campaign)
    db.session.flush()
    added = _add_invitations(campaign, meeting, wanted, now)
    if not added:
        db.session.delete(campaign)
        db.session.flush()
        return Invited(0, len(wanted), None)
    by_mail = [(ident, member.person_id) for ident, member in added if not member.by_letter]
    queue_many(INVITATION, by_mail, process_id=meeting.process_id, campaign_id=campaign.id)
    record(Action.campaign_sent, by.id if by else None, campaign, process_id=meeting.process_id, invited=len(added))
    return Invited(len(added), len(wanted) - len(added), campaign.id)


def _wanted(rows: Sequence[Row], members: Sequence[Member], now: datetime) -> list[Member]:
    """One entry per person, by person id; what a list says of somebody counts more than their group."""
    persons = persons_for(rows, current_app.config["BABEL_DEFAULT_LOCALE"], now)
    known = organisations_named(row.organisation for row in rows)
    affiliate_many(((persons[row.key], known.get(row.organisation), "") for row in rows), Source.list, now)
    wanted = {member.person_id: member for member in members}
    for row in rows:
        ident = persons[row.key]
        wanted[ident] = Member(ident, known.get(row.organisation), row.by_letter)
    return [wanted[ident] for ident in sorted(wanted)]


def _add_invitations(
    campaign: Campaign, meeting: Meeting, wanted: Sequence[Member], now: datetime
) -> list[tuple[int, Member]]:
    """Add the invitations that are not there yet; returns them with their ids."""
    if not wanted:
        return []
    by_person = {member.person_id: member for member in wanted}
    added = db.session.execute(
        _insert()(Invitation)
        .on_conflict_do_nothing(index_elements=["meeting_id", "person_id"])
        .returning(Invitation.id, Invitation.person_id),
        [
            {
                "campaign_id": campaign.id,
                "meeting_id": meeting.id,
                "person_id": member.person_id,
                "organisation_id": member.organisation_id,
                "state": InvitationState.open,
                "nonce": new_nonce(),
                "by_letter": member.by_letter,
                "created_at": now,
            }
            for member in wanted
        ],
    ).all()
    return [(ident, by_person[person_id]) for ident, person_id in added]


def note_opened(invitation_id: int, now: datetime | None = None) -> None:
    """Remember when the personal link was first looked at, beside the request's own transaction."""
    with own_transaction() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.id == invitation_id, Invitation.opened_at.is_(None))
            .values(opened_at=now or clock.now())
        )


def revoke(invitation: Invitation, actor: Person) -> None:
    """Take the invitation back: its link is dead at once, a place that was taken is free again, no mail leaves."""
    if invitation.state == InvitationState.revoked:
        raise Refused(_("This invitation was taken back already."))
    # The meeting is locked first, as everybody does who touches places.
    free_place(invitation)
    invitation.state, invitation.nonce = InvitationState.revoked, new_nonce()
    db.session.flush()
    record(Action.invitation_revoked, actor.id, invitation, process_id=_process_of(invitation))


def _process_of(invitation: Invitation) -> int | None:
    return db.session.scalar(select(Campaign.process_id).where(Campaign.id == invitation.campaign_id))


def send_again(invitation: Invitation, meeting: Meeting, actor: Person, now: datetime | None = None) -> None:
    """One more mail with the same link; after a revocation the invitation is open again, with a new link.

    Raises `Refused` for letters, for answers given, and when a mail is still under way.
    """
    now = now or clock.now()
    if meeting.state == MeetingState.cancelled or meeting.is_over(now):
        raise Refused(_("This meeting is cancelled or over."))
    if invitation.by_letter:
        raise Refused(_("This person gets a letter."))
    if invitation.state == InvitationState.declined:
        raise Refused(_("This person has declined; another mail would not be kind."))
    waiting = db.session.scalar(
        select(func.count())
        .select_from(OutboxMessage)
        .where(
            OutboxMessage.kind == INVITATION,
            OutboxMessage.subject_id == invitation.id,
            OutboxMessage.state.in_(("queued", "sending", "retry", "paused")),
        )
    )
    if waiting:
        raise Refused(_("A mail to this person is still under way."))
    if invitation.state == InvitationState.revoked:
        invitation.state = InvitationState.open
    db.session.flush()
    # To the minute: two presses at once are one mail.
    queue(
        INVITATION,
        invitation.id,
        invitation.person_id,
        period=now.strftime("%Y-%m-%dT%H:%M"),
        process_id=meeting.process_id,
    )
    record(Action.campaign_sent, actor.id, invitation, process_id=meeting.process_id, invited=1)


def _to_be_told(meeting: Meeting) -> list[tuple[int, int]]:
    """Everybody who is invited, coming or hopes to come, and reads mail, as (meeting id, person id)."""
    invited = select(Invitation.person_id).where(Invitation.meeting_id == meeting.id)
    holding = invited.where(Invitation.state.in_(_HOLDING), Invitation.by_letter.is_(False))
    registered = select(Registration.person_id).where(
        Registration.meeting_id == meeting.id,
        Registration.state.in_(_REGISTERED),
        # Who is written to on paper hears of it on paper.
        Registration.person_id.not_in(invited.where(Invitation.by_letter.is_(True))),
    )
    return [(meeting.id, person_id) for person_id in db.session.scalars(union(holding, registered))]


def tell_cancelled(meeting: Meeting) -> int:
    """Promise a mail to everybody who is invited or coming; returns how many."""
    return queue_many(CANCELLATION, _to_be_told(meeting), process_id=meeting.process_id)


def tell_changed(meeting: Meeting) -> int:
    """The same for a new time, place or title: once per change, and only the newest one is sent."""
    return queue_many(CHANGE, _to_be_told(meeting), period=str(meeting.sequence), process_id=meeting.process_id)


def purge_answers(now: datetime) -> int:
    """Blank needs and messages some time after the meeting: nobody has to know any longer; returns how many rows."""
    over = select(Meeting.id).where(Meeting.ends_at < now - KEEP_ANSWERS)
    blanked = 0
    for table, column in ((Registration, "needs"), (Invitation, "message")):
        result = db.session.execute(
            update(table)
            .where(table.meeting_id.in_(over), getattr(table, column).is_not(None))
            .values({column: None})
            .execution_options(synchronize_session=False)
        )
        blanked += int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it
    return blanked
