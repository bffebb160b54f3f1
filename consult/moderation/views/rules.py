"""Rules of arrival as sentences, and what holds for single authors."""

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts.models import Person
from consult.authz import current_person
from consult.contributions import screening, trust
from consult.contributions.models import RuleEffect, ScreeningRule
from consult.contributions.screening import Trial
from consult.contributions.sentences import sentence, sentence_of
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.moderation.case_forms import TrustForm
from consult.moderation.setting_forms import KEEP, TRY, RuleForm
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import moderated
from consult.web import commit_and_go, keeps_text


@bp.route("/p/<slug>/moderation/arrival-rules", methods=["GET", "POST"])
@keeps_text
def arrival_rules(slug: str) -> Response | tuple[str, int]:
    """The rules as sentences; a new one is shown as a sentence and tried out before it is kept."""
    process = moderated(slug)
    form = RuleForm()
    trial: Trial | None = None
    preview, status = "", 200
    if form.validate_on_submit():
        conditions, wish = form.conditions(), request.form.get("do", KEEP)
        preview = sentence_of(conditions, form.effect.data)
        if wish == TRY:
            trial = screening.try_out(process, conditions)
        elif wish == KEEP:
            try:
                screening.add_rule(process, current_person(), conditions, RuleEffect(form.effect.data))
                flash(_("The rule holds for everything that arrives from now on."), "success")
                return commit_and_go(url_for("moderation.arrival_rules", slug=slug))
            except Refused as refusal:
                form.form_errors.append(refusal.message)
                status = 409
    page = render_template(
        "moderation/arrival_rules.html",
        process=process,
        form=form,
        rules=[(rule, sentence(rule)) for rule in screening.rules_of(process.id)],
        preview=preview,
        trial=trial,
    )
    return page, status


@bp.post("/p/<slug>/moderation/arrival-rules/<int:rule_id>/retire")
def retire_arrival_rule(slug: str, rule_id: int) -> Response:
    """No longer ask a rule."""
    process = moderated(slug)
    rule = db.session.get(ScreeningRule, rule_id)
    if rule is None or rule.process_id != process.id:
        abort(404)
    screening.retire_rule(rule, current_person())
    flash(_("The rule is no longer used."), "success")
    return commit_and_go(url_for("moderation.arrival_rules", slug=slug))


@bp.route("/p/<slug>/moderation/authors/<int:person_id>", methods=["GET", "POST"])
@keeps_text
def author_trust(slug: str, person_id: int) -> Response | str:
    """Trust an author, or look at everything they write first. For moderators only, never said in public."""
    process = moderated(slug)
    if not trust.has_written(process.id, person_id):
        abort(404)
    author = db.get_or_404(Person, person_id)
    known = trust.standing_of(process.id, person_id)
    form = TrustForm(level=known.level if known else trust.ORDINARY, note=known.note if known else "")
    if form.validate_on_submit():
        trust.decide(process, person_id, form.chosen(), entered(form.note), current_person())
        flash(_("Saved. It holds for what this person writes from now on."), "success")
        return commit_and_go(url_for("moderation.queue", slug=slug))
    return render_template(
        "moderation/author.html",
        process=process,
        form=form,
        author=(author.name or _("Deleted account"))
        if trust.writes_by_name(process.id, person_id)
        else _("Without a name"),
        known=known,
        counts=trust.states_of(process.id, person_id),
    )
