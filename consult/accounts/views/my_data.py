"""My data: see it, take it along, have it forgotten."""

import json

from flask import abort, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock, personal
from consult.accounts import passwords, policy, queries
from consult.accounts.forms import DeleteAccountForm
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import bp, me, my_account
from consult.authz import authorize
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.web import commit_and_go, keeps_text


@bp.get("/account/data")
def my_data() -> str:
    """What can be done with one's data."""
    authorize(policy.is_signed_in)
    return render_template("accounts/my_data.html", written=personal.written_by(me()))


@bp.get("/account/data/download")
def download_my_data() -> Response:
    """Everything about the signed-in person, as a file for people and machines."""
    authorize(policy.is_signed_in)
    content = {"made_at": clock.now().isoformat(), "data": personal.everything_about(me())}
    response = Response(json.dumps(content, ensure_ascii=False, indent=1), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="consult-my-data.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/account/delete", methods=["GET", "POST"])
@keeps_text
def delete_account() -> Response | str:
    """Have one's account deleted; asks for the password, where there is one, and for a yes."""
    authorize(policy.is_signed_in)
    form = DeleteAccountForm()
    account = my_account()
    if account.password_hash is None:
        del form.password
    if form.validate_on_submit() and _is_me(form, account.person_id, account.password_hash):
        try:
            personal.erase(me(), me())
        except Refused as refused:
            db.session.rollback()
            form.sure.errors = [refused.message]
        else:
            flash(_("Your account is deleted. Thank you for taking part."), "success")
            return commit_and_go(url_for("processes.home"))
    return render_template("accounts/delete_account.html", form=form, written=personal.written_by(me()))


def _is_me(form: DeleteAccountForm, person_id: int, password_hash: str | None) -> bool:
    if password_hash is None:
        return True
    allowances.own_password(person_id)
    if passwords.fits(password_hash, entered(form.password)):
        return True
    form.password.errors = [_("This is not your present password.")]
    return False


@bp.post("/people/<int:person_id>/erase")
def erase_person(person_id: int) -> Response:
    """Forget somebody who asked for it by letter or in person."""
    authorize(policy.can_manage_people)
    person = queries.person_or_404(person_id)
    if person.id == me().id or person.erased_at is not None:
        abort(404)
    personal.erase(person, me())
    flash(_("The person is forgotten: name, address and account are gone."), "success")
    return commit_and_go(url_for("accounts.people"))
