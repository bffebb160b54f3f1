"""Lists as CSV and Excel files that no spreadsheet takes for formulas."""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import IO, Any

import xlsxwriter
from flask import Flask, current_app, g
from werkzeug.wrappers import Response

from consult.db import read_only
from consult.i18n import format_moment, in_language, language

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Characters of a cell.
_LONGEST = 32_767
#: What no XML file can hold.
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: Bytes of a finished file that are sent at once.
_SENT = 64 * 1024
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


def _write_xlsx(out: IO[bytes], headings: Sequence[str], pieces: Iterable[Iterable[Sequence[str]]]) -> None:
    """An Excel file in which every cell is text: nothing is calculated or a link. One line is held at a time."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        # Named by us: otherwise by the words of the language of whoever made the file.
        sheet = book.add_worksheet("Sheet1")
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            sheet.set_column(column, column, max(12, min(40, len(heading) + 2)))
            sheet.write_string(0, column, safe_cell(heading), bold)
        lines = (row for piece in pieces for row in piece)
        for number, row in enumerate(lines, 1):
            for column, value in enumerate(row):
                if value:
                    sheet.write_string(number, column, _NO_XML.sub("", safe_cell(value))[:_LONGEST])


def xlsx_file(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A short list as such a file."""
    out = io.BytesIO()
    _write_xlsx(out, headings, [rows])
    return out.getvalue()


def long_xlsx(name: str, headings: Sequence[str], rows: Callable[[int, int], Rows]) -> Response:
    """A list of any length, read as by `long_csv`: it is made on disk after the request, and then sent."""
    read = _read_in_pieces(rows)

    def pieces() -> Iterator[bytes]:
        # The answer begins, so that the browser shows that something comes.
        yield b""
        with tempfile.TemporaryFile() as out:
            _write_xlsx(out, headings, read)
            out.seek(0)
            while piece := out.read(_SENT):
                yield piece

    return _sent(name, XLSX, pieces())
