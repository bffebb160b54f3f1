"""The order of a sealed version: what stands where, without the words. Read on every page about one part of it."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from consult import clock
from consult.concept.models import Element, Placement, Version, Wording
from consult.concept.queries import excerpt
from consult.extensions import db

#: Versions whose order is remembered by one web process; 600 parts take about 300 kB.
REMEMBERED = 12
#: Enough of a text to name it by its beginning.
_BEGINNING = 240


@dataclass(frozen=True)
class Part:
    """One part of a version as it is called in lists."""

    key: str
    kind: str
    label: str
    name: str
    #: Its own title; many goals and paragraphs have none.
    title: str
    parent: str | None
    depth: int

    @property
    def heading(self) -> str:
        return f"{self.label} {self.name}".strip()


class ReadingOrder:
    """The parts of one version in reading order."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self._at = {part.key: n for n, part in enumerate(parts)}

    def __contains__(self, key: str) -> bool:
        return key in self._at

    def part(self, key: str) -> Part:
        return self.parts[self._at[key]]

    @cached_property
    def tops(self) -> list[Part]:
        """Themes, fields and chapters: what stands below nothing."""
        return [part for part in self.parts if part.depth == 0]

    def above(self, key: str) -> list[Part]:
        """What this part stands below, the outermost first."""
        found: list[Part] = []
        parent = self.part(key).parent
        while parent is not None:
            found.insert(0, self.part(parent))
            parent = found[0].parent
        return found

    def around(self, key: str) -> tuple[Part | None, Part | None]:
        """The parts read before and after this one."""
        at = self._at[key]
        return (self.parts[at - 1] if at else None, self.parts[at + 1] if at + 1 < len(self.parts) else None)

    def tops_around(self, key: str) -> tuple[Part | None, Part | None]:
        """The themes before and after this one."""
        at = [part.key for part in self.tops].index(key)
        return (self.tops[at - 1] if at else None, self.tops[at + 1] if at + 1 < len(self.tops) else None)

    def number_below(self, key: str) -> int:
        """How many parts stand below this one, at any depth."""
        start = self._at[key]
        depth = self.parts[start].depth
        end = next((n for n in range(start + 1, len(self.parts)) if self.parts[n].depth <= depth), len(self.parts))
        return end - start - 1


class _Remembered:
    """Orders by checksum: the checksum is taken over everything an order is made of, so none can be stale."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, ReadingOrder] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, checksum: str) -> ReadingOrder | None:
        with self._lock:
            if checksum in self._found:
                self._found.move_to_end(checksum)
            return self._found.get(checksum)

    def put(self, checksum: str, order: ReadingOrder) -> None:
        with self._lock:
            self._found[checksum] = order
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)


_remembered = _Remembered()


def order_of(version_id: int, checksum: str | None) -> ReadingOrder:
    """The order of a sealed version. One query the first time, none afterwards."""
    known = _remembered.get(checksum) if checksum else None
    if known is not None:
        return known
    parent = aliased(Element)
    rows = db.session.execute(
        select(
            Element.id,
            Element.key,
            Element.kind,
            Placement.label,
            Wording.title,
            func.substr(Wording.markdown, 1, _BEGINNING),
            parent.key,
            Placement.position,
        )
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .outerjoin(parent, parent.id == Placement.parent_id)
        .where(Placement.version_id == version_id)
    ).all()
    present = {row.key for row in rows}
    below: dict[str | None, list[tuple[int, int, Part]]] = {}
    for ident, key, kind, label, title, beginning, above, position in rows:
        above = above if above in present else None
        part = Part(key, kind, label, excerpt(title, beginning), title, above, 0)
        below.setdefault(above, []).append((position, ident, part))
    ordered: list[Part] = []

    def walk(above: str | None, depth: int) -> None:
        for _position, _ident, part in sorted(below.get(above, []), key=lambda row: row[:2]):
            ordered.append(Part(part.key, part.kind, part.label, part.name, part.title, part.parent, depth))
            walk(part.key, depth + 1)

    walk(None, 0)
    found = ReadingOrder(ordered)
    if checksum:
        _remembered.put(checksum, found)
    return found


def version_held_on(concept_id: int, day: date, zone: ZoneInfo, audiences: tuple[str, ...]) -> Version | None:
    """The version for these audiences that was the newest at the end of a local day; None before the first one."""
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return db.session.scalar(
        select(Version)
        .where(
            Version.concept_id == concept_id,
            Version.number.is_not(None),
            Version.audience.in_(audiences),
            Version.sealed_at < end,
        )
        .order_by(Version.number.desc())
        .limit(1)
    )


def day_of(text: str, zone: ZoneInfo) -> date | None:
    """The day an address names as YYYY-MM-DD, if it is one and has begun."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone).date()
    except ValueError:
        return None
    if text != day.isoformat() or day.year < 1900 or day > clock.now().astimezone(zone).date():
        return None
    return day
