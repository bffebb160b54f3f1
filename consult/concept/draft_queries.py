"""Questions about mandates and group drafts: who may write where, what waits, what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import (
    Draft,
    DraftAct,
    DraftActKind,
    DraftState,
    Element,
    Lineage,
    Mandate,
    Placement,
    ProcessConcept,
    Version,
    Wording,
)  # fmt: skip
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.processes.models import ProcessGroup

#: The group still works on it, or the editors have it.
ALIVE = (DraftState.open, DraftState.submitted, DraftState.returned)
PAGE = 30


def _groups_of(person: Person, process_id: int) -> Any:
    """Ids of the groups at work in this process to which the person belongs now, directly or by a seat."""
    now = clock.now()
    seats = select(SeatHolder.membership_id).where(
        SeatHolder.person_id == person.id,
        SeatHolder.starts_at <= now,
        or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
    )
    return (
        select(Membership.group_id)
        .join(ProcessGroup, ProcessGroup.group_id == Membership.group_id)
        .where(
            ProcessGroup.process_id == process_id,
            Membership.starts_at <= now,
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            or_(Membership.person_id == person.id, Membership.id.in_(seats)),
        )
    )


def is_member(person: Person | None, process_id: int, group_id: int) -> bool:
    """Whether the person belongs now to this group, and the group works in this process."""
    if person is None:
        return False
    found = _groups_of(person, process_id).where(Membership.group_id == group_id).limit(1)
    return db.session.scalar(found) is not None


def groups_of(person: Person | None, process_id: int) -> frozenset[int]:
    """Ids of the groups of this process to which the person belongs now."""
    if person is None:
        return frozenset()
    return frozenset(db.session.scalars(_groups_of(person, process_id).distinct()))


def _line_up(element_id: int) -> Any:
    """Subquery: the element and all it stands below, in the newest sealed version that has it."""
    newest = (
        select(Version.id)
        .join(Placement, Placement.version_id == Version.id)
        .where(Placement.element_id == element_id, Version.number.is_not(None))
        .order_by(Version.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    line = (
        select(Placement.element_id, Placement.parent_id)
        .where(Placement.version_id == newest, Placement.element_id == element_id)
        .cte("line", recursive=True)
    )
    line = line.union(
        select(Placement.element_id, Placement.parent_id)
        .join(line, Placement.element_id == line.c.parent_id)
        .where(Placement.version_id == newest)
    )
    return select(line.c.element_id)


def groups_drafting(person: Person | None, process_id: int, element_id: int) -> list[Group]:
    """The groups for which this person may write about the element: their mandate has it, or what it stands below.

    Groups do not see the working text, so the newest sealed version that has the element counts. One query.
    """
    if person is None:
        return []
    return list(
        db.session.scalars(
            select(Group)
            .where(
                Group.id.in_(_groups_of(person, process_id)),
                Group.id.in_(select(Mandate.group_id).where(Mandate.element_id.in_(_line_up(element_id)))),
                Group.closed_at.is_(None),
            )
            .order_by(Group.name, Group.id)
        )
    )


def mandate_of(group_id: int, process_id: int) -> list[int]:
    """The elements of this process that the group works on; what stands below them belongs to it."""
    return list(
        db.session.scalars(
            select(Mandate.element_id)
            .join(Element, Element.id == Mandate.element_id)
            .join(ProcessConcept, ProcessConcept.concept_id == Element.concept_id)
            .where(Mandate.group_id == group_id, ProcessConcept.process_id == process_id)
            .order_by(Mandate.element_id)
        )
    )


def draft_or_404(process_id: int, draft_id: int) -> Draft:
    """A draft of this process, with its element and words."""
    draft = db.session.scalar(
        select(Draft)
        .where(Draft.id == draft_id, Draft.process_id == process_id)
        .options(joinedload(Draft.element), joinedload(Draft.wording))
    )
    if draft is None:
        abort(404)
    return draft


def alive_drafts(element_id: int, group_ids: Iterable[int]) -> dict[int, Draft]:
    """The draft each of these groups has for the element now, by group id."""
    rows = db.session.scalars(
        select(Draft).where(Draft.element_id == element_id, Draft.group_id.in_(list(group_ids)), Draft.state.in_(ALIVE))
    )
    return {draft.group_id: draft for draft in rows}


def alive_of_group(group_id: int, element_ids: Iterable[int]) -> dict[int, Draft]:
    """The drafts a group has now for these elements, by element id."""
    rows = db.session.scalars(
        select(Draft).where(Draft.group_id == group_id, Draft.element_id.in_(list(element_ids)), Draft.state.in_(ALIVE))
    )
    return {draft.element_id: draft for draft in rows}


def readable_wording(element: Element) -> Wording | None:
    """The words groups may read: those of the newest sealed version, None when it does not have the element."""
    newest = (
        select(func.max(Version.number))
        .where(Version.concept_id == element.concept_id, Version.number.is_not(None))
        .scalar_subquery()
    )
    return db.session.scalar(
        select(Wording)
        .join(Placement, Placement.wording_id == Wording.id)
        .join(Version, Version.id == Placement.version_id)
        .where(Version.concept_id == element.concept_id, Version.number == newest, Placement.element_id == element.id)
    )


def working_wording(element: Element) -> Wording | None:
    """What the working text says now; None when the element is no longer in it. For editors only."""
    return db.session.scalar(
        select(Wording)
        .join(Placement, Placement.wording_id == Wording.id)
        .join(Version, Version.id == Placement.version_id)
        .where(Version.concept_id == element.concept_id, Version.number.is_(None), Placement.element_id == element.id)
    )


def living_heirs(element: Element) -> list[Element]:
    """The elements of the working text that this one became, over any number of splits and merges."""
    line = select(Lineage.to_element_id.label("ident")).where(Lineage.from_element_id == element.id)
    heirs = line.cte("heirs", recursive=True)
    heirs = heirs.union(select(Lineage.to_element_id).join(heirs, Lineage.from_element_id == heirs.c.ident))
    return list(
        db.session.scalars(
            select(Element)
            .join(Placement, Placement.element_id == Element.id)
            .join(Version, and_(Version.id == Placement.version_id, Version.number.is_(None)))
            .where(Element.id.in_(select(heirs.c.ident)), Element.id != element.id)
            .order_by(Placement.position, Element.id)
        )
    )


@dataclass(frozen=True)
class DraftRow:
    """A draft as lists show it."""

    id: int
    state: str
    group_id: int
    group_name: str
    element_id: int
    key: str
    #: When it was handed in, answered or taken back last; when it was begun, before that.
    since: datetime


def _rows() -> Any:
    last = select(func.max(DraftAct.created_at)).where(DraftAct.draft_id == Draft.id).correlate(Draft).scalar_subquery()
    return (
        select(
            Draft.id, Draft.state, Draft.group_id, Group.name, Draft.element_id, Element.key,
            func.coalesce(last, Draft.created_at, type_=DraftAct.created_at.type),
        )
        .join(Group, Group.id == Draft.group_id)
        .join(Element, Element.id == Draft.element_id)
    )  # fmt: skip


def drafts_of(
    process_id: int,
    states: Sequence[str],
    *,
    group_ids: Iterable[int] | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[DraftRow]:
    """Drafts of a process in these states, newest first; only those of `group_ids` unless it is None. One query.

    `before`: the id of the last one of the page before. Gives one more than `limit` when there are more.
    """
    query = _rows().where(Draft.process_id == process_id, Draft.state.in_(list(states)))
    if group_ids is not None:
        query = query.where(Draft.group_id.in_(list(group_ids)))
    if before is not None:
        query = query.where(Draft.id < before)
    return [DraftRow(*row) for row in db.session.execute(query.order_by(Draft.id.desc()).limit(limit + 1))]


def counts_by_state(process_id: int, group_ids: Iterable[int] | None = None) -> dict[str, int]:
    """How many drafts of a process are in which state."""
    query = select(Draft.state, func.count()).where(Draft.process_id == process_id).group_by(Draft.state)
    if group_ids is not None:
        query = query.where(Draft.group_id.in_(list(group_ids)))
    return {row[0]: row[1] for row in db.session.execute(query)}


def waiting_for_editors(process_id: int) -> tuple[int, datetime | None]:
    """How many drafts wait for the editors' answer, and since when the first."""
    last = (
        select(func.max(DraftAct.id))
        .where(DraftAct.draft_id == Draft.id, DraftAct.kind == DraftActKind.submit)
        .correlate(Draft)
        .scalar_subquery()
    )
    number, since = db.session.execute(
        select(func.count(), func.min(DraftAct.created_at))
        .select_from(Draft)
        .join(DraftAct, DraftAct.id == last)
        .where(Draft.process_id == process_id, Draft.state == DraftState.submitted)
    ).one()
    return number, since


