"""Mails about invitations. One recipient each; nobody else is ever named in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import and_, not_, select
from sqlalchemy.orm import joinedload

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown, render_markdown
from consult.i18n import direction, in_language, language
from consult.invitations import answering, notes
from consult.invitations.models import Campaign, Invitation, InvitationState
from consult.invitations.operations import CANCELLATION, CHANGE, INVITATION, REMINDER, TEST
from consult.invitations.queries import PURPOSE
from consult.meetings import calendar, deadlines
from consult.meetings.mailing import entry_for, facts, greeting, sender
from consult.meetings.models import Meeting, MeetingState
from consult.meetings.queries import comes
from consult.meetings.words import day_words
from consult.outbox.kinds import Guarantee, Mail, filled, mail_kind, marker, shared
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage, State
from consult.outbox.spoken import as_html, spoken_in
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
    known = shared("occasions", dict[int, _Occasion | None])
    if message.id not in known:
        known |= _occasions([message])
    return known[message.id]


def _occasions(messages: Sequence[OutboxMessage]) -> dict[int, _Occasion | None]:
    """What each message is about, by its id; None where that is gone or somebody else's."""
    invitations = db.session.scalars(
        select(Invitation)
        .where(Invitation.id.in_({message.subject_id for message in messages}))
        .options(joinedload(Invitation.person))
    ).all()
    # Nearly all are of one campaign, which is read once.
    rows = db.session.execute(
        select(Campaign, Meeting, Process)
        .select_from(Campaign)
        .join(Meeting, Meeting.id.in_({invitation.meeting_id for invitation in invitations}))
        .join(Process, Process.id == Meeting.process_id)
        .where(Campaign.id.in_({invitation.campaign_id for invitation in invitations}))
    )
    known: dict[tuple[int, int | None], Any] = {(row[0].id, row[1].id): row for row in rows}
    found = {}
    for one in invitations:
        of = known.get((one.campaign_id, one.meeting_id))
        if of is not None:
            found[one.id, one.person_id] = _Occasion(one, *of)
    return {message.id: found.get((message.subject_id, message.recipient_id)) for message in messages}


def _load(messages: Sequence[OutboxMessage]) -> None:
    """Load for many at once what their mails speak of."""
    shared("occasions", dict[int, _Occasion | None]).update(_occasions(messages))
    shared("loaded", dict[int, OutboxMessage]).update({message.id: message for message in messages})


def _written_to(messages: Sequence[OutboxMessage]) -> set[int]:
    """Which of these people have got a mail from us before that was about anything else than this invitation."""
    rows = db.session.scalars(
        select(OutboxMessage.recipient_id)
        .where(
            OutboxMessage.recipient_id.in_({message.recipient_id for message in messages}),
            OutboxMessage.state == State.sent,
            not_(
                and_(
                    OutboxMessage.kind.in_((INVITATION, REMINDER)),
                    OutboxMessage.subject_id.in_({message.subject_id for message in messages}),
                )
            ),
        )
        .distinct()
    )
    return set(rows)


def _takes_place(meeting: Meeting) -> bool:
    return meeting.state != MeetingState.cancelled and not meeting.is_over(clock.now())


def invitation_wanted(message: OutboxMessage) -> bool:
    """Still invited and not declined, and the meeting is still to come."""
    found = _occasion(message)
    return (
        found is not None
        and found.invitation.state not in (InvitationState.revoked, InvitationState.declined)
        and not found.invitation.by_letter
        and _takes_place(found.meeting)
    )


def paragraphs(text: str) -> str:
    """What somebody wrote into a form, as Markdown that shows exactly that: line breaks kept, nothing active."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return "\n\n".join("  \n".join(escape_markdown(line) for line in block.splitlines()) for block in blocks)


def second_language(campaign: Campaign) -> str:
    """The one of the campaign, else the city's: the language somebody is listed with may be a guess."""
    return campaign.second_lang or str(current_app.config["BABEL_DEFAULT_LOCALE"])


