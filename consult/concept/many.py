"""New words, new elements and links for many parts of the working text at once: a table brings hundreds.

The same as `operations.edit`, `add` and `set_link`, with one round to the database per kind of row. The caller holds
the lock on the working text and has compared each text with the one that stands there, under that lock.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import set_committed_value

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.kinds import SERVES, may_stand
from consult.concept.models import (
    Change,
    ChangeKind,
    Concept,
    ConceptKind,
    Element,
    ElementKind,
    LinkKind,
    PlacedLink,
    Placement,
    Version,
)  # fmt: skip
from consult.concept.operations import Part, Text
from consult.concept.working import check_label, id_of, keys_for, need_reason, new_wording, taken_keys
from consult.extensions import db
from consult.processes.models import Process


def edit_many(
    working: Version, texts: Sequence[tuple[Element, Text]], *, reason: str, actor: Person, process: Process
) -> list[Change]:
    """Give each of these elements new words. Raises `Refused` for words that cannot be stored, KeyError for an element
    that is not in the working text."""
    need_reason(reason)
    placements = {
        row.element_id: row
        for row in db.session.scalars(
            select(Placement)
            .where(Placement.version_id == working.id, Placement.element_id.in_([element.id for element, _t in texts]))
            .execution_options(populate_existing=True)
        )
    }
    wordings = [new_wording(element.id, text, placements[element.id].wording_id, actor) for element, text in texts]
    _store(wordings)
    changes = []
    for (element, _text), wording in zip(texts, wordings, strict=True):
        changes.append(
            _change(
                element, ChangeKind.edit, reason, actor, from_wording_id=wording.based_on_id, to_wording_id=wording.id
            )
        )
        placements[element.id].wording_id = wording.id
    return _log(working, changes, Action.element_edited, actor, process)


def add_many(
    working: Version,
    concept: Concept,
    kind: ElementKind,
    parts: Sequence[tuple[Element, Part]],
    *,
    reason: str,
    actor: Person,
    process: Process,
) -> list[Change]:
    """Place new elements of a kind at the end of their parents, in this order; each is given a key.

    Raises `Refused` for words that cannot be stored, ValueError for a place where nothing of this kind may stand.
    """
    need_reason(reason)
    now = clock.now()
    taken = set(db.session.scalars(taken_keys(concept.id)))
    elements = []
    for parent, part in parts:
        if not may_stand(kind, parent.kind, concept.kind):
            raise ValueError(f"no {kind} may stand below a {parent.kind}")
        check_label(part.label)
        key = next(key for key in keys_for(kind, part.text, part.label) if key not in taken)
        taken.add(key)
        elements.append(Element(concept_id=concept.id, kind=kind, key=key, created_at=now))
    _store(elements)
    wordings = [
        new_wording(element.id, part.text, None, actor, now=now)
        for element, (_parent, part) in zip(elements, parts, strict=True)
    ]
    _store(wordings)
    ends = _ends(working, {parent.id for parent, _part in parts})
    placements, changes = [], []
    for element, wording, (parent, part) in zip(elements, wordings, parts, strict=True):
        ends[parent.id] = ends.get(parent.id, -1) + 1
        placements.append(
            Placement(version_id=working.id, element_id=element.id, parent_id=parent.id, position=ends[parent.id],
                      label=part.label, wording_id=wording.id)
        )  # fmt: skip
        changes.append(_change(element, ChangeKind.create, reason, actor, to_wording_id=wording.id,
                               to_parent_id=parent.id, to_label=part.label))  # fmt: skip
    _store(placements)
    return _log(working, changes, Action.element_created, actor, process)


def serve_many(working: Version, pairs: Sequence[tuple[Element, Element]], *, actor: Person, process: Process) -> None:
    """Say in the working text that each first element serves the second. None of these links may be there already."""
    links = []
    for source, target in pairs:
        where, kinds = SERVES.get(source.kind, (None, ()))
        if target.kind not in kinds or where != ConceptKind.concept or source.concept_id != target.concept_id:
            raise ValueError(f"a {source.kind} serves no {target.kind} of this text")
        links.append(
            PlacedLink(version_id=working.id, from_element_id=source.id, to_element_id=target.id, kind=LinkKind.serves)
        )
    _store(links)
    working.revision += len(links)
    for source, target in pairs:
        record(Action.link_changed, id_of(actor), source, process_id=process.id, to=target.id, present=True)
    db.session.flush()


def _store(rows: Sequence[Any]) -> None:
    db.session.add_all(rows)
    db.session.flush()


def _ends(working: Version, parent_ids: set[int]) -> dict[int, int]:
    """The last position below each of these."""
    rows = db.session.execute(
        select(Placement.parent_id, func.max(Placement.position))
        .where(Placement.version_id == working.id, Placement.parent_id.in_(parent_ids))
        .group_by(Placement.parent_id)
    ).all()
    return {row[0]: row[1] for row in rows if row[0] is not None}


def _change(element: Element, kind: ChangeKind, reason: str, actor: Person, **places: Any) -> Change:
    change = Change(
        element_id=element.id, kind=kind, reason=reason, actor_id=id_of(actor), created_at=clock.now(), **places
    )
    set_committed_value(change, "element", element)
    return change


def _log(working: Version, changes: Sequence[Change], action: Action, actor: Person, process: Process) -> list[Change]:
    """Store changes in this order, move the head of the working text on, and put each into the record."""
    if not changes:
        return []
    _store(changes)
    working.change_head = max(change.id for change in changes)
    working.revision += len(changes)
    for change in changes:
        record(action, id_of(actor), change.element, process_id=process.id, change_id=change.id)
    db.session.flush()
    return list(changes)