def returned_to(person: Person | None, process_id: int) -> tuple[int, datetime | None, int | None]:
    """How many drafts came back to the groups of this person, since when the first, and one of them."""
    if person is None:
        return 0, None, None
    number, since, first = db.session.execute(
        select(func.count(Draft.id.distinct()), func.min(DraftAct.created_at), func.min(Draft.id))
        .join(DraftAct, and_(DraftAct.draft_id == Draft.id, DraftAct.kind == DraftActKind.give_back))
        .where(
            Draft.process_id == process_id,
            Draft.state == DraftState.returned,
            Draft.group_id.in_(_groups_of(person, process_id)),
        )
    ).one()
    return number, since, first


@dataclass(frozen=True)
class Acted:
    """One step of a draft, with who took it."""

    kind: str
    note: str
    name: str
    created_at: datetime


def acts_of(draft_id: int) -> list[Acted]:
    """What happened to a draft, in order."""
    rows = db.session.execute(
        select(DraftAct.kind, DraftAct.note, func.coalesce(Person.name, ""), DraftAct.created_at)
        .outerjoin(Person, Person.id == DraftAct.actor_id)
        .where(DraftAct.draft_id == draft_id)
        .order_by(DraftAct.id)
    )
    return [Acted(*row) for row in rows]


def question_to(draft: Draft) -> str:
    """What the editors asked the group when they returned the draft; empty while it was not returned."""
    if draft.state != DraftState.returned:
        return ""
    return (
        db.session.scalar(
            select(DraftAct.note)
            .where(DraftAct.draft_id == draft.id, DraftAct.kind == DraftActKind.give_back)
            .order_by(DraftAct.id.desc())
            .limit(1)
        )
        or ""
    )
