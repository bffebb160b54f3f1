"""What organisers do with registrations: look through them, decide, put right, add somebody, take the list along."""

from collections.abc import Iterator
from typing import Any

from flask import flash, g, make_response, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.models import Person
from consult.accounts.operations import person_for
from consult.authz import allowed, authorize, current_person
from consult.errors import Refused
from consult.extensions import db
from consult.i18n import format_moment
from consult.invitations import answering
from consult.invitations.export import csv_file, xlsx_file
from consult.meetings import approving, attendees, fields, policy, queries, registering, registrations, words
from consult.meetings.mailing import moment_words
from consult.meetings.models import Meeting, MeetingField, Origin, Registration, RegistrationState
from consult.meetings.registering_forms import AddForm, RefuseForm, StateForm, asking
from consult.meetings.room import room_of
from consult.meetings.views.blueprint import bp
from consult.meetings.views.registering import page
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BASE = "/p/<slug>/meetings/<int:meeting_id>/registrations"


def load(slug: str, meeting_id: int, *, changes: bool) -> tuple[Process, Meeting]:
    """The meeting for those who may see (or change) who comes."""
    process = load_process(slug)
    authorize(policy.can_organise if changes else policy.can_see_registrations, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    return process, meeting


def _tabs(slug: str, meeting: Meeting, chosen: str | None, counted: dict[str, int]) -> list[dict[str, Any]]:
    def entry(label: str, state: str | None, count: int) -> dict[str, Any]:
        url = url_for(".registration_list", slug=slug, meeting_id=meeting.id, show=state)
        return {"label": label, "url": url, "current": state == chosen, "count": count}

    names = words.registration_names()
    return [
        entry(_("All"), None, sum(counted.values())),
        *(
            entry(names[state], state.value, counted.get(state, 0))
            for state in RegistrationState
            if counted.get(state) or state == chosen
        ),
    ]


@bp.get(_BASE)
def registration_list(slug: str, meeting_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=False)
    wish, sought = request.args.get("show", ""), request.args.get("q", "").strip()[:100]
    chosen = wish if wish in list(RegistrationState) else None
    after = request.args.get("after", 0, type=row_id)
    entries, following = registrations.page_of(meeting.id, chosen, sought, after)
    ids = [entry.id for entry in entries]
    waits = [entry.id for entry in entries if entry.state == RegistrationState.waiting]
    counted = registrations.counts(meeting.id)
    room = room_of(meeting)
    next_url = None
    if following:
        next_url = url_for(
            ".registration_list", slug=slug, meeting_id=meeting.id, show=chosen, q=sought or None, after=following
        )
    return page(
        "meetings/registrations.html",
        process=process,
        meeting=meeting,
        when=words.when_words(meeting),
        organises=allowed(policy.can_organise, process),
        parts=_tabs(slug, meeting, chosen, counted),
        chosen=chosen,
        sought=sought,
        counts=counted,
        taken=room.total(),
        politics=attendees.counted(room.taken),
        left=room.left(),
        kept=sum(max(0, number - room.taken[kind]) for kind, number in room.reserved.items()),
        entries=entries,
        questions=fields.fields_of(meeting.id),
        answers=fields.answers_of(ids),
        in_words=fields.in_words,
        places=registrations.queue_of(meeting.id, waits),
        names=words.registration_names(),
        needs_of=lambda entry: words.Needs.load(entry.needs).text(),
        summary=registrations.needs_summary(meeting.id),
        need_names=words.need_names(),
        next_url=next_url,
    )


@bp.get(_BASE + "/<int:registration_id>")
def registration(slug: str, meeting_id: int, registration_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=False)
    return _one(process, meeting, registrations.of_meeting_or_404(meeting, registration_id))


def _one(
    process: Process,
    meeting: Meeting,
    entry: Registration,
    *,
    refusing: RefuseForm | None = None,
    setting: StateForm | None = None,
    status: int = 200,
) -> Response:
    names = words.registration_names()
    if setting is None:
        settable = entry.state in approving.BY_HAND
        setting = StateForm(data={"state": entry.state if settable else RegistrationState.coming})
    setting.offer(names)
    return page(
        "meetings/registration.html",
        status,
        process=process,
        meeting=meeting,
        entry=entry,
        names=names,
        origins=words.origin_names(),
        organises=allowed(policy.can_organise, process),
        questions=fields.fields_of(meeting.id),
        answers=fields.answers_of([entry.id]).get(entry.id, {}),
        in_words=fields.in_words,
        needs=words.Needs.load(entry.needs),
        deputy_for=answering.name_of(entry.deputy_for_id),
        until=moment_words(entry.offer_until, meeting) if entry.offer_until else None,
        refusing=refusing or RefuseForm(),
        setting=setting,
    )


def _to_list(process: Process, meeting: Meeting) -> Response:
    show = request.args.get("show")
    chosen = show if show in list(RegistrationState) else None
    return commit_and_go(url_for(".registration_list", slug=process.slug, meeting_id=meeting.id, show=chosen))


@bp.post(_BASE + "/<int:registration_id>/approve")
def approve_registration(slug: str, meeting_id: int, registration_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=True)
    entry = registrations.of_meeting_or_404(meeting, registration_id)
    approving.approve(meeting, entry, current_person())
    if entry.state == RegistrationState.waiting:
        flash(_("All places are taken: they are on the waiting list now and are told by mail."), "info")
    else:
        flash(_("They have a place and are told by mail."), "success")
    return _to_list(process, meeting)


@bp.post(_BASE + "/<int:registration_id>/refuse")
@keeps_text
def refuse_registration(slug: str, meeting_id: int, registration_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=True)
    entry = registrations.of_meeting_or_404(meeting, registration_id)
    form = RefuseForm()
    if form.validate():
        try:
            approving.refuse(meeting, entry, form.reason.data or "", current_person())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("They get no place and are told why by mail."), "success")
            return _to_list(process, meeting)
    return _one(process, meeting, entry, refusing=form, status=422)


