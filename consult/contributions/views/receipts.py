"""The slip with the receipt code, and what one finds under the code.

A code never stands in an address: it is posted, and the session remembers for half an hour which contribution is open.
What changes only the session leads on by a plain redirect: sent twice it has to reach us twice, because a browser may
never have read the first answer with the cookie in it.
"""

from datetime import timedelta
from typing import Any

from flask import current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import current_person, public
from consult.concept.queries import names_of
from consult.contributions import guests, operations, proposals, receipts
from consult.contributions.due import promised_for
from consult.contributions.forms import HolderEditForm, ReceiptForm
from consult.contributions.models import Channel, Contribution, Stance, State
from consult.contributions.proposal_forms import HolderEditProposalForm
from consult.contributions.queries import notice_for
from consult.contributions.sources import trace
from consult.contributions.views import known
from consult.contributions.views.blueprint import bp
from consult.contributions.views.proposed import PREVIEW, previewed
from consult.errors import Conflict, Refused
from consult.forms import entered
from consult.limits import hit, visitor
from consult.moderation import appeals, reports
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id
from consult.weighing.queries import course_of, decisions_on

#: Names in the session: the secret that makes this browser's codes; which contribution or report is open, until when.
_SECRET, _OPEN, _REPORT = "guest", "receipt", "report"
#: How long a slip can be shown, and a contribution stays open.
SHOWN_FOR = timedelta(minutes=30)
#: A code has 80 bits; this keeps the door from being rattled at. A meeting with one connection is one visitor.
TRIES, WITHIN = 60, timedelta(minutes=15)


def browser_secret() -> str:
    """The secret of this browser, made when it is first needed: by pages with the form, never by those for reading."""
    if _SECRET not in session:
        session[_SECRET] = receipts.new_secret()
    return str(session[_SECRET])


def code_on(slip: str) -> str:
    """The code on this slip, empty in a browser that sent no form."""
    secret = session.get(_SECRET)
    return receipts.code_for(str(secret), slip) if secret else ""


def private(page: str | tuple[str, int]) -> Response:
    """A page that no browser keeps."""
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def _opened() -> tuple[Contribution, Process] | None:
    """The contribution that was opened with its code in this browser, and its process."""
    known: Any = session.get(_OPEN)
    if not known or known[1] < clock.now().timestamp():
        return None
    found = receipts.opened(int(known[0]))
    if found is not None:
        g.zone = found[1].zone
    return found


def is_open(contribution: Contribution) -> bool:
    """Whether this contribution was opened with its code in this browser."""
    found = _opened()
    return found is not None and found[0].id == contribution.id


def meant() -> tuple[Contribution, Process] | None:
    """The same, unless the form sent was about another one: somebody may hold two codes, in two tabs."""
    found = _opened()
    about = request.form.get("about", type=row_id)
    return found if found is None or request.method == "GET" or about == found[0].id else None


def _try(code: str) -> tuple[Contribution | None, int, str]:
    """(the contribution with this code, status, what to say when there is none); a found one is open from now on."""
    if hit("receipt", visitor(), WITHIN) > TRIES:
        return None, 429, _("Many codes were tried from this connection. Please wait a quarter of an hour.")
    contribution = receipts.find(code)
    if contribution is None or receipts.opened(contribution.id) is None:
        return (
            None,
            200,
            _(
                "We find nothing under this code. Please compare it with your slip, sign by sign. "
                "Small and large letters are the same."
            ),
        )
    open_here(contribution)
    return contribution, 200, ""


def open_here(contribution: Contribution) -> None:
    """Show it in this browser for half an hour."""
    session[_OPEN] = [contribution.id, (clock.now() + SHOWN_FOR).timestamp()]


def _ask_again(code: str) -> tuple[tuple[Contribution, Process] | None, int, str]:
    """(what the form was about if `code` opens it, status, what to say if not): for forms sent after the half hour."""
    if not code:
        return None, 200, _("Half an hour has passed. Please type in your code once more; your text is kept.")
    contribution, status, message = _try(code)
    if contribution is None:
        return None, status, message
    if contribution.id != request.form.get("about", type=row_id):
        return None, status, _("This is the code of another contribution.")
    return receipts.opened(contribution.id), status, ""


def _opens_report(code: str) -> bool:
    """Whether this is the code of a report; its outcome is open in this browser from now on."""
    report = reports.find(code)
    if report is None or reports.opened(report.id) is None:
        return False
    session[_REPORT] = [report.id, (clock.now() + SHOWN_FOR).timestamp()]
    return True


def opened_report() -> int | None:
    """Id of the report whose outcome was opened with its code in this browser."""
    kept: Any = session.get(_REPORT)
    return int(kept[0]) if kept and kept[1] >= clock.now().timestamp() else None


def _lookup(form: ReceiptForm, *, gone: bool = False, status: int = 200) -> Response:
    return private((render_template("contributions/receipt.html", form=form, gone=gone), status))


