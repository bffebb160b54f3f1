"""How the text came about: the life of an element, and what each version brought."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.orm import aliased

from consult.concept.models import Change, ChangeKind, Draft, Element, Lineage, Placement, Version, Wording
from consult.concept.queries import versions_of
from consult.concept.word_changes import Words
from consult.extensions import db
from consult.groups.models import Group

#: Steps told on one page of an element's history.
PAGE = 50
#: Versions told on one page, and changes told of each; the difference of two versions tells all.
VERSIONS = 20
CHANGES = 40


@dataclass
class HistoryEntry:
    """One step in the life of an element, ready to be told."""

    change_id: int
    #: Whose step it is: the element's, an ancestor's, or that of what took its place.
    element_id: int
    kind: str
    reason: str
    created_at: datetime
    before: Words | None
    after: Words | None
    from_parent_id: int | None = None
    to_parent_id: int | None = None
    from_label: str | None = None
    to_label: str | None = None
    #: The group whose draft it was, whether it was adopted with other words, and what members see differently.
    group: str | None = None
    draft_state: str = ""
    dissent: str = ""
    #: Elements it came from or went to, as (element id, key).
    origins: list[tuple[int, str]] = field(default_factory=list)
    heirs: list[tuple[int, str]] = field(default_factory=list)
    #: First sealed version that contains it; None while it is only in the working text.
    version_number: int | None = None
    version_title: str = ""
    version_date: datetime | None = None
    historic_on: date | None = None

    @property
    def is_moved(self) -> bool:
        return self.kind == ChangeKind.move and self.from_parent_id != self.to_parent_id

    @property
    def is_renumbered(self) -> bool:
        known = self.from_label is not None and self.to_label is not None
        return known and self.from_label != self.to_label and self.kind in (ChangeKind.move, ChangeKind.renumber)


def history(element: Element, audiences: Iterable[str], *, include_working: bool) -> list[HistoryEntry]:
    """The whole life of an element itself, newest first: its changes and those that replaced it.

    Each with the version it came in; what is only in the working text is left out unless `include_working`.
    """
    return life(element, audiences, include_working=include_working, ancestors=False, limit=None)[0]


def life(
    element: Element,
    audiences: Iterable[str],
    *,
    include_working: bool,
    ancestors: bool = True,
    before: int | None = None,
    limit: int | None = PAGE,
) -> tuple[list[HistoryEntry], int | None]:
    """The life of an element and of all it came from, newest first; where the next page begins, if there is one.

    `before`: the change with which the page before ended. Three queries.
    """
    versions = sorted(versions_of(element.concept_id, audiences), key=lambda v: v.change_head)
    heads = [version.change_head for version in versions]
    known = _ids_upto(None if include_working else (heads[-1] if heads else 0))
    line = select(literal(element.id).label("ident")).cte("line", recursive=True)
    if ancestors:
        line = line.union(
            select(Lineage.from_element_id)
            .join(line, Lineage.to_element_id == line.c.ident)
            .where(known(Lineage.change_id))
        )
    replaced = select(Lineage.change_id).where(Lineage.from_element_id == element.id)
    old, new = aliased(Wording), aliased(Wording)
    query = (
        select(
            Change, Draft.state, Draft.dissent, Group.name,
            old.id, old.title, old.markdown, old.details, old.lang,
            new.id, new.title, new.markdown, new.details, new.lang,
        )
        .outerjoin(old, old.id == Change.from_wording_id)
        .outerjoin(new, new.id == Change.to_wording_id)
        .outerjoin(Draft, Draft.change_id == Change.id)
        .outerjoin(Group, Group.id == Draft.group_id)
        .where(or_(Change.element_id.in_(select(line.c.ident)), Change.id.in_(replaced)), known(Change.id))
        .order_by(Change.id.desc())
    )  # fmt: skip
    if before is not None:
        query = query.where(Change.id < before)
    rows = db.session.execute(query if limit is None else query.limit(limit + 1)).all()
    more = limit is not None and len(rows) > limit
    rows = rows[:limit]
    arrows = _arrows([row[0].id for row in rows]) if rows else {}
    entries = []
    for change, state, dissent, group, *words in rows:
        at = bisect_left(heads, change.id)
        version = versions[at] if at < len(versions) else None
        told = arrows.get(change.id, [])
        # Where the element itself went on, its heirs are told; elsewhere what the step began with.
        mine = change.element_id
        entries.append(
            HistoryEntry(
                change.id, mine, change.kind, change.reason, change.created_at, _words(words[:5]), _words(words[5:]),
                change.from_parent_id, change.to_parent_id, change.from_label, change.to_label,
                group, state or "", dissent or "",
                origins=[(a[1], a[2]) for a in told if a[1] != element.id and a[3] == mine],
                heirs=[(a[3], a[4]) for a in told if a[1] == element.id],
                version_number=version.number if version else None,
                version_title=version.title if version else "",
                version_date=version.sealed_at if version else None,
                historic_on=version.historic_on if version else None,
            )
        )  # fmt: skip
    return entries, (entries[-1].change_id if more else None)


def _ids_upto(head: int | None) -> Any:
    return lambda column: literal(True) if head is None else column <= head


def _words(row: Sequence[Any]) -> Words | None:
    return None if row[0] is None else Words(row[0], row[1], row[2], row[3] or {}, row[4])


def _arrows(change_ids: list[int]) -> dict[int, list[tuple[int, int, str, int, str]]]:
    """(change, from id, from key, to id, to key) of what these changes replaced, by change."""
    source, target = aliased(Element), aliased(Element)
    found: dict[int, list[tuple[int, int, str, int, str]]] = {}
    for row in db.session.execute(
        select(Lineage.change_id, source.id, source.key, target.id, target.key)
        .join(source, source.id == Lineage.from_element_id)
        .join(target, target.id == Lineage.to_element_id)
        .where(Lineage.change_id.in_(change_ids))
        .order_by(Lineage.id)
    ):
        found.setdefault(row[0], []).append((row[0], row[1], row[2], row[3], row[4]))
    return found


def last_two_states(element: Element, audiences: Iterable[str]) -> tuple[int | None, int] | None:
    """Numbers of the two neighbouring versions between which this element came, went or got other words last.

    The newest two where it never did; the older is None where there is one version only. None when no version for
    these audiences has it. One query.
    """
    found = db.session.execute(
        select(Version.number, Placement.wording_id)
        .outerjoin(Placement, and_(Placement.version_id == Version.id, Placement.element_id == element.id))
        .where(
            Version.concept_id == element.concept_id,
            Version.number.is_not(None),
            Version.audience.in_(list(audiences)),
        )
        .order_by(Version.number.desc())
    )
    rows = [(number, wording_id) for number, wording_id in found if number is not None]
    if not any(wording_id for _number, wording_id in rows):
        return None
    for newer, older in pairwise(rows):
        if newer[1] != older[1]:
            return older[0], newer[0]
    return (rows[1][0] if len(rows) > 1 else None), rows[0][0]


# What is not published yet


def _unpublished(concept_id: int) -> Any:
    """Condition on changes: no version has them yet."""
    head = (
        select(func.coalesce(func.max(Version.change_head), 0))
        .where(Version.concept_id == concept_id, Version.number.is_not(None))
        .scalar_subquery()
    )
    return and_(Change.id > head, Change.element_id.in_(select(Element.id).where(Element.concept_id == concept_id)))


def changes_since_last(concept_id: int) -> list[Change]:
    """Changes of the working text that no version has yet, newest first; at most 500."""
    query = select(Change).where(_unpublished(concept_id)).order_by(Change.id.desc()).limit(500)
    return list(db.session.scalars(query))


def unpublished_changes(concept_id: int) -> int:
    """How many changes the working text holds that no version has yet."""
    return db.session.scalar(select(func.count()).select_from(Change).where(_unpublished(concept_id))) or 0


# What each version brought


@dataclass(frozen=True)
class LoggedChange:
    change_id: int
    kind: str
    reason: str


@dataclass
class VersionLog:
    """A version with what it brought since the one before that the same readers may see."""

    version: Version
    previous: Version | None
    #: How many changes of each kind it brought.
    kinds: Counter[str] = field(default_factory=Counter)
    #: Told with their reasons, by element, in the order they were made.
    parts: dict[int, list[LoggedChange]] = field(default_factory=dict)
    #: How many more there are.
    more: int = 0

    @property
    def count(self) -> int:
        return self.kinds.total()


def changelogs(
    concept_ids: Sequence[int], audiences: Iterable[str], before: int | None = None
) -> tuple[list[VersionLog], int | None]:
    """What the versions of these concepts brought, newest first; where the next page begins, if there is one.

    `before`: the version with which the page before ended. New parts are counted, not told.
    Three queries.
    """
    versions = list(
        db.session.scalars(
            select(Version)
            .where(
                Version.concept_id.in_(list(concept_ids)),
                Version.number.is_not(None),
                Version.audience.in_(list(audiences)),
            )
            .order_by(Version.sealed_at.desc(), Version.id.desc())
        )
    )
    start = next((n + 1 for n, version in enumerate(versions) if version.id == before), 0)
    shown = versions[start : start + VERSIONS]
    if not shown:
        return [], None
    by_number = sorted(versions, key=lambda v: (v.concept_id, v.number or 0))
    behind = {newer.id: older for older, newer in pairwise(by_number) if older.concept_id == newer.concept_id}
    logs = [VersionLog(version, behind.get(version.id)) for version in shown]
    _fill(logs)
    return logs, (shown[-1].id if start + VERSIONS < len(versions) else None)


def _fill(logs: list[VersionLog]) -> None:
    spans: dict[int, list[tuple[int, int, VersionLog]]] = {}
    for log in logs:
        low = log.previous.change_head if log.previous else 0
        spans.setdefault(log.version.concept_id, []).append((low, log.version.change_head, log))
    within = [
        and_(
            Element.concept_id == concept_id,
            Change.id > min(low for low, _high, _log in found),
            Change.id <= max(high for _low, high, _log in found),
        )
        for concept_id, found in spans.items()
    ]
    told: dict[int, tuple[VersionLog, int, str]] = {}
    room = {id(log): CHANGES for log in logs}
    for change_id, element_id, kind, concept_id in db.session.execute(
        select(Change.id, Change.element_id, Change.kind, Element.concept_id)
        .join(Element, Element.id == Change.element_id)
        .where(or_(*within))
        .order_by(Change.id)
    ):
        here = next((log for low, high, log in spans[concept_id] if low < change_id <= high), None)
        if here is None:
            continue
        here.kinds[kind] += 1
        if kind == ChangeKind.create:
            continue  # the difference shows what is new; reasons for what was there are what people look for
        if room[id(here)]:
            room[id(here)] -= 1
            told[change_id] = (here, element_id, kind)
        else:
            here.more += 1
    if told:
        for change_id, reason in db.session.execute(
            select(Change.id, Change.reason).where(Change.id.in_(list(told))).order_by(Change.id)
        ):
            brought, element_id, kind = told[change_id]
            brought.parts.setdefault(element_id, []).append(LoggedChange(change_id, kind, reason))
