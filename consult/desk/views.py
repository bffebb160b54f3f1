""" "Meine Aufgaben": one list for staff, across all processes and desks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from consult import clock
from consult.authz import authorize, current_person
from consult.concept import draft_queries as drafting
from consult.concept import history
from consult.concept import policy as editing
from consult.concept import queries as concept
from consult.contributions import policy as moderating
from consult.contributions import queries as contributions
from consult.contributions import translating
from consult.contributions.due import due_on
from consult.contributions.models import Stance
from consult.contributions.words import is_called_otherwise, stance_name
from consult.desk import queries
from consult.digests import queries as digests
from consult.i18n import format_day
from consult.meetings import policy as meetings
from consult.moderation import erasing
from consult.moderation.queue import DeskList, counts
from consult.outbox import queries as outbox
from consult.outbox.models import State
from consult.processes import policy
from consult.processes.lead import LeadEnds, lead_ends
from consult.processes.models import Function, Process, ProcessState
from consult.processes.operations import missing_for_publishing
from consult.processes.queries import functions_of, processes_visible_to
from consult.site.queries import texts_still_drafts
from consult.weighing import policy as weighing
from consult.weighing import queries as deciding
from consult.weighing.listing import Order
from consult.weighing.queries import decisions_on

bp = Blueprint("desk", __name__)

#: For how long a new digest counts as something to read.
DIGEST_DAYS = timedelta(days=14)


@dataclass(frozen=True)
class DeskTask:
    """One thing that waits for somebody."""

    what: str
    #: The process or the part of the platform.
    where: str
    url: str
    count: int = 1
    #: Since when the oldest of them waits.
    since: datetime | None = None
    #: Later than was promised.
    late: bool = False
    note: str = ""


def has_tasks(person: Any) -> bool:
    """For everybody who works in a process or runs the platform."""
    return bool(functions_of(person)) or policy.is_operator(person)


def moderation(person: Any, process: Process, now: datetime) -> list[DeskTask]:
    """Contributions that nobody looked at yet, those later than promised to the public, and those one looks after."""
    if not moderating.can_moderate(person, process):
        return []
    numbers = counts(process, person, unseen=False)
    tasks = []
    if numbers.pending:
        what = ngettext("Look at %(num)s contribution", "Look at %(num)s contributions", numbers.pending)
        note = ngettext("Promised within %(num)s hour", "Promised within %(num)s hours", process.moderation_hours)
        url = url_for("moderation.queue", slug=process.slug)
        late = bool(numbers.overdue)
        if late:
            note += ". " + ngettext("%(num)s waits longer", "%(num)s wait longer", numbers.overdue)
            url = url_for("moderation.queue", slug=process.slug, list=DeskList.overdue)
        tasks.append(DeskTask(what, process.title, url, numbers.pending, numbers.oldest, late=late, note=note))
    if numbers.mine:
        what = ngettext(
            "%(num)s contribution that you look after", "%(num)s contributions that you look after", numbers.mine
        )
        url = url_for("moderation.queue", slug=process.slug, list=DeskList.mine)
        tasks.append(DeskTask(what, process.title, url, numbers.mine))
    if numbers.reported:
        what = ngettext("%(num)s contribution was reported", "%(num)s contributions were reported", numbers.reported)
        url = url_for("moderation.queue", slug=process.slug, list=DeskList.reported)
        tasks.append(DeskTask(what, process.title, url, numbers.reported))
    second_looks = erasing.second_looks(process.id)
    if second_looks:
        what = ngettext("%(num)s decision needs a second look", "%(num)s decisions need a second look", second_looks)
        url = url_for("moderation.second_look", slug=process.slug)
        tasks.append(DeskTask(what, process.title, url, second_looks))
    return tasks


def questions(person: Any, process: Process, now: datetime) -> list[DeskTask]:
    """Questions to the text that got neither a reply nor a decision with its reason; late after the day promised."""
    if not policy.has_function(person, process.id, Function.answering, Function.moderation, Function.lead):
        return []
    asked = contributions.unanswered_questions(process.id)
    decided = decisions_on((question.contribution_id for question in asked), with_held=True)
    waiting = [question for question in asked if question.contribution_id not in decided]
    if not waiting:
        return []
    first = waiting[0]
    url = url_for("contributions.show", slug=process.slug, number=first.number)
    if len(waiting) > 1 and weighing.can_decide(person, process):
        url = url_for("weighing.index", slug=process.slug, stance=Stance.question, order=Order.questions)
    days = [day for question in waiting if (day := due_on(process, question.published_at)) is not None]
    overdue = sum(day < clock.local_date(now, process.zone) for day in days)
    if overdue:
        note = ngettext("%(num)s is overdue", "%(num)s are overdue", overdue)
    elif days:
        note = _("The next one is due on %(day)s.", day=format_day(min(days)))
    else:
        note = _("The oldest one is %(number)s.", number=f"{process.code}-{first.number}")
    what = ngettext("Answer %(num)s question", "Answer %(num)s questions", len(waiting))
    if is_called_otherwise(process, Stance.question):
        kind = stance_name(process, Stance.question)
        what = _("Answer %(number)s × “%(kind)s”", number=len(waiting), kind=kind)
    return [DeskTask(what, process.title, url, len(waiting), first.created_at, late=bool(overdue), note=note)]


def answers(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """Public contributions about which nothing was decided."""
    if not weighing.can_decide(person, process):
        return []
    number, since = deciding.without_answer(process.id)
    if not number:
        return []
    return [
        DeskTask(
            ngettext("%(num)s contribution without an answer", "%(num)s contributions without an answer", number),
            process.title,
            url_for("weighing.index", slug=process.slug),
            number,
            since,
        )
    ]


def translations(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """Contributions in other languages than the city's that nobody translated yet."""
    if not policy.has_function(person, process.id, Function.answering, Function.moderation, Function.lead):
        return []
    lang = current_app.config["BABEL_DEFAULT_LOCALE"]
    number, since = translating.waiting_for(process.id, lang)
    if not number:
        return []
    return [
        DeskTask(
            ngettext("Translate %(num)s contribution", "Translate %(num)s contributions", number),
            process.title,
            url_for("contributions.index", slug=process.slug, needs=lang),
            number,
            since,
        )
    ]


