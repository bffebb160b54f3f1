"""Two entries that only look alike: say so, and take it back."""

from flask import flash, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.contacts import apart
from consult.contacts.views import organisations as bodies
from consult.contacts.views import people as persons
from consult.contacts.views.blueprint import bp
from consult.web import commit_and_go


def _done(words: str) -> Response:
    flash(words, "success")
    return commit_and_go(url_for(".doubles"))


@bp.post("/contacts/people/<int:person_id>/apart/<int:other_id>")
def tell_people_apart(person_id: int, other_id: int) -> Response:
    """These are two people."""
    apart.tell_apart(persons.load(person_id), persons.load(other_id), current_person())
    return _done(_("Noted: these are two people. They are not shown as doubles any more."))


@bp.post("/contacts/people/<int:person_id>/apart/<int:other_id>/undo")
def undo_people_apart(person_id: int, other_id: int) -> Response:
    """They may be one after all."""
    apart.take_back(persons.load(person_id), persons.load(other_id), current_person())
    return _done(_("Taken back."))


@bp.post("/contacts/organisations/<int:organisation_id>/apart/<int:other_id>")
def tell_organisations_apart(organisation_id: int, other_id: int) -> Response:
    """These are two organisations."""
    apart.tell_apart(bodies.load(organisation_id), bodies.load(other_id), current_person())
    return _done(_("Noted: these are two organisations. They are not shown as doubles any more."))


@bp.post("/contacts/organisations/<int:organisation_id>/apart/<int:other_id>/undo")
def undo_organisations_apart(organisation_id: int, other_id: int) -> Response:
    """They may be one after all."""
    apart.take_back(bodies.load(organisation_id), bodies.load(other_id), current_person())
    return _done(_("Taken back."))
