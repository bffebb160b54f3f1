"""Mails about registering: prove the address, come in, wait, a place became free, no."""

from dataclasses import replace

from flask_babel import gettext as _

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.i18n import in_language, language
from consult.meetings import calendar, deadlines, registering, registrations, unconfirmed, waiting
from consult.meetings.mailing import entry_for, facts, greeting, moment_words
from consult.meetings.models import Meeting, MeetingState, RegistrationState
from consult.meetings.registrations import Registered
from consult.meetings.words import Needs, day_words
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process


def _found(message: OutboxMessage) -> Registered | None:
    found = registrations.with_person(message.subject_id)
    return found if found is not None and found.person.id == message.recipient_id else None


def _of(message: OutboxMessage) -> Registered:
    found = _found(message)
    if found is None:
        raise LookupError(f"registration {message.subject_id} is gone")
    return found


def _to_come(meeting: Meeting) -> bool:
    return meeting.state == MeetingState.planned and clock.now() < meeting.ends_at


def _in_state(message: OutboxMessage, *states: RegistrationState) -> bool:
    found = _found(message)
    return found is not None and found.registration.state in states and _to_come(found.meeting)


def _why(process: Process) -> str:
    return _("You get this mail because you registered for a meeting of “%(process)s”.", process=process.title)


def _mine(found: Registered) -> tuple[str, str]:
    """The personal link to the registration: its address, and what of it is secret."""
    personal = registrations.link_to(found.registration)
    return link("meetings.my_registration", link=personal), personal


def _head(found: Registered, opening: str) -> list[str]:
    return [greeting(found.person), opening, f"**{escape_markdown(found.meeting.title)}**"]


def _mail(found: Registered, subject: str, parts: list[str], *secrets: str, method: str | None = None) -> Mail:
    return Mail(
        subject=subject,
        body="\n\n".join(part for part in parts if part),
        why=_why(found.process),
        secrets=secrets,
        calendar=entry_for(found.meeting, found.process, found.person, method) if method else None,
        calendar_method=method or calendar.REQUEST,
    )


def _token_of(message: OutboxMessage) -> tuple[LinkToken, Registered] | None:
    token = db.session.get(LinkToken, message.subject_id)
    if token is None or token.purpose != LinkPurpose.register or token.person_id != message.recipient_id:
        return None
    found = registrations.with_person(token.subject_id or 0)
    return (token, found) if found is not None else None


def confirm_wanted(message: OutboxMessage) -> bool:
    """The link still counts, and the meeting is to come."""
    found = _token_of(message)
    return found is not None and found[0].is_valid(clock.now()) and _to_come(found[1].meeting)


@mail_kind(
    unconfirmed.CONFIRM, Guarantee.at_least_once, confirm_wanted, title=_l("Registration: is this your address?")
)
def confirm_registration(message: OutboxMessage) -> Mail:
    """Is this your address? Nothing somebody typed in stands in it: anybody can type in any address."""
    row = _token_of(message)
    if row is None:
        raise LookupError(f"link {message.subject_id} is gone")
    token, found = row
    personal = tokens.link_of(token)
    subject = _("Please confirm: %(title)s", title=found.meeting.title)
    mail = _mail(found, subject, _asking(found, personal), personal)
    # Somebody we know by another language than the one of the page they asked on.
    with in_language(message.period or language(), of_path=True):
        below = (language(), "\n\n".join(_asking(found, personal)))
    return replace(mail, below=below) if below[0] != language() else mail


def _what_comes(found: Registered) -> str:
    """What the button leads to as things stand now: a place, the waiting list, or a look by the organisers."""
    if found.meeting.approval:
        return _(
            "Was it you? Then please press the button on this page. The organisers then look at your registration and "
            "write to you; no place is kept for you before that:"
        )
    if registering.places_left(found.meeting, found.registration.organisation_kind) == 0:
        return _(
            "All places are taken at the moment. Was it you? Then please press the button on this page. Only then do "
            "you stand on the waiting list, at present as number %(place)s, and we write to you when a place becomes "
            "free:",
            place=registering.waiting_count(found.meeting.id) + 1,
        )
    return _("Was it you? Then please press the button on this page. Only then is a place kept for you:")


def _asking(found: Registered, personal: str) -> list[str]:
    return [
        _("Hello,"),
        _("somebody wants to register with this address for:"),
        f"**{escape_markdown(found.meeting.title)}**",
        facts(found.meeting, found.process),
        _what_comes(found),
        linked(_("Confirm my registration"), link("meetings.confirm_registration", link=personal)),
        _("The link is good for 2 days. Was it not you? Then do nothing, and the registration is deleted."),
    ]


@mail_kind(
    unconfirmed.KNOWN,
    Guarantee.at_least_once,
    lambda message: (found := _found(message)) is not None and _to_come(found.meeting),
    title=_l("Registration: you are on the list already"),
)
def registration_known(message: OutboxMessage) -> Mail:
    """Somebody typed in the address of somebody who is on the list."""
    found = _of(message)
    url, personal = _mine(found)
    parts = [
        *_head(found, _("somebody wanted to register with this address. We know it already for this meeting:")),
        _("On this page you see how it stands, and change or cancel it:"),
        linked(_("My registration"), url),
        deadlines.changes_told(found.meeting, clock.now()),
        _("Was it not you? Then you need do nothing; nothing has changed."),
    ]
    return _mail(found, _("Your registration: %(title)s", title=found.meeting.title), parts, url, personal)


