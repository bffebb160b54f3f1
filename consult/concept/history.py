"""How the text came about: the life of an element, and what each version brought."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from consult.concept.models import Change, Element, Lineage, Placement, Version, Wording
from consult.concept.queries import versions_of
from consult.extensions import db


@dataclass
class HistoryEntry:
    """One step in the life of an element, ready to be told."""

    change_id: int
    kind: str
    reason: str
    created_at: datetime
    actor_id: int | None
    to_wording_id: int | None
    before: Wording | None
    after: Wording | None
    #: Elements it came from or went to, as (element id, key).
    origins: list[tuple[int, str]] = field(default_factory=list)
    heirs: list[tuple[int, str]] = field(default_factory=list)
    #: First sealed version that contains it; None while it is only in the working text.
    version_number: int | None = None
    version_title: str = ""
    version_date: datetime | None = None
    historic_on: date | None = None


def history(element: Element, audiences: Iterable[str], *, include_working: bool) -> list[HistoryEntry]:
    """The life of an element, newest first: its changes and those that replaced it, each with the version it came in.

    What is only in the working text is left out unless `include_working`. Four queries.
    """
    related = select(Lineage.change_id).where(Lineage.from_element_id == element.id)
    before, after = aliased(Wording), aliased(Wording)
    rows = db.session.execute(
        select(Change, before, after)
        .outerjoin(before, before.id == Change.from_wording_id)
        .outerjoin(after, after.id == Change.to_wording_id)
        .where((Change.element_id == element.id) | Change.id.in_(related))
        .order_by(Change.id.desc())
    ).all()
    if not rows:
        return []
    ids = [change.id for change, _b, _a in rows]
    source, target = aliased(Element), aliased(Element)
    arrows = db.session.execute(
        select(Lineage.change_id, source.id, source.key, target.id, target.key)
        .join(source, source.id == Lineage.from_element_id)
        .join(target, target.id == Lineage.to_element_id)
        .where(Lineage.change_id.in_(ids))
    ).all()
    versions = sorted(versions_of(element.concept_id, audiences), key=lambda v: v.change_head)
    entries = []
    for change, old, new in rows:
        version = next((v for v in versions if v.change_head >= change.id), None)
        if version is None and not include_working:
            continue
        entries.append(
            HistoryEntry(
                change.id, change.kind, change.reason, change.created_at, change.actor_id, change.to_wording_id,
                old, new,
                origins=[(a[1], a[2]) for a in arrows if a[0] == change.id and a[1] != element.id],
                heirs=[(a[3], a[4]) for a in arrows if a[0] == change.id and a[3] != element.id],
                version_number=version.number if version else None,
                version_title=version.title if version else "",
                version_date=version.sealed_at if version else None,
                historic_on=version.historic_on if version else None,
            )
        )  # fmt: skip
    return entries


def changes_since_last(concept_id: int) -> list[Change]:
    """Changes of the working text that no version has yet, newest first."""
    head = (
        select(func.coalesce(func.max(Version.change_head), 0))
        .where(Version.concept_id == concept_id, Version.number.is_not(None))
        .scalar_subquery()
    )
    return list(
        db.session.scalars(
            select(Change)
            .join(Element, Element.id == Change.element_id)
            .where(Element.concept_id == concept_id, Change.id > head)
            .order_by(Change.id.desc())
            .limit(500)
        )
    )


def unpublished_changes(concept_id: int) -> int:
    """How many changes the working text holds that no version has yet."""
    return len(changes_since_last(concept_id))


def changelog(version: Version) -> list[Change]:
    """The changes a version brought, with their reasons, in order."""
    previous = db.session.scalar(
        select(func.max(Version.change_head)).where(
            Version.concept_id == version.concept_id, Version.number < (version.number or 0)
        )
    )
    return list(
        db.session.scalars(
            select(Change)
            .join(Element, Element.id == Change.element_id)
            .where(
                Element.concept_id == version.concept_id,
                Change.id > (previous or 0),
                Change.id <= version.change_head,
            )
            .order_by(Change.id)
        )
    )


def last_two_states(element: Element, audiences: Iterable[str]) -> tuple[int | None, int] | None:
    """Numbers of the two neighbouring versions between which this element came, went or got other words last.

    The newest two where it never did; the older is None where there is one version only. None when no version for
    these audiences has it. One query.
    """
    rows = db.session.execute(
        select(Version.number, Placement.wording_id)
        .outerjoin(Placement, and_(Placement.version_id == Version.id, Placement.element_id == element.id))
        .where(
            Version.concept_id == element.concept_id,
            Version.number.is_not(None),
            Version.audience.in_(list(audiences)),
        )
        .order_by(Version.number.desc())
    ).all()
    if not any(wording_id for _number, wording_id in rows):
        return None
    for newer, older in pairwise(rows):
        if newer[1] != older[1]:
            return older[0], newer[0]
    return (rows[1][0] if len(rows) > 1 else None), rows[0][0]
