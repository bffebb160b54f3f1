"""Questions about the text: which versions there are, what stands where, how it came about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from flask import abort
from sqlalchemy import Select, and_, bindparam, func, literal, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Person
from consult.concept.marks import readable
from consult.concept.models import (
    Concept,
    ConceptKind,
    Element,
    ElementHeir,
    PlacedLink,
    Placement,
    ProcessConcept,
    Version,
    VersionAudience,
    Wording,
)  # fmt: skip
from consult.extensions import db
from consult.processes.models import Process
from consult.processes.policy import is_staff

EXCERPT = 90


def excerpt(title: str, markdown: str, length: int = EXCERPT) -> str:
    """How an element is called in lists: its title, or the beginning of its text."""
    name = title or " ".join(readable(markdown).split())
    return name if len(name) <= length else name[: length - 1].rsplit(" ", 1)[0] + " …"


@dataclass
class Placed:
    """An element as it stands in one version."""

    element_id: int
    key: str
    kind: str
    concept_id: int
    parent_id: int | None
    position: int
    label: str
    wording_id: int
    title: str
    markdown: str
    html: str
    lang: str
    details: dict[str, Any]
    source: str | None
    depth: int = 0
    plain: str | None = None
    #: It stands like this in the newest version everybody may read (set by `element_view`).
    is_public: bool = False
    children: list["Placed"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return excerpt(self.title, self.markdown)

    @property
    def heading(self) -> str:
        """Number and name, as people say it."""
        return f"{self.label} {self.name}".strip()


_PLACED = (
    Placement.element_id, Element.key, Element.kind, Element.concept_id, Placement.parent_id, Placement.position,
    Placement.label, Placement.wording_id, Wording.title, Wording.markdown, Wording.html, Wording.lang,
    Wording.details, Wording.source,
)  # fmt: skip


def concepts_of(process_id: int) -> list[Concept]:
    """The concepts a process works on: the charter first."""
    return list(
        db.session.scalars(
            select(Concept)
            .join(ProcessConcept, ProcessConcept.concept_id == Concept.id)
            .where(ProcessConcept.process_id == process_id)
            .order_by(ProcessConcept.position, Concept.id)
        )
    )


def main_concept(process_id: int) -> Concept | None:
    """The concept itself, not the charter."""
    return next((c for c in concepts_of(process_id) if c.kind == ConceptKind.concept), None)


def audiences_open_to(person: Person | None, process: Process) -> tuple[str, ...]:
    """Which audiences' versions this person may read."""
    if is_staff(person, process):
        return (VersionAudience.public, VersionAudience.steering)
    return (VersionAudience.public,)


def versions_of(concept_id: int, audiences: Iterable[str]) -> list[Version]:
    """Sealed versions for these audiences, newest first."""
    return list(
        db.session.scalars(
            select(Version)
            .where(
                Version.concept_id == concept_id,
                Version.number.is_not(None),
                Version.audience.in_(list(audiences)),
            )
            .order_by(Version.number.desc())
        )
    )


def newest_versions(process_id: int, audiences: Iterable[str]) -> dict[int, Version]:
    """The newest sealed version of each concept of a process, by concept id. One query."""
    newest = (
        select(Version.concept_id, func.max(Version.number).label("number"))
        .join(ProcessConcept, ProcessConcept.concept_id == Version.concept_id)
        .where(
            ProcessConcept.process_id == process_id,
            Version.number.is_not(None),
            Version.audience.in_(list(audiences)),
        )
        .group_by(Version.concept_id)
        .subquery()
    )
    rows = db.session.scalars(
        select(Version).join(newest, and_(newest.c.concept_id == Version.concept_id, newest.c.number == Version.number))
    )
    return {version.concept_id: version for version in rows}


def version_or_404(concept_id: int, number: int, audiences: Iterable[str]) -> Version:
    version = db.session.scalar(
        select(Version).where(
            Version.concept_id == concept_id, Version.number == number, Version.audience.in_(list(audiences))
        )
    )
    if version is None:
        abort(404)
    return version


def working_version(concept_id: int) -> Version:
    """The working text, unlocked: for reading."""
    version = db.session.scalar(select(Version).where(Version.concept_id == concept_id, Version.number.is_(None)))
    if version is None:
        abort(404)
    return version


def _order(rows: Sequence[Placed]) -> list[Placed]:
    """Depth-first by position, with `depth` and `children` set."""
    by_parent: dict[int | None, list[Placed]] = {}
    present = {row.element_id for row in rows}
    for row in rows:
        by_parent.setdefault(row.parent_id if row.parent_id in present else None, []).append(row)
    ordered: list[Placed] = []

    def walk(parent: int | None, depth: int) -> None:
        for row in sorted(by_parent.get(parent, []), key=lambda r: (r.position, r.element_id)):
            row.depth, row.children = depth, by_parent.get(row.element_id, [])
            row.children.sort(key=lambda r: (r.position, r.element_id))
            ordered.append(row)
            walk(row.element_id, depth + 1)

    walk(None, 0)
    return ordered


