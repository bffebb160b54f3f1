"""The text in short: what stands where and what it is called, without its words. For lists, tables and selects."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from consult.concept.kinds import CHECK_QUESTION, CHECKED, SERVES
from consult.concept.models import (
    Change,
    ChangeKind,
    Concept,
    ConceptKind,
    Element,
    ElementKind,
    Lineage,
    PlacedLink,
    Placement,
    ProcessConcept,
    Version,
    Wording,
)  # fmt: skip
from consult.concept.queries import excerpt
from consult.extensions import db

#: How much of a text is read to call it by its beginning.
_BEGINNING = 200


@dataclass
class Row:
    """An element as it stands in one version, in short."""

    element_id: int
    key: str
    kind: str
    concept_id: int
    version_id: int
    parent_id: int | None
    position: int
    label: str
    title: str
    beginning: str
    details: dict[str, Any]
    depth: int = 0
    children: list["Row"] = field(default_factory=list, repr=False)
    parent: "Row | None" = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return excerpt(self.title, self.beginning)

    @property
    def heading(self) -> str:
        """Number and name, as people say it."""
        return f"{self.label} {self.name}".strip()

    @property
    def answered(self) -> bool:
        """Whether the check question is answered, where it is asked."""
        return self.kind not in CHECKED or all(self.details.get(name) for name in CHECK_QUESTION)

    def below(self, *kinds: str) -> "Row | None":
        """The nearest element of these kinds it stands below."""
        row = self.parent
        while row is not None and row.kind not in kinds:
            row = row.parent
        return row


def outline(version_ids: Iterable[int]) -> dict[int, list[Row]]:
    """Version -> its elements in reading order, with depth, parent and children. One query."""
    ids = list(version_ids)
    rows = db.session.execute(
        select(
            Placement.element_id, Element.key, Element.kind, Element.concept_id, Placement.version_id,
            Placement.parent_id, Placement.position, Placement.label, Wording.title,
            func.substr(Wording.markdown, 1, _BEGINNING), Wording.details,
        )
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id.in_(ids))
    ).all()  # fmt: skip
    found: dict[int, list[Row]] = {ident: [] for ident in ids}
    for row in rows:
        found[row.version_id].append(Row(*row))
    return {ident: _in_order(part) for ident, part in found.items()}


def _in_order(rows: Sequence[Row]) -> list[Row]:
    by_id = {row.element_id: row for row in rows}
    top: list[Row] = []
    for row in sorted(rows, key=lambda r: (r.position, r.element_id)):
        row.parent = by_id.get(row.parent_id or 0)
        (row.parent.children if row.parent else top).append(row)
    ordered: list[Row] = []
    # A stack instead of a recursion: no depth of the text is too deep.
    ahead = top[::-1]
    while ahead:
        row = ahead.pop()
        row.depth = row.parent.depth + 1 if row.parent else 0
        ordered.append(row)
        ahead.extend(row.children[::-1])
    return ordered


@dataclass(frozen=True)
class Work:
    """A concept on the editors' desk."""

    concept: Concept
    version: Version
    rows: list[Row]
    #: It is not what the last version says: words, places or links.
    changed: bool
    #: How many changes with a reason no version has yet.
    unpublished: int


def on_the_desk(process_id: int) -> list[Work]:
    """Charter and concept with their working texts. Four queries, whatever their size."""
    pairs = db.session.execute(
        select(Concept, Version)
        .join(ProcessConcept, ProcessConcept.concept_id == Concept.id)
        .join(Version, Version.concept_id == Concept.id)
        .where(ProcessConcept.process_id == process_id, Version.number.is_(None))
        .order_by(ProcessConcept.position, Concept.id)
    ).all()
    ids = [concept.id for concept, _version in pairs]
    if not ids:
        return []
    last = {
        concept_id: (head, revision)
        for concept_id, head, revision in db.session.execute(
            select(Version.concept_id, func.max(Version.change_head), func.max(Version.revision))
            .where(Version.concept_id.in_(ids), Version.number.is_not(None))
            .group_by(Version.concept_id)
        )
    }
    waiting = dict(
        db.session.execute(
            select(Element.concept_id, func.count())
            .join(Change, Change.element_id == Element.id)
            .where(or_(*(and_(Element.concept_id == i, Change.id > last.get(i, (0, 0))[0]) for i in ids)))
            .group_by(Element.concept_id)
        ).all()
    )
    texts = outline([version.id for _concept, version in pairs])
    return [
        Work(
            concept, version, texts[version.id], changed=version.revision != last.get(concept.id, (0, 0))[1],
            unpublished=waiting.get(concept.id, 0),
        )
        for concept, version in pairs
    ]  # fmt: skip


