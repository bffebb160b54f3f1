"""Where I am signed in, and signing out there."""

from flask import abort, flash, render_template, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts import operations, policy, queries, sessions
from consult.accounts.views.blueprint import bp, me
from consult.authz import authorize
from consult.web import commit_and_go


@bp.get("/account/sign-ins")
def sign_ins() -> str:
    """All devices on which the person is signed in."""
    authorize(policy.is_signed_in)
    return render_template("accounts/sign_ins.html", rows=queries.sign_ins_of(me().id), here=sessions.current_sign_in())


@bp.post("/account/sign-ins/<int:sign_in_id>/end")
def end_sign_in(sign_in_id: int) -> Response:
    """Sign out on one device. Somebody else's sign-in is not found."""
    authorize(policy.is_signed_in)
    if not operations.sign_out(me().id, sign_in_id):
        abort(404)
    flash(_("Signed out on this device."), "success")
    return commit_and_go(url_for("accounts.sign_ins"))


@bp.post("/account/sign-ins/end-all")
def sign_out_everywhere() -> Response:
    """Sign out on all devices, this one included."""
    authorize(policy.is_signed_in)
    operations.sign_out_everywhere(me().id)
    session.clear()
    flash(_("You are signed out on all devices."), "success")
    return commit_and_go(url_for("accounts.sign_in"))
