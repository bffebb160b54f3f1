"""The roster of the desk."""

from flask import abort, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.errors import Refused
from consult.extensions import db
from consult.moderation import duty as turns
from consult.moderation.models import Duty
from consult.moderation.setting_forms import DutyForm
from consult.moderation.team import names_of, team_of
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import moderated
from consult.web import commit_and_go, keeps_text


@bp.route("/p/<slug>/moderation/duty", methods=["GET", "POST"])
@keeps_text
def duty(slug: str) -> Response | tuple[str, int]:
    """Whose turn it is in the next fortnight; put somebody on the roster."""
    process = moderated(slug)
    today = turns.today_in(process)
    form = DutyForm(names_of(team_of(process.id)))
    status = 200
    if form.validate_on_submit() and form.first_day.data and form.last_day.data:
        try:
            turns.add(
                process,
                current_person(),
                form.person_id.data,
                form.substitute_id.data or None,
                form.first_day.data,
                form.last_day.data,
            )
            flash(_("Saved."), "success")
            return commit_and_go(url_for("moderation.duty", slug=slug))
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
    roster = turns.roster(process, today)
    days = turns.days_ahead(roster, today)
    page = render_template(
        "moderation/duty.html",
        process=process,
        form=form,
        roster=roster,
        days=days,
        gaps=turns.gaps(days),
        now=turns.on_duty(roster, today),
        today=today,
    )
    return page, status


@bp.post("/p/<slug>/moderation/duty/<int:duty_id>/end")
def end_duty(slug: str, duty_id: int) -> Response:
    """Take a turn off the roster."""
    process = moderated(slug)
    turn = db.session.get(Duty, duty_id)
    if turn is None or turn.process_id != process.id:
        abort(404)
    turns.end(turn, current_person(), turns.today_in(process))
    flash(_("The turn is off the roster."), "success")
    return commit_and_go(url_for("moderation.duty", slug=slug))
