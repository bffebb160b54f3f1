"""Mails of the desk: to those who reported, objected, or whose turn it is."""

from flask_babel import gettext as _
from flask_babel import ngettext

from consult import clock
from consult.contributions.models import Contribution, ModerationAct, ModerationReason
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.moderation import reports
from consult.moderation.models import Appeal, Report, ReportOutcome
from consult.moderation.mornings import KIND, Load, loads_for
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process


def _label(contribution: Contribution, process: Process) -> str:
    return f"{process.code}-{contribution.number}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {escape_markdown(line)}" for line in text.splitlines())


def _always(_message: OutboxMessage) -> bool:
    """What was decided stays decided."""
    return True


def _still_closed(message: OutboxMessage) -> bool:
    """A hold that was undone meanwhile opened its reports again: nothing has come of them yet."""
    report = db.session.get(Report, message.subject_id)
    if report is None or report.closed_at is None:
        return False
    return message.period in ("", reports.closing(report.closed_at))


def _of_report(message: OutboxMessage) -> tuple[Report, Contribution, Process]:
    report = db.session.get_one(Report, message.subject_id)
    contribution = db.session.get_one(Contribution, report.contribution_id)
    return report, contribution, db.session.get_one(Process, report.process_id)


def outcome_sentence(outcome: str | None) -> str:
    """What came of a report, for whoever made it."""
    if outcome == ReportOutcome.hidden:
        return _("It is held back now and no longer shown in public. Thank you for telling us.")
    if outcome == ReportOutcome.kept:
        return _("The moderators have looked at it and let it stand.")
    if outcome == ReportOutcome.settled:
        return _("It is not shown any more: it was withdrawn or deleted.")
    return _("The moderators have not decided yet.")


@mail_kind("report_closed", Guarantee.at_least_once, _still_closed, title=_l("What came of a report"))
def report_closed(message: OutboxMessage) -> Mail:
    """What came of a report: to whoever made it."""
    report, contribution, process = _of_report(message)
    number = _label(contribution, process)
    parts = [
        _(
            "You reported the contribution %(number)s in “%(title)s”.",
            number=escape_markdown(number),
            title=escape_markdown(process.title),
        ),
        outcome_sentence(report.outcome),
    ]
    if report.answer:
        parts.append(_("The moderators write to you:") + "\n\n" + _quoted(report.answer))
    if report.outcome == ReportOutcome.kept:
        address = link("contributions.show", slug=process.slug, number=contribution.number)
    else:
        address = link("contributions.rules", slug=process.slug)
    text = _("To the contribution") if report.outcome == ReportOutcome.kept else _("Rules for contributions")
    parts.append(f"[{text}]({address})")
    return Mail(
        _("What came of your report of %(number)s", number=number),
        "\n\n".join(parts),
        _("You get this mail because you reported a contribution. Nobody but the moderators knows that."),
    )


def _of_appeal(message: OutboxMessage) -> tuple[Appeal, Contribution, Process]:
    appeal = db.session.get_one(Appeal, message.subject_id)
    act = db.session.get_one(ModerationAct, appeal.act_id)
    contribution = db.session.get_one(Contribution, act.contribution_id)
    return appeal, contribution, db.session.get_one(Process, contribution.process_id)


@mail_kind("appeal_decided", Guarantee.at_least_once, _always, title=_l("Outcome of a second look"))
def appeal_decided(message: OutboxMessage) -> Mail:
    """The answer to an appeal: to the author."""
    appeal, contribution, process = _of_appeal(message)
    number = _label(contribution, process)
    parts = [
        _(
            "You asked for another look at the decision about your contribution %(number)s to “%(title)s”.",
            number=escape_markdown(number),
            title=escape_markdown(process.title),
        ),
        _("You were right: it is published again. Everybody can read it now.")
        if appeal.granted
        else _("The decision stands: it remains held back."),
    ]
    if appeal.answer:
        parts.append(_("The moderators write to you:") + "\n\n" + _quoted(appeal.answer))
    address = link("contributions.show", slug=process.slug, number=contribution.number)
    parts.append(linked(_("To your contribution"), address))
    return Mail(
        _("Another look at %(number)s", number=number),
        "\n\n".join(parts),
        _("You get this mail because you have written a contribution to “%(title)s”.", title=process.title),
    )


