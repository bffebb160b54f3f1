"""A table of measures that waits with one line of each kind, and one that was taken over."""

from typing import Any

from consult import clock
from consult.accounts.models import Person
from consult.concept import operations, sheet_operations
from consult.concept.models import Concept, ElementKind, MeasureSheet
from consult.concept.operations import Part, Text
from consult.concept.sheet_state import Measures
from consult.processes.models import Process

LETTERS = {"key": "A", "base": "B", "field": "C", "title": "F", "markdown": "G", "lead": "H", "serves": "Q"}


def make_sheets(concept: Concept, process: Process, actor: Person) -> tuple[MeasureSheet, MeasureSheet]:
    """Adds a field of action with three measures to the working text; returns the waiting table and the other one."""
    means: dict[str, Any] = {"reason": "Fachämter", "actor": actor, "process": process}
    field = operations.add(concept, ElementKind.field, Part("hf-wege", Text("Wege")), parent=None, **means).element
    for number, name in enumerate(("Bänke", "Rampen", "Bus am Abend"), 1):
        text = Text(name, f"{name} in jedem Quartier.", {"lead": "Tiefbau"})
        operations.add(concept, ElementKind.measure, Part(f"ma-{number}", text, f"1.{number}"), parent=field, **means)
    state = Measures(concept)
    bases = {row.key: str(state.base(row)) for row in state.measures}

    def cells(key: str, **said: Any) -> dict[str, Any]:
        row = state.by_key[key]
        return {"key": key, "base": bases[key], "field": "Wege", "title": row.title, "markdown": row.markdown,
                "lead": "Tiefbau", **said}  # fmt: skip

    lines = [
        cells("ma-1", markdown="Bänke und Brunnen in jedem Quartier.", lead="Grünflächen"),
        cells("ma-2", base="", lead="Verkehr"),
        cells("ma-3", serves="9.9", lead={"error": "#REF!"}),
        {"field": "Wege", "title": "Zebrastreifen", "markdown": "Vor jeder Schule."},
    ]
    rows = [{"line": number, "cells": line} for number, line in enumerate(lines, 2)]
    head: dict[str, Any] = {"columns": LETTERS, "unknown": ["Notiz"]}
    waiting = sheet_operations.keep(process, concept, "Rückmeldung Tiefbau.xlsx", [head, *rows], actor)
    done = sheet_operations.keep(process, concept, "Juni.xlsx", [head, {**rows[0], "done": "ma-1"}, *rows[1:3]], actor)
    done.applied_at = clock.now()
    return waiting, done
