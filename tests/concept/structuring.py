"""The tree of the working text, as the tests of its structure look at it."""

from sqlalchemy import select

from consult.concept.models import Change, Element
from consult.concept.queries import working_version
from consult.concept.tree import outline
from consult.extensions import db

GOAL = "/p/iko/e/lz-begegnung"


def told(concept):
    """(depth, label, key) of the working text in reading order."""
    version = working_version(concept.id)
    return [(row.depth, row.label, row.key) for row in outline([version.id])[version.id]]


def keys(concept):
    return [key for _depth, _label, key in told(concept)]


def element(key):
    return db.session.scalars(select(Element).where(Element.key == key)).one()


def changes(kind):
    return db.session.scalars(select(Change).where(Change.kind == kind).order_by(Change.id)).all()