@dataclass(frozen=True)
class Told:
    """What the mail of an invitation says, to whom, with which link."""

    guest: Person
    meeting: Meeting
    process: Process
    campaign: Campaign
    #: The personal part of the link.
    personal: str
    #: Who cannot come and named this person; empty for people who were invited themselves.
    named_by: str = ""
    #: A test: whoever follows its link sees what was tried, and that it answers nothing.
    test: bool = False

    @property
    def answer_url(self) -> str:
        if self.test:
            return link("invitations.preview", slug=self.process.slug, campaign_id=self.campaign.id)
        return link("invitations.respond", link=self.personal)

    @property
    def words(self) -> notes.Words:
        """What the organisers wrote, in the language of the present context if they did."""
        return notes.words_for(self.campaign.subject, self.campaign.note, second_language(self.campaign))

    @property
    def note(self) -> str:
        return spoken_in(self.words.lang, paragraphs(self.words.text))

    def subject(self) -> str:
        return self.words.subject or _(
            "Invitation: %(title)s on %(day)s", title=self.meeting.title, day=day_words(self.meeting)
        )

    def reminding_subject(self) -> str:
        if subject := self.words.subject:
            return _("Reminder: %(subject)s", subject=subject)
        return _("Are you coming? %(title)s on %(day)s", title=self.meeting.title, day=day_words(self.meeting))

    def invitation(self) -> str:
        """In the language of the present context."""
        who = sender()
        parts = [
            greeting(self.guest),
            _("%(name)s cannot come and has named you to come instead:", name=escape_markdown(self.named_by))
            if self.named_by
            else _("%(who)s invites you to:", who=escape_markdown(who))
            if who
            else _("You are invited to:"),
            f"**{escape_markdown(self.meeting.title)}**",
            facts(self.meeting, self.process),
            self.note,
            _("Please tell us whether you are coming. You need no account for this:"),
            linked(_("Accept or decline"), self.answer_url),
            _(
                "You can change your answer until the meeting begins. "
                "The link is for you alone; please do not pass it on."
            ),
            deadlines.changes_told(self.meeting, clock.now()),
            _("The date is attached for your calendar."),
        ]
        return "\n\n".join(part for part in parts if part)

    def reminder(self) -> str:
        """In the language of the present context, with what the organisers wrote into the invitation."""
        parts = [
            greeting(self.guest),
            _("we have invited you to this meeting and do not know yet whether you are coming:"),
            f"**{escape_markdown(self.meeting.title)}**",
            facts(self.meeting, self.process),
            self.note,
            _("Please tell us whether you are coming. You need no account for this:"),
            linked(_("Accept or decline"), self.answer_url),
            _("If you have answered in the meantime, please take no notice of this mail."),
        ]
        return "\n\n".join(part for part in parts if part)

    def below(self, words: Callable[[], str]) -> tuple[str, str] | None:
        """The same words once more in a second language, with its code; None where that is the first."""
        second = second_language(self.campaign)
        if second == language():
            return None
        with in_language(second, of_path=True):
            return language(), words()


def invitation_mail(told: Told, *, bilingual: bool) -> Mail:
    """The invitation, whoever it is shown or sent to."""
    return Mail(
        subject=told.subject(),
        body=told.invitation(),
        below=told.below(told.invitation) if bilingual else None,
        why=_why(told.process),
        secrets=(told.answer_url, told.personal),
        calendar=entry_for(told.meeting, told.process, told.guest, calendar.REQUEST),
        calendar_method=calendar.REQUEST,
    )


def reminder_mail(told: Told, *, bilingual: bool) -> Mail:
    """The question whether they come, in as many languages as the invitation."""
    return Mail(
        subject=told.reminding_subject(),
        body=told.reminder(),
        below=told.below(told.reminder) if bilingual else None,
        why=_why(told.process),
        secrets=(told.answer_url, told.personal),
    )


def _is_first_contact(message: OutboxMessage) -> bool:
    """Whether this person never got a mail from us but about this invitation."""
    loaded = shared("loaded", dict[int, OutboxMessage])
    if message.id not in loaded:
        return not _written_to([message])
    # Asked for all at once, and not before somebody would get it in two languages.
    return message.recipient_id not in shared("written_to", lambda: _written_to(list(loaded.values())))


#: What stands in the place of a personal link where nobody may answer.
SAMPLE = "0.sample"


def personal_part(invitation: Invitation) -> str:
    """What makes the link to answer this invitation's own."""
    return sign(PURPOSE, invitation.id, invitation.nonce)


def _one_of_many(message: OutboxMessage, make: Callable[..., Mail]) -> tuple[Mail, Person]:
    """The mail to one of many who get the same but for the name and the link, and who that is."""
    found = _occasion(message)
    if found is None:
        raise LookupError(f"invitation {message.subject_id} is gone")
    guest, campaign = found.invitation.person, found.campaign
    named_by = answering.name_of(found.invitation.deputy_for_id)
    bilingual = second_language(campaign) != language() and _is_first_contact(message)
    meeting, process = found.meeting, found.process

    def for_nobody() -> Mail:
        nobody = Person(name=marker("name") if guest.name else "", email=None)
        return make(Told(nobody, meeting, process, campaign, marker("link"), named_by), bilingual=bilingual)

    # Made once, then filled in for each.
    mail = shared(
        (message.kind, campaign.id, meeting.id, language(), bool(guest.name), named_by, bilingual), for_nobody
    )
    personal = {"name": guest.name, "link": personal_part(found.invitation)}
    return replace(mail, personal=personal, secrets=tuple(filled(secret, personal) for secret in mail.secrets)), guest


@mail_kind(INVITATION, Guarantee.at_least_once, invitation_wanted, title=_l("Invitation to a meeting"), prepare=_load)
def invitation(message: OutboxMessage) -> Mail:
    """Come to this meeting: what, when, where, by whom, and the personal link to answer.

    The first mail somebody ever gets from us says it in two languages.
    """
    mail, guest = _one_of_many(message, invitation_mail)
    if mail.calendar is None or not guest.email:
        return mail
    return replace(mail, calendar=calendar.with_attendee(mail.calendar, guest.email, guest.name))


