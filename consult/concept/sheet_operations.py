"""Keeping a table of measures that came back, and taking over what it says."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept import operations
from consult.concept.links import set_link
from consult.concept.many import add_many, edit_many, serve_many
from consult.concept.models import Concept, Element, ElementKind, MeasureSheet, Version
from consult.concept.operations import Part
from consult.concept.sheet_state import Measures
from consult.concept.sheets import Line, compare
from consult.concept.working import id_of, lock_working, need_reason
from consult.extensions import db
from consult.processes.models import Process


@dataclass(frozen=True)
class Applied:
    """How many measures a table brought, and how many it changed."""

    added: int
    changed: int
    #: Ticked lines that were left out, because the text changed once more since they were ticked.
    overtaken: int


def keep(process: Process, concept: Concept, name: str, rows: list[dict[str, Any]], actor: Person) -> MeasureSheet:
    """A table that was read, waiting for a yes. Nothing of the text changes yet."""
    sheet = MeasureSheet(
        process_id=process.id, concept_id=concept.id, name=name, rows=rows, actor_id=actor.id, created_at=clock.now()
    )
    db.session.add(sheet)
    db.session.flush()
    return sheet


def apply(sheet_id: int, *, ticked: Collection[str], reason: str, actor: Person, process: Process) -> Applied | None:
    """Change the working text as the table says; every change has this reason. None when that was done already.

    Lines with a flaw are left out, and those in conflict unless `ticked` names them (see `Line.ticket`). Measures that
    the table does not have stay as they are.
    """
    need_reason(reason)
    sheet = db.session.scalars(
        select(MeasureSheet)
        .where(MeasureSheet.id == sheet_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if sheet.applied_at is not None:
        return None
    working = lock_working(sheet.concept_id)
    concept = db.session.get_one(Concept, sheet.concept_id)
    measures = Measures(concept)
    found = compare(sheet.rows, measures)
    wanted = [line for line in found.conflicts if line.ticket in ticked]
    changed = [*found.changed, *wanted]
    means: dict[str, Any] = {"reason": reason, "actor": actor, "process": process}
    elements = _elements([*changed, *found.added], measures)
    _change(working, changed, elements, means)
    _serve(changed, elements, measures, actor, process)
    new = _add(working, concept, found.added, elements, means)
    done = {line.number: line.placed.key for line in changed if line.placed} | new
    head, *lines = sheet.rows
    sheet.rows = [head, *({**row, "done": done[row["line"]]} if row["line"] in done else row for row in lines)]
    sheet.applied_at = clock.now()
    record(
        Action.measures_imported, id_of(actor), sheet, process_id=process.id,
        added=len(found.added), changed=len(changed),
    )  # fmt: skip
    return Applied(len(found.added), len(changed), len(set(ticked)) - len(wanted))


def _elements(lines: Iterable[Line], measures: Measures) -> dict[int, Element]:
    """Measures and places that lines name, and all goals, at once."""
    ids = set(measures.goals.placed)
    for line in lines:
        ids.add(line.parent_id)
        if line.placed:
            ids.add(line.placed.element_id)
    return {row.id: row for row in db.session.scalars(select(Element).where(Element.id.in_(ids)))}


def _change(working: Version, lines: Sequence[Line], elements: dict[int, Element], means: dict[str, Any]) -> None:
    """New words all at once; another place or number, which is rare, one by one."""
    texts = [(elements[line.placed.element_id], line.text) for line in lines if line.placed and line.has_new_words]
    edit_many(working, texts, **means)
    for line in lines:
        if line.placed is None:
            continue
        element = elements[line.placed.element_id]
        if line.parent_id != (line.placed.parent_id or 0):
            operations.move(element, elements[line.parent_id], label=line.label, **means)
        elif line.label != line.placed.label:
            operations.renumber(element, line.label, **means)


def _serve(
    lines: Sequence[Line], elements: dict[int, Element], measures: Measures, actor: Person, process: Process
) -> None:
    for line in lines:
        if line.placed is None:
            continue
        source, now = elements[line.placed.element_id], measures.serves(line.placed.element_id)
        for goal in sorted(line.goals ^ now):
            set_link(source, elements[goal], present=goal in line.goals, actor=actor, process=process)


def _add(
    working: Version, concept: Concept, lines: Sequence[Line], elements: dict[int, Element], means: dict[str, Any]
) -> dict[int, str]:
    """New measures with what they serve; returns the key each line was given."""
    parts = [(elements[line.parent_id], Part("", line.text, line.label)) for line in lines]
    changes = add_many(working, concept, ElementKind.measure, parts, **means)
    pairs = [
        (change.element, elements[goal])
        for line, change in zip(lines, changes, strict=True)
        for goal in sorted(line.goals)
    ]
    serve_many(working, pairs, actor=means["actor"], process=means["process"])
    return {line.number: change.element.key for line, change in zip(lines, changes, strict=True)}
