"""What differs between two versions: which parts are new, gone, reworded, moved or renumbered, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import func, select

from consult.concept.difference import rising
from consult.concept.models import Change, ChangeKind, Element, Lineage, PlacedLink, Placement, Version, Wording
from consult.concept.queries import excerpt
from consult.concept.word_changes import Words, words_of
from consult.extensions import db

#: Enough of a text to call an element by its beginning.
_BEGINNING = 240


class State(StrEnum):
    """What happened to a part. Several may be true at once."""

    new = "new"
    gone = "gone"
    words = "words"
    moved = "moved"
    renumbered = "renumbered"
    links = "links"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an element stands in one of the two versions."""

    parent_id: int | None
    position: int
    label: str
    wording_id: int
    title: str
    name: str

    @property
    def heading(self) -> str:
        return f"{self.label} {self.name}".strip()

    @property
    def short(self) -> str:
        """Number and title; what has no title has its words below."""
        return f"{self.label} {self.title}".strip() or self.name


@dataclass(frozen=True, slots=True)
class Reason:
    change_id: int
    kind: str
    reason: str


@dataclass(slots=True)
class ComparedPart:
    """One element as the two versions have it."""

    element_id: int
    key: str
    kind: str
    old: Spot | None = None
    new: Spot | None = None
    states: set[State] = field(default_factory=set)
    depth: int = 0
    #: What it was split from or merged of, and what it became, over any number of steps: parts of the old and of the
    #: new version.
    origins: list[int] = field(default_factory=list)
    heirs: list[int] = field(default_factory=list)
    #: Taken out before the old version, and in again.
    restored: bool = False
    serves_now: list[int] = field(default_factory=list)
    serves_no_longer: list[int] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def spot(self) -> Spot:
        found = self.new or self.old
        if found is None:
            raise LookupError(f"element {self.element_id} stands in neither version")
        return found


@dataclass
class Comparison:
    """Two versions laid on each other."""

    #: In the reading order of the new version; what is gone stands where it stood.
    parts: list[ComparedPart]
    #: The words of all parts whose words are new, gone or other ones, by wording.
    words: dict[int, Words]

    def __post_init__(self) -> None:
        self.by_id = {part.element_id: part for part in self.parts}

    def changed(self) -> list[ComparedPart]:
        return [part for part in self.parts if part.states]

    def count(self, state: State) -> int:
        return sum(1 for part in self.parts if state in part.states)


def compare(old: Version, new: Version, only: int | None = None) -> Comparison:
    """What differs between two versions of one concept, the older one first.

    `only`: the words and reasons of this element alone are wanted. Five queries, six for very large texts.
    """
    parts = _placed(old, new)
    _mark_moves(parts)
    _add_links(parts, old, new)
    _add_reasons(parts, old, new, only)
    wanted = {
        spot.wording_id
        for part in parts.values()
        if {State.new, State.gone, State.words} & part.states and only in (None, part.element_id)
        for spot in (part.old, part.new)
        if spot is not None
    }
    words = words_of(wanted)
    for part in parts.values():
        if State.words in part.states and part.old and part.new and part.old.wording_id in words:
            before, after = words[part.old.wording_id], words[part.new.wording_id]
            if (before.title, before.markdown, before.fields()) == (after.title, after.markdown, after.fields()):
                part.states.discard(State.words)  # changed, and changed back
    return Comparison(_in_order(parts), words)


def _placed(old: Version, new: Version) -> dict[int, ComparedPart]:
    """All parts of both versions, by element, with what can be told from their places alone."""
    parts: dict[int, ComparedPart] = {}
    for version_id, ident, key, kind, parent, position, label, wording_id, title, beginning in db.session.execute(
        select(
            Placement.version_id, Placement.element_id, Element.key, Element.kind, Placement.parent_id,
            Placement.position, Placement.label, Placement.wording_id, Wording.title,
            func.substr(Wording.markdown, 1, _BEGINNING),
        )
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id.in_([old.id, new.id]))
    ):  # fmt: skip
        part = parts.setdefault(ident, ComparedPart(ident, key, kind))
        spot = Spot(parent, position, label, wording_id, title, excerpt(title, beginning))
        if version_id == old.id:
            part.old = spot
        if version_id == new.id:
            part.new = spot
    for part in parts.values():
        if part.old is None:
            part.states.add(State.new)
        elif part.new is None:
            part.states.add(State.gone)
        else:
            if part.old.wording_id != part.new.wording_id:
                part.states.add(State.words)
            if part.old.label != part.new.label:
                part.states.add(State.renumbered)
            if part.old.parent_id != part.new.parent_id:
                part.states.add(State.moved)
    return parts


def _mark_moves(parts: dict[int, ComparedPart]) -> None:
    """Of parts that stay below the same one, as few as possible count as moved: the others kept their order."""
    families: dict[int | None, list[tuple[int, int, int, int]]] = {}
    for part in parts.values():
        if part.old and part.new and part.old.parent_id == part.new.parent_id:
            families.setdefault(part.new.parent_id, []).append(
                (part.new.position, part.element_id, part.old.position, part.element_id)
            )
    for family in families.values():
        family.sort()
        before = {row[3]: rank for rank, row in enumerate(sorted(family, key=lambda row: row[2:]))}
        ranks = [(n, before[row[3]]) for n, row in enumerate(family)]
        kept = {n for n, _rank in rising(ranks)}
        for n, row in enumerate(family):
            if n not in kept:
                parts[row[3]].states.add(State.moved)


