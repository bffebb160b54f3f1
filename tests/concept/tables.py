"""Measures and their tables: a text with measures, how a table goes out and comes back, and tables that wait."""

import io
from typing import Any

import openpyxl
from sqlalchemy import func, select

from consult import clock
from consult.accounts.models import Person
from consult.concept import operations, sheet_operations
from consult.concept.models import Change, Concept, Element, ElementKind, MeasureSheet
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_in, working_version
from consult.concept.sheet_state import Measures
from consult.extensions import db
from consult.processes.models import Process
from tests.concept.factories import make_concept

SHEETS = "/p/iko/concept/sheets"
FILE = "/p/iko/concept/measures.xlsx"
ENGLISH = {"Accept-Language": "en"}
#: Columns of the table by name, 1 is A.
A = {"key": 1, "base": 2, "field": 3, "group": 4, "label": 5, "title": 6, "text": 7, "lead": 8}
LETTERS = {"key": "A", "base": "B", "field": "C", "title": "F", "markdown": "G", "lead": "H", "serves": "Q"}


def make_measures(process: Process, actor: Person) -> Concept:
    """Two fields, a group, two goals and three measures; the first serves goal 3.1."""
    concept, goal = make_concept(process)
    means: dict[str, Any] = {"reason": "Erster Wurf", "actor": actor, "process": process}

    def add(kind, key, text, label, parent=None):
        return operations.add(concept, kind, Part(key, text, label), parent=parent, **means).element

    theme = db.session.scalar(select(Element).where(Element.key == "th-quartier"))
    add(ElementKind.goal, "lz-wohnen", Text(markdown="Alle wohnen gut."), "3.2", theme)
    language = add(ElementKind.field, "hf-sprache", Text("Sprache"), "1")
    add(ElementKind.field, "hf-arbeit", Text("Arbeit"), "2")
    group = add(ElementKind.measure_group, "mg-kurse", Text("Kurse"), "1.1", language)
    first = add(
        ElementKind.measure, "m-eins",
        Text("Abendkurse", "Kurse am Abend.\n\nMit Kinderbetreuung.", {"lead": "FB 56", "time": "2027"}), "1.1.1",
        group,
    )  # fmt: skip
    add(ElementKind.measure, "m-zwei", Text("Sprachtandem", "", {"lead": "FB 50"}), "1.2", language)
    add(ElementKind.measure, "m-drei", Text("", '=HYPERLINK("http://boese.test","klick")'), "1.3", language)
    operations.set_link(first, goal, present=True, actor=actor, process=process)
    return concept


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


def download(desk, query=""):
    page = desk.client.get(FILE + query, headers=ENGLISH)
    assert page.status_code == 200
    return openpyxl.load_workbook(io.BytesIO(page.data))


def data_of(book):
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def posted(fields, data, name):
    """A form with a file as a browser sends it; the test client would leave a temporary file behind."""
    lines = []
    for field, value in fields.items():
        lines.append(f'--grenze\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n')
    lines.append(f'--grenze\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
    body = "".join(lines).encode() + data + b"\r\n--grenze--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=grenze", "headers": ENGLISH}


def send(desk, data, name="Tabelle.xlsx", status=303):
    fields = desk.get(SHEETS, headers=ENGLISH).form_fields(SHEETS)
    return desk.post(SHEETS, status=status, **posted(fields, data, name))


def preview(desk, page):
    return desk.get(page.location, headers=ENGLISH)


def sent(desk, book):
    """The preview of a workbook that was sent in."""
    return preview(desk, send(desk, data_of(book)))


def take_over(desk, page, **fields):
    at = page.html.find("form", class_="form")["action"]
    return desk.post(at, {**page.form_fields(at), "reason": "Jahresbericht", **fields}, headers=ENGLISH)


def measures(concept):
    rows = placed_in(working_version(concept.id).id, plain=False)
    return {row.key: row for row in rows if row.kind == ElementKind.measure}


def stats(page):
    return [int(dd.get_text()) for dd in page.html.find("dl", class_="stats").find_all("dd")]


def count_changes():
    return db.session.scalar(select(func.count()).select_from(Change))


def goals_of(concept, key):
    state = Measures(concept)
    return state.goal_names(state.serves(state.by_key[key].element_id))
