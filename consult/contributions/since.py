"""How the text has changed since somebody wrote about it: the difference between the words they saw and today's."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import literal, or_, select

from consult.accounts.models import Person
from consult.concept.models import Change, Element, ElementHeir, Lineage, Version
from consult.concept.queries import Placed, audiences_open_to, placed_in, versions_of
from consult.concept.word_changes import Teller, WordChange, Words, words_of
from consult.contributions.models import Contribution
from consult.extensions import db
from consult.processes.models import Process

#: Unchanged text around what changed.
AROUND = 160
#: Parts that an old one became, each with its difference; reasons told of each; changes looked at for them.
PARTS, REASONS, LOOKED_AT = 6, 10, 400


@dataclass(frozen=True)
class Step:
    """A change in between, with its reason and the version it came with."""

    element_id: int
    reason: str
    version: Version


@dataclass(frozen=True)
class Since:
    """What became of the words somebody wrote about, at one place where they stand today."""

    place: Placed
    #: False when nothing differs.
    change: WordChange
    #: The newest first.
    steps: list[Step]
    more: int = 0


@dataclass(frozen=True)
class Changes:
    """All places where the part stands today; none when it is gone."""

    #: The version its author had in front of them; None where that is not for this reader.
    version: Version | None = None
    places: list[Since] = field(default_factory=list)


def changes_since(process: Process, contribution: Contribution, person: Person | None, key: str = "") -> Changes:
    """What changed between the words its author saw and today's, at the element it was written to or at its heirs.

    `key`: only at this one of them. Nothing is told of versions the reader may not see. Six queries at most.
    """
    if contribution.element_id is None or contribution.wording_id is None:
        return Changes()
    elements = _itself_and_heirs(contribution.element_id)
    own = elements[contribution.element_id]
    versions = versions_of(own.concept_id, audiences_open_to(person, process))
    seen = next((version for version in versions if version.id == contribution.version_id), None)
    if seen is None:
        return Changes()
    today = [row.key for row in elements.values() if row is not own] or [own.key]
    placed = placed_in(versions[0].id, plain=False, keys=[row for row in today if not key or row == key])[:PARTS]
    before, teller = words_of([contribution.wording_id])[contribution.wording_id], Teller(around=AROUND)
    steps = _steps_between(own.id, seen, versions)
    edges = _edges({step.element_id for step in steps} | set(elements)) if len(elements) > 1 else []
    found = []
    for row in placed:
        line = _line(own.id, row.element_id, edges)
        told = [step for step in steps if step.element_id in line]
        now = Words(row.wording_id, row.title, row.markdown, row.details or {}, row.lang)
        found.append(Since(row, teller.change(before, now), told[:REASONS], max(0, len(told) - REASONS)))
    return Changes(seen, found)


def _itself_and_heirs(element_id: int) -> dict[int, Element]:
    heirs = select(ElementHeir.heir_id).where(ElementHeir.element_id == element_id)
    rows = db.session.scalars(
        select(Element).where(or_(Element.id == element_id, Element.id.in_(heirs))).order_by(Element.id)
    )
    return {row.id: row for row in rows}


def _steps_between(element_id: int, seen: Version, versions: Sequence[Version]) -> list[Step]:
    """Changes of words of the element and of all it became that came after this version, the newest first."""
    line = select(literal(element_id).label("ident")).cte("line", recursive=True)
    line = line.union(select(Lineage.to_element_id).join(line, Lineage.from_element_id == line.c.ident))
    rows = db.session.execute(
        select(Change.id, Change.element_id, Change.reason)
        .where(
            Change.element_id.in_(select(line.c.ident)),
            Change.id > seen.change_head,
            Change.id <= versions[0].change_head,
            Change.to_wording_id.is_not(None),
            or_(Change.from_wording_id.is_(None), Change.from_wording_id != Change.to_wording_id),
        )
        .order_by(Change.id.desc())
        .limit(LOOKED_AT)
    )
    upwards = sorted(versions, key=lambda version: version.change_head)
    steps = []
    for ident, changed_id, reason in rows:
        brought = next((version for version in upwards if version.change_head >= ident), None)
        if brought is not None:
            steps.append(Step(changed_id, reason, brought))
    return steps


def _edges(element_ids: set[int]) -> list[tuple[int, int]]:
    """(what was replaced, what took its place) among these and what they came from."""
    rows = db.session.execute(
        select(Lineage.from_element_id, Lineage.to_element_id).where(Lineage.to_element_id.in_(element_ids))
    )
    return [(row[0], row[1]) for row in rows]


def _line(start: int, end: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """Everything on the ways from one element to what it became; beside its siblings' ways, not on them."""
    down, up = {start}, {end}
    for _step in edges:
        down |= {to for source, to in edges if source in down}
        up |= {source for source, to in edges if to in up}
    return (down & up) | {end}
