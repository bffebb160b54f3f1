"""A stale edit as its writer sees it: both texts side by side, put together as far as they fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept.difference import render_sides, word_difference
from consult.concept.merging import Merged, Stretch, merge_fields
from consult.concept.models import Change, Element, Wording
from consult.concept.queries import origins_of
from consult.concept.words import detail_names
from consult.concept.working import as_fields
from consult.errors import Sides
from consult.extensions import db
from consult.html import clean_text

#: Texts up to this length are sent along, so that every text can be taken back after any number of steps.
_SENT_ALONG = 50_000
#: In longer texts only the surroundings of changes are shown.
_LONG = 4_000
_AROUND = 240
#: Places told one by one.
_PLACES = 10


@dataclass(frozen=True)
class OtherChange:
    """What somebody else did meanwhile."""

    name: str
    created_at: datetime
    reason: str


@dataclass(frozen=True)
class FieldSides:
    """One field in which somebody changed something, each side against what both began from."""

    name: str
    label: str
    theirs: Markup
    yours: Markup


@dataclass(frozen=True)
class ConflictView:
    """Everything the page of a conflict shows."""

    began_id: int
    sides: Sides
    merged: Mapping[str, Merged]
    fields: list[FieldSides]
    others: list[OtherChange]

    @property
    def clean(self) -> bool:
        """Both changes fit together: nobody has to decide anything."""
        return all(merged.text is not None for merged in self.merged.values())

    @property
    def clashes(self) -> list[Stretch]:
        """The places in the text where both wrote something else."""
        return list(self.merged["markdown"].clashes[:_PLACES]) if "markdown" in self.merged else []

    @property
    def sent_along(self) -> Mapping[str, str]:
        """One's own words, for the form."""
        return self.sides.yours if sum(map(len, self.sides.yours.values())) <= _SENT_ALONG else {}

    def texts(self, which: str) -> Mapping[str, str]:
        """What the form holds after pressing `theirs`, `mine` or `merged`."""
        if which == "theirs":
            return self.sides.theirs
        if which == "mine":
            return self.sides.yours
        return {name: merged.suggestion for name, merged in self.merged.items()}


def _labels(kind: str) -> dict[str, str]:
    return {"title": _("Title"), "markdown": _("Text"), **detail_names(kind)}


def _others(element: Element, began_id: int, current_id: int) -> list[OtherChange]:
    rows = db.session.execute(
        select(Person.name, Change.created_at, Change.reason)
        .select_from(Change)
        .outerjoin(Person, Person.id == Change.actor_id)
        .where(Change.element_id == element.id, Change.to_wording_id > began_id, Change.to_wording_id <= current_id)
        .order_by(Change.id.desc())
        .limit(_PLACES)
    )
    return [OtherChange(name or _("Somebody"), created_at, reason) for name, created_at, reason in rows]


def _field(name: str, label: str, base: str, theirs: str, yours: str) -> FieldSides:
    around = _AROUND if max(len(theirs), len(yours)) > _LONG else None
    return FieldSides(
        name,
        label,
        render_sides(word_difference(base, theirs), around)[1],
        render_sides(word_difference(base, yours), around)[1],
    )


def conflict_view(element: Element, began_id: int, current_id: int, sides: Sides) -> ConflictView:
    """Both sides, put together, and who was on the other one. One query."""
    labels = _labels(element.kind)
    merged = merge_fields(sides.base, sides.theirs, sides.yours, ["markdown"])
    fields = []
    for name, label in labels.items():
        three = tuple(side.get(name, "") for side in (sides.base, sides.theirs, sides.yours))
        if len(set(three)) > 1:
            fields.append(_field(name, label, *three))
    return ConflictView(began_id, sides, merged, fields, _others(element, began_id, current_id))


def conflict_sent_along(element: Element, current_id: int, typed: Mapping[str, str]) -> ConflictView | None:
    """The conflict the form came from, from what it carries; None when it came from none.

    Without one's own words in it (they were long) what stands in the form now counts as one's own.
    """
    began = request.form.get("began", "")
    if not (began.isdecimal() and len(began) < 10):
        return None
    rows = {
        row.id: as_fields(row)
        for row in db.session.scalars(
            # A proposal for a part that was replaced began with the words of what this one descends from.
            select(Wording).where(
                Wording.id.in_([int(began), current_id]), Wording.element_id.in_(origins_of(element.id))
            )
        )
    }
    if current_id not in rows:
        return None
    mine = {
        name: clean_text(request.form[f"mine-{name}"])
        for name in _labels(element.kind)
        if f"mine-{name}" in request.form
    }
    sides = Sides(rows.get(int(began), {}), rows[current_id], mine or dict(typed))
    return conflict_view(element, int(began), current_id, sides)
