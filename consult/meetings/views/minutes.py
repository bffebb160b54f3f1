"""Writing, circulating and approving the minutes of a meeting."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.errors import Conflict, Refused
from consult.meetings import minutes as writing
from consult.meetings import policy, queries, survey
from consult.meetings.forms import SPARE_ROWS, CirculateForm, MinutesForm
from consult.meetings.models import LineKind, Meeting, Minutes, MinutesState
from consult.meetings.views.arranging import address_of
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


@dataclass(frozen=True)
class Theirs:
    """What somebody else saved meanwhile."""

    text: str
    revision: int


def _stored(minutes: Minutes | None) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [
        {
            "kind": line.kind,
            "text": line.text,
            "element_id": str(line.element_id or ""),
            "agenda_item_id": str(line.agenda_item_id or ""),
            "owner_id": str(line.owner_id or ""),
            "due_on": line.due_on,
        }
        for line in (minutes.lines if minutes else [])
    ]
    spare = {"kind": LineKind.information, "element_id": "", "agenda_item_id": "", "owner_id": ""}
    return {
        "base_revision": minutes.revision if minutes else 0,
        "lines": [*lines, *(spare for _n in range(SPARE_ROWS))],
        "markdown": queries.free_text(minutes) if minutes else "",
    }


def _offer(form: MinutesForm, process: Process, meeting: Meeting) -> None:
    agenda = queries.agenda_of(meeting.id, with_internal=True)
    form.offer(
        queries.element_choices(process, current_person()),
        [("", _("none")), *((str(item.id), item.title) for item in agenda)],
        [("", _("nobody in particular")), *((str(ident), name) for ident, name in queries.organisations())],
    )


def _lines(form: MinutesForm) -> list[writing.Line]:
    def ident(value: str | None) -> int | None:
        return int(value) if value else None

    return [
        writing.Line(
            row.form.kind.data,
            row.form.text.data or "",
            ident(row.form.element_id.data),
            ident(row.form.agenda_item_id.data),
            ident(row.form.owner_id.data),
            row.form.due_on.data,
        )
        for row in form.lines
    ]


@bp.route("/p/<slug>/meetings/<int:meeting_id>/minutes", methods=["GET", "POST"])
@keeps_text
def minutes(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    stored = queries.minutes_of(meeting.id)
    if stored is not None and stored.state == MinutesState.approved:
        raise Refused(_("These minutes are approved and stay as they are."))
    if request.method == "GET":
        form = MinutesForm(data=_stored(stored))
        _offer(form, process, meeting)
        return _page(form, process, meeting, stored, None), 200
    form = MinutesForm()
    _offer(form, process, meeting)
    theirs, status = None, 422
    if form.validate():
        try:
            writing.record(
                meeting, _lines(form), form.markdown.data or "", form.base_revision.data or 0, current_person()
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        except Conflict as conflict:
            # The form keeps what this person typed; saving once more is a decision taken with both texts in view.
            theirs, status = Theirs(conflict.theirs, conflict.current_id), 409
            form.base_revision.data = conflict.current_id
            form.base_revision.raw_data = [str(conflict.current_id)]
        else:
            flash(_("The minutes are saved."), "success")
            more = request.form.get("more") is not None
            here = url_for(".minutes", slug=slug, meeting_id=meeting.id)
            return commit_and_go(here if more else address_of(process, meeting))
    return _page(form, process, meeting, stored, theirs), status


def _page(form: MinutesForm, process: Process, meeting: Meeting, stored: Minutes | None, theirs: Theirs | None) -> str:
    return render_template(
        "meetings/minutes.html",
        form=form,
        process=process,
        meeting=meeting,
        stored=stored,
        theirs=theirs,
        survey=survey.figures_of([meeting.id] if meeting.is_over(clock.now()) else []).get(meeting.id),
    )


def _end_of(day: date | None, zone: str) -> datetime | None:
    return clock.end_of_day(day, zone) if day else None


@bp.post("/p/<slug>/meetings/<int:meeting_id>/minutes/circulate")
def circulate(slug: str, meeting_id: int) -> Response:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    form = CirculateForm()
    if not form.validate():
        raise Refused(_("Please give the day as year, month and day, for example 2026-05-09."))
    until = _end_of(form.objections_until.data, meeting.zone)
    writing.circulate(meeting, form.base_revision.data or 0, until, current_person())
    flash(_("Members of the group can now read the minutes and object."), "success")
    return commit_and_go(address_of(process, meeting))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/minutes/approve")
def approve(slug: str, meeting_id: int) -> Response:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    revision = request.form.get("base_revision", "")
    approved = writing.approve(
        process, meeting, int(revision) if revision.isdecimal() and len(revision) < 9 else -1, current_person()
    )
    became = len(queries.numbers_of(approved))
    sentences = [_("The minutes are approved and public.")]
    if became:
        sentences.append(
            ngettext("One line has become a contribution.", "%(num)s lines have become contributions.", became)
        )
    flash(" ".join(sentences), "success")
    return commit_and_go(address_of(process, meeting))
