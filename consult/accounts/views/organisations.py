"""New organisations and their names and kinds, for operators and process leads; their pages are in `contacts`."""

from flask import flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts import bodies, queries
from consult.accounts.forms import OrganisationForm
from consult.accounts.models import Organisation
from consult.accounts.views.blueprint import bp, me
from consult.accounts.views.guard import can_manage_organisations
from consult.accounts.words import organisation_kinds
from consult.authz import authorize
from consult.errors import Refused
from consult.forms import entered
from consult.web import commit_and_go, keeps_text


def _form(organisation: Organisation | None = None) -> OrganisationForm:
    form = OrganisationForm(obj=organisation)
    if organisation is not None and not form.is_submitted():
        form.umbrella_id.data = organisation.umbrella_id or 0
    form.kind.choices = list(organisation_kinds().items())
    form.umbrella_id.choices = [
        (0, _("none")), *queries.organisation_names(except_id=organisation.id if organisation else None)
    ]  # fmt: skip
    return form


@bp.route("/contacts/organisations/new", methods=["GET", "POST"])
@keeps_text
def create_organisation() -> Response | str:
    authorize(can_manage_organisations)
    form = _form()
    if form.validate_on_submit():
        try:
            organisation = bodies.create_organisation(
                me().id,
                name=entered(form.name),
                kind=form.kind.data,
                area=entered(form.area),
                umbrella_id=form.umbrella_id.data or None,
                email=form.email.data or None,
            )
        except bodies.NameTaken:
            form.name.errors = [_("There is an organisation of this name already.")]
        else:
            flash(_("Saved."), "success")
            return commit_and_go(url_for("contacts.organisation", organisation_id=organisation.id))
    return render_template("accounts/organisation_new.html", form=form)


@bp.route("/contacts/organisations/<int:organisation_id>/edit", methods=["GET", "POST"])
@keeps_text
def edit_organisation(organisation_id: int) -> Response | str:
    authorize(can_manage_organisations)
    organisation = queries.organisation_or_404(organisation_id)
    form = _form(organisation)
    if form.validate_on_submit():
        try:
            bodies.change_organisation(
                me().id,
                organisation,
                name=entered(form.name),
                kind=form.kind.data,
                area=entered(form.area),
                umbrella_id=form.umbrella_id.data or None,
                email=form.email.data or None,
            )
        except bodies.NameTaken:
            form.name.errors = [_("There is an organisation of this name already.")]
        except Refused as refusal:
            form.umbrella_id.errors = [refusal.message]
        else:
            flash(_("Saved."), "success")
            return commit_and_go(url_for("contacts.organisation", organisation_id=organisation.id))
    return render_template("accounts/organisation_edit.html", form=form, organisation_id=organisation_id)
