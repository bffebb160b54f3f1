"""Who looks after a contribution, and what colleagues note about it."""

from flask import flash, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.moderation.assigning import assign
from consult.moderation.forms import GiveForm, NoteForm
from consult.moderation.notes import add_note
from consult.moderation.team import names_of, team_of
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import contribution_of, moderated
from consult.moderation.views.here import back_of
from consult.moderation.views.queue import desk_page
from consult.web import commit_and_go, keeps_text, row_id


def _held_by() -> int | None:
    """Who looked after it on the page; None for nobody."""
    return request.form.get("held_by", default=0, type=row_id) or None


@bp.post("/p/<slug>/moderation/<int:number>/take")
def take(slug: str, number: int) -> Response:
    """Look after it oneself."""
    process = moderated(slug)
    me = current_person()
    assign(contribution_of(process, number), me, me.id, held_by=_held_by())
    flash(_("You look after %(number)s now.", number=f"{process.code}-{number}"), "success")
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/give")
@keeps_text
def give(slug: str, number: int) -> Response | str:
    """Let somebody else of the team look after it."""
    process = moderated(slug)
    contribution = contribution_of(process, number)
    team = names_of(team_of(process.id))
    form = GiveForm(number, team)
    if not form.validate_on_submit():
        return desk_page(process, back_of(slug)[0], refused=form)
    assign(contribution, current_person(), form.to_id.data, held_by=_held_by())
    names = dict(team)
    flash(
        _(
            "%(name)s looks after %(number)s now.",
            name=names.get(form.to_id.data, ""),
            number=f"{process.code}-{number}",
        ),
        "success",
    )
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/release")
def release(slug: str, number: int) -> Response:
    """Nobody in particular looks after it any more."""
    process = moderated(slug)
    assign(contribution_of(process, number), current_person(), None, held_by=_held_by())
    flash(_("%(number)s is free again for everybody of the team.", number=f"{process.code}-{number}"), "success")
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/note")
@keeps_text
def note(slug: str, number: int) -> Response | str:
    """Note something for the colleagues; it never leaves the desk."""
    process = moderated(slug)
    contribution = contribution_of(process, number)
    form = NoteForm(number)
    if not form.validate_on_submit():
        return desk_page(process, back_of(slug)[0], refused=form)
    add_note(contribution, current_person(), form.body.data or "")
    flash(_("Your note stands beside %(number)s.", number=f"{process.code}-{number}"), "success")
    return commit_and_go(back_of(slug)[1])
