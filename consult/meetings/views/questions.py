"""What organisers set before people register: questions of their own, and shares of the places."""

from flask import flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult.accounts.words import organisation_kinds
from consult.authz import current_person
from consult.errors import Conflict, Refused
from consult.meetings import fields, quotas
from consult.meetings.models import Meeting, MeetingField
from consult.meetings.registering_forms import SPARE_ROWS, QuestionsForm, QuotaForm
from consult.meetings.room import room_of
from consult.meetings.views.blueprint import bp
from consult.meetings.views.registering import page
from consult.meetings.views.registrations import load
from consult.web import commit_and_go, keeps_text


def _stored(asked: list[MeetingField]) -> list[dict[str, object]]:
    numbers = {question.id: number for number, question in enumerate(asked, 1)}
    return [
        {
            "ident": str(question.id),
            "label": question.label,
            "kind": question.kind,
            "help": question.help,
            "choices": question.choices,
            "required": question.required,
            "keep_days": question.keep_days,
            "depends_on": str(numbers.get(question.depends_on_id or 0, "")),
        }
        for question in asked
    ]


@bp.route("/p/<slug>/meetings/<int:meeting_id>/questions", methods=["GET", "POST"])
@keeps_text
def questions(slug: str, meeting_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=True)
    theirs = None
    if request.method == "GET":
        asked = fields.fields_of(meeting.id)
        spare = min(SPARE_ROWS, fields.MOST - len(asked))
        rows = [*_stored(asked), *({"keep_days": 30} for _n in range(spare))]
        form = QuestionsForm(data={"rows": rows, "base": fields.mark_of(asked)})
    else:
        form = QuestionsForm()
    form.offer()
    status = 200 if request.method == "GET" else 422
    if request.method == "POST" and form.validate():
        try:
            fields.set_fields(meeting, form.asked(), current_person(), form.base.data or "")
        except Conflict as conflict:
            status, theirs = 409, conflict.theirs.splitlines()
            _join(form, fields.fields_of(meeting.id))
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The questions are saved."), "success")
            return commit_and_go(url_for(".questions", slug=slug, meeting_id=meeting.id))
    return page("meetings/questions.html", status, process=process, meeting=meeting, form=form, theirs=theirs)


def _join(form: QuestionsForm, asked: list[MeetingField]) -> None:
    """Put questions somebody else has added meanwhile below what was typed in: saving again then takes none away."""
    form.base.data = fields.mark_of(asked)
    typed = {row.form.ident.data for row in form.rows}
    for stored in _stored(asked):
        # A condition by number would point into the other list.
        if stored["ident"] not in typed and len(form.rows) < fields.MOST + SPARE_ROWS:
            form.rows.append_entry({**stored, "depends_on": ""})
    form.offer()


def _quota_form(meeting: Meeting) -> QuotaForm:
    kept = quotas.quotas_of(meeting.id)
    stored = {quota.organisation_kind: quota for quota in kept}
    return QuotaForm(
        data={
            "base": quotas.mark_of(kept),
            "rows": [
                {
                    "kind": kind,
                    "reserved": stored[kind].reserved if kind in stored else None,
                    "at_most": stored[kind].at_most if kind in stored else None,
                }
                for kind in organisation_kinds()
            ],
        }
    )


@bp.route("/p/<slug>/meetings/<int:meeting_id>/quotas", methods=["GET", "POST"])
@keeps_text
def shares(slug: str, meeting_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=True)
    form = _quota_form(meeting) if request.method == "GET" else QuotaForm()
    status, theirs = 200 if request.method == "GET" else 422, None
    if request.method == "POST" and form.validate():
        try:
            quotas.set_quotas(meeting, form.shares(), current_person(), form.base.data or "")
        except Conflict as conflict:
            status, theirs = 409, conflict.theirs.splitlines()
            form.base.data = quotas.mark_of(quotas.quotas_of(meeting.id))
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Saved."), "success")
            return commit_and_go(url_for(".shares", slug=slug, meeting_id=meeting.id))
    room = room_of(meeting)
    return page(
        "meetings/quotas.html",
        status,
        process=process,
        meeting=meeting,
        form=form,
        theirs=theirs,
        kinds=organisation_kinds(),
        taken=room.taken,
        still_kept=sum(max(0, number - room.taken[kind]) for kind, number in room.reserved.items()),
    )


@bp.post("/p/<slug>/meetings/<int:meeting_id>/quotas/release")
def release_shares(slug: str, meeting_id: int) -> Response:
    _process, meeting = load(slug, meeting_id, changes=True)
    offered = quotas.release(meeting, current_person())
    said = [_("No places are kept any longer.")]
    if offered:
        said.append(
            ngettext(
                "One person of the waiting list is offered a place.",
                "%(num)s people of the waiting list are offered a place.",
                offered,
            )
        )
    flash(" ".join(said), "success")
    return commit_and_go(url_for(".shares", slug=slug, meeting_id=meeting.id))
