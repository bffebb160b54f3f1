"""What to read before or after a meeting: organisers put it there, those who may open it."""

from datetime import timedelta

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import authz, files
from consult.authz import authorize, current_person, public
from consult.errors import Refused
from consult.extensions import db
from consult.files import StoredFile
from consult.forms import entered
from consult.invitations.dates import is_invited
from consult.limits import limit, visitor
from consult.meetings import materials, policy, queries
from consult.meetings.event_forms import MaterialForm
from consult.meetings.models import Material, Meeting
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, takes_files

#: Links that are none, from one address.
GUESSES = 30


def belongs(process: Process, meeting: Meeting) -> bool:
    """Whether the visitor is invited to the meeting, comes to it, or is of the group that meets."""
    person = current_person()
    if person is None:
        return False
    if authz.allowed(policy.can_organise, process) or queries.is_guest(meeting.id, person.id):
        return True
    if meeting.group_id is not None and queries.is_member(person.id, meeting.group_id):
        return True
    return is_invited(person.id, meeting.id)


def takes_part(process: Process, meeting: Meeting) -> bool:
    """Whether the visitor comes, is of the group that meets, or organises it: they see how to take part from home."""
    person = current_person()
    if person is None:
        return False
    if authz.allowed(policy.can_organise, process) or queries.comes(meeting.id, person.id):
        return True
    return meeting.group_id is not None and queries.is_member(person.id, meeting.group_id)


def _found_or_404(meeting: Meeting, material_id: int) -> tuple[Material, StoredFile | None]:
    found = materials.find(meeting.id, material_id)
    if found is None:
        abort(404)
    return found


def _hand_out(found: tuple[Material, StoredFile | None]) -> Response:
    material, stored = found
    if stored is None:
        return redirect(material.url or "/", 302)
    kind = next((name for name, media in materials.MEDIA_TYPES.items() if media == stored.media_type), None)
    if kind is None:
        abort(404)
    answer = files.response(stored, name=f"{material.title}.{kind}")
    # May be taken away, or shown to fewer people: browsers ask again, and get 304.
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@bp.get("/p/<slug>/meetings/<int:meeting_id>/materials/<int:material_id>")
def material(slug: str, meeting_id: int, material_id: int) -> Response:
    """The file as a download; a link leads on."""
    process = load_process(slug)
    meeting = queries.visible_or_404(process.id, meeting_id)
    found = _found_or_404(meeting, material_id)
    inside = found[0].internal and belongs(process, meeting)
    authorize(policy.can_read_material, process, found[0], inside)
    return _hand_out(found)


@bp.get("/guest/<link>/materials/<int:material_id>")
@public
def guest_material(link: str, material_id: int) -> Response:
    """The same by the personal link in a guest's mail."""
    meeting = materials.meeting_behind(link)
    if meeting is None:
        limit("guess-link", visitor(), GUESSES, timedelta(minutes=10))
        abort(404)
    answer = _hand_out(_found_or_404(meeting, material_id))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@bp.route("/p/<slug>/meetings/<int:meeting_id>/materials", methods=["GET", "POST"])
@takes_files(materials.MAX_FILE)
@keeps_text
def edit_materials(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """The list with its order, and the form for one more."""
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    form = MaterialForm()
    status = 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                _add(form, meeting)
            except Refused as refused:
                db.session.rollback()
                form.form_errors.append(refused.message)
            else:
                flash(_("It stands on the page of the meeting."), "success")
                return commit_and_go(url_for(".edit_materials", slug=slug, meeting_id=meeting_id))
    shown = materials.of_meeting(meeting_id, with_internal=True)
    page = render_template("meetings/materials.html", process=process, meeting=meeting, form=form, materials=shown)
    return page, status


def _add(form: MaterialForm, meeting: Meeting) -> None:
    upload = request.files.get("file")
    about = {"title": entered(form.title), "internal": bool(form.internal.data)}
    if upload is not None and upload.filename:
        if form.url.data:
            raise Refused(_("Please give a file or a link, not both."))
        data = upload.read(materials.MAX_FILE + 1)
        materials.add_file(meeting, data, upload.filename, current_person(), **about)  # type: ignore[arg-type]
    else:
        materials.add_link(meeting, entered(form.url), current_person(), **about)  # type: ignore[arg-type]


def _one(slug: str, meeting_id: int, material_id: int) -> tuple[Meeting, Material]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    return meeting, _found_or_404(meeting, material_id)[0]


@bp.post("/p/<slug>/meetings/<int:meeting_id>/materials/<int:material_id>/up")
def move_material(slug: str, meeting_id: int, material_id: int) -> Response:
    meeting, found = _one(slug, meeting_id, material_id)
    materials.move_up(meeting, found, current_person())
    return commit_and_go(url_for(".edit_materials", slug=slug, meeting_id=meeting_id))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/materials/<int:material_id>/who")
def open_material(slug: str, meeting_id: int, material_id: int) -> Response:
    """Change who may open it."""
    meeting, found = _one(slug, meeting_id, material_id)
    materials.set_internal(meeting, found, not found.internal, current_person())
    return commit_and_go(url_for(".edit_materials", slug=slug, meeting_id=meeting_id))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/materials/<int:material_id>/remove")
def remove_material(slug: str, meeting_id: int, material_id: int) -> Response:
    meeting, found = _one(slug, meeting_id, material_id)
    materials.remove(meeting, found, current_person())
    flash(
        _("It no longer stands on the page. Its file is deleted in the next nights.")
        if found.file_id
        else _("It no longer stands on the page."),
        "success",
    )
    return commit_and_go(url_for(".edit_materials", slug=slug, meeting_id=meeting_id))