@mail_kind(
    registering.CONFIRMED,
    Guarantee.at_least_once,
    lambda message: _in_state(message, RegistrationState.coming),
    title=_l("Registration: you have a place"),
)
def registration_confirmed(message: OutboxMessage) -> Mail:
    """You have a place: the date for the calendar, and the code for the door."""
    found = _of(message)
    url, personal = _mine(found)
    parts = [
        *_head(found, _("you have a place. We are looking forward to seeing you:")),
        facts(found.meeting, found.process),
        "- " + _("Take part from home") + f": {found.meeting.online_url}" if found.meeting.online_url else "",
        _("Your code for the door: **%(code)s**", code=found.registration.code),
        linked(_("My registration"), url),
        _("There you find the code as a picture, and change or cancel your registration. It costs nothing."),
        deadlines.changes_told(found.meeting, clock.now()),
        _("If you cannot come, please tell us there: somebody else may be waiting for the place."),
        _("The date is attached for your calendar. The link is for you alone; please do not pass it on."),
    ]
    subject = _("You have a place: %(title)s on %(day)s", title=found.meeting.title, day=day_words(found.meeting))
    return _mail(found, subject, parts, url, personal, found.registration.code, method=calendar.REQUEST)


@mail_kind(
    registering.LISTED,
    Guarantee.at_least_once,
    lambda message: _in_state(message, RegistrationState.waiting, RegistrationState.asked),
    title=_l("Registration: waiting list, or to be looked at"),
)
def registration_listed(message: OutboxMessage) -> Mail:
    """No place yet: on the waiting list, or the organisers look at it first."""
    found = _of(message)
    url, personal = _mine(found)
    if found.registration.state == RegistrationState.asked:
        opening = _("thank you for your registration. The organisers look at it and write to you:")
        state = ""
    else:
        opening = _("all places are taken. You are on the waiting list for:")
        state = _("Your place on the list: %(place)s.", place=waiting.place_in_queue(found.registration))
        state += " " + _("When a place becomes free, we write to you at once.")
    parts = [
        *_head(found, opening), facts(found.meeting, found.process), state,
        _("On this page you see how it stands, and change or cancel it:"),
        linked(_("My registration"), url), deadlines.changes_told(found.meeting, clock.now()),
    ]  # fmt: skip
    return _mail(found, _("Your registration: %(title)s", title=found.meeting.title), parts, url, personal)


def offer_wanted(message: OutboxMessage) -> bool:
    """The place is still kept for them."""
    found = _found(message)
    if found is None or found.registration.state != RegistrationState.offered or not _to_come(found.meeting):
        return False
    until = found.registration.offer_until
    return until is not None and clock.now() < until and waiting.stamp(until) == message.period


@mail_kind(waiting.OFFERED, Guarantee.at_least_once, offer_wanted, title=_l("A place became free"))
def place_offered(message: OutboxMessage) -> Mail:
    """A place is kept for you until then: take it or leave it."""
    found = _of(message)
    url, personal = _mine(found)
    until = moment_words(found.registration.offer_until or clock.now(), found.meeting)
    parts = [
        *_head(found, _("a place became free, and it is your turn:")),
        facts(found.meeting, found.process),
        _("**We keep the place for you until %(until)s.** Please say on this page whether you take it:", until=until),
        linked(_("Take the place or leave it"), url),
        _("If we hear nothing until then, the next person on the list gets it."),
    ]
    return _mail(found, _("A place became free: %(title)s", title=found.meeting.title), parts, url, personal)


@mail_kind(
    waiting.OFFER_ENDED,
    Guarantee.at_least_once,
    lambda message: _in_state(message, RegistrationState.declined),
    title=_l("An offered place went to somebody else"),
)
def place_offer_ended(message: OutboxMessage) -> Mail:
    """The time to take it is over."""
    found = _of(message)
    url, personal = _mine(found)
    parts = [
        *_head(found, _("we kept a place for you and have not heard from you. It has gone to the next person:")),
        _("Would you still like to come? On this page you can put yourself on the list again:"),
        linked(_("My registration"), url),
    ]
    return _mail(found, _("No longer kept for you: %(title)s", title=found.meeting.title), parts, url, personal)


@mail_kind(
    registering.REFUSED,
    Guarantee.at_least_once,
    lambda message: _in_state(message, RegistrationState.refused),
    title=_l("Registration declined by the organisers"),
)
def registration_refused(message: OutboxMessage) -> Mail:
    """The organisers said no, and why."""
    found = _of(message)
    url, personal = _mine(found)
    reason = Needs.load(found.registration.needs).reason
    parts = [
        *_head(found, _("thank you for your registration. We are sorry that we cannot give you a place:")),
        facts(found.meeting, found.process),
        _("The organisers write: %(reason)s", reason=escape_markdown(reason)) if reason else "",
        linked(_("My registration"), url),
    ]
    return _mail(found, _("No place: %(title)s", title=found.meeting.title), parts, url, personal)


@mail_kind(
    registering.ENDED,
    Guarantee.at_least_once,
    lambda message: _in_state(message, RegistrationState.declined),
    title=_l("Registration cancelled by the organisers"),
)
def registration_ended(message: OutboxMessage) -> Mail:
    """The organisers took somebody off the list; calendars take the date out."""
    found = _of(message)
    parts = [
        *_head(found, _("the organisers have cancelled your registration for:")),
        facts(found.meeting, found.process),
        _("If you think that this is a mistake, please write to them."),
        linked(_("Write to us"), link("site.contact")),
        _("You need do nothing. The attachment takes the date out of your calendar."),
    ]
    subject = _("Registration cancelled: %(title)s", title=found.meeting.title)
    return _mail(found, subject, parts, method=calendar.CANCEL)
