"""Numbers by order: 3.1, 3.2 and so on, all at once, with one reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from consult.accounts.models import Person
from consult.concept.models import Change, Concept, Element
from consult.concept.operations import renumber
from consult.concept.tree import Row, outline
from consult.concept.working import lock_working, need_reason
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process


@dataclass(frozen=True)
class NewNumber:
    """One row of the preview."""

    row: Row
    label: str

    @property
    def changes(self) -> bool:
        return self.label != self.row.label


def siblings(rows: Sequence[Row], parent_id: int | None) -> list[Row]:
    """What stands directly below an element, or at the top of the text, in order."""
    return [row for row in rows if (row.parent.element_id if row.parent else None) == parent_id]


def numbers_by_order(rows: Sequence[Row], kind: str, prefix: str, *, deep: bool) -> list[NewNumber]:
    """The numbers these siblings would show: `prefix` and 1, 2, 3 for those of this kind.

    `deep`: what stands below follows, where it shows a number already.
    """
    found: list[NewNumber] = []
    for number, row in enumerate((row for row in rows if row.kind == kind), start=1):
        label = f"{prefix}{number}"
        found.append(NewNumber(row, label))
        if deep:
            for below in sorted({child.kind for child in row.children if child.label}):
                found += numbers_by_order(row.children, below, f"{label}.", deep=True)
    return found


def number_anew(
    concept: Concept,
    parent: Element | None,
    kind: str,
    prefix: str,
    *,
    deep: bool,
    revision: int,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> list[Change]:
    """Give the parts of this kind below `parent` (None: at the top) numbers by their order.

    One change for each number that becomes another one. Refuses when the working text is no longer at `revision`:
    somebody decided on a preview that does not hold any more.
    """
    need_reason(reason)
    working = lock_working(concept.id)
    if working.revision != revision:
        raise Refused(_("The text was changed meanwhile. Please look at the new numbers once more."))
    rows = siblings(outline([working.id])[working.id], parent.id if parent else None)
    changes: list[Change] = []
    for number in numbers_by_order(rows, kind, prefix, deep=deep):
        element = db.session.get_one(Element, number.row.element_id)
        change = renumber(element, number.label, reason=reason, actor=actor, process=process, now=now)
        if change is not None:
            changes.append(change)
    return changes
