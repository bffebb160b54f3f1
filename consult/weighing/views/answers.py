"""The desk of those who answer: what waits for a decision, and deciding about one or several."""

from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import allowed, authorize, current_person
from consult.concept import queries as concept
from consult.concept.models import Change
from consult.concept.policy import can_publish_version
from consult.concept.queries import Placed
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.html import clean_line
from consult.i18n import format_day
from consult.meetings import queries as meetings
from consult.meetings.models import MeetingState
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id
from consult.weighing import listing, operations, policy, queries
from consult.weighing.forms import WITH_VERSION, AnswerForm, DeskForm
from consult.weighing.listing import Item, Which
from consult.weighing.models import DispositionKind
from consult.weighing.operations import TOGETHER, Verdict
from consult.weighing.views.blueprint import bp

#: Meetings that are offered as the one that decided: those of the last time.
_MEETINGS = 60
_REASON = 90


def _desk(slug: str) -> Process:
    process = load_process(slug)
    authorize(policy.can_decide, process)
    g.zone = process.zone
    return process


@bp.get("/p/<slug>/answers")
def index(slug: str) -> str:
    """What waits for a decision; with `list=held` and `list=decided` what was decided."""
    process = _desk(slug)
    person = current_person()
    places = concept.element_choices(process, person)
    form = DeskForm(request.args, process, places, promised=process.answer_days is not None)
    wanted = form.wanted()
    page = listing.desk(process, person, wanted, request.args.get("before", ""))
    numbers = queries.counts(process)
    here = url_for("weighing.index", slug=slug)
    kept = {name: value for name, value in request.args.items() if value and name in form._fields}
    narrowed = bool(set(kept) - {"list"})
    labels = {
        Which.open: _("Without a decision"),
        Which.held: _("Waiting for the next version"),
        Which.decided: _("Decided"),
    }
    tabs = [
        {
            "label": label,
            "url": url_for("weighing.index", slug=slug, list=None if which == Which.open else which.value),
            "current": wanted.which == which,
            "count": numbers.get(which, 0),
        }
        for which, label in labels.items()
    ]
    return render_template(
        "weighing/index.html",
        process=process,
        form=form,
        tabs=tabs,
        wanted=wanted,
        heading=labels[wanted.which],
        narrowed=narrowed,
        page=page,
        together=TOGETHER,
        may_publish=allowed(can_publish_version, process),
        next_url=f"{here}?{urlencode({**kept, 'before': page.next_cursor})}" if page.next_cursor else None,
        first_url=f"{here}?{urlencode(kept)}" if request.args.get("before") else None,
        every_url=f"{url_for('weighing.answer', slug=slug)}?{urlencode({**kept, 'every': '1'})}",
    )


def _numbers() -> list[int]:
    """The numbers in the address, each once; those beyond the limit make it a refusal."""
    found = []
    for value in request.args.getlist("n"):
        try:
            found.append(row_id(value))
        except ValueError:
            abort(404)
    return list(dict.fromkeys(found))


def _change_name(led: Any, place: str) -> str:
    """How a change is called in the choice of one: place, reason, version."""
    reason = clean_line(led.reason)
    reason = reason if len(reason) <= _REASON else reason[:_REASON].rsplit(" ", 1)[0] + " …"
    where = _("version %(number)s", number=led.version_number) if led.version_number else _("not in a version yet")
    return f"{place}: {reason} ({where})"


def _offer(form: AnswerForm, process: Process, items: list[Item], places: list[Placed]) -> None:
    """What this form offers for these contributions."""
    changes = [(led.change_id, _change_name(led, place)) for led, place in items[0].led] if len(items) == 1 else []
    until = clock.now()
    held_at = [
        (meeting.id, f"{format_day(meeting.starts_at)}: {meeting.title}")
        for meeting in meetings.all_of(process.id, limit=_MEETINGS)
        if meeting.state != MeetingState.cancelled and meeting.starts_at <= until
    ]
    form.offer(changes, places, held_at)


