"""My account: name, language, address, password."""

from flask import abort, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts import operations, passwords, policy, queries, sessions
from consult.accounts.forms import ChangeEmailForm, ChangePasswordForm, ProfileForm
from consult.accounts.models import Account
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import bp, language_choices, me, my_account
from consult.accounts.views.guard import needs_second_factor
from consult.authz import authorize
from consult.forms import entered
from consult.i18n import own_name, remember
from consult.processes.queries import functions_of, processes_visible_to
from consult.processes.words import function_names
from consult.web import commit_and_go, keeps_text


@bp.get("/account", endpoint="me")
def overview() -> str:
    """What we know of the signed-in person, and the ways to change it."""
    authorize(policy.is_signed_in)
    functions = functions_of(me())
    titles = {process.id: process.title for process in processes_visible_to(me())} if functions else {}
    names = function_names()
    roles = [
        (titles[process_id], ", ".join(names[name] for name in names if name in held))
        for process_id, held in functions.items()
        if process_id in titles
    ]
    return render_template(
        "accounts/me.html",
        person=me(),
        language=own_name(me().locale),
        roles=roles,
        organisations=queries.speaks_for(me().id),
        sign_ins=len(queries.sign_ins_of(me().id)),
        second_factor_needed=needs_second_factor(me()),
    )


@bp.route("/account/profile", methods=["GET", "POST"])
@keeps_text
def profile() -> Response | str:
    """Public name, and the language of mails and pages."""
    authorize(policy.is_signed_in)
    form = ProfileForm(name=me().name, locale=me().locale)
    form.locale.choices = language_choices()
    if form.validate_on_submit():
        operations.change_profile(me(), name=entered(form.name), locale=form.locale.data)
        flash(_("Saved."), "success")
        response = commit_and_go(url_for("accounts.me"))
        remember(response, str(form.locale.data))
        return response
    return render_template("accounts/profile.html", form=form)


def _knows_password(form: ChangeEmailForm | ChangePasswordForm, account: Account) -> bool:
    """Asked again, so that an unattended screen is not enough; people without a password are not asked."""
    if account.password_hash is None:
        return True
    allowances.own_password(account.person_id)
    if passwords.fits(account.password_hash, entered(form.password)):
        return True
    form.password.errors = [_("This is not your present password.")]
    return False


@bp.route("/account/email", methods=["GET", "POST"])
@keeps_text
def change_email() -> Response | str:
    """Ask for another address; it counts when the link sent there is used."""
    authorize(policy.is_signed_in)
    form = ChangeEmailForm()
    has_password = my_account().password_hash is not None
    if not has_password:
        del form.password
    if form.validate_on_submit() and _knows_password(form, my_account()):
        allowances.mail_to(entered(form.email))
        operations.ask_to_change_email(me(), entered(form.email))
        return commit_and_go(url_for("accounts.change_email_sent"))
    return render_template("accounts/change_email.html", form=form, person=me(), has_password=has_password)


@bp.get("/account/email/sent")
def change_email_sent() -> str:
    authorize(policy.is_signed_in)
    return render_template("accounts/change_email_sent.html")


@bp.route("/account/password", methods=["GET", "POST"])
@keeps_text
def change_password() -> Response | str:
    """A new password; all other devices are signed out."""
    authorize(policy.is_signed_in)
    account, sign_in = my_account(), sessions.current_sign_in()
    if sign_in is None:
        abort(403)
    form = ChangePasswordForm()
    form.known_facts = (me().name, me().email or "")
    has_password = account.password_hash is not None
    if not has_password:
        del form.password
    if form.validate_on_submit() and _knows_password(form, account):
        password_hash = passwords.hash_password(entered(form.new_password))
        operations.change_password(account, password_hash, sign_in_id=sign_in.id)
        sessions.renew(sign_in)
        flash(_("Your new password counts from now on. All other devices are signed out."), "success")
        return commit_and_go(url_for("accounts.me"))
    return render_template("accounts/change_password.html", form=form, has_password=has_password)
