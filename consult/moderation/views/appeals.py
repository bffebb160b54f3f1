"""Asking for another look, and the desk's list of what needs somebody else: appeals and erasures."""

from datetime import timedelta

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person, public
from consult.contributions import queries
from consult.contributions.models import Contribution
from consult.contributions.views.receipts import meant, private
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.limits import limit, visitor
from consult.moderation import appeals, erasing, policy
from consult.moderation.case_forms import AppealForm, DecideAppealForm
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import moderated, seen_on_page
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

#: Requests for another look from one person or connection within an hour; there is one for each decision.
PER_HOUR = 30


def _form_page(process: Process, contribution: Contribution, form: AppealForm, action: str, back: str) -> str:
    return render_template(
        "moderation/appeal.html",
        process=process,
        form=form,
        number=f"{process.code}-{contribution.number}",
        notice=queries.notice_for(contribution),
        action=action,
        back=back,
        autosave=f"appeal-{contribution.id}",
    )


@bp.route("/p/<slug>/contributions/<int:number>/appeal", methods=["GET", "POST"])
@keeps_text
def appeal(slug: str, number: int) -> Response | tuple[str, int]:
    """The author of a contribution that is held back asks for another look."""
    process = load_process(slug)
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_appeal, contribution)
    g.zone = process.zone
    form = AppealForm()
    back = url_for("contributions.show", slug=slug, number=number)
    status = 200
    if form.validate_on_submit():
        limit("appeal", str(person.id), PER_HOUR, timedelta(hours=1))
        try:
            appeals.make(contribution, person, entered(form.body))
            flash(_("Your request has arrived. Somebody else of the team looks at it, and you get a mail."), "success")
            return commit_and_go(back)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
    elif request.method == "GET" and not appeals.may_be_made(contribution):
        raise Refused(_("There is no decision to look at again, or you have asked for it already."))
    action = url_for("moderation.appeal", slug=slug, number=number)
    return _form_page(process, contribution, form, action, back), status


@bp.route("/receipt/contribution/appeal", methods=["GET", "POST"])
@public
def receipt_appeal() -> Response:
    """The same for whoever holds the receipt code. After the half hour the browser has kept the text."""
    found = meant()
    if found is None:
        return redirect(url_for("contributions.receipt"), 303)
    contribution, process = found
    form = AppealForm()
    back = url_for("contributions.receipt_show")
    status = 200
    if form.validate_on_submit():
        limit("appeal", visitor(), PER_HOUR, timedelta(hours=1))
        try:
            appeals.make(contribution, None, entered(form.body))
            flash(_("Your request has arrived. The answer will stand here."), "success")
            return commit_and_go(back)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
    elif request.method == "GET" and not appeals.may_be_made(contribution):
        return redirect(back, 303)
    form.about.data = str(contribution.id)
    return private((_form_page(process, contribution, form, url_for("moderation.receipt_appeal"), back), status))


@bp.get("/p/<slug>/moderation/second-look")
def second_look(slug: str) -> str:
    """What somebody else of the team has to decide: appeals, and words that are to go for good."""
    process = moderated(slug)
    person = current_person()
    waiting = appeals.open_appeals(process.id)
    return render_template(
        "moderation/second_look.html",
        process=process,
        appeals=waiting,
        requests=erasing.open_requests(process.id),
        decided=appeals.decided_lately(process.id),
        person_id=person.id,
    )


@bp.route("/p/<slug>/moderation/appeals/<int:appeal_id>", methods=["GET", "POST"])
@keeps_text
def decide_appeal(slug: str, appeal_id: int) -> Response | tuple[str, int]:
    """Look again, and answer the author."""
    process = moderated(slug)
    found = appeals.one(process.id, appeal_id)
    if found is None:
        abort(404)
    person = current_person()
    contribution = db.session.get_one(Contribution, found.act.contribution_id)
    label = f"{process.code}-{found.number}"
    form = DecideAppealForm()
    status = 200
    if form.validate_on_submit():
        try:
            granted = form.granted.data == "yes"
            appeals.decide(found.appeal, person, granted, entered(form.answer), seen=seen_on_page())
            if granted:
                flash(_("%(number)s is published again. The author is told.", number=label), "success")
            else:
                flash(_("The decision about %(number)s stands. The author is told.", number=label), "success")
            return commit_and_go(url_for("moderation.second_look", slug=slug))
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
    page = render_template(
        "moderation/decide_appeal.html",
        process=process,
        one=found,
        label=label,
        form=form,
        seen=f"{contribution.state}-{contribution.revision}",
        may_decide=appeals.may_decide(contribution, found.act, person),
        held_back_by_me=found.act.actor_id == person.id,
    )
    return page, status
