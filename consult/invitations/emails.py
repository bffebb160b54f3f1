"""Mails about invitations. One recipient each; nobody else is ever named in them."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.invitations.models import Campaign, Invitation, InvitationState
from consult.invitations.operations import CANCELLATION, CHANGE, INVITATION
from consult.invitations.queries import PURPOSE
from consult.meetings import calendar
from consult.meetings.mailing import entry_for, facts, greeting, sender
from consult.meetings.models import Meeting, MeetingState
from consult.meetings.words import day_words
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process
from consult.signing import sign


@dataclass(frozen=True)
class _Occasion:
    """Everything an invitation's mail speaks of."""

    invitation: Invitation
    campaign: Campaign
    meeting: Meeting
    process: Process


def _occasion(message: OutboxMessage) -> _Occasion | None:
    row = db.session.execute(
        select(Invitation, Campaign, Meeting, Process)
        .join(Campaign, Campaign.id == Invitation.campaign_id)
        .join(Meeting, Meeting.id == Invitation.meeting_id)
        .join(Process, Process.id == Meeting.process_id)
        .where(Invitation.id == message.subject_id, Invitation.person_id == message.recipient_id)
        .options(joinedload(Invitation.person))
    ).first()
    return _Occasion(*row) if row else None


def _takes_place(meeting: Meeting) -> bool:
    return meeting.state != MeetingState.cancelled and not meeting.is_over(clock.now())


def invitation_wanted(message: OutboxMessage) -> bool:
    """Still invited and not declined, and the meeting is still to come."""
    row = db.session.execute(
        select(Invitation.state, Invitation.by_letter, Meeting.state, Meeting.ends_at)
        .join(Meeting, Meeting.id == Invitation.meeting_id)
        .where(Invitation.id == message.subject_id, Invitation.person_id == message.recipient_id)
    ).first()
    if row is None:
        return False
    state, by_letter, meeting_state, ends_at = row
    return (
        state not in (InvitationState.revoked, InvitationState.declined)
        and not by_letter
        and meeting_state != MeetingState.cancelled
        and clock.now() < ends_at
    )


def paragraphs(text: str) -> str:
    """What somebody wrote into a form, as Markdown that shows exactly that: line breaks kept, nothing active."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return "\n\n".join("  \n".join(escape_markdown(line) for line in block.splitlines()) for block in blocks)


@mail_kind(INVITATION, Guarantee.at_least_once, invitation_wanted, title=_l("Invitation to a meeting"))
def invitation(message: OutboxMessage) -> Mail:
    """Come to this meeting: what, when, where, by whom, and the personal link to answer."""
    found = _occasion(message)
    if found is None:
        raise LookupError(f"invitation {message.subject_id} is gone")
    guest, meeting, process = found.invitation.person, found.meeting, found.process
    personal = sign(PURPOSE, found.invitation.id, found.invitation.nonce)
    answer_url = link("invitations.respond", link=personal)
    button, who = _("Accept or decline"), sender()
    opening = _("%(who)s invites you to:", who=escape_markdown(who)) if who else _("You are invited to:")
    parts = [
        greeting(guest),
        opening,
        f"**{escape_markdown(meeting.title)}**",
        facts(meeting, process),
        paragraphs(found.campaign.note),
        _("Please tell us whether you are coming. You need no account for this:"),
        f"[{button}]({answer_url})",
        _("You can change your answer until the meeting begins. The link is for you alone; please do not pass it on."),
        _("The date is attached for your calendar."),
    ]
    subject = found.campaign.subject or _(
        "Invitation: %(title)s on %(day)s", title=meeting.title, day=day_words(meeting)
    )
    return Mail(
        subject=subject,
        body="\n\n".join(part for part in parts if part),
        why=_("You get this mail because you were invited to a meeting of “%(process)s”.", process=process.title),
        secrets=(answer_url, personal),
        calendar=entry_for(meeting, process, guest, calendar.REQUEST),
        calendar_method=calendar.REQUEST,
    )


def _guest_of(message: OutboxMessage) -> tuple[Meeting, Process, Person] | None:
    row = db.session.execute(
        select(Meeting, Process, Person)
        .join(Process, Process.id == Meeting.process_id)
        .join(Person, Person.id == message.recipient_id)
        .where(Meeting.id == message.subject_id)
    ).first()
    return (row[0], row[1], row[2]) if row else None


def _about_meeting(message: OutboxMessage) -> tuple[Meeting, Process, Person]:
    found = _guest_of(message)
    if found is None:
        raise LookupError(f"meeting {message.subject_id} is gone")
    return found


def _why(process: Process) -> str:
    return _("You get this mail because you were invited to a meeting of “%(process)s”.", process=process.title)


def _to_the_meeting(meeting: Meeting, process: Process) -> str:
    """The link to the meeting's page, on a line of its own."""
    return f"[{_('To the meeting')}]({link('meetings.show', slug=process.slug, meeting_id=meeting.id)})"


def cancellation_wanted(message: OutboxMessage) -> bool:
    """The meeting is still cancelled and its day has not passed."""
    found = _guest_of(message)
    return found is not None and found[0].state == MeetingState.cancelled and not found[0].is_over(clock.now())


@mail_kind(CANCELLATION, Guarantee.at_least_once, cancellation_wanted, title=_l("Meeting cancelled"))
def meeting_cancelled(message: OutboxMessage) -> Mail:
    """The meeting does not take place; calendars take it out."""
    meeting, process, guest = _about_meeting(message)
    parts = [
        greeting(guest),
        _("this meeting is cancelled and does not take place:"),
        f"**{escape_markdown(meeting.title)}**",
        facts(meeting, process),
        _("You need do nothing. The attachment takes the date out of your calendar."),
        _to_the_meeting(meeting, process),
    ]
    return Mail(
        subject=_("Cancelled: %(title)s on %(day)s", title=meeting.title, day=day_words(meeting)),
        body="\n\n".join(parts),
        why=_why(process),
        calendar=entry_for(meeting, process, guest, calendar.CANCEL),
        calendar_method=calendar.CANCEL,
    )


def change_wanted(message: OutboxMessage) -> bool:
    """This is still the newest change, the meeting takes place, and the guest has not been uninvited or declined."""
    found = _guest_of(message)
    if found is None or not _takes_place(found[0]) or message.period != str(found[0].sequence):
        return False
    left = db.session.scalar(
        select(Invitation.id).where(
            Invitation.meeting_id == found[0].id,
            Invitation.person_id == message.recipient_id,
            Invitation.state.in_((InvitationState.revoked, InvitationState.declined)),
        )
    )
    return left is None


@mail_kind(CHANGE, Guarantee.at_least_once, change_wanted, title=_l("Meeting changed"))
def meeting_changed(message: OutboxMessage) -> Mail:
    """Another time, place or title; calendars move the date."""
    meeting, process, guest = _about_meeting(message)
    parts = [
        greeting(guest),
        _("something has changed about this meeting. This is how it stands now:"),
        f"**{escape_markdown(meeting.title)}**",
        facts(meeting, process),
        _("The attachment changes the date in your calendar. Your answer still counts until you change it."),
        _to_the_meeting(meeting, process),
    ]
    return Mail(
        subject=_("Changed: %(title)s on %(day)s", title=meeting.title, day=day_words(meeting)),
        body="\n\n".join(parts),
        why=_why(process),
        calendar=entry_for(meeting, process, guest, calendar.REQUEST),
        calendar_method=calendar.REQUEST,
    )
