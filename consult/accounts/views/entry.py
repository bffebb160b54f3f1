"""Coming in and going out: register, sign in, sign out, ask for links. Open to everybody."""

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import i18n, signing
from consult.accounts import operations, passwords, policy, queries, sessions
from consult.accounts.forms import EmailForm, RegisterForm, SignInForm
from consult.accounts.views import allowances, demo
from consult.accounts.views.blueprint import bp, let_in, next_values, remember_target, target
from consult.authz import allowed, public
from consult.forms import entered
from consult.limits import in_even_time
from consult.web import commit_and_go, keeps_text

#: Cookie entry that ties a confirmation to the browser that registered: {"mark": ..., "name": ...}.
REGISTRATION = "registration"


def registration_mark(token_id: int) -> str:
    return signing.keyed_hash("registration", str(token_id))


@bp.route("/sign-in", methods=["GET", "POST"])
@public
@keeps_text
def sign_in() -> Response | str:
    """By password; the page also leads to the link by mail and to registering."""
    cards = demo.cards()
    if allowed(policy.is_signed_in) and not cards:
        return redirect(target(), 303)
    form = SignInForm()
    if form.validate_on_submit():
        email = entered(form.email)
        allowances.sign_in(email)
        person = queries.person_by_email(email)
        account = person.account if person is not None else None
        fits = passwords.fits(account.password_hash if account else None, entered(form.password))
        if fits and person is not None and operations.may_sign_in(person):
            return let_in(person, target())
        form.password.errors = [_("Address and password do not fit together, or the address is not confirmed yet.")]
    return render_template("accounts/sign_in.html", form=form, values=next_values(), cards=cards)


@bp.route("/sign-in/mail", methods=["GET", "POST"])
@public
@in_even_time
@keeps_text
def sign_in_link() -> Response | str:
    """Ask for a link to sign in with; the answer is the same for every address."""
    form = EmailForm()
    if form.validate_on_submit():
        allowances.mail_to(entered(form.email))
        operations.ask_for_sign_in_link(entered(form.email))
        remember_target()
        return commit_and_go(url_for("accounts.sign_in_link_sent"))
    return render_template("accounts/sign_in_link.html", form=form, values=next_values())


@bp.get("/sign-in/mail/sent")
@public
def sign_in_link_sent() -> str:
    return render_template("accounts/sign_in_link_sent.html")


@bp.route("/reset", methods=["GET", "POST"])
@public
@in_even_time
@keeps_text
def ask_reset() -> Response | str:
    """Ask for a link to choose a new password with; the answer is the same for every address."""
    form = EmailForm()
    if form.validate_on_submit():
        allowances.mail_to(entered(form.email))
        operations.ask_for_reset(entered(form.email))
        remember_target()
        return commit_and_go(url_for("accounts.reset_sent"))
    return render_template("accounts/ask_reset.html", form=form, values=next_values())


@bp.get("/reset/sent")
@public
def reset_sent() -> str:
    return render_template("accounts/reset_sent.html")


@bp.route("/register", methods=["GET", "POST"])
@public
@in_even_time
@keeps_text
def register() -> Response | str:
    """Begin an account; the answer is the same for known and unknown addresses."""
    if allowed(policy.is_signed_in):
        return redirect(target(), 303)
    form = RegisterForm()
    if form.validate_on_submit():
        allowances.mail_to(entered(form.email))
        password = entered(form.new_password)
        password_hash = passwords.hash_password(password) if password else None
        token = operations.register(
            name=entered(form.name), email=entered(form.email), password_hash=password_hash, locale=i18n.language()
        )
        remember_target()
        session[REGISTRATION] = {
            "mark": registration_mark(token.id) if token else signing.keyed_hash("registration", signing.new_nonce()),
            "name": entered(form.name),
            "password": bool(password),
        }
        return commit_and_go(url_for("accounts.registered"))
    return render_template("accounts/register.html", form=form, values=next_values())


@bp.get("/register/sent")
@public
def registered() -> str:
    return render_template("accounts/registered.html")


@bp.route("/sign-out", methods=["GET", "POST"])
@public
def sign_out() -> Response | str:
    """A page with a button, because a GET changes nothing; the POST ends the sign-in on the server."""
    sign_in_row = sessions.current_sign_in()
    if sign_in_row is None:
        return redirect(url_for("processes.home"), 303)
    if request.method != "POST":
        return render_template("accounts/sign_out.html")
    operations.sign_out(sign_in_row.person_id, sign_in_row.id)
    session.clear()
    flash(_("You are signed out."), "success")
    return commit_and_go(url_for("processes.home"))
