"""The list of an invitation as CSV that no spreadsheet takes for formulas."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

#: With these at the beginning spreadsheets calculate instead of showing.
_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def safe_cell(value: str) -> str:
    """The text so that Excel, LibreOffice and others show it and never run it.

    Looks at what a spreadsheet sees: full-width signs count as their narrow ones, leading blanks and invisible signs
    do not hide what follows, and a separator or quote inside cannot open a new cell because every cell is quoted.
    """
    value = value.replace("\x00", "")
    seen = unicodedata.normalize("NFKC", value).lstrip(" \xa0\u200b\u200e\u200f\u2060\ufeff'\"")
    return f"'{value}" if seen.startswith(_STARTERS) or value.startswith(_STARTERS) else value


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file as German Excel opens it: semicolons, UTF-8 with its mark, everything quoted."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