@bp.post(_BASE + "/<int:registration_id>/state")
@keeps_text
def set_registration(slug: str, meeting_id: int, registration_id: int) -> Response:
    process, meeting = load(slug, meeting_id, changes=True)
    entry = registrations.of_meeting_or_404(meeting, registration_id)
    form = StateForm()
    form.offer(words.registration_names())
    if form.validate():
        try:
            approving.set_state(meeting, entry, form.chosen(), current_person(), beyond=bool(form.beyond.data))
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            answering.follow(meeting, entry)
            flash(_("Saved."), "success")
            return _to_list(process, meeting)
    return _one(process, meeting, entry, setting=form, status=422)


@bp.route(_BASE + "/add", methods=["GET", "POST"])
@keeps_text
def add_registration(slug: str, meeting_id: int) -> Response:
    """Somebody who called, or stands at the desk."""
    process, meeting = load(slug, meeting_id, changes=True)
    form = asking(AddForm, fields.fields_of(meeting.id))()
    form.say_who_reads(meeting.attendee_list)
    if request.method == "POST" and form.validate():
        try:
            entry = registering.register(
                meeting, _person(form), form.given(), origin=Origin.staff, actor_id=current_person().id,
                beyond=bool(form.beyond.data),
            )  # fmt: skip
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            answering.follow(meeting, entry)
            if entry.state == RegistrationState.waiting:
                flash(_("All places are taken: they are on the waiting list."), "info")
            else:
                flash(_("They are on the list."), "success")
            return commit_and_go(url_for(".registration_list", slug=slug, meeting_id=meeting.id))
    status = 200 if request.method == "GET" else 422
    return page("meetings/registration_add.html", status, process=process, meeting=meeting, form=form)


def _person(form: AddForm) -> Person:
    """Whoever has this address; without one somebody known by name only."""
    name, email = form.name.data or "", form.email.data
    if email:
        return person_for(email, name=name)
    person = Person(email=None, name=name, account=None, created_at=clock.now())
    db.session.add(person)
    db.session.flush()
    return person


# -- the list as a file -----------------------------------------------------------------------------------------------


def _table(meeting: Meeting, asked: list[MeetingField]) -> tuple[list[str], Iterator[list[str]]]:
    headings = [
        _("Name"), _("E-mail address"), _("Organisation"), _("State"), _("Came by"), _("Code"), _("Registered on"),
        _("Needs"), _("May be named"), *(question.label for question in asked),
    ]  # fmt: skip
    names, origins = words.registration_names(), words.origin_names()
    entries = list(registrations.everybody(meeting.id))
    answers = fields.answers_of([entry.id for entry in entries])

    def rows() -> Iterator[list[str]]:
        for entry in entries:
            organisation = entry.organisation.name if entry.organisation else entry.organisation_name
            said = answers.get(entry.id, {})
            yield [
                entry.person.name, entry.person.email or "", organisation, names[entry.state], origins[entry.origin],
                entry.code, format_moment(entry.created_at), words.Needs.load(entry.needs).text(),
                _("yes") if entry.named else _("no"),
                *(fields.in_words(question, said.get(question.id, "")) for question in asked),
            ]  # fmt: skip

    return headings, rows()


def _file(data: bytes, media_type: str, name: str) -> Response:
    response = make_response(data)
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get(_BASE + ".csv")
def registrations_csv(slug: str, meeting_id: int) -> Response:
    _process, meeting = load(slug, meeting_id, changes=False)
    headings, rows = _table(meeting, fields.fields_of(meeting.id))
    return _file(csv_file(headings, rows), "text/csv; charset=utf-8", f"registrations-{meeting.id}.csv")


@bp.get(_BASE + ".xlsx")
def registrations_xlsx(slug: str, meeting_id: int) -> Response:
    _process, meeting = load(slug, meeting_id, changes=False)
    headings, rows = _table(meeting, fields.fields_of(meeting.id))
    return _file(xlsx_file(headings, rows), XLSX, f"registrations-{meeting.id}.xlsx")
