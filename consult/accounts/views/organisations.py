"""Organisations and who may speak for them, for operators and process leads."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.accounts import bodies, queries
from consult.accounts.forms import OrganisationForm, SpeakerForm
from consult.accounts.models import Organisation, Representation
from consult.accounts.views.blueprint import bp, me
from consult.accounts.views.guard import can_manage_organisations
from consult.accounts.words import organisation_kinds
from consult.authz import authorize
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.web import commit_and_go, keeps_text


@bp.get("/organisations")
def organisations() -> str:
    """All organisations by name, and for how many somebody may speak."""
    authorize(can_manage_organisations)
    words = request.args.get("q", "").strip()[:100]
    part = queries.organisations(words, request.args.get("after"))
    following = url_for("accounts.organisations", q=words or None, after=part.next) if part.next is not None else None
    return render_template(
        "accounts/organisations.html", rows=part.rows, words=words, next_url=following, kinds=organisation_kinds()
    )


def _form(organisation: Organisation | None = None) -> OrganisationForm:
    form = OrganisationForm(obj=organisation)
    if organisation is not None and not form.is_submitted():
        form.umbrella_id.data = organisation.umbrella_id or 0
    form.kind.choices = list(organisation_kinds().items())
    form.umbrella_id.choices = [
        (0, _("none")), *queries.organisation_names(except_id=organisation.id if organisation else None)
    ]  # fmt: skip
    return form


@bp.route("/organisations/new", methods=["GET", "POST"])
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


@bp.get("/organisations/<int:organisation_id>")
def organisation(organisation_id: int) -> Response | str:
    """One organisation: its facts, and who may speak for it; of one that was merged the page leads on."""
    authorize(can_manage_organisations)
    found = queries.organisation_or_404(organisation_id)
    if found.merged_into_id is not None:
        return redirect(url_for("accounts.organisation", organisation_id=found.merged_into_id), 301)
    return _page(found, SpeakerForm())


def _page(organisation: Organisation, form: SpeakerForm) -> str:
    return render_template(
        "accounts/organisation.html",
        organisation=organisation,
        kind=organisation_kinds().get(organisation.kind, organisation.kind),
        speakers=queries.speakers_of(organisation.id),
        form=form,
    )


@bp.route("/organisations/<int:organisation_id>/edit", methods=["GET", "POST"])
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


@bp.post("/organisations/<int:organisation_id>/speakers")
@keeps_text
def confirm_speaker(organisation_id: int) -> Response | str:
    """Confirm that a person may speak for the organisation."""
    authorize(can_manage_organisations)
    organisation = queries.organisation_or_404(organisation_id)
    form = SpeakerForm()
    if form.validate_on_submit():
        person = queries.person_by_email(entered(form.email))
        if person is None:
            form.email.errors = [
                _("Nobody with this address is known here. Please invite the person first, or ask them to register.")
            ]
        else:
            try:
                bodies.confirm_representation(me().id, organisation, person)
            except Refused as refusal:
                form.email.errors = [refusal.message]
            else:
                flash(_("%(name)s may speak for the organisation from now on.", name=person.name), "success")
                return commit_and_go(url_for("contacts.organisation", organisation_id=organisation.id))
    return _page(organisation, form)


@bp.post("/organisations/<int:organisation_id>/speakers/<int:representation_id>/end")
def end_speaker(organisation_id: int, representation_id: int) -> Response:
    """The person no longer speaks for the organisation."""
    authorize(can_manage_organisations)
    representation = db.session.scalar(
        select(Representation).where(
            Representation.id == representation_id, Representation.organisation_id == organisation_id
        )
    )
    if representation is None:
        abort(404)
    bodies.end_representation(me().id, representation)
    flash(_("Ended."), "success")
    return commit_and_go(url_for("contacts.organisation", organisation_id=organisation_id))
