"""The second factor: giving it when signing in, setting it up, removing it."""

from flask import abort, flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts import policy, queries, second_factor, sessions
from consult.accounts.forms import CodeForm
from consult.accounts.models import SignIn
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import bp, me, my_account, next_values, target
from consult.accounts.views.guard import needs_second_factor
from consult.authz import authorize
from consult.extensions import db
from consult.forms import entered
from consult.site.queries import site_settings
from consult.web import commit_and_go, keeps_text


def _sign_in() -> SignIn:
    row = sessions.current_sign_in()
    if row is None:
        abort(403)
    return row


def _right(form: CodeForm) -> bool:
    """Whether the form holds a right code; uses it up, or puts the error into the form."""
    allowances.code(me().id)

    if second_factor.accept(my_account(), entered(form.totp)):
        return True
    form.totp.errors = [_("This code is not right, or was used already. Please wait for the next one.")]
    return False


@bp.route("/sign-in/code", methods=["GET", "POST"])
@keeps_text
def enter_code() -> Response | str:
    """The second step of signing in."""
    authorize(policy.is_signed_in)
    if my_account().totp_confirmed_at is None or _sign_in().second_factor_at is not None:
        return redirect(target(), 303)
    form = CodeForm()
    if form.validate_on_submit() and _right(form):
        second_factor.mark_given(_sign_in())
        sessions.renew(_sign_in())
        return commit_and_go(target())
    return render_template("accounts/enter_code.html", form=form, values=next_values())


@bp.get("/account/second-factor", endpoint="second_factor")
def state() -> str:
    """Off, being set up, or on: one page per state."""
    authorize(policy.is_signed_in)
    account = my_account()
    if account.totp_confirmed_at is not None:
        return render_template(
            "accounts/second_factor_on.html",
            left=queries.recovery_codes_left(me().id),
            needed=needs_second_factor(me()),
        )
    if account.totp_secret is not None:
        return _setting_up(CodeForm())
    return render_template("accounts/second_factor_off.html", needed=needs_second_factor(me()), values=next_values())


def _setting_up(form: CodeForm) -> str:
    return render_template(
        "accounts/second_factor_setting_up.html",
        form=form,
        secret=my_account().totp_secret,
        values=next_values(),
    )


@bp.post("/account/second-factor/start")
def start_second_factor() -> Response:
    """A fresh secret for the app."""
    authorize(policy.is_signed_in)
    second_factor.start(my_account())
    return commit_and_go(url_for("accounts.second_factor", **next_values()))


@bp.get("/account/second-factor/qr.svg")
def second_factor_qr() -> Response:
    """The secret as a QR code, only while it is being set up."""
    authorize(policy.is_signed_in)
    account = my_account()
    if account.totp_secret is None or account.totp_confirmed_at is not None:
        abort(404)
    issuer = site_settings().platform_name or "Consult"
    uri = second_factor.provisioning_uri(account, me().email or me().name, issuer)
    response = make_response(second_factor.qr_svg(uri))
    response.headers["Content-Type"] = "image/svg+xml"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/account/second-factor/confirm")
@keeps_text
def confirm_second_factor() -> Response | str:
    """The first code proves that the app works; then the recovery codes are shown, this once."""
    authorize(policy.is_signed_in)
    form = CodeForm()
    if not form.validate_on_submit():
        return _setting_up(form)
    allowances.code(me().id)
    codes = second_factor.confirm(my_account(), entered(form.totp))
    if codes is None:
        form.totp.errors = [_("This code is not right. Please check that the clock of your device is right.")]
        return _setting_up(form)
    second_factor.mark_given(_sign_in())
    sessions.renew(_sign_in())
    return _show_once(codes, target() if next_values() else url_for("accounts.me"))


def _show_once(codes: list[str], onward: str) -> str:
    # No redirect: the codes exist nowhere but in this answer. A second press makes new ones, or is refused.
    db.session.commit()
    return render_template("accounts/recovery_codes.html", codes=codes, onward=onward)


@bp.route("/account/second-factor/codes", methods=["GET", "POST"])
@keeps_text
def new_recovery_codes() -> Response | str:
    """Ten new recovery codes; the old ones count no more."""
    authorize(policy.is_signed_in)
    if my_account().totp_confirmed_at is None:
        return redirect(url_for("accounts.second_factor"), 303)
    form = CodeForm()
    if form.validate_on_submit() and _right(form):
        return _show_once(second_factor.new_recovery_codes(my_account()), url_for("accounts.second_factor"))
    return render_template("accounts/new_recovery_codes.html", form=form)


@bp.route("/account/second-factor/remove", methods=["GET", "POST"])
@keeps_text
def remove_second_factor() -> Response | str:
    """Remove it, or move to another device: who needs one is led to set it up again at once."""
    authorize(policy.is_signed_in)
    if my_account().totp_confirmed_at is None:
        return redirect(url_for("accounts.second_factor"), 303)
    form = CodeForm()
    if form.validate_on_submit() and _right(form):
        second_factor.remove(my_account())
        flash(_("The second factor is removed."), "success")
        return commit_and_go(url_for("accounts.second_factor"))
    return render_template("accounts/remove_second_factor.html", form=form, needed=needs_second_factor(me()))