def reminder_wanted(message: OutboxMessage) -> bool:
    """Still invited by mail, still undecided, and the meeting is still to come."""
    found = _occasion(message)
    return (
        found is not None
        and found.invitation.state in (InvitationState.open, InvitationState.maybe)
        and not found.invitation.by_letter
        and _takes_place(found.meeting)
    )


@mail_kind(
    REMINDER, Guarantee.at_least_once, reminder_wanted, title=_l("Reminder to answer an invitation"), prepare=_load
)
def invitation_reminder(message: OutboxMessage) -> Mail:
    """Are you coming? Only to those who have not decided."""
    return _one_of_many(message, reminder_mail)[0]


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
    return linked(_("To the meeting"), link("meetings.show", slug=process.slug, meeting_id=meeting.id))


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
    coming = comes(meeting.id, guest.id)
    parts = [
        greeting(guest),
        _("something has changed about this meeting. This is how it stands now:"),
        f"**{escape_markdown(meeting.title)}**",
        facts(meeting, process, coming),
        _("The attachment changes the date in your calendar. Your answer still counts until you change it."),
        _to_the_meeting(meeting, process),
    ]
    return Mail(
        subject=_("Changed: %(title)s on %(day)s", title=meeting.title, day=day_words(meeting)),
        body="\n\n".join(parts),
        why=_why(process),
        calendar=entry_for(meeting, process, guest, calendar.REQUEST, coming),
        calendar_method=calendar.REQUEST,
    )


def test_wanted(message: OutboxMessage) -> bool:
    """Whoever asked for it gets it at once."""
    return _campaign_of(message) is not None


def _campaign_of(message: OutboxMessage) -> Told | None:
    """The campaign a test is of, told to the one who asked, with a link that answers nothing."""
    row = db.session.execute(
        select(Campaign, Meeting, Process, Person)
        .join(Meeting, Meeting.id == Campaign.meeting_id)
        .join(Process, Process.id == Campaign.process_id)
        .join(Person, Person.id == message.recipient_id)
        .where(Campaign.id == message.subject_id)
    ).first()
    return Told(row[3], row[1], row[2], row[0], SAMPLE, test=True) if row else None


@mail_kind(TEST, Guarantee.at_most_once, test_wanted, title=_l("Test of an invitation"))
def invitation_test(message: OutboxMessage) -> Mail:
    """The invitation as its recipients will see it, in both languages where the campaign has two."""
    told = _campaign_of(message)
    if told is None:
        raise LookupError(f"campaign {message.subject_id} is gone")
    mail = invitation_mail(told, bilingual=True)
    entry = entry_for(told.meeting, told.process, told.guest, calendar.PUBLISH)
    return replace(mail, subject=_("Test: %(subject)s", subject=mail.subject), secrets=(), calendar=entry,
                   calendar_method=calendar.PUBLISH)  # fmt: skip


def deputy_declined_wanted(message: OutboxMessage) -> bool:
    """Nobody else is named meanwhile, and the meeting is to come."""
    found = _occasion(message)
    return found is not None and found.invitation.state == InvitationState.open and _takes_place(found.meeting)


@mail_kind(
    answering.DEPUTY_DECLINED,
    Guarantee.at_least_once,
    deputy_declined_wanted,
    title=_l("Somebody's deputy cannot come"),
)
def deputy_declined(message: OutboxMessage) -> Mail:
    """Whom you named cannot come: please answer again."""
    found = _occasion(message)
    if found is None:
        raise LookupError(f"invitation {message.subject_id} is gone")
    personal = sign(PURPOSE, found.invitation.id, found.invitation.nonce)
    answer_url = link("invitations.respond", link=personal)
    parts = [
        greeting(found.invitation.person),
        _("whom you named to come in your place cannot come either:"),
        f"**{escape_markdown(found.meeting.title)}**",
        facts(found.meeting, found.process),
        _("Please tell us whether you come yourself, or name somebody else:"),
        linked(_("Accept or decline"), answer_url),
    ]
    return Mail(
        subject=_("Please answer again: %(title)s", title=found.meeting.title),
        body="\n\n".join(parts),
        why=_why(found.process),
        secrets=(answer_url, personal),
    )


def preview(campaign: Campaign, meeting: Meeting, process: Process, guest: Person) -> tuple[Mail, Markup]:
    """The mail of a draft as this person would get it, and its text as HTML; nobody can answer with its link."""
    told = Told(guest, meeting, process, campaign, SAMPLE)
    sent = select(OutboxMessage.id).where(OutboxMessage.recipient_id == guest.id, OutboxMessage.state == State.sent)
    with in_language(guest.locale, of_path=True):
        mail = invitation_mail(told, bilingual=db.session.scalar(sent.limit(1)) is None)
    text = Markup(mail.filled(as_html(render_markdown(mail.body), "flow"), escape))  # noqa: S704  sanitised
    if mail.below is not None:
        lang, body = mail.below
        other = Markup(mail.filled(as_html(render_markdown(body), "flow"), escape))  # noqa: S704  sanitised
        text += Markup('<hr><div class="flow" lang="{}" dir="{}">{}</div>').format(lang, direction(lang), other)
    return mail, text