@bp.get("/receipt/slip/<slip>")
@public
def slip(slip: str) -> Response:
    """The code in large letters, for the browser that sent the form, for half an hour; for printing."""
    code = code_on(slip)
    contribution = receipts.find(code) if code else None
    found = receipts.opened(contribution.id) if contribution is not None else None
    if found is None or clock.now() > found[0].created_at + SHOWN_FOR:
        return _lookup(ReceiptForm(), gone=True)
    contribution, process = found
    g.zone = process.zone
    ids = [contribution.element_id] if contribution.element_id else []
    return private(
        render_template(
            "contributions/slip.html",
            process=process,
            number=f"{process.code}-{contribution.number}",
            code=code,
            arrived=contribution.created_at,
            helped=contribution.channel == Channel.helper,
            published=contribution.state == State.published,
            asked=contribution.stance == Stance.question,
            mailed="mail" in request.args,
            place=names_of(process, ids, None).get(contribution.element_id or 0) if ids else None,
            address=current_app.config["PUBLIC_URL"] + url_for("contributions.receipt"),
        )
    )


@bp.route("/receipt", methods=["GET", "POST"])
@public
@keeps_text
def receipt() -> Response:
    """Type in the code, find the contribution."""
    form = ReceiptForm()
    if form.validate_on_submit():
        contribution, status, message = _try(entered(form.code))
        if contribution is not None:
            return redirect(url_for("contributions.receipt_show"), 303)
        if status == 200 and _opens_report(entered(form.code)):
            return redirect(url_for("moderation.report_outcome"), 303)
        form.code.errors = (message,)
        return _lookup(form, status=status)
    return _lookup(form)


@bp.get("/receipt/contribution")
@public
def receipt_show() -> Response:
    """The contribution with its fate, for whoever typed in its code."""
    found = _opened()
    if found is None:
        return redirect(url_for("contributions.receipt"), 303)
    contribution, process = found
    person = current_person()
    item = receipts.shown_to_holder(process, contribution)
    everything = list(item.everything())
    decisions = decisions_on([one.id for one in everything])
    for one in everything:
        one.disposition = decisions.get(one.id)
    return private(
        render_template(
            "contributions/receipt_show.html",
            process=process,
            item=item,
            notice=notice_for(contribution),
            appeal=appeals.newest_about(contribution),
            may_appeal=appeals.may_be_made(contribution),
            has_author=contribution.author_id is not None,
            is_mine=person is not None and contribution.author_id == person.id,
            may_keep=person is not None and contribution.author_id is None and contribution.entered_by_id != person.id,
            trace=trace(contribution, process, None),
            course=course_of(contribution.id),
            answer_due=promised_for(process, contribution),
            editable=guests.is_editable(contribution),
            waits_since=contribution.edited_at or contribution.created_at,
        )
    )


@bp.route("/receipt/contribution/edit", methods=["GET", "POST"])
@public
@keeps_text
def receipt_edit() -> Response:
    """Correct the text until it has appeared. When the half hour is over, the code is asked for and the text kept."""
    found = meant()
    proposed = proposals.newest_proposed(found[0]) if found is not None else None
    form = HolderEditProposalForm() if "proposed" in request.form or proposed is not None else HolderEditForm()
    asks, theirs, status = False, None, 200
    preview = previewed(found[0], form) if found is not None and request.form.get("step") == PREVIEW else None
    if request.form.get("step") != PREVIEW and form.validate_on_submit():
        if found is None:
            asks = True
            found, status, message = _ask_again(entered(form.code))
            form.code.errors = (message,) if message else ()
        if found is not None:
            try:
                words = entered(form.proposed) if isinstance(form, HolderEditProposalForm) else None
                if not guests.edit(found[0], entered(form.text), form.base_revision(), proposed=words):
                    flash(_("Nothing was changed."), "info")
                elif found[0].state == State.published:
                    flash(_("Your text has been changed."), "success")
                else:
                    flash(_("Your changed text has arrived. A moderator looks at it before it appears."), "success")
                return commit_and_go(url_for("contributions.receipt_show"))
            except Conflict as conflict:
                # Both texts are shown; sending again replaces the newer one knowingly.
                theirs, status = conflict.theirs, 409
                form.base.data = str(conflict.current_id)
            except Refused as refusal:
                form.form_errors.append(refusal.message)
                status = 409
    elif not form.is_submitted():
        if found is None:
            return redirect(url_for("contributions.receipt"), 303)
        if not guests.is_editable(found[0]):
            return redirect(url_for("contributions.receipt_show"), 303)
        form.text.data = operations.newest_text(found[0])
        form.base.data = str(found[0].revision)
        if isinstance(form, HolderEditProposalForm):
            form.proposed.data = proposed
    about = found[0].id if found is not None else request.form.get("about", type=row_id)
    page = render_template(
        "contributions/receipt_edit.html",
        form=form,
        asks=asks,
        theirs=theirs,
        about=about,
        preview=preview,
        lang=found[0].lang if found is not None else "",
    )
    return private((page, status))


@bp.post("/receipt/contribution/withdraw")
@public
def receipt_withdraw() -> Response:
    """Take it back; the page asked once before."""
    found = meant()
    if found is None:
        return redirect(url_for("contributions.receipt"), 303)
    guests.withdraw(found[0])
    flash(_("Withdrawn."), "success")
    return commit_and_go(url_for("contributions.receipt_show"))


@bp.post("/receipt/close")
@public
def receipt_close() -> Response:
    """Forget in this browser all codes and addresses: the next person at a shared computer finds nothing."""
    session.pop(_SECRET, None)
    session.pop(_OPEN, None)
    session.pop(_REPORT, None)
    known.forget()
    flash(_("Closed. Nothing of it is left in this browser."), "success")
    return redirect(url_for("contributions.receipt"), 303)
