"""The rules everybody is measured by, published before anybody writes."""

from flask import abort, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import allowed, authorize, current_person
from consult.contributions import policy, queries
from consult.contributions.forms import ReasonForm
from consult.contributions.models import MAX_LENGTH, ModerationReason
from consult.contributions.rules import add_reason, change_reason
from consult.contributions.rules import retire_reason as stop_using
from consult.contributions.views.blueprint import bp
from consult.extensions import db
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def _reason_or_404(process: Process, reason_id: int) -> ModerationReason:
    reason = db.session.get(ModerationReason, reason_id)
    if reason is None or reason.process_id != process.id or reason.retired_at is not None:
        abort(404)
    return reason


@bp.get("/p/<slug>/rules")
@rendered_once
def rules(slug: str) -> str:
    """The rules, the reasons for holding back, and how often each was used."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    held_back = queries.hidden_by_reason(process.id)
    reasons = [
        (reason, held_back.get(reason.id, 0))
        for reason in queries.reasons_of(process.id, retired=True)
        if reason.retired_at is None or held_back.get(reason.id)
    ]
    return render_template(
        "contributions/rules.html",
        process=process,
        reasons=reasons,
        max_length=MAX_LENGTH,
        may_edit=allowed(policy.can_edit_rules, process),
    )


@bp.route("/p/<slug>/rules/reasons/new", methods=["GET", "POST"])
@keeps_text
def create_reason(slug: str) -> Response | str:
    """Publish one more reason."""
    process = load_process(slug)
    authorize(policy.can_edit_rules, process)
    form = ReasonForm()
    if form.validate_on_submit():
        add_reason(process, current_person(), form.text.data or "", form.position.data or 0)
        flash(_("Saved."), "success")
        return commit_and_go(url_for("contributions.rules", slug=slug))
    action = url_for("contributions.create_reason", slug=slug)
    return render_template("contributions/reason.html", process=process, form=form, action=action, reason=None)


@bp.route("/p/<slug>/rules/reasons/<int:reason_id>", methods=["GET", "POST"])
@keeps_text
def edit_reason(slug: str, reason_id: int) -> Response | str:
    """Put a reason better: the old one stays with the decisions it was used for."""
    process = load_process(slug)
    authorize(policy.can_edit_rules, process)
    reason = _reason_or_404(process, reason_id)
    form = ReasonForm(text=reason.text, position=reason.position)
    if form.validate_on_submit():
        change_reason(reason, current_person(), form.text.data or "", form.position.data or 0)
        flash(_("Saved."), "success")
        return commit_and_go(url_for("contributions.rules", slug=slug))
    action = url_for("contributions.edit_reason", slug=slug, reason_id=reason_id)
    return render_template("contributions/reason.html", process=process, form=form, action=action, reason=reason)


@bp.post("/p/<slug>/rules/reasons/<int:reason_id>/retire")
def retire_reason(slug: str, reason_id: int) -> Response:
    """No longer use a reason."""
    process = load_process(slug)
    authorize(policy.can_edit_rules, process)
    stop_using(_reason_or_404(process, reason_id), current_person())
    flash(_("The reason is no longer used."), "success")
    return commit_and_go(url_for("contributions.rules", slug=slug))
