"""Pictures of the text: the editors' list and form, and the file itself for those who may see it."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import authz, files
from consult.authz import authorize, current_person
from consult.concept import pictures, policy, queries
from consult.concept.mark_forms import PictureForm
from consult.concept.views.blueprint import bp
from consult.concept.views.facts import concept_called
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text, takes_files


@bp.get("/p/<slug>/pictures", endpoint="pictures")
def all_pictures(slug: str) -> str:
    """All pictures with how to show them, and where they are shown."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    sections: list[dict[str, Any]] = [
        {"concept": concept, "which": concept.kind, "pictures": pictures.all_of(concept.id),
         "showing": pictures.showing(queries.working_version(concept.id).id)}
        for concept in queries.concepts_of(process.id)
    ]  # fmt: skip
    return render_template("concept/pictures.html", process=process, sections=sections)


@bp.get("/p/<slug>/pictures/<int:number>", defaults={"which": "concept"})
@bp.get("/p/<slug>/charter/pictures/<int:number>", defaults={"which": "charter"})
def picture(slug: str, which: str, number: int) -> Response:
    """The picture, for editors and for whoever may read a version that shows it."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    concept = concept_called(process, which)
    edits = authz.allowed(policy.can_edit_text, process)
    audiences = queries.audiences_open_to(current_person(), process)
    found = pictures.stored_file(concept.id, number, None if edits else audiences)
    if found is None or found.media_type not in pictures.MEDIA_TYPES:
        abort(404)
    answer = files.response(found, inline=True)
    # May be withdrawn from readers with a version for fewer people: browsers ask again, and get 304.
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@bp.route("/p/<slug>/pictures/new", methods=["GET", "POST"], defaults={"which": "concept"})
@bp.route("/p/<slug>/charter/pictures/new", methods=["GET", "POST"], defaults={"which": "charter"})
@takes_files(pictures.MAX_FILE)
@keeps_text
def add_picture(slug: str, which: str) -> str | Response:
    """A picture comes in; what is kept is written anew by a process of its own."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    concept = concept_called(process, which)
    form = PictureForm()
    if form.validate_on_submit():
        upload = request.files.get("file")
        try:
            if upload is None or not upload.filename:
                raise Refused(_("Please choose a picture."))
            clean = pictures.rewrite(upload.read(pictures.MAX_FILE + 1))
            row = pictures.add(
                concept, clean, entered(form.alt), entered(form.credit), actor=current_person(), process=process
            )
        except Refused as refused:
            db.session.rollback()
            form.file.errors = [refused.message]
        else:
            flash(_("The picture has the number %(number)s.", number=row.number), "success")
            return commit_and_go(url_for("concept.pictures", slug=slug, _anchor=f"{concept.kind}-{row.number}"))
    return render_template("concept/picture_form.html", process=process, concept=concept, form=form)