@mail_kind("contribution_erased", Guarantee.at_least_once, _always, title=_l("Contribution deleted for good"))
def contribution_erased(message: OutboxMessage) -> Mail:
    """The words were erased for good, and why: to the author."""
    act = db.session.get_one(ModerationAct, message.subject_id)
    contribution = db.session.get_one(Contribution, act.contribution_id)
    process = db.session.get_one(Process, contribution.process_id)
    reason = db.session.get(ModerationReason, act.reason_id) if act.reason_id else None
    number = _label(contribution, process)
    parts = [
        _(
            "The moderators have deleted the words of your contribution %(number)s to “%(title)s” for good. "
            "Its number and the reason stay.",
            number=escape_markdown(number),
            title=escape_markdown(process.title),
        )
    ]
    if reason is not None:
        parts.append(_("Reason: %(reason)s", reason=escape_markdown(reason.text)))
    if act.note:
        parts.append(_("The moderators write to you:") + "\n\n" + _quoted(act.note))
    parts.append(_("You can write a new one at any time."))
    address = link("contributions.show", slug=process.slug, number=contribution.number)
    parts.append(linked(_("To your contribution"), address))
    parts.append(_("If you think that this was a mistake, please write to us:") + " " + link("site.contact"))
    return Mail(
        _("The words of your contribution %(number)s are deleted", number=number),
        "\n\n".join(parts),
        _("You get this mail because you have written a contribution to “%(title)s”.", title=process.title),
    )


def _lines(load: Load) -> list[str]:
    """What waits, one line for each kind of work."""
    said = []
    if load.waiting:
        said.append(ngettext("%(num)s contribution waits", "%(num)s contributions wait", load.waiting))
    if load.overdue:
        said.append(
            ngettext("%(num)s of them later than promised", "%(num)s of them later than promised", load.overdue)
        )
    if load.assigned:
        said.append(ngettext("%(num)s of them is yours", "%(num)s of them are yours", load.assigned))
    if load.reported:
        said.append(ngettext("%(num)s contribution was reported", "%(num)s contributions were reported", load.reported))
    if load.appeals:
        said.append(
            ngettext("%(num)s author asks for another look", "%(num)s authors ask for another look", load.appeals)
        )
    if load.erasures:
        said.append(
            ngettext(
                "%(num)s deletion waits for another pair of eyes",
                "%(num)s deletions wait for another pair of eyes",
                load.erasures,
            )
        )
    return said


def still_waiting(message: OutboxMessage) -> bool:
    """Something waits, and the recipient is still the one to be told."""
    return bool(loads_for(message, clock.now()))


@mail_kind(KIND, Guarantee.at_most_once, still_waiting, title=_l("What waits for moderators in the morning"))
def moderation_waiting(message: OutboxMessage) -> Mail:
    """What waits this morning, over all processes: to whoever is on duty."""
    loads = loads_for(message, clock.now())
    parts = [_("Good morning,"), _("this is what waits today:")]
    for load in loads:
        lines = "\n".join(f"- {line}" for line in _lines(load))
        address = link("moderation.queue", slug=load.process.slug)
        parts.append(f"**{escape_markdown(load.process.title)}**\n\n{lines}\n\n" + linked(_("To the desk"), address))
    waiting = sum(load.waiting + load.reported + load.appeals + load.erasures for load in loads)
    return Mail(
        ngettext("Moderation: %(num)s thing waits", "Moderation: %(num)s things wait", waiting),
        "\n\n".join(parts),
        _("You get this mail because it is your turn to moderate, at most once a day and only when something waits."),
    )
