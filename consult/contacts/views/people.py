"""One person: what we know of them, and putting it in order."""

from typing import Any

from flask import abort, current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts.models import Person
from consult.accounts.views.blueprint import language_choices
from consult.accounts.words import organisation_kinds
from consult.authz import allowed, authorize, current_person
from consult.contacts import details, operations, policy, queries, words
from consult.contacts.forms import AffiliationForm, ContactForm, NewContactForm
from consult.contacts.reach import within
from consult.contacts.views.blueprint import bp
from consult.errors import Refused
from consult.forms import entered
from consult.i18n import own_name
from consult.invitations.views.progress import answer_words
from consult.meetings.words import registration_names
from consult.newsletters.words import agreed_to, ways
from consult.outbox.bounces import set_going_again
from consult.processes.policy import is_operator
from consult.web import commit_and_go, keeps_text


def load(person_id: int) -> Person:
    """The person for those who may; one that is merged away is no longer changed."""
    authorize(policy.can_see_contacts)
    person = details.person_or_404(person_id, within(current_person()))
    if person.merged_into_id is not None:
        abort(404)
    return person


def _home(person_id: int) -> str:
    return url_for(".person", person_id=person_id)


@bp.route("/contacts/people/new", methods=["GET", "POST"])
@keeps_text
def create() -> Response | str:
    """Somebody we did not know, as the one at the telephone says it."""
    authorize(policy.can_see_contacts)
    form = NewContactForm()
    form.locale.choices = language_choices()
    if not form.is_submitted():
        form.locale.data = current_app.config["BABEL_DEFAULT_LOCALE"]
    if form.validate_on_submit():
        named = entered(form.organisation)
        organisation = queries.organisation_called(named) if named else None
        if named and organisation is None:
            form.organisation.errors = [_("There is no organisation of this name.")]
            return render_template("contacts/person_new.html", form=form)
        try:
            found = operations.add_contact(
                current_person(), name=entered(form.name), email=form.email.data or None, locale=form.locale.data,
                postal_address=form.postal_address.data or None, organisation=organisation,
                position=entered(form.position),
            )  # fmt: skip
        except operations.AddressTaken:
            form.email.errors = [_("Somebody has this address already. Look for it in the list.")]
        except Refused as refusal:
            form.email.errors = [refusal.message]
        else:
            flash(_("Saved."), "success")
            return commit_and_go(_home(found.id))
    return render_template("contacts/person_new.html", form=form)


@bp.get("/contacts/people/<int:person_id>")
def person(person_id: int) -> Response | str:
    """One person; the page of one that was merged leads on to the kept one."""
    authorize(policy.can_see_contacts)
    found = details.person_or_404(person_id, within(current_person()))
    if found.merged_into_id is not None:
        return redirect(_home(found.merged_into_id), 301)
    return _page(found, AffiliationForm(formdata=None))


def _page(found: Person, form: AffiliationForm) -> str:
    me = current_person()
    shown: dict[str, Any] = {
        "shown": found,
        "parts": details.of_person(found.id, me),
        "form": form,
        "kinds": organisation_kinds(),
        "sources": words.sources(),
        "invited": answer_words(),
        "registered": registration_names(),
        "purposes": words.purposes(),
        "agreed_to": agreed_to,
        "ways": ways(),
        "language": own_name(found.locale),
        "may_edit": allowed(policy.can_edit_contact, found),
        "operator": is_operator(me),
    }
    return render_template("contacts/person.html", **shown)


@bp.route("/contacts/people/<int:person_id>/edit", methods=["GET", "POST"])
@keeps_text
def edit(person_id: int) -> Response | str:
    """Name, address, language, postal address of somebody without an account."""
    found = load(person_id)
    authorize(policy.can_edit_contact, found)
    form = ContactForm(obj=found)
    form.locale.choices = language_choices()
    if form.validate_on_submit():
        try:
            operations.change_contact(
                found, current_person(), name=entered(form.name), email=form.email.data or None,
                locale=form.locale.data, postal_address=form.postal_address.data or None,
            )  # fmt: skip
        except operations.AddressTaken:
            form.email.errors = [_("Somebody else has this address. If it is the same person, put the two together.")]
        else:
            flash(_("Saved."), "success")
            return commit_and_go(_home(person_id))
    return render_template("contacts/person_edit.html", shown=found, form=form)


@bp.post("/contacts/people/<int:person_id>/organisations")
@keeps_text
def add_affiliation(person_id: int) -> Response | str:
    """The person works there."""
    found = load(person_id)
    form = AffiliationForm()
    if form.validate_on_submit():
        organisation = queries.organisation_called(entered(form.organisation))
        if organisation is None:
            form.organisation.errors = [_("There is no organisation of this name.")]
        else:
            operations.add_affiliation(found, organisation, entered(form.position), current_person())
            flash(_("Saved."), "success")
            return commit_and_go(_home(person_id))
    return _page(found, form)


@bp.post("/contacts/people/<int:person_id>/organisations/<int:affiliation_id>/remove")
def remove_affiliation(person_id: int, affiliation_id: int) -> Response:
    """The person does not work there any longer."""
    load(person_id)
    operations.remove_affiliation(details.affiliation_or_404(person_id, affiliation_id), current_person())
    flash(_("Removed."), "success")
    return commit_and_go(_home(person_id))


@bp.post("/contacts/people/<int:person_id>/mail")
def resume_mail(person_id: int) -> Response:
    """Somebody has looked at the address: it gets mail again."""
    found = load(person_id)
    if set_going_again(found.id, current_person().id):
        flash(_("This address gets mail again."), "success")
    return commit_and_go(_home(person_id))
