"""What is removed when nobody needs it any more; the nightly purge goes through `STEPS`, one commit each."""

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Delete, delete, or_, select

from consult import broker, clock, files, limits, personal
from consult.accounts.models import LinkToken, SignIn
from consult.audit.models import Deletion, Heartbeat
from consult.concept.models import Editing, MeasureSheet
from consult.extensions import db
from consult.invitations import letters
from consult.invitations import operations as invitations
from consult.invitations.models import PeopleList
from consult.jobs import Job
from consult.meetings import fields, survey, unconfirmed
from consult.newsletters import subscribing
from consult.outbox import operations as outbox
from consult.site.models import ContactMessage
from consult.web import FormAnswer

#: A form that is sent again later than this counts as a new one.
KEEP_FORM_ANSWERS = timedelta(days=7)
#: So long a used or expired personal link still says "too old" instead of "not found".
KEEP_LINKS = timedelta(days=30)
KEEP_SIGN_INS = timedelta(days=1)
KEEP_CONTACT = timedelta(days=365)
KEEP_EDITING = timedelta(days=1)
KEEP_SHEETS = timedelta(days=30)
#: So long after it was typed in an address that nobody proved is kept; a link lives for 7 days.
KEEP_GUESTS = timedelta(days=30)
#: Local hours in which to purge: after the hour that clocks skip or repeat, and not across midnight.
NIGHT = range(3, 6)
#: A machine that is off at night purges in the day.
CATCH_UP = timedelta(hours=36)


def is_due(now: datetime) -> bool:
    """Whether tonight's purge has not been done yet, and it is time for it."""
    last = db.session.scalar(select(Heartbeat.at).where(Heartbeat.name == Job.purge))
    zone = current_app.config["TIMEZONE"]
    if last is None:
        return True
    if clock.local_date(last, zone) >= clock.local_date(now, zone):
        return False
    return clock.local_hour(now, zone) in NIGHT or now - last > CATCH_UP


def _delete(statement: Delete) -> int:
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]  # a DML result has it


def form_answers(now: datetime) -> int:
    return _delete(delete(FormAnswer).where(FormAnswer.created_at < now - KEEP_FORM_ANSWERS))


def rate_buckets(now: datetime) -> int:
    return limits.purge()


def open_forms(now: datetime) -> int:
    return _delete(delete(Editing).where(Editing.seen_at < now - KEEP_EDITING))


def measure_sheets(now: datetime) -> int:
    """Applied or not: the changes they made stay."""
    return _delete(delete(MeasureSheet).where(MeasureSheet.created_at < now - KEEP_SHEETS))


def people_lists(now: datetime) -> int:
    """Taken or not: the people who came in by them stay in the audience."""
    return _delete(delete(PeopleList).where(PeopleList.created_at < now - KEEP_SHEETS))


def sign_ins(now: datetime) -> int:
    """Those that ended by the absolute limit or by not being used."""
    idle = now - current_app.config["SIGN_IN_IDLE"] - KEEP_SIGN_INS
    return _delete(delete(SignIn).where(or_(SignIn.expires_at < now, SignIn.seen_at < idle)))


def links(now: datetime) -> int:
    return _delete(delete(LinkToken).where(LinkToken.expires_at < now - KEEP_LINKS))


def mail_copies(now: datetime) -> int:
    return outbox.purge_copies(now)


def contact_messages(now: datetime) -> int:
    return _delete(delete(ContactMessage).where(ContactMessage.created_at < now - KEEP_CONTACT))


def needs_and_messages(now: datetime) -> int:
    return invitations.purge_answers(now)


def letters_on_paper(now: datetime) -> int:
    """Files the worker made for printing."""
    return letters.purge_files(now)


def unsent_surveys(now: datetime) -> int:
    """Sheets that were begun and can no longer be sent."""
    return survey.purge_unsent(now)


def own_questions(now: datetime) -> int:
    """Answers to the organisers' own questions, question by question."""
    return fields.purge_answers(now)


def unproven_registrations(now: datetime) -> int:
    """Registrations whose address nobody proved."""
    return unconfirmed.forget_unconfirmed(now)


def unproven_guests(now: datetime) -> int:
    """Addresses typed in with a contribution whose owners never pressed the button."""
    return personal.forget_unproven_guests(now - KEEP_GUESTS)


def unproven_readers(now: datetime) -> int:
    """Requests for a newsletter whose owners never pressed the button; their addresses go with the guests'."""
    return subscribing.forget_unproven(now - KEEP_GUESTS)


def unused_files(now: datetime) -> int:
    """Files nothing refers to any longer: materials, pictures and logos that were taken away."""
    return files.purge(db.session(), now)


def broker_messages(now: datetime) -> int:
    return broker.purge_consumed(current_app.config["BROKER_URL"], now)


def run(step: Callable[[datetime], int], now: datetime) -> int:
    """Do one step and write down how many rows it removed: the proof that something is gone. Commits."""
    removed = step(now)
    if removed:
        db.session.add(Deletion(at=now, what=step.__name__, rows=removed))
    db.session.commit()
    return removed


def step_names() -> dict[str, str]:
    """What the steps are called on the page of deletions."""
    return {
        "form_answers": _("Marks of forms that were sent"),
        "rate_buckets": _("Counters against abuse"),
        "sign_ins": _("Ended sign-ins"),
        "links": _("Expired personal links"),
        "mail_copies": _("Texts of sent mails"),
        "contact_messages": _("Messages from visitors"),
        "needs_and_messages": _("Needs and messages of guests of meetings"),
        "broker_messages": _("Done background work"),
        "letters_on_paper": _("Files with letters"),
        "unsent_surveys": _("Surveys that were begun and not sent"),
        "open_forms": _("Marks of open forms"),
        "measure_sheets": _("Tables of measures that were sent in"),
        "people_lists": _("Lists of people that were sent in"),
        "own_questions": _("Answers to questions of the organisers"),
        "unproven_registrations": _("Registrations whose address nobody proved"),
        "unproven_guests": _("Addresses nobody proved"),
        "unused_files": _("Files nothing refers to any longer"),
        "unproven_readers": _("Requests for a newsletter nobody confirmed"),
    }


STEPS: tuple[Callable[[datetime], int], ...] = (
    form_answers, rate_buckets, sign_ins, links, mail_copies, contact_messages, needs_and_messages, broker_messages,
    letters_on_paper, unsent_surveys, open_forms, measure_sheets, people_lists, own_questions,
    unproven_registrations, unproven_readers, unproven_guests, unused_files,
)  # fmt: skip