def placed_in(version_id: int, plain: bool = True, keys: Sequence[str] | None = None) -> list[Placed]:
    """The whole version, or its parts with these keys, in reading order.

    One join, and one query for the plain-language texts.
    """
    query = (
        select(*_PLACED)
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id == version_id)
    )
    rows = db.session.execute(query if keys is None else query.where(Element.key.in_(keys))).all()
    placed = [Placed(*row) for row in rows]
    if plain:
        _add_plain(placed)
    return _order(placed)


def placed_one(version_id: int, element_id: int) -> Placed | None:
    """One element as it stands in a version, with its plain-language text."""
    row = db.session.execute(
        select(*_PLACED)
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id == version_id, Placement.element_id == element_id)
    ).first()
    if row is None:
        return None
    placed = Placed(*row)
    _add_plain([placed])
    return placed


def _add_plain(placed: list[Placed]) -> None:
    if not placed:
        return
    plain = aliased(Wording)
    texts = db.session.execute(
        select(plain.based_on_id, plain.markdown)
        .where(plain.plain.is_(True), plain.based_on_id.in_([row.wording_id for row in placed]))
        .order_by(plain.id)
    ).all()
    by_wording: dict[int | None, str] = {row[0]: row[1] for row in texts}
    for row in placed:
        row.plain = by_wording.get(row.wording_id)


def element_or_404(process_id: int, key: str) -> Element:
    """The element with this permanent key, in any concept of the process."""
    element = db.session.scalar(
        select(Element)
        .join(ProcessConcept, ProcessConcept.concept_id == Element.concept_id)
        .where(ProcessConcept.process_id == process_id, Element.key == key)
        .order_by(ProcessConcept.position.desc())
        .limit(1)
    )
    if element is None:
        abort(404)
    return element


def names_of(process: Process, element_ids: Iterable[int], person: Person | None) -> dict[int, Placed]:
    """How elements are called for this person: as placed in the newest version they may read, else where last placed.

    One query, whatever the number of elements.
    """
    ids = list(set(element_ids))
    if not ids:
        return {}
    newest_first = func.row_number().over(partition_by=Placement.element_id, order_by=Version.number.desc())
    ranked = (
        select(Placement.id, newest_first.label("place"))
        .join(Version, Version.id == Placement.version_id)
        .where(
            Placement.element_id.in_(ids),
            Version.number.is_not(None),
            Version.audience.in_(audiences_open_to(person, process)),
        )
        .subquery()
    )
    rows = db.session.execute(
        select(*_PLACED)
        .select_from(ranked)
        .join(Placement, Placement.id == ranked.c.id)
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(ranked.c.place == 1)
    ).all()
    return {row[0]: Placed(*row) for row in rows}


def element_choices(process: Process, person: Person | None) -> list[Placed]:
    """All elements a person can point at, in reading order, charter first: for selects."""
    versions = newest_versions(process.id, audiences_open_to(person, process))
    return [row for concept in concepts_of(process.id) if concept.id in versions
            for row in placed_in(versions[concept.id].id, plain=False)]  # fmt: skip


def heirs_of(element_id: int) -> list[int]:
    """Elements placed today that descend from this one."""
    return list(db.session.scalars(select(ElementHeir.heir_id).where(ElementHeir.element_id == element_id)))


def origins_of(element_id: int) -> list[int]:
    """This element and all it descends from: whose contributions show here."""
    before = db.session.scalars(select(ElementHeir.element_id).where(ElementHeir.heir_id == element_id))
    return [element_id, *before]


@dataclass(frozen=True)
class LinkedElement:
    element_id: int
    key: str
    kind: str
    label: str
    name: str


def _newest_ids(process_id: int, audiences: Iterable[str]) -> Any:
    """Subquery: ids of the newest sealed version of each concept of a process for these audiences."""
    later = aliased(Version)
    open_to = list(audiences)
    newest = (
        select(func.max(later.number))
        .where(later.concept_id == Version.concept_id, later.number.is_not(None), later.audience.in_(open_to))
        .correlate(Version)
        .scalar_subquery()
    )
    return (
        select(Version.id)
        .join(ProcessConcept, ProcessConcept.concept_id == Version.concept_id)
        .where(ProcessConcept.process_id == process_id, Version.audience.in_(open_to), Version.number == newest)
    )


