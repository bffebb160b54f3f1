"""What several pages of the editors' desk begin with."""

import re
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from consult.concept import queries
from consult.concept.models import Change, Concept, Element, Version
from consult.contributions import sources
from consult.contributions.models import Contribution
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process


def concepts_at_work(process: Process) -> list[tuple[Concept, Version]]:
    """Charter and concept with their working texts."""
    return [(concept, queries.working_version(concept.id)) for concept in queries.concepts_of(process.id)]


def element_in_work(process: Process, key: str) -> tuple[Element, queries.Placed]:
    """The element and where it stands in the working text; refused when it is no longer there."""
    element = queries.element_or_404(process.id, key)
    placed = queries.placed_one(queries.working_version(element.concept_id).id, element.id)
    if placed is None:
        raise Refused(_("This part is no longer in the working text."))
    return element, placed


def named_contributions(process: Process, typed: str) -> list[Contribution]:
    """The contributions an editor names by number ("6, IK-12"). Raises `Refused` with the numbers not found."""
    numbers = sorted({int(number) for number in re.findall(r"\d{1,9}", typed)})
    if not numbers:
        return []
    found = db.session.scalars(
        select(Contribution).where(Contribution.process_id == process.id, Contribution.number.in_(numbers))
    ).all()
    missing = set(numbers) - {contribution.number for contribution in found}
    if missing:
        raise Refused(_("There is no contribution %(numbers)s.", numbers=", ".join(str(n) for n in sorted(missing))))
    return list(found)


class NotInText(ValueError):
    """The words said to come from this contribution are not in the new text."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the passage of contribution {number} is not in the new text")
        self.number = number


def name_sources(
    changes: Sequence[Change], found: Sequence[Contribution], passages: Mapping[int, str] | None = None
) -> None:
    """Put each contribution behind each change; `passages`: by number, the words of the new text it changed.

    Raises `NotInText` for the first passage that is not there.
    """
    for change in changes:
        for contribution in found:
            number = contribution.number or 0
            try:
                sources.add_source(change, contribution, (passages or {}).get(number, ""))
            except ValueError:
                raise NotInText(number) from None
