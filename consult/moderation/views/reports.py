"""Reporting a contribution, with an account or without one; and what moderators do about it."""

from datetime import timedelta

from flask import current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.models import Person
from consult.authz import authorize, current_person, public
from consult.contributions import queries, receipts
from consult.contributions.models import Contribution, ModerationReason, State
from consult.contributions.threads import shown_alone
from consult.contributions.views.receipts import SHOWN_FOR, browser_secret, code_on, opened_report, private
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.limits import hit, visitor
from consult.moderation import policy, reports
from consult.moderation.case_forms import KeepForm, ReportForm
from consult.moderation.emails import outcome_sentence
from consult.moderation.forms import HideForm
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import contribution_of, moderated
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.signing import keyed_hash, new_nonce
from consult.web import commit_and_go, keeps_text

#: Reports one person sends within an hour.
PER_HOUR = 30


def _too_many(person: Person | None) -> bool:
    hour = timedelta(hours=1)
    if person is not None:
        return hit("report", str(person.id), hour) > PER_HOUR
    return bool(hit("report", visitor(), hour) > current_app.config["GUEST_CONTRIBUTIONS_PER_HOUR"])


def _send(form: ReportForm, process: Process, contribution: Contribution, person: Person | None) -> Response:
    """Store it and lead on: to the contribution, or to the slip with the code. Raises `Refused`."""
    chosen = form.chosen()
    reason = db.session.get(ModerationReason, chosen) if chosen is not None else None
    if person is not None:
        reports.make(contribution, reporter=person, reason=reason, note=entered(form.note))
        flash(_("Thank you. A moderator looks at it, and you get a mail with the outcome."), "success")
        return commit_and_go(url_for("contributions.show", slug=process.slug, number=contribution.number))
    slip = keyed_hash("report slip", f"{request.path}|{request.form.get('form_id', '')[:64] or new_nonce()}")[:24]
    target = url_for("moderation.report_slip", slip=slip)
    code = receipts.code_for(browser_secret(), slip)
    try:
        reports.make(contribution, reporter=None, reason=reason, note=entered(form.note), code=code)
    except IntegrityError:
        # The same form sent twice at the same moment: the other one was first, and its slip is this one's.
        db.session.rollback()
        if reports.find(code) is None:
            raise
        return redirect(target, 303)
    return commit_and_go(target)


@bp.route("/p/<slug>/contributions/<int:number>/report", methods=["GET", "POST"])
@keeps_text
def report(slug: str, number: int) -> Response | tuple[str, int]:
    """Tell the moderators that a contribution should not stand there."""
    process = load_process(slug)
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_report, process)
    g.zone = process.zone
    if contribution.state != State.published:
        raise Refused(_("This contribution is not shown any more."))
    if person is not None and contribution.author_id == person.id:
        raise Refused(_("This is your own contribution. You can withdraw it."))
    form = ReportForm(queries.reasons_of(process.id))
    if person is None:
        browser_secret()
    status = 200
    if form.validate_on_submit():
        if _too_many(person):
            form.form_errors.append(
                _("Very many reports came from this connection within an hour. Please wait a while.")
            )
            status = 429
        else:
            try:
                return _send(form, process, contribution, person)
            except Refused as refusal:
                form.form_errors.append(refusal.message)
                status = 409
    item = shown_alone(process, contribution, None)
    item.may_report = False
    page = render_template(
        "moderation/report.html",
        process=process,
        form=form,
        item=item,
        guest=person is None,
        back=url_for("contributions.show", slug=slug, number=number),
    )
    return page, status


@bp.get("/receipt/report-slip/<slip>")
@public
def report_slip(slip: str) -> Response:
    """The code for the outcome, for the browser that sent the report, for half an hour; for printing."""
    code = code_on(slip)
    found = reports.find(code) if code else None
    about = reports.opened(found.id) if found is not None else None
    if about is None or clock.now() > about[0].created_at + SHOWN_FOR:
        return redirect(url_for("contributions.receipt"), 303)
    made, contribution, process = about
    g.zone = process.zone
    return private(
        render_template(
            "moderation/report_slip.html",
            process=process,
            number=f"{process.code}-{contribution.number}",
            code=code,
            arrived=made.created_at,
            address=current_app.config["PUBLIC_URL"] + url_for("contributions.receipt"),
        )
    )


@bp.get("/receipt/report")
@public
def report_outcome() -> Response:
    """What came of a report, for whoever typed in its code."""
    report_id = opened_report()
    about = reports.opened(report_id) if report_id is not None else None
    if about is None:
        return redirect(url_for("contributions.receipt"), 303)
    made, contribution, process = about
    g.zone = process.zone
    return private(
        render_template(
            "moderation/report_outcome.html",
            process=process,
            report=made,
            number=f"{process.code}-{contribution.number}",
            url=url_for("contributions.show", slug=process.slug, number=contribution.number)
            if contribution.state == State.published
            else None,
            outcome=outcome_sentence(made.outcome),
        )
    )


def _desk_page(process: Process, contribution: Contribution, form: KeepForm) -> str:
    number = contribution.number or 0
    reasons = queries.reasons_of(process.id)
    item = shown_alone(process, contribution, current_person())
    item.reveal, item.may_report = True, False
    made = reports.reports_of(contribution)
    return render_template(
        "moderation/reports.html",
        process=process,
        item=item,
        reports=made,
        is_open=any(one.closed_at is None for one in made),
        form=form,
        hide_form=HideForm(number, reasons, formdata=None) if reasons else None,
        seen=f"{contribution.state}-{contribution.revision}",
        outcome_of=outcome_sentence,
    )


@bp.route("/p/<slug>/moderation/<int:number>/reports", methods=["GET", "POST"])
@keeps_text
def reports_of(slug: str, number: int) -> Response | str:
    """The reports of one contribution: let it stand with a sentence, or hold it back."""
    process = moderated(slug)
    contribution = contribution_of(process, number)
    form = KeepForm()
    if form.validate_on_submit():
        reports.keep(contribution, current_person(), entered(form.answer))
        label = f"{process.code}-{number}"
        flash(_("%(number)s stays. Those who reported it are told.", number=label), "success")
        return commit_and_go(url_for("moderation.queue", slug=slug))
    return _desk_page(process, contribution, form)
