"""One organisation: who works there, what it belongs to, how it takes part."""

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.accounts import bodies
from consult.accounts.forms import SpeakerForm
from consult.accounts.models import Organisation, Representation
from consult.accounts.queries import person_by_email
from consult.accounts.words import organisation_kinds
from consult.authz import authorize, current_person
from consult.contacts import details, operations, policy, queries, words
from consult.contacts.forms import NetworkForm
from consult.contacts.views.blueprint import bp
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.web import commit_and_go, keeps_text


def load(organisation_id: int) -> Organisation:
    """The organisation for those who may; one that is merged away is no longer changed."""
    authorize(policy.can_see_contacts)
    organisation = details.organisation_or_404(organisation_id)
    if organisation.merged_into_id is not None:
        abort(404)
    return organisation


@bp.get("/contacts/organisations/<int:organisation_id>")
def organisation(organisation_id: int) -> Response | str:
    """One organisation; the page of one that was merged leads on to the kept one."""
    authorize(policy.can_see_contacts)
    found = details.organisation_or_404(organisation_id)
    if found.merged_into_id is not None:
        return redirect(url_for(".organisation", organisation_id=found.merged_into_id), 301)
    return _page(found)


def _page(found: Organisation, form: NetworkForm | None = None, speaker_form: SpeakerForm | None = None) -> str:
    return render_template(
        "contacts/organisation.html",
        organisation=found,
        parts=details.of_organisation(found.id, current_person()),
        form=form or NetworkForm(formdata=None, of_network=found.kind == "network"),
        speaker_form=speaker_form or SpeakerForm(formdata=None),
        kinds=organisation_kinds(),
        sources=words.sources(),
        is_network=found.kind == "network",
    )


def _network_and_member(found: Organisation, name: str) -> tuple[Organisation, Organisation] | None:
    """On the page of a network its members are named, on others the networks."""
    named = queries.organisation_called(name)
    if named is None:
        return None
    return (found, named) if found.kind == "network" else (named, found)


@bp.post("/contacts/organisations/<int:organisation_id>/networks")
@keeps_text
def add_to_network(organisation_id: int) -> Response | str:
    """A network gets a member."""
    found = load(organisation_id)
    form = NetworkForm(of_network=found.kind == "network")
    if form.validate_on_submit():
        pair = _network_and_member(found, entered(form.organisation))
        try:
            if pair is None:
                raise Refused(_("There is no organisation of this name."))
            operations.add_to_network(*pair, current_person())
        except Refused as refusal:
            form.organisation.errors = [refusal.message]
        else:
            flash(_("Saved."), "success")
            return commit_and_go(url_for(".organisation", organisation_id=organisation_id))
    return _page(found, form)


@bp.post("/contacts/organisations/<int:organisation_id>/networks/<int:network_id>/<int:member_id>/remove")
def remove_from_network(organisation_id: int, network_id: int, member_id: int) -> Response:
    """A network loses a member; one of the two is this organisation."""
    load(organisation_id)
    if organisation_id not in (network_id, member_id):
        abort(404)
    operations.remove_from_network(network_id, member_id, current_person())
    flash(_("Removed."), "success")
    return commit_and_go(url_for(".organisation", organisation_id=organisation_id))


@bp.post("/contacts/organisations/<int:organisation_id>/speakers")
@keeps_text
def confirm_speaker(organisation_id: int) -> Response | str:
    """Confirm that a person may speak for the organisation."""
    found = load(organisation_id)
    form = SpeakerForm()
    if form.validate_on_submit():
        person = person_by_email(entered(form.email))
        if person is None:
            form.email.errors = [
                _("Nobody with this address is known here. Please invite the person first, or ask them to register.")
            ]
        else:
            try:
                bodies.confirm_representation(current_person().id, found, person)
            except Refused as refusal:
                form.email.errors = [refusal.message]
            else:
                flash(_("%(name)s may speak for the organisation from now on.", name=person.name), "success")
                return commit_and_go(url_for(".organisation", organisation_id=found.id))
    return _page(found, speaker_form=form)


@bp.post("/contacts/organisations/<int:organisation_id>/speakers/<int:representation_id>/end")
def end_speaker(organisation_id: int, representation_id: int) -> Response:
    """The person no longer speaks for the organisation."""
    authorize(policy.can_see_contacts)
    representation = db.session.scalar(
        select(Representation).where(
            Representation.id == representation_id, Representation.organisation_id == organisation_id
        )
    )
    if representation is None:
        abort(404)
    bodies.end_representation(current_person().id, representation)
    flash(_("Ended."), "success")
    return commit_and_go(url_for(".organisation", organisation_id=organisation_id))
