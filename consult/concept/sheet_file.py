"""Tables of measures as files: made for departments, and read when they come back."""

import io
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from flask_babel import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from consult import clock, i18n
from consult.concept.models import ElementKind
from consult.concept.sheet_state import (
    BASE,
    FIELD,
    GROUP,
    KEY,
    MAX_CELL,
    SERVES_COLUMN,
    TOO_LONG,
    Column,
    Measures,
    columns,
    known_heads,
)  # fmt: skip
from consult.concept.words import kind_names
from consult.errors import Refused
from consult.html import clean_line, clean_text

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_FILE = 5 * 1024 * 1024
MAX_ROWS = 5000
#: Lines above the heads in which a department may have written something.
LINES_ABOVE = 20
#: Empty lines at the end, ready for new measures.
EMPTY = 30
SECONDS = 20
READER = Path(__file__).with_name("sheet_reader.py")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: One at a time in each process: the memory of a machine is small, and departments can wait a second.
_reading = threading.Lock()


def letter(index: int) -> str:
    """The name of a column as table programs show it."""
    return (_LETTERS[index // 26 - 1] if index >= 26 else "") + _LETTERS[index % 26]


# Writing


def workbook(measures: Measures, rows: Sequence[Mapping[str, str]], notes: Sequence[str] = ()) -> bytes:
    """A workbook with these rows (see `Measures.cells`, with the base), what to do, and what may be chosen.

    `notes`: one remark per row, in a last column of its own.
    """
    output = io.BytesIO()
    book = xlsxwriter.Workbook(
        output, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": measures.concept.title, "created": clock.now().replace(tzinfo=None)})
    table = book.add_worksheet(_("Measures"))
    help_sheet, lists = book.add_worksheet(_("Instructions")), book.add_worksheet(_("Lists"))
    shown = columns()
    if notes:
        shown = [*shown, Column("note", _("What to correct"), 50)]
    _table(book, table, shown, rows, notes)
    _help(book, help_sheet)
    ranges = _lists(book, lists, measures)
    for index, column in enumerate(shown):
        if column.name in ranges:
            table.data_validation(1, index, MAX_ROWS, index, {
                "validate": "list", "source": ranges[column.name], "ignore_blank": True, "error_type": "warning",
                "error_title": column.title[:32],
                "error_message": _("This is not in the list. Please choose one of the names in the list."),
            })  # fmt: skip
    for sheet in (table, help_sheet, lists):
        if i18n.direction() == "rtl":
            sheet.right_to_left()
    book.close()
    return output.getvalue()


def _table(
    book: xlsxwriter.Workbook,
    sheet: Worksheet,
    shown: Sequence[Column],
    rows: Sequence[Mapping[str, str]],
    notes: Sequence[str],
) -> None:
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE6F1", "border": 1})
    # As text: otherwise "3.10" becomes 3.1, and "3.1" the third of January.
    cell = book.add_format(
        {"text_wrap": True, "valign": "top", "num_format": "@", "border": 1, "border_color": "#BBBBBB"}
    )
    fixed = book.add_format({"valign": "top", "num_format": "@", "font_color": "#777777", "bg_color": "#EEEEEE"})
    for index, column in enumerate(shown):
        leave = column.name in (KEY, BASE)
        sheet.set_column(index, index, column.width, fixed if leave else cell, {"hidden": column.name == BASE})
        sheet.write_string(0, index, column.title, head)
    for number, row in enumerate(rows, 1):
        for index, column in enumerate(shown):
            if column.name == "note":
                value = notes[number - 1]
            else:
                value = row.get(column.name, "")
            _write(sheet, number, index, value, fixed if column.name in (KEY, BASE) else cell)
    for number in range(len(rows) + 1, len(rows) + EMPTY + 1):
        for index, column in enumerate(shown):
            sheet.write_blank(number, index, None, fixed if column.name in (KEY, BASE) else cell)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows) + EMPTY, len(shown) - 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    # A person who uses a screen reader lands in the first cell that is meant to be changed.
    sheet.set_selection(1, 2, 1, 2)


def _write(sheet: Worksheet, row: int, column: int, value: str, look: Format) -> None:
    if len(value) > MAX_CELL:
        value = TOO_LONG + " " + _("This text is too long for a table. Please change it on the platform.")
    if value:
        sheet.write_string(row, column, value, look)
    else:
        sheet.write_blank(row, column, None, look)


def _help(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
    head = book.add_format({"bold": True, "font_size": 14})
    line = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 100)
    sheet.write_string(0, 0, _("How to fill in this table"), head)
    for number, text in enumerate(
        (
            _("Each line is one measure. Change what should change; leave everything else as it is."),
            _("A new measure goes into an empty line at the end. Its key stays empty: it is given one."),
            _("Please leave the grey columns as they are: they say which measure a line belongs to."),
            _("Choose field of action and group of measures from the list, or type their number."),
            _("Goals are named by their numbers, with commas: 1.2, 3.1. The sheet “Lists” shows all of them."),
            _("A line you delete deletes nothing in the text; the measure stays as it is."),
            _("You may sort lines, hide columns and add columns of your own; those are not read."),
            _("Save the table as .xlsx and send it back. Before anything changes, the editors see what would change."),
        ),
        2,
    ):
        sheet.write_string(number, 0, text, line)


def _lists(book: xlsxwriter.Workbook, sheet: Worksheet, measures: Measures) -> dict[str, str]:
    """What may be chosen; returns the range of each list, for the cells that choose from it."""
    head = book.add_format({"bold": True, "bg_color": "#DCE6F1"})
    line = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    kinds = kind_names()
    goals = measures.goals.placed
    listed: list[tuple[str, str, list[str]]] = [
        (FIELD, kinds[ElementKind.field], list(measures.fields.name.values())),
        (GROUP, kinds[ElementKind.measure_group], list(measures.groups.name.values())),
        (SERVES_COLUMN, _("Number"), [measures.goal_name(ident) for ident in goals]),
        ("", kinds[ElementKind.goal], [goals[ident].name for ident in goals]),
    ]
    ranges: dict[str, str] = {}
    for index, (name, title, values) in enumerate(listed):
        sheet.set_column(index, index, 12 if name == SERVES_COLUMN else 50, line)
        sheet.write_string(0, index, title, head)
        for number, value in enumerate(values, 1):
            sheet.write_string(number, index, value, line)
        if values and name in (FIELD, GROUP):
            quoted = sheet.get_name().replace("'", "''")
            ranges[name] = f"='{quoted}'!${letter(index)}$2:${letter(index)}${len(values) + 1}"
    sheet.freeze_panes(1, 0)
    return ranges


# Reading


def read_sheets(file: IO[bytes], max_rows: int = MAX_ROWS) -> list[dict[str, Any]]:
    """All sheets of a workbook somebody sent, cell by cell, as the reader in its own process prints them.

    Raises `Refused` with a sentence that says what to do.
    """
    if not _reading.acquire(timeout=SECONDS):
        raise Refused(_("Another table is being read just now. Please try again in a minute."))
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(READER), str(max_rows)], stdin=file, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=SECONDS, env={}, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        # It ran into a limit or was ended: the file asks for more than a table of measures does.
        answer = {"problem": "large"}
    finally:
        _reading.release()
    if "problem" in answer:
        raise Refused(_problem(answer["problem"], max_rows))
    sheets: list[dict[str, Any]] = answer["sheets"]
    return sheets


def read_file(file: IO[bytes]) -> list[dict[str, Any]]:
    """The rows of a table, as `MeasureSheet.rows` holds them; `file` is one the operating system knows.

    Raises `Refused` with a plain sentence for what is no table of measures. A child process does the reading.
    """
    return _rows_of(read_sheets(file))


def _problem(word: str, max_rows: int = MAX_ROWS) -> str:
    problems = {
        "type": _("This is no Excel table. Please save it as an Excel workbook (.xlsx) and send that."),
        "old": _("This table is in an old format or has a password. Please save it as .xlsx without a password."),
        "macros": _("This table has macros. Please save it as an Excel workbook without macros (.xlsx)."),
        "large": _("This table holds far more than is needed. Please send a table with nothing else in it."),
        "rows": _too_many(max_rows),
        "xml": _("This table has parts that Excel does not write. Please save it again as .xlsx and send that."),
    }
    return problems.get(word) or _("This file is damaged. Please save it again as .xlsx and send that.")


def _too_many(max_rows: int = MAX_ROWS) -> str:
    return _("A table may have %(n)s lines at most. Please send it in parts.", n=i18n.format_number(max_rows))


def _rows_of(sheets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The head first (which column stands where), then a row per line; see `consult.concept.sheets`."""
    heads = known_heads()
    best: tuple[int, dict[int, str], dict[str, Any], int] = (0, {}, {}, 0)
    for sheet in sheets:
        for place, (_number, cells) in enumerate(sheet["rows"][:LINES_ABOVE]):
            known: dict[int, str] = {}
            for index, value in cells:
                name = heads.get(clean_line(value).casefold()) if isinstance(value, str) else None
                if name and name not in known.values():
                    known[index] = name
            if len(known) > best[0]:
                best = (len(known), known, sheet, place)
    count, places, sheet, place = best
    titles = {column.name: column.title for column in columns()}
    if count < 2:
        raise Refused(_("No table of measures was found in this file. Please download the table and fill in that one."))
    if KEY not in places.values():
        raise Refused(
            _("The column “%(name)s” is missing. Please download the table again and fill in that one.",
              name=titles[KEY])
        )  # fmt: skip
    head, *lines = sheet["rows"][place:]
    rows = [_row(number, cells, places) for number, cells in lines]
    rows = [row for row in rows if row["cells"]]
    if len(rows) > MAX_ROWS:
        raise Refused(_too_many())
    if not rows:
        raise Refused(_("There is no measure in this table."))
    unknown = [clean_line(value)[:80] for index, value in head[1] if index not in places and isinstance(value, str)]
    letters = {name: letter(index) for index, name in places.items()}
    return [{"columns": letters, "unknown": unknown[:20]}, *rows]


def _row(number: int, cells: list[Any], places: dict[int, str]) -> dict[str, Any]:
    said = {}
    for index, value in cells:
        if index in places:
            said[places[index]] = clean_text(value) if isinstance(value, str) else value
    return {"line": number, "cells": said}
