"""People and access, for operators."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.accounts import policy, queries, staff
from consult.accounts.forms import InviteStaffForm
from consult.accounts.models import Account, Person
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import bp, language_choices, me
from consult.authz import authorize
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.groups import operations as groups
from consult.groups.models import Group
from consult.processes.models import Process
from consult.processes.queries import functions_of
from consult.processes.words import function_names
from consult.web import commit_and_go, keeps_text, row_id


@bp.get("/people")
def people() -> str:
    """Everybody known to the platform, newest first; search by name or address."""
    authorize(policy.can_manage_people)
    words = request.args.get("q", "").strip()[:100]
    operators = request.args.get("operators") == "1"
    part = queries.people(words, request.args.get("before", type=row_id), operators=operators)
    following = (
        url_for("accounts.people", q=words or None, operators="1" if operators else None, before=part.next)
        if part.next is not None
        else None
    )
    return render_template(
        "accounts/people.html", people=part.rows, words=words, operators=operators, next_url=following
    )


@bp.get("/people/<int:person_id>", endpoint="people_person")
def person_page(person_id: int) -> Response | str:
    """One person: state of the account, roles, and what an operator can do."""
    authorize(policy.can_manage_people)
    person = queries.person_or_404(person_id)
    if person.merged_into_id is not None:
        return redirect(url_for("accounts.people_person", person_id=person.merged_into_id), 301)
    names = function_names()
    functions = functions_of(person)
    titles = {
        process.id: process.title
        for process in db.session.scalars(select(Process).where(Process.id.in_(list(functions))))
    }
    roles = [
        (titles[process_id], ", ".join(names[name] for name in names if name in held))
        for process_id, held in functions.items()
    ]
    return render_template(
        "accounts/person.html",
        shown=person,
        roles=roles,
        organisations=queries.speaks_for(person.id),
        sign_ins=queries.sign_ins_of(person.id),
        is_me=person.id == me().id,
    )


@bp.route("/people/invite", methods=["GET", "POST"], endpoint="people_invite")
@keeps_text
def invite() -> Response | str:
    """A mail with a link to set up an account; the person may join a group at once."""
    authorize(policy.can_manage_people)
    form = InviteStaffForm(locale=me().locale)
    form.locale.choices = language_choices()
    open_groups = db.session.execute(
        select(Group.id, Group.name).where(Group.closed_at.is_(None)).order_by(Group.name)
    ).all()
    form.group.choices = [(0, _("none for now")), *((ident, name) for ident, name in open_groups)]
    if form.validate_on_submit():
        allowances.mail_by_staff(entered(form.email))
        try:
            person = staff.invite_staff(
                me().id, email=entered(form.email), name=entered(form.name), locale=form.locale.data
            )
        except Refused as refusal:
            form.email.errors = [refusal.message]
        else:
            if form.group.data:
                groups.add_person(db.session.get_one(Group, form.group.data), person.id, me().id)
            flash(_("The invitation is on its way."), "success")
            return commit_and_go(url_for("accounts.people_person", person_id=person.id))
    return render_template("accounts/invite.html", form=form)


def _account_or_404(person_id: int) -> Account:
    person: Person = queries.person_or_404(person_id)
    if person.account is None:
        abort(404)
    return person.account


def _done(person_id: int, message: str) -> Response:
    flash(message, "success")
    return commit_and_go(url_for("accounts.people_person", person_id=person_id))


@bp.post("/people/<int:person_id>/suspend")
def suspend(person_id: int) -> Response:
    """Keep somebody out."""
    authorize(policy.can_manage_people)
    staff.suspend(me().id, _account_or_404(person_id))
    return _done(person_id, _("The account is suspended; all its devices are signed out."))


@bp.post("/people/<int:person_id>/restore")
def restore(person_id: int) -> Response:
    """Let somebody in again."""
    authorize(policy.can_manage_people)
    staff.restore(me().id, _account_or_404(person_id))
    return _done(person_id, _("The account can be used again."))


@bp.post("/people/<int:person_id>/operator")
def grant_operator(person_id: int) -> Response:
    """Make somebody an operator."""
    authorize(policy.can_manage_people)
    staff.grant_operator(me().id, _account_or_404(person_id))
    return _done(person_id, _("This person is an operator now."))


@bp.post("/people/<int:person_id>/operator/revoke")
def revoke_operator(person_id: int) -> Response:
    """Make an operator an ordinary person again."""
    authorize(policy.can_manage_people)
    staff.revoke_operator(me().id, _account_or_404(person_id))
    if person_id == me().id:
        return commit_and_go(url_for("accounts.me"))
    return _done(person_id, _("This person is no longer an operator."))


@bp.post("/people/<int:person_id>/second-factor/remove")
def reset_second_factor(person_id: int) -> Response:
    """For people who lost device and codes."""
    authorize(policy.can_manage_people)
    staff.remove_second_factor(me().id, _account_or_404(person_id))
    return _done(person_id, _("The second factor is removed; it is set up anew at the next sign-in."))
