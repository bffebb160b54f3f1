"""Questions about tables of measures that came back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort
from flask_babel import gettext as _
from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept.models import Concept, MeasureSheet
from consult.concept.queries import Placed, main_concept
from consult.concept.sheet_state import BASE, Measures
from consult.concept.sheets import Comparison
from consult.extensions import db

RECENT = 20


@dataclass(frozen=True)
class Sent:
    """A table in the list of those that came back."""

    id: int
    name: str
    sender: str
    created_at: datetime
    applied_at: datetime | None


def concept_or_404(process_id: int) -> Concept:
    """The concept measures stand in."""
    concept = main_concept(process_id)
    if concept is None:
        abort(404)
    return concept


def sheet_or_404(process_id: int, sheet_id: int) -> MeasureSheet:
    """A table by its id, of this process only."""
    sheet = db.session.scalar(
        select(MeasureSheet).where(MeasureSheet.id == sheet_id, MeasureSheet.process_id == process_id)
    )
    if sheet is None:
        abort(404)
    return sheet


def measures_of(sheet: MeasureSheet) -> Measures:
    """The measures of the text a table is about, as they stand now."""
    return Measures(db.session.get_one(Concept, sheet.concept_id))


def recent_sheets(process_id: int) -> list[Sent]:
    """Tables that came back lately, newest first, without their content."""
    rows = db.session.execute(
        select(MeasureSheet.id, MeasureSheet.name, Person.name, MeasureSheet.created_at, MeasureSheet.applied_at)
        .outerjoin(Person, Person.id == MeasureSheet.actor_id)
        .where(MeasureSheet.process_id == process_id)
        .order_by(MeasureSheet.id.desc())
        .limit(RECENT)
    ).all()
    return [Sent(row[0], row[1], row[2] or "", row[3], row[4]) for row in rows]


def chosen(measures: Measures, field: str, lead: str) -> list[Placed]:
    """Measures of one field of action (by its key) and of one who is responsible; an empty choice leaves none out."""
    return [
        row
        for row in measures.measures
        if (not lead or row.details.get("lead") == lead) and (not field or _field_key(measures, row) == field)
    ]


def _field_key(measures: Measures, row: Placed) -> str:
    field_id, _group = measures.place(row.parent_id)
    return measures.elements[field_id].key if field_id else ""


def cells_of(measures: Measures, rows: list[Placed]) -> list[dict[str, str]]:
    """Measures as lines of a table."""
    return [{**measures.cells(row), BASE: str(measures.base(row))} for row in rows]


def lines_to_correct(sheet: MeasureSheet, found: Comparison) -> tuple[list[dict[str, str]], list[str]]:
    """The lines that cannot be taken over, as they were sent, each with what is wrong with it."""
    wrong: dict[int, list[str]] = {}
    for flaw in found.flaws:
        wrong.setdefault(flaw.line, []).append(f"{flaw.head}: {flaw.message}")
    rows, notes = [], []
    for row in sheet.rows[1:]:
        if row["line"] in wrong:
            rows.append({name: _as_text(value) for name, value in row["cells"].items()})
            notes.append("\n".join(wrong[row["line"]]))
    return rows, notes


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("date") or value.get("error") or "")


def file_name(slug: str) -> str:
    """What a table is called on the disk of whoever downloads it."""
    return _("measures") + f"-{slug}.xlsx"
