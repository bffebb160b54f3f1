"""Mails before and after a meeting. One recipient each; who gets one is asked again just before sending."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.meetings import calendar, materials, reminders, survey
from consult.meetings.mailing import entry_for, facts, greeting
from consult.meetings.models import (
    Meeting,
    MeetingState,
    Minutes,
    MinutesState,
    Registration,
    RegistrationState,
    Reminder,
    ReminderKind,
)
from consult.meetings.policy import can_read_minutes
from consult.meetings.words import day_words
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process


@dataclass(frozen=True)
class _Occasion:
    """Everything such a mail speaks of."""

    reminder: Reminder
    meeting: Meeting
    process: Process
    registration: Registration
    person: Person


def _occasion(message: OutboxMessage) -> _Occasion | None:
    row = db.session.execute(
        select(Reminder, Meeting, Process, Registration, Person)
        .join(Meeting, Meeting.id == Reminder.meeting_id)
        .join(Process, Process.id == Meeting.process_id)
        .join(Registration, Registration.meeting_id == Meeting.id)
        .join(Person, Person.id == Registration.person_id)
        .where(Reminder.id == message.subject_id, Person.id == message.recipient_id)
    ).first()
    return _Occasion(*row) if row else None


def _about(message: OutboxMessage) -> _Occasion:
    found = _occasion(message)
    if found is None:
        raise LookupError(f"reminder {message.subject_id} is gone")
    return found


def wanted(message: OutboxMessage) -> bool:
    """Still planned for this time of the meeting, which takes place, and the person is still in one of the states."""
    found = _occasion(message)
    if found is None or found.meeting.state == MeetingState.cancelled:
        return False
    if message.period != reminders.period_of(found.meeting):
        return False
    state = found.registration.state
    after = found.reminder.minutes > 0 and state == RegistrationState.coming
    if state not in reminders.reached(found.reminder, after and reminders.is_counted(found.meeting.id)):
        return False
    if found.reminder.kind == ReminderKind.survey and not survey_wanted(found):
        return False
    return found.reminder.minutes > 0 or clock.now() < found.meeting.starts_at


def survey_wanted(found: _Occasion) -> bool:
    """There is something to answer, and they have not."""
    sheet = survey.opened(survey.link_for(found.registration))
    return sheet is not None and not sheet.sent and sheet.is_open(clock.now())


def _note(text: str) -> str:
    """What the organisers wrote, as Markdown that shows exactly that."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return "\n\n".join("  \n".join(escape_markdown(line) for line in block.splitlines()) for block in blocks)


def _why(process: Process) -> str:
    return _("You get this mail because you registered for a meeting of “%(process)s”.", process=process.title)


def _page(found: _Occasion) -> str:
    return link("meetings.show", slug=found.process.slug, meeting_id=found.meeting.id)


def _papers(found: _Occasion) -> str:
    """What to read, as a list; by the personal link, because not everything is for everybody."""
    if not materials.opens_for(found.registration):
        # Who asked for a place is no guest yet; what is for everybody stands on the page of the meeting.
        return ""
    shown = materials.of_meeting(found.meeting.id, with_internal=True)
    if not shown:
        return ""
    personal = materials.link_for(found.registration)
    lines = [
        f"- [{escape_markdown(one.title)}]({link('meetings.guest_material', link=personal, material_id=one.id)})"
        for one in shown
    ]
    return "\n".join([_("To read:"), "", *lines])


@mail_kind("meeting_reminder", Guarantee.at_least_once, wanted, title=_l("Reminder of a meeting"))
def meeting_reminder(message: OutboxMessage) -> Mail:
    """The meeting is near: when, where, how to take part, what to read."""
    found = _about(message)
    coming = found.registration.state == RegistrationState.coming
    opening = {
        RegistrationState.coming: _("soon we meet. You told us that you are coming:"),
        RegistrationState.offered: _("a place at this meeting is kept for you. Please tell us whether you take it:"),
        RegistrationState.waiting: _("you are on the waiting list of this meeting:"),
        RegistrationState.asked: _("you asked for a place at this meeting; we have not answered yet:"),
    }.get(RegistrationState(found.registration.state), _("this meeting is near. Do you already know whether you come?"))
    parts = [
        greeting(found.person),
        opening,
        f"**{escape_markdown(found.meeting.title)}**",
        facts(found.meeting, found.process, coming),
        _note(found.reminder.note),
        _papers(found),
        _("If you cannot come after all, please tell us by the link in your invitation or confirmation: somebody else "
          "may be glad of the place."),
        linked(_("To the meeting"), _page(found)),
    ]  # fmt: skip
    return Mail(
        subject=_("Reminder: %(title)s on %(day)s", title=found.meeting.title, day=day_words(found.meeting)),
        body="\n\n".join(part for part in parts if part),
        why=_why(found.process),
        secrets=(materials.link_for(found.registration),),
        calendar=entry_for(found.meeting, found.process, found.person, calendar.REQUEST, coming),
        calendar_method=calendar.REQUEST,
    )


def _minutes_line(found: _Occasion) -> str:
    minutes = db.session.scalar(select(Minutes).where(Minutes.meeting_id == found.meeting.id))
    if minutes is None or minutes.state != MinutesState.approved:
        return ""
    if not can_read_minutes(found.person, found.process, found.meeting, minutes):
        return ""
    return _("The minutes are here:") + "\n\n" + linked(_("Read the minutes"), f"{_page(found)}#minutes")


def _survey_link(found: _Occasion) -> str:
    return link("meetings.survey", link=survey.link_for(found.registration))


@mail_kind("meeting_thanks", Guarantee.at_least_once, wanted, title=_l("Thanks after a meeting"))
def meeting_thanks(message: OutboxMessage) -> Mail:
    """Thank you for coming, and where the minutes are."""
    found = _about(message)
    parts = [
        greeting(found.person),
        _("thank you for taking part in:"),
        f"**{escape_markdown(found.meeting.title)}**",
        _note(found.reminder.note),
        _minutes_line(found) or _("The minutes will stand on the page of the meeting as soon as they are approved."),
        linked(_("To the meeting"), _page(found)),
    ]
    return Mail(
        subject=_("Thank you: %(title)s", title=found.meeting.title),
        body="\n\n".join(part for part in parts if part),
        why=_why(found.process),
    )


@mail_kind("meeting_survey", Guarantee.at_most_once, wanted, title=_l("Survey after a meeting"))
def meeting_survey(message: OutboxMessage) -> Mail:
    """A few questions, answered by a personal link."""
    found = _about(message)
    address = _survey_link(found)
    parts = [
        greeting(found.person),
        _("how was it? A few questions about:"),
        f"**{escape_markdown(found.meeting.title)}**",
        _note(found.reminder.note),
        linked(_("Answer the questions"), address),
        _("Your answers are anonymous: once they are sent, nobody can see who gave them, not even we.")
        if found.meeting.survey_anonymous
        else _("The organisers see who gave which answer."),
        _("You need no account. The link is for you alone; please do not pass it on."),
    ]
    return Mail(
        subject=_("How was it? %(title)s", title=found.meeting.title),
        body="\n\n".join(part for part in parts if part),
        why=_why(found.process),
        secrets=(address, survey.link_for(found.registration)),
    )
