"""What the links in mails lead to. A GET shows a page with a button; only the POST uses the link up."""

from flask import flash, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts import operations, passwords, queries, staff, tokens
from consult.accounts.forms import ConfirmForm, ResetForm
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import bp, let_in, remembered_target, used_up
from consult.accounts.views.entry import REGISTRATION, registration_mark
from consult.authz import public
from consult.forms import Form, entered
from consult.web import commit_and_go, keeps_text


def _opened(link: str, purpose: LinkPurpose) -> tuple[LinkToken, Person] | None:
    """The link's row and whom it is for, while both count."""
    if request.method == "POST":
        allowances.link()
    token = tokens.find(link, purpose)
    if token is None or token.person_id is None:
        return None
    person = queries.person_with_account(token.person_id)
    if person is None or person.erased_at is not None or person.account is None:
        return None
    # What begins an account must not change one that is in use.
    begun = purpose in (LinkPurpose.confirm, LinkPurpose.staff_invitation) and person.account.confirmed_at is not None
    return None if begun or person.account.suspended_at is not None else (token, person)


def _ask_again(endpoint: str) -> Response:
    return used_up(url_for(endpoint), _("Ask for a new link"))


@bp.route("/register/confirm/<link>", methods=["GET", "POST"])
@public
@keeps_text
def confirm(link: str) -> Response | str:
    """The address is proven; name and, where none is kept, password are settled."""
    found = _opened(link, LinkPurpose.confirm)
    if found is None:
        return used_up(url_for("accounts.register"), _("Register again"))
    token, person = found
    here = session.get(REGISTRATION) or {}
    same_browser = here.get("mark") == registration_mark(token.id)
    keep = same_browser and bool(here.get("password"))
    form = ConfirmForm(name=here.get("name") if same_browser else person.name)
    form.known_facts = (person.email or "",)
    if keep:
        del form.new_password
    if form.validate_on_submit():
        password = "" if keep else entered(form.new_password)
        password_hash = passwords.hash_password(password) if password else None
        if not operations.confirm(
            token, person, name=entered(form.name), password_hash=password_hash, keep_password=keep
        ):
            return used_up(url_for("accounts.register"), _("Register again"))
        flash(_("Welcome! Your account is ready."), "success")
        return let_in(person, remembered_target())
    return render_template("accounts/confirm.html", form=form, person=person)


@bp.route("/sign-in/with/<link>", methods=["GET", "POST"])
@public
def use_sign_in_link(link: str) -> Response | str:
    found = _opened(link, LinkPurpose.sign_in)
    if found is None or not operations.may_sign_in(found[1]):
        return _ask_again("accounts.sign_in_link")
    token, person = found
    if request.method != "POST":
        return render_template("accounts/use_sign_in_link.html", form=Form(), person=person)
    if not tokens.consume(token):
        return _ask_again("accounts.sign_in_link")
    return let_in(person, remembered_target())


@bp.route("/reset/with/<link>", methods=["GET", "POST"])
@public
@keeps_text
def reset(link: str) -> Response | str:
    """Choose a new password; every other sign-in ends."""
    found = _opened(link, LinkPurpose.reset)
    if found is None or not operations.may_sign_in(found[1]):
        return _ask_again("accounts.ask_reset")
    token, person = found
    form = ResetForm()
    form.known_facts = (person.name, person.email or "")
    if form.validate_on_submit():
        password_hash = passwords.hash_password(entered(form.new_password))
        if not operations.reset_password(token, person, password_hash):
            return _ask_again("accounts.ask_reset")
        flash(_("Your new password counts from now on. All other devices are signed out."), "success")
        return let_in(person, remembered_target())
    return render_template("accounts/reset.html", form=form, person=person)


@bp.route("/account/email/confirm/<link>", methods=["GET", "POST"])
@public
def confirm_email(link: str) -> Response | str:
    """The new address is proven. Works on any device: the link itself is the proof."""
    found = _opened(link, LinkPurpose.change_email)
    if found is None:
        return _ask_again("accounts.change_email")
    token, person = found
    if request.method != "POST":
        return render_template("accounts/confirm_email.html", form=Form(), new_email=token.new_email)
    if not operations.change_email(token, person):
        return _ask_again("accounts.change_email")
    flash(_("Your new e-mail address counts from now on."), "success")
    return commit_and_go(url_for("accounts.me"))


@bp.route("/staff-invitation/<link>", methods=["GET", "POST"])
@public
@keeps_text
def accept_staff_invitation(link: str) -> Response | str:
    """An invited member of staff sets up the account."""
    found = _opened(link, LinkPurpose.staff_invitation)
    if found is None:
        return used_up(url_for("accounts.sign_in"), _("Sign in"))
    token, person = found
    form = ConfirmForm(name=person.name)
    form.known_facts = (person.email or "",)
    if form.validate_on_submit():
        password = entered(form.new_password)
        password_hash = passwords.hash_password(password) if password else None
        if not staff.accept_invitation(token, person, name=entered(form.name), password_hash=password_hash):
            return used_up(url_for("accounts.sign_in"), _("Sign in"))
        flash(_("Welcome! Your account is ready."), "success")
        return let_in(person, url_for("processes.home"))
    return render_template("accounts/accept_staff_invitation.html", form=form, person=person)