def _verdict(form: AnswerForm, places: list[Placed]) -> Verdict:
    change_id = form.change.data if "change" in form else 0
    element = {place.key: place.element_id for place in places}.get(entered(form.element))
    return Verdict(
        kind=DispositionKind(entered(form.kind)),
        reason=entered(form.reason),
        plain_reason=entered(form.plain_reason),
        element_id=element,
        change=db.session.get(Change, change_id) if change_id else None,
        decided_in_id=form.decided_in.data or None,
        held=form.publish.data == WITH_VERSION,
        # Who had the choice and named none means none.
        pick_changes="change" not in form,
    )


@bp.route("/p/<slug>/answers/decide", methods=["GET", "POST"])
@keeps_text
def answer(slug: str) -> Response | str | tuple[str, int]:
    """Say what becomes of the contributions with the numbers `n`: one, or several with the same reason."""
    process = _desk(slug)
    person = current_person()
    if request.args.get("every"):
        form_of_desk = DeskForm(request.args, process, concept.element_choices(process, person), promised=False)
        every = listing.numbers_of(process, form_of_desk.wanted(), TOGETHER)
        return redirect(url_for("weighing.answer", slug=slug, n=every), 303)
    numbers = _numbers()
    if not numbers:
        if request.method == "POST":
            abort(400)
        return redirect(url_for("weighing.index", slug=slug), 303)
    if len(numbers) > TOGETHER:
        raise Refused(_("Please choose at most %(most)s contributions at once.", most=TOGETHER))
    items = listing.chosen_ones(process, person, numbers)
    if not items:
        abort(404)
    places = concept.element_choices(process, person)
    form = AnswerForm()
    _offer(form, process, items, places)
    overtaken, status = "", 200
    if form.validate_on_submit():
        seen = form.seen_by_number()
        chosen = [(item.shown.id, seen.get(item.shown.number, -1)) for item in items]
        verdict = _verdict(form, places)
        try:
            made = operations.decide_together(process, chosen, verdict, person)
        except Conflict as conflict:
            db.session.rollback()
            overtaken, status = conflict.theirs, 409
        except Refused as refused:
            db.session.rollback()
            form.form_errors.append(refused.message)
            status = 409
        else:
            flash(_told(verdict, len(made)), "success")
            return commit_and_go(url_for("weighing.index", slug=slug))
        # Now they see what has changed, and send what they see.
        items = listing.chosen_ones(process, person, numbers)
    if not form.is_submitted() or status != 200:
        form.seen.data = ",".join(f"{item.shown.number}:{_latest(item)}" for item in items)
    if not form.is_submitted() and len(items) == 1:
        form.element.data = items[0].shown.target_key if items[0].shown.target_key in {p.key for p in places} else ""
        if "change" in form:
            form.change.data = items[0].led[-1][0].change_id
    page = render_template(
        "weighing/answer.html",
        process=process,
        form=form,
        items=items,
        single=items[0] if len(items) == 1 else None,
        course=queries.course_of(items[0].shown.id, with_held=True) if len(items) == 1 else [],
        overtaken=overtaken,
        missing=len(numbers) - len(items),
        own=[item.shown.number_label for item in items if item.own],
        action=url_for("weighing.answer", slug=slug, n=numbers),
        person_id=person.id,
    )
    return page if status == 200 else (page, status)


def _latest(item: Item) -> int:
    """Id of the latest decision about this contribution itself; 0 for none."""
    decision = item.shown.disposition
    return 0 if decision is None or decision.from_head else decision.id


def _told(verdict: Verdict, number: int) -> str:
    if verdict.held:
        return ngettext(
            "%(num)s contribution is decided. The answer appears with the next version.",
            "%(num)s contributions are decided. The answers appear with the next version.",
            number,
        )
    return ngettext(
        "%(num)s contribution is answered. The author gets a mail.",
        "%(num)s contributions are answered. Each author gets a mail.",
        number,
    )