def links_in(version_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(what serves, what it serves) in these versions. One query."""
    rows = db.session.execute(
        select(PlacedLink.from_element_id, PlacedLink.to_element_id)
        .where(PlacedLink.version_id.in_(list(version_ids)))
        .order_by(PlacedLink.from_element_id, PlacedLink.to_element_id)
    ).all()
    return [(source, target) for source, target in rows]


@dataclass(frozen=True)
class Gaps:
    """What editors should look at, by element id."""

    same_number: frozenset[int]
    serves_nothing: frozenset[int]
    unserved: frozenset[int]
    unanswered: frozenset[int]


def gaps(texts: Sequence[tuple[str, Sequence[Row]]], links: Iterable[tuple[int, int]]) -> Gaps:
    """What is doubled, serves nothing, is served by nothing, or leaves the check question open.

    `texts`: (kind of the concept, its rows). Nothing is missed that could not be there: goals serve nothing only
    where there is a charter, and goals lack measures only where there are measures.
    """
    placed = {row.element_id for _kind, rows in texts for row in rows}
    pairs = [(source, target) for source, target in links if source in placed and target in placed]
    sources, targets = {source for source, _t in pairs}, {target for _s, target in pairs}
    there = {(kind, row.kind) for kind, rows in texts for row in rows}
    doubled: set[int] = set()
    idle: set[int] = set()
    unserved: set[int] = set()
    for _kind, rows in texts:
        shown = Counter((row.kind, row.label) for row in rows if row.label)
        doubled |= {row.element_id for row in rows if shown[row.kind, row.label] > 1}
        for row in rows:
            where, kinds = SERVES.get(row.kind, (ConceptKind.concept, ()))
            if row.element_id not in sources and any((where, kind) in there for kind in kinds):
                # A sub-goal does its service through its goal.
                if row.kind != ElementKind.sub_goal:
                    idle.add(row.element_id)
            if row.kind == ElementKind.goal and any(kind == ElementKind.measure for _concept, kind in there):
                family = {row.element_id, *(child.element_id for child in row.children)}
                if not family & targets:
                    unserved.add(row.element_id)
    open_ = {row.element_id for _kind, rows in texts for row in rows if not row.answered}
    return Gaps(frozenset(doubled), frozenset(idle), frozenset(unserved), frozenset(open_))


@dataclass(frozen=True)
class Gone:
    """An element that was taken out and lives on nowhere: it can be taken in again."""

    element_id: int
    key: str
    kind: str
    concept_id: int
    parent_id: int | None
    label: str
    reason: str
    gone_at: datetime
    name: str

    @property
    def heading(self) -> str:
        return f"{self.label} {self.name}".strip()


def taken_out(concept_ids: Iterable[int], element_id: int | None = None) -> list[Gone]:
    """What was taken out of the working texts and may come back, the newest first. One query."""
    last = (
        select(func.max(Change.id))
        .where(Change.element_id == Element.id, Change.kind == ChangeKind.retire)
        .correlate(Element)
        .scalar_subquery()
    )
    placed = (
        select(Placement.id)
        .join(Version, Version.id == Placement.version_id)
        .where(Placement.element_id == Element.id, Version.number.is_(None))
    )
    query = (
        select(
            Element.id, Element.key, Element.kind, Element.concept_id, Change.from_parent_id, Change.from_label,
            Change.reason, Change.created_at, Wording.title, func.substr(Wording.markdown, 1, _BEGINNING),
        )
        .join(Change, Change.id == last)
        .join(Wording, Wording.id == Change.from_wording_id)
        .where(
            Element.concept_id.in_(list(concept_ids)),
            ~placed.exists(),
            ~select(Lineage.id).where(Lineage.from_element_id == Element.id).exists(),
        )
        .order_by(Change.id.desc())
    )  # fmt: skip
    if element_id is not None:
        query = query.where(Element.id == element_id)
    rows = db.session.execute(query).all()
    return [
        Gone(ident, key, kind, concept_id, parent_id, label or "", reason, gone_at, excerpt(title, beginning))
        for ident, key, kind, concept_id, parent_id, label, reason, gone_at, title, beginning in rows
    ]