def links_of(
    process_id: int, audiences: Iterable[str], element_id: int
) -> tuple[list[LinkedElement], list[LinkedElement]]:
    """(what this element serves, what serves it) in the newest versions of concept and charter. One query."""
    versions = _newest_ids(process_id, audiences)
    other = aliased(Placement)

    def found(here: Any, there: Any, side: str) -> Any:
        return (
            select(
                literal(side).label("side"),
                Element.id,
                Element.key,
                Element.kind,
                other.label,
                Wording.title,
                Wording.markdown,
            )
            .select_from(PlacedLink)
            .join(Element, Element.id == there)
            .join(other, and_(other.element_id == there, other.version_id.in_(versions)))
            .join(Wording, Wording.id == other.wording_id)
            .where(PlacedLink.version_id.in_(versions), here == element_id)
        )

    rows = db.session.execute(
        found(PlacedLink.from_element_id, PlacedLink.to_element_id, "serves").union_all(
            found(PlacedLink.to_element_id, PlacedLink.from_element_id, "served_by")
        )
    ).all()
    linked: dict[str, list[LinkedElement]] = {"serves": [], "served_by": []}
    for side, ident, key, kind, label, title, markdown in sorted(rows, key=lambda row: (row[4], row[1])):
        linked[side].append(LinkedElement(ident, key, kind, label, excerpt(title, markdown)))
    return linked["serves"], linked["served_by"]


@dataclass(frozen=True)
class Place:
    """An element in a version, and its wording there."""

    element_id: int
    version_id: int
    wording_id: int


@dataclass(frozen=True)
class ElementView:
    """An element as one reader sees it: in the newest version they may read that contains it."""

    placed: Placed
    version_id: int
    version_number: int
    version_title: str
    version_date: datetime | None
    historic_on: date | None
    checksum: str | None
    #: The newest version they may read no longer has it.
    retired: bool

    @property
    def place(self) -> Place:
        return Place(self.placed.element_id, self.version_id, self.placed.wording_id)


def _newest_of(open_to: Any) -> Any:
    """The number of the newest version of the same concept for these audiences."""
    other = aliased(Version)
    return (
        select(func.max(other.number))
        .where(other.concept_id == Version.concept_id, other.number.is_not(None), other.audience.in_(open_to))
        .correlate(Version)
        .scalar_subquery()
    )


def _where_it_stands(columns: Select[Any], open_to: Any) -> Select[Any]:
    """The placements of the element `key` in what these audiences may read, the newest first."""
    return (
        columns.select_from(Element)
        .join(ProcessConcept, ProcessConcept.concept_id == Element.concept_id)
        .join(Placement, Placement.element_id == Element.id)
        .join(Version, Version.id == Placement.version_id)
        .where(
            ProcessConcept.process_id == bindparam("process_id"),
            Element.key == bindparam("key"),
            Version.number.is_not(None),
            Version.audience.in_(open_to),
        )
        .order_by(ProcessConcept.position.desc(), Version.number.desc())
    )


@lru_cache(maxsize=1)
def _element_view_query() -> Any:
    """The statement of `element_view`, made once: putting it together costs more than asking it."""
    plain = aliased(Wording)
    open_to: Any = bindparam("audiences", expanding=True)
    columns = select(
        *_PLACED,
        plain.markdown,
        Version.id,
        Version.number,
        Version.title,
        Version.sealed_at,
        Version.historic_on,
        Version.checksum,
        Version.audience,
        _newest_of(open_to),
    )
    return (
        _where_it_stands(columns, open_to)
        .join(Wording, Wording.id == Placement.wording_id)
        .outerjoin(plain, and_(plain.based_on_id == Wording.id, plain.plain.is_(True)))
        .order_by(plain.id.desc())
        .limit(1)
    )


def place_query() -> Select[Any]:
    """Where `element_view` would find the element `key`, and nothing of what stands there: for who asks more with it.

    Asked with `process_id`, `key` and `audiences`; `last` is the number of the newest version.
    """
    open_to: Any = bindparam("audiences", expanding=True)
    columns = select(
        Element.id.label("element_id"), Version.id.label("version_id"), Placement.wording_id, Version.number,
        _newest_of(open_to).label("last"),
    )  # fmt: skip
    return _where_it_stands(columns, open_to).limit(1)


def element_view(process_id: int, key: str, audiences: Iterable[str]) -> ElementView | None:
    """The element with this key, or None when no version this reader may see has it. One query."""
    row = db.session.execute(
        _element_view_query(), {"process_id": process_id, "key": key, "audiences": list(audiences)}
    ).first()
    if row is None:
        return None
    placed = Placed(*row[: len(_PLACED)])
    placed.plain = row[len(_PLACED)]
    ident, number, title, sealed_at, historic_on, checksum, audience, last = row[len(_PLACED) + 1 :]
    placed.is_public = audience == VersionAudience.public and number == last
    return ElementView(placed, ident, number, title, sealed_at, historic_on, checksum, number < last)