def invitations(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """Coming meetings to which invited people have not answered."""
    if not meetings.can_organise(person, process):
        return []
    return [
        DeskTask(
            ngettext("%(num)s invitation without an answer", "%(num)s invitations without an answer", number),
            f"{process.title} – {meeting.title}",
            url_for("invitations.progress", slug=process.slug, meeting_id=meeting.id),
            number,
            since,
        )
        for meeting, number, since in queries.without_answer(process.id)
    ]


def versions(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """Changes of the working text that no version has yet."""
    if not editing.can_edit_text(person, process):
        return []
    number = sum(history.unpublished_changes(part.id) for part in concept.concepts_of(process.id))
    if not number:
        return []
    return [
        DeskTask(
            ngettext("%(num)s change not in a version yet", "%(num)s changes not in a version yet", number),
            process.title,
            url_for("concept.working", slug=process.slug),
            number,
        )
    ]


def drafts(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """Group drafts that wait for the editors, and those that came back to one's own groups."""
    tasks = []
    if editing.can_edit_text(person, process):
        number, since = drafting.waiting_for_editors(process.id)
        if number:
            what = ngettext("Answer %(num)s draft of a group", "Answer %(num)s drafts of groups", number)
            url = url_for("concept.drafts", slug=process.slug, list="waiting")
            tasks.append(DeskTask(what, process.title, url, number, since))
    number, since, first = drafting.returned_to(person, process.id)
    if number:
        what = ngettext("%(num)s draft came back to your group", "%(num)s drafts came back to your groups", number)
        url = (
            url_for("concept.draft", slug=process.slug, draft_id=first)
            if number == 1
            else url_for("concept.drafts", slug=process.slug, list="writing")
        )
        tasks.append(DeskTask(what, process.title, url, number, since))
    return tasks


def new_digests(person: Any, process: Process, now: datetime) -> list[DeskTask]:
    """The newest feedback digest, while it is new."""
    if not policy.is_steering(person, process):
        return []
    return [
        DeskTask(
            _("Read the feedback digest"),
            process.title,
            url_for("digests.show", slug=process.slug, digest_id=digest.id),
            since=digest.issued_at,
        )
        for digest in digests.issued(process.id, limit=1)
        if digest.issued_at is not None and now - digest.issued_at <= DIGEST_DAYS
    ]


def publishing(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """Processes that are still hidden."""
    if process.state != ProcessState.draft or not policy.is_lead(person, process):
        return []
    missing = missing_for_publishing(process, reasons=len(contributions.reasons_of(process.id)))
    return [
        DeskTask(
            _("Publish the process"),
            process.title,
            url_for("processes.settings", slug=process.slug),
            since=process.created_at,
            note=ngettext("%(num)s thing is missing", "%(num)s things are missing", len(missing))
            if missing
            else _("Ready to be published"),
        )
    ]


def _of_lead(ends: LeadEnds, what: str, url: str) -> DeskTask:
    """A process that nobody leads, or soon nobody will."""
    if ends.already():
        return DeskTask(what, ends.title, url, late=True, note=_("Nobody leads this process."))
    day = format_day(clock.local_date(ends.at, ends.zone))
    return DeskTask(what, ends.title, url, note=_("From %(day)s on nobody leads this process.", day=day))


def leading(person: Any, process: Process, _now: datetime) -> list[DeskTask]:
    """The last role of a lead ends soon: leads name another, or give a later day."""
    if not policy.is_lead(person, process):
        return []
    url = url_for("groups.index", slug=process.slug)
    return [_of_lead(ends, _("Name another lead"), url) for ends in lead_ends([process.id]) if ends.soon()]


#: One function per desk; a new desk adds its own here.
DESKS: tuple[Callable[[Any, Process, datetime], list[DeskTask]], ...] = (
    moderation,
    questions,
    answers,
    translations,
    invitations,
    new_digests,
    drafts,
    versions,
    publishing,
    leading,
)


def running_the_platform(person: Any) -> list[DeskTask]:
    """What waits for operators."""
    if not policy.is_operator(person):
        return []
    platform = _("Platform")
    tasks = []
    states = outbox.counts_by_state()
    failed = states[State.failed] + states[State.uncertain]
    if failed:
        what = ngettext("%(num)s mail did not arrive", "%(num)s mails did not arrive", failed)
        tasks.append(DeskTask(what, platform, url_for("outbox.messages"), failed))
    number, since = queries.messages_to_answer()
    if number:
        what = ngettext("%(num)s message from a visitor", "%(num)s messages from visitors", number)
        tasks.append(DeskTask(what, platform, url_for("site.messages"), number, since))
    drafts = texts_still_drafts()
    if drafts:
        what = ngettext("Complete %(num)s legal text", "Complete %(num)s legal texts", drafts)
        tasks.append(DeskTask(what, platform, url_for("site.texts"), drafts))
    tasks += [
        _of_lead(ends, _("Name a lead"), url_for("processes.name_lead", process_id=ends.process_id))
        for ends in lead_ends()
        if ends.soon()
    ]
    return tasks


def workplaces(person: Any) -> list[Process]:
    """The processes a person works in, newest first."""
    mine = functions_of(person)
    return [process for process in processes_visible_to(person) if process.id in mine]


def tasks_of(person: Any, processes: list[Process]) -> list[DeskTask]:
    """Everything that waits for this person: what is late first, then what waits longest."""
    now = clock.now()
    found = [
        task
        for process in processes
        if process.state != ProcessState.archived
        for desk in DESKS
        for task in desk(person, process, now)
    ]
    found += running_the_platform(person)
    return sorted(found, key=lambda task: (not task.late, task.since or now))


@bp.get("/tasks")
def tasks() -> str:
    """The list, and the way to each work area."""
    authorize(has_tasks)
    person = current_person()
    processes = workplaces(person)
    return render_template("desk/tasks.html", tasks=tasks_of(person, processes), processes=processes)
