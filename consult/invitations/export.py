"""Lists as CSV and Excel files that no spreadsheet takes for formulas."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from flask import Flask, current_app, g
from werkzeug.wrappers import Response
from xlsxwriter.utility import xl_col_to_name

from consult.db import read_only
from consult.i18n import format_moment, in_language, language

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEET = "xl/worksheets/sheet1.xml"
#: Characters of a cell.
_LONGEST = 32_767
#: Nearly all cells as XML: nothing to escape, nothing that XML or Excel takes for something else.
_PLAIN = re.compile(r"[^&<>_\x00-\x1f\ud800-\udfff\ufffe\uffff]*")
_CODED = re.compile("(_x[0-9A-Fa-f]{4}_)")
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
Rows = tuple[Iterable[Sequence[str]], int | None]
#: Rows of a long file that are read and sent together.
PIECE = 1000
#: Signs with which spreadsheets calculate instead of showing, with their full-width and small forms.
_STARTERS = (
    r"=+\-@|%"
    + "\uff1d\uff0b\uff0d\uff20\uff5c\uff05\ufe66\ufe62\ufe63\ufe6b\ufe6a\u207a\u207b\u208a\u208b\u207c\u208c"
)
_UNSEEN = "[\\s\xa0\u200b-\u200f\u2060\ufeff'\"]*"
#: At the beginning, and after everything that a reader with another separator may take for a new cell.
_FORMULA = re.compile(rf"(\A|[;,:\t\"'])({_UNSEEN})(?=[{_STARTERS}])")

_BREAKS = re.compile(r"[\x00\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
#: Nearly all cells: begins with a letter or a digit, and nothing in it could begin another line or cell.
_HARMLESS = re.compile(r"\w[^;,:\"'\x00\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]*")


def safe_cell(value: str) -> str:
    """The text in one line, so that Excel, LibreOffice and others show it and never run it.

    An apostrophe stands before every sign that could begin a formula: at the beginning of the cell, and inside where
    somebody's spreadsheet expects another separator than ours and would begin a new cell.
    """
    if not value or _HARMLESS.fullmatch(value):
        return value
    value = " ".join(_BREAKS.split(value))
    return _FORMULA.sub(r"\1\2'", value)


def _writing(out: io.StringIO) -> Any:
    return csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file as German Excel opens it: semicolons, UTF-8 with its mark, everything quoted."""
    out = io.StringIO(newline="")
    writer = _writing(out)
    writer.writerow(headings)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _read_in_pieces(rows: Callable[[int, int], Rows]) -> Iterator[list[Sequence[str]]]:
    """What `rows` makes, so many at a time: asked for while the answer is sent, in the language and zone of now."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy has it
    lang, here = language(), g.get("zone")

    def pieces() -> Iterator[list[Sequence[str]]]:
        place: int | None = 0
        while place is not None:
            with app.app_context(), read_only(), in_language(lang):
                g.zone = here
                found, place = rows(place, PIECE)
                piece = list(found)
            yield piece

    return pieces()


def _sent(name: str, media_type: str, pieces: Iterator[bytes]) -> Response:
    response = current_app.response_class(pieces, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def long_csv(name: str, headings: Sequence[str], rows: Callable[[int, int], Rows]) -> Response:
    """The same, however many rows there are: its beginning is on its way while the rest is read.

    `rows(place, number)` makes so many rows from a place on (0: the beginning) and says where the next ones begin
    (None: nowhere). It is called after the request is over, in its language and zone, and may only read. Nothing is
    open while what it made is sent, so that whoever loads a file slowly keeps nobody waiting.
    """
    read = _read_in_pieces(rows)

    def pieces() -> Iterator[bytes]:
        yield csv_file(headings, ())
        for piece in read:
            out = io.StringIO(newline="")
            _writing(out).writerows([safe_cell(cell) for cell in row] for row in piece)
            yield out.getvalue().encode()

    return _sent(name, "text/csv; charset=utf-8", pieces())


def minutes() -> Callable[[datetime | None], str]:
    """`format_moment` for lists in which thousands of moments lie within a few minutes: each is put into words once."""
    known = lru_cache(maxsize=10_000)(format_moment)
    return lambda moment: known(moment.replace(second=0, microsecond=0)) if moment else ""


def _xlsx_shell(headings: Sequence[str]) -> bytes:
    """An Excel file with its first line and nothing below it."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    # Named by us: otherwise by the words of the language of whoever made the file.
    sheet = book.add_worksheet("Sheet1")
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for column, heading in enumerate(headings):
        sheet.set_column(column, column, max(12, min(40, len(heading) + 2)))
        sheet.write_string(0, column, safe_cell(heading), bold)
    book.close()
    return out.getvalue()


class _Wire:
    """What a ZIP file is written to that leaves bit by bit."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)


def _xml_text(value: str) -> str:
    """A cell's text, at most as long as Excel takes it."""
    text = safe_cell(value)[:_LONGEST]
    if not _PLAIN.fullmatch(text):
        # Excel reads _x0041_ as a letter; said in its own way it stays what somebody wrote.
        text = escape(_NO_XML.sub("", _CODED.sub(r"_x005F\1", text)))
    return text


def _xlsx_rows(first: int, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of the sheet from this number on. Every cell is text."""
    for number, row in enumerate(rows, first):
        yield f'<row r="{number}">'
        for column, value in enumerate(row):
            if value:
                cell = f"{_column(column)}{number}"
                yield f'<c r="{cell}" t="inlineStr"><is><t xml:space="preserve">{_xml_text(value)}</t></is></c>'
        yield "</row>"


@lru_cache(maxsize=1000)
def _column(number: int) -> str:
    return str(xl_col_to_name(number))


def _xlsx_pieces(headings: Sequence[str], pieces: Iterable[Iterable[Sequence[str]]]) -> Iterator[bytes]:
    """An Excel file in which nothing is calculated and nothing is a link, bit by bit, however many rows there are.

    All but the rows is made by a library that needs the whole sheet in memory and five times as long.
    """
    wire, number = _Wire(), 2
    with zipfile.ZipFile(io.BytesIO(_xlsx_shell(headings))) as shell:
        parts = {name: shell.read(name) for name in shell.namelist()}
    # Its size is not known yet, and need not be said.
    sheet = re.sub(rb"<dimension [^>]*/>", b"", parts.pop(_SHEET))
    above, end, below = sheet.partition(b"</sheetData>")
    with zipfile.ZipFile(wire, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            book.writestr(name, part)
        yield wire.taken()
        with book.open(_SHEET, "w") as out:
            out.write(above)
            for piece in pieces:
                lines = list(piece)
                out.write("".join(_xlsx_rows(number, lines)).encode())
                number += len(lines)
                yield wire.taken()
            out.write(end + below)
    yield wire.taken()


def xlsx_file(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An Excel file in which every cell is text: nothing is calculated, nothing is a link."""
    return b"".join(_xlsx_pieces(headings, [rows]))


def long_xlsx(name: str, headings: Sequence[str], rows: Callable[[int, int], Rows]) -> Response:
    """The same, however many rows there are, read and sent as by `long_csv`."""
    return _sent(name, XLSX, _xlsx_pieces(headings, _read_in_pieces(rows)))
