"""A contribution finds its author: the link in the mail, and the account of whoever has the code."""

from datetime import timedelta

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts import policy as accounts
from consult.accounts.addresses import mailbox_key
from consult.accounts.views import allowances
from consult.authz import authorize, current_person, public
from consult.contributions import claims
from consult.contributions.forms import ClaimForm
from consult.contributions.models import State
from consult.contributions.operations import newest_text
from consult.contributions.views import known
from consult.contributions.views.blueprint import bp
from consult.contributions.views.receipts import is_open, meant, open_here, private
from consult.contributions.words import state_names
from consult.errors import Refused, error_page
from consult.limits import hit, visitor
from consult.web import commit_and_go, keeps_text, safe_next

#: Mails to one mailbox within an hour, however its address is spelled: nobody is buried in them.
MAILS_PER_ADDRESS, HOUR = 3, timedelta(hours=1)


def may_be_asked(email: str) -> bool:
    """Counts a mail to this address; whether it leaves makes no difference to what the visitor sees."""
    of_visitor = hit("mail-visitor", visitor(), HOUR) <= allowances.MAILS_OF_A_VISITOR
    return hit("claim", mailbox_key(email), HOUR) <= MAILS_PER_ADDRESS and of_visitor


def _over() -> Response:
    """The same for forged, used, expired and foreign links."""
    message = _(
        "The link was used already, or it is older than 7 days. Your contribution has not been lost: with your receipt "
        "code you find it again."
    )
    return error_page(
        410, message=message, actions=[{"url": url_for("contributions.receipt"), "label": _("I have a receipt code")}]
    )


@bp.route("/claim/<link>", methods=["GET", "POST"])
@public
@keeps_text
def claim(link: str) -> Response:
    """What the link in the mail leads to. A GET shows a page with a button; only the POST uses the link up."""
    if request.method == "POST":
        allowances.link()
    found = claims.find(link)
    if found is None:
        return _secret(_over())
    g.zone = found.process.zone
    form = ClaimForm()
    if form.validate_on_submit():
        waited = found.contribution.state == State.pending
        try:
            if not claims.confirm(found):
                return _secret(_over())
        except Refused as refusal:
            # The link is used up all the same: it cannot become theirs.
            flash(refusal.message, "info")
            return _secret(commit_and_go(url_for("contributions.receipt")))
        if current_person() is None:
            known.remember(found.person, longer=bool(form.longer.data))
        open_here(found.contribution)
        if waited and found.contribution.state == State.published:
            flash(_("Thank you. Your contribution is published now, and we write to you about it."), "success")
        else:
            flash(_("Thank you. The contribution is yours, and we write to you about it."), "success")
        return _secret(commit_and_go(url_for("contributions.receipt_show")))
    # Anybody can type in any address: what nobody has let appear is read by whoever has its code, not by whoever got
    # the mail.
    readable = found.contribution.state == State.published or is_open(found.contribution)
    page = render_template(
        "contributions/claim.html",
        form=form,
        here=request.path,
        process=found.process,
        contribution=found.contribution,
        number=f"{found.process.code}-{found.contribution.number}",
        state=state_names()[found.contribution.state],
        readable=readable,
        text=newest_text(found.contribution) if readable else None,
    )
    return _secret(private(page))


def _secret(response: Response) -> Response:
    """The address is a secret: nothing it leads to learns it, and no browser keeps the page."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/receipt/contribution/keep")
def receipt_keep() -> Response:
    """Put what was opened with its code into one's own account."""
    authorize(accounts.is_signed_in)
    found = meant()
    if found is None:
        return redirect(url_for("contributions.receipt"), 303)
    claims.keep(found[0], current_person())
    flash(_("The contribution is in your account now."), "success")
    return commit_and_go(url_for("contributions.receipt_show"))


@bp.post("/receipt/forget")
@public
def forget_guest() -> Response:
    """Connect the next contributions from this browser with no address."""
    known.forget()
    flash(_("This browser does not know your address any more."), "success")
    return redirect(safe_next(request.form.get("next"), url_for("contributions.receipt")), 303)