def _add_links(parts: dict[int, ComparedPart], old: Version, new: Version) -> None:
    """A link from or to a part that is new or gone came or went with it and is told with that part alone."""
    links: dict[int, set[tuple[int, int]]] = {old.id: set(), new.id: set()}
    for version_id, source, target in db.session.execute(
        select(PlacedLink.version_id, PlacedLink.from_element_id, PlacedLink.to_element_id).where(
            PlacedLink.version_id.in_([old.id, new.id])
        )
    ):
        links[version_id].add((source, target))
    for source, target in sorted(links[new.id] - links[old.id]):
        if source in parts:
            parts[source].serves_now.append(target)
    for source, target in sorted(links[old.id] - links[new.id]):
        if source in parts:
            parts[source].serves_no_longer.append(target)
    for part in parts.values():
        if part.old and part.new and (part.serves_now or part.serves_no_longer):
            part.states.add(State.links)


def _add_reasons(parts: dict[int, ComparedPart], old: Version, new: Version, only: int | None) -> None:
    """The changes made between the two versions, and where parts came from and went."""
    low, high = old.change_head, new.change_head
    arrows = db.session.execute(
        select(Lineage.change_id, Lineage.from_element_id, Lineage.to_element_id)
        .join(Element, Element.id == Lineage.from_element_id)
        .where(Element.concept_id == new.concept_id, Lineage.change_id > low, Lineage.change_id <= high)
        .order_by(Lineage.change_id)
    ).all()
    ahead: dict[int, list[int]] = {}
    back: dict[int, list[int]] = {}
    by_change: dict[int, list[int]] = {}
    for change_id, source, target in arrows:
        ahead.setdefault(source, []).append(target)
        back.setdefault(target, []).append(source)
        by_change.setdefault(change_id, []).append(source)
    for part in parts.values():
        if part.new and part.element_id in back:
            part.origins = [n for n in _reach(part.element_id, back) if n in parts and parts[n].old]
        if not part.new and part.element_id in ahead:
            part.heirs = [n for n in _reach(part.element_id, ahead) if n in parts and parts[n].new]
    query = (
        select(Change.id, Change.element_id, Change.kind, Change.reason)
        .join(Element, Element.id == Change.element_id)
        .where(Element.concept_id == new.concept_id, Change.id > low, Change.id <= high)
        .order_by(Change.id)
    )
    if only is not None:
        query = query.where(
            (Change.element_id == only) | Change.id.in_([n for n, ids in by_change.items() if only in ids])
        )
    for change_id, element_id, kind, reason in db.session.execute(query):
        told = Reason(change_id, kind, reason)
        for ident in {element_id, *by_change.get(change_id, ())}:
            mine = parts.get(ident)
            if mine is None or not (mine.states or mine.origins):
                continue
            mine.reasons.append(told)
            mine.restored = mine.restored or (kind == ChangeKind.restore and mine.old is None)


def _reach(start: int, arrows: dict[int, list[int]]) -> list[int]:
    """Everything the arrows lead to from here, over any number of steps, in the order it was reached."""
    seen: dict[int, None] = {}
    waiting = list(arrows.get(start, ()))
    while waiting:
        ident = waiting.pop(0)
        if ident not in seen and ident != start:
            seen[ident] = None
            waiting.extend(arrows.get(ident, ()))
    return list(seen)


def _in_order(parts: dict[int, ComparedPart]) -> list[ComparedPart]:
    """Depth-first as the new version stands; what is gone comes behind what it stood behind, or first in its place."""

    def families(which: Iterable[tuple[ComparedPart, Spot | None]]) -> dict[int | None, list[ComparedPart]]:
        found: dict[int | None, list[tuple[int, int, ComparedPart]]] = {}
        for part, spot in which:
            if spot is not None:
                parent = spot.parent_id if spot.parent_id in parts else None
                found.setdefault(parent, []).append((spot.position, part.element_id, part))
        return {parent: [row[2] for row in sorted(rows, key=lambda row: row[:2])] for parent, rows in found.items()}

    stand = families((part, part.new) for part in parts.values())
    stood = families((part, part.old) for part in parts.values())
    for parent, family in stood.items():
        gone_behind: dict[int | None, list[ComparedPart]] = {}
        here = {part.element_id for part in stand.get(parent, [])}
        behind: int | None = None
        for part in family:
            if part.element_id in here:
                behind = part.element_id
            elif part.new is None:
                gone_behind.setdefault(behind, []).append(part)
        if gone_behind:
            merged = list(gone_behind.get(None, []))
            for part in stand.get(parent, []):
                merged += [part, *gone_behind.get(part.element_id, [])]
            stand[parent] = merged

    def walk(parent: int | None, depth: int) -> Iterator[ComparedPart]:
        waiting = [(part, depth) for part in reversed(stand.get(parent, []))]
        while waiting:
            part, level = waiting.pop()
            part.depth = level
            yield part
            waiting += [(below, level + 1) for below in reversed(stand.get(part.element_id, []))]

    return list(walk(None, 0))
