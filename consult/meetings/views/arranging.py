"""What organisers do: announce a meeting, change it, cancel it, set the agenda."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.errors import Conflict, Refused
from consult.invitations.operations import tell_cancelled, tell_changed
from consult.meetings import operations, policy, queries, seen, series
from consult.meetings.event_words import FOLLOWING, ONE
from consult.meetings.forms import MOST_ITEMS, SPARE_ROWS, AgendaForm, MeetingForm
from consult.meetings.models import AgendaItem, Meeting, MeetingKind
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def address_of(process: Process, meeting: Meeting) -> str:
    return url_for("meetings.show", slug=process.slug, meeting_id=meeting.id)


def people_told(count: int) -> list[str]:
    """A sentence about the mails, when there are any."""
    return [ngettext("One person is told by mail.", "%(num)s people are told by mail.", count)] if count else []


def _form(process: Process, **stored: Any) -> MeetingForm:
    form = MeetingForm(data=stored) if stored else MeetingForm()
    form.offer(queries.group_names(process.id), queries.element_choices(process, current_person()))
    return form


def _stored(meeting: Meeting) -> dict[str, Any]:
    """What the form shows of a meeting."""
    zone = ZoneInfo(meeting.zone)
    start, end = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    opens, closes, changes = meeting.registration_opens_at, meeting.registration_closes_at, meeting.changes_until
    return {
        "kind": meeting.kind,
        "title": meeting.title,
        "day": start.date(),
        "begin": start.time() if meeting.time_known else None,
        "end": end.time() if meeting.time_known else None,
        "place": meeting.place,
        "group_id": str(meeting.group_id or ""),
        "element_id": str(meeting.element_id or ""),
        "description": meeting.description,
        "languages": meeting.languages,
        "capacity": meeting.capacity,
        "online_url": meeting.online_url,
        "accessibility": meeting.accessibility,
        "registration": meeting.registration,
        "opens_on": opens.astimezone(zone).date() if opens else None,
        # The end is the midnight after the last day.
        "closes_on": (closes - timedelta(microseconds=1)).astimezone(zone).date() if closes else None,
        "changes_on": (changes - timedelta(microseconds=1)).astimezone(zone).date() if changes else None,
        "approval": meeting.approval,
        "offer_hours": meeting.offer_hours,
        "attendee_list": meeting.attendee_list,
        "photo_notice": meeting.photo_notice,
        "scope": ONE,
        "base": seen.mark_of_meeting(meeting),
    }


#: What somebody who changes a meeting does not choose of it.
_NOT_SHOWN = ("scope", "base")


def _theirs(form: MeetingForm, meeting: Meeting) -> list[str]:
    """What stands there now and is not what was typed in, each with the name of its field."""
    told = []
    for name, value in _stored(meeting).items():
        field = form[name]
        if name not in _NOT_SHOWN and (field.data or "") != (value or ""):
            if isinstance(value, bool):
                value = _("yes") if value else _("no")
            names = dict(getattr(field, "choices", None) or ())
            told.append(f"{field.label.text}: {names.get(value) or value or '–'}")
    return told


#: Fields behind "More": a circle that meets needs none of them.
_MORE = (
    "capacity", "online_url", "languages", "accessibility", "registration", "opens_on", "closes_on", "changes_on",
    "approval", "offer_hours", "attendee_list", "photo_notice", "repeat", "times",
)  # fmt: skip


def _page(
    form: MeetingForm, process: Process, meeting: Meeting | None, status: int, theirs: list[str] | None = None
) -> tuple[str, int]:
    return render_template(
        "meetings/edit.html",
        theirs=theirs,
        form=form,
        process=process,
        meeting=meeting,
        rest=len(series.following(meeting)) if meeting is not None else 0,
        more_wrong=any(form[name].errors for name in _MORE),
    ), status


def _announce(form: MeetingForm, process: Process) -> Meeting:
    """One meeting, or the first of a series. Raises `Refused` as the operations do."""
    plan = form.plan(process.zone)
    if not form.repeat.data:
        return operations.create(process, plan, current_person())
    meetings = series.announce(process, plan, series.Every(form.repeat.data), form.times.data or 0, current_person())
    return meetings[0]


@bp.route("/p/<slug>/meetings/new", methods=["GET", "POST"])
@keeps_text
def create(slug: str) -> Response | tuple[str, int]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    if request.method == "GET":
        return _page(
            _form(process, kind=MeetingKind.group_session, group_id="", element_id="", repeat=""), process, None, 200
        )
    form = _form(process)
    if form.validate():
        try:
            meeting = _announce(form, process)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            if form.repeat.data:
                flash(_("The series is announced: %(number)s meetings.", number=form.times.data), "success")
            else:
                flash(_("The meeting is announced. You can now set the agenda and invite."), "success")
            return commit_and_go(address_of(process, meeting))
    return _page(form, process, None, 422)


@bp.route("/p/<slug>/meetings/<int:meeting_id>/edit", methods=["GET", "POST"])
@keeps_text
def edit(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    if request.method == "GET":
        return _page(_form(process, **_stored(meeting)), process, meeting, 200)
    form = _form(process)
    if form.validate():
        plan = form.plan(meeting.zone)
        try:
            seen.meeting_as_seen(meeting, form.base.data or "")
            if form.scope.data == FOLLOWING:
                matters = series.change_with_following(meeting, plan, current_person())
            else:
                matters = [meeting] if operations.change(meeting, plan, current_person()) else []
        except Conflict:
            # Sent once more it counts: both have been seen.
            form.base.data = seen.mark_of_meeting(meeting)
            return _page(form, process, meeting, 409, _theirs(form, meeting))
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            told = sum(tell_changed(one) for one in matters if not one.is_over(clock.now()))
            flash(" ".join([_("Saved."), *people_told(told)]), "success")
            return commit_and_go(address_of(process, meeting))
    return _page(form, process, meeting, 422)


@bp.post("/p/<slug>/meetings/<int:meeting_id>/cancel")
def cancel(slug: str, meeting_id: int) -> Response:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    if request.form.get("scope") == FOLLOWING:
        gone = series.cancel_with_following(meeting, current_person(), clock.now())
    else:
        operations.cancel(meeting, current_person(), clock.now())
        gone = [meeting]
    told = sum(tell_cancelled(one) for one in gone)
    many = len(gone)
    done = _("The meeting is cancelled.") if many == 1 else _("%(number)s meetings are cancelled.", number=many)
    flash(" ".join([done, *people_told(told)]), "success")
    return commit_and_go(address_of(process, meeting))


def _agenda_row(item: AgendaItem) -> dict[str, Any]:
    return {
        "ident": str(item.id), "title": item.title, "element_id": str(item.element_id or ""), "internal": item.internal,
    }  # fmt: skip


def _join(form: AgendaForm, stored: list[AgendaItem]) -> None:
    """Put items somebody else has added meanwhile below what was typed in: saving again then takes none away."""
    form.base.data = seen.mark_of_agenda(stored)
    typed = {row.form.ident.data for row in form.items}
    for row in map(_agenda_row, stored):
        if row["ident"] not in typed and len(form.items) < MOST_ITEMS:
            form.items.append_entry(row)


@bp.route("/p/<slug>/meetings/<int:meeting_id>/agenda", methods=["GET", "POST"])
@keeps_text
def agenda(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    elements = queries.element_choices(process, current_person())
    theirs, status = None, 200 if request.method == "GET" else 422
    if request.method == "GET":
        stored = queries.agenda_of(meeting.id, with_internal=True)
        rows = [*map(_agenda_row, stored), *({"element_id": ""} for _n in range(SPARE_ROWS))]
        form = AgendaForm(data={"items": rows, "base": seen.mark_of_agenda(stored)})
    else:
        form = AgendaForm()
    form.offer(elements)
    if request.method == "POST" and form.validate():
        try:
            seen.agenda_as_seen(meeting, form.base.data or "", form.points())
            operations.set_agenda(meeting, form.points(), current_person())
        except Conflict as conflict:
            status, theirs = 409, conflict.theirs.splitlines()
            _join(form, queries.agenda_of(meeting.id, with_internal=True))
            form.offer(elements)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The agenda is saved."), "success")
            more = request.form.get("more") is not None
            here = url_for(".agenda", slug=slug, meeting_id=meeting.id)
            return commit_and_go(here if more else address_of(process, meeting))
    return render_template("meetings/agenda.html", form=form, process=process, meeting=meeting, theirs=theirs), status
