"""How the text has changed since somebody wrote about it: the difference between the words they saw and today's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept.history import life
from consult.concept.models import Element, Placement, Version
from consult.concept.queries import Placed, audiences_open_to, heirs_of, names_of, newest_versions
from consult.concept.word_changes import Teller, WordChange, words_of
from consult.contributions.models import Contribution
from consult.extensions import db
from consult.processes.models import Process

#: Unchanged text around what changed.
AROUND = 160
#: Parts that an old one became, each with its difference; reasons told of each.
PARTS, REASONS = 6, 10


@dataclass(frozen=True)
class Step:
    """A change in between, with its reason."""

    reason: str
    version_number: int | None
    version_title: str


@dataclass(frozen=True)
class Since:
    """What became of the words somebody wrote about, at one place where they stand today."""

    place: Placed
    #: False when nothing differs.
    change: WordChange
    #: The newest first.
    steps: Sequence[Step]
    more: int = 0


@dataclass(frozen=True)
class Changes:
    """All places, or why there are none."""

    version: Version | None
    places: list[Since]
    #: The part is no longer in the text, and nothing took its place.
    gone: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the reader may see the words that were seen."""
        return self.version is not None


def changes_since(process: Process, contribution: Contribution, person: Person | None, key: str = "") -> Changes:
    """What changed between the words its author saw and today's, at the element it was written to or at its heirs.

    `key`: only at this one of them. Nothing is told of versions the reader may not see. A fixed number of queries for
    each place.
    """
    audiences = audiences_open_to(person, process)
    version = db.session.get(Version, contribution.version_id) if contribution.version_id else None
    if contribution.element_id is None or contribution.wording_id is None or version is None:
        return Changes(None, [])
    if version.audience not in audiences:
        return Changes(None, [])
    newest = newest_versions(process.id, audiences).get(version.concept_id)
    ids = heirs_of(contribution.element_id) or [contribution.element_id]
    placed = [row for row in names_of(process, ids, person).values() if not key or row.key == key]
    today = newest.id if newest else version.id
    standing = _standing(today, [row.element_id for row in placed])
    placed = sorted((row for row in placed if row.element_id in standing), key=lambda row: row.position)[:PARTS]
    words = words_of([contribution.wording_id, *(row.wording_id for row in placed)])
    teller, seen = Teller(around=AROUND), words[contribution.wording_id]
    elements = {row.id: row for row in db.session.scalars(select(Element).where(Element.id.in_(standing)))}
    found = [
        _since(elements[row.element_id], row, teller.change(seen, words[row.wording_id]), version, audiences)
        for row in placed
    ]
    return Changes(version, found, gone=not found)


def _standing(version_id: int, element_ids: Sequence[int]) -> set[int]:
    """Which of these elements this version places."""
    return set(
        db.session.scalars(
            select(Placement.element_id).where(
                Placement.version_id == version_id, Placement.element_id.in_(list(element_ids))
            )
        )
    )


def _since(element: Element, place: Placed, change: WordChange, seen: Version, audiences: Sequence[str]) -> Since:
    entries, _more = life(element, audiences, include_working=False)
    between = [entry for entry in entries if entry.change_id > seen.change_head and entry.before and entry.after]
    between = [entry for entry in between if entry.before != entry.after]
    steps = [Step(entry.reason, entry.version_number, entry.version_title) for entry in between[:REASONS]]
    return Since(place, change, steps, max(0, len(between) - REASONS))
