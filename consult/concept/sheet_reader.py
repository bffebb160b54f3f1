"""Reads a workbook somebody sent in. Runs as a child process: the file may be hostile.

Standard library only and started by its path (`python -I sheet_reader.py < file`), so that it is small and knows
neither settings nor database. It reads the few parts of an .xlsx file that hold values, one cell after the other, and
prints JSON: `{"sheets": [{"name", "rows": [[number, [[column, value], ...]], ...]}]}`, or `{"problem": word}` for what
it refuses.

A value is a text, or an object for what is none: `{"error": "#REF!"}`, `{"error": "formula"}` for a formula nobody has
calculated, `{"date": "2027-03-01"}`. Readers that were tried gave an empty cell for a broken formula: it would have
emptied the field in the text.
"""

import json
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from posixpath import join, normpath
from typing import Any, BinaryIO
from xml.parsers import expat

MEMORY = 192 * 2**20
SECONDS = 10
#: What the parts of the file may take unpacked, all together.
MAX_UNPACKED = 20 * 2**20
MAX_ENTRIES = 2000
MAX_SHEETS = 10
MAX_ROWS = 5000
LAST_ROW = 1_048_576
MAX_COLUMNS = 60
#: Characters of all cells together: one shared text may stand in very many cells.
MAX_TEXT = 4_000_000
MAX_CELL = 40_000
#: Large pieces: the parser goes through a long attribute again with each.
CHUNK = 2**20
#: No workbook nests its elements deeply, or has more of them than this in one part.
MAX_DEPTH = 100
MAX_ELEMENTS = 2_000_000
#: What a cell that is no text counts as.
OTHER_CELL = 20
#: Cells that were joined: how many such areas, and how many rows one may have.
MAX_MERGED = 2000
MAX_MERGED_ROWS = 500

#: Dates are days since then, in one kind of file since another day. Both without a zone, as in the file.
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_AREA = re.compile(rf"{_REFERENCE.pattern}:{_REFERENCE.pattern}")
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_MONTHS = {17}
_PERCENT = {9, 10}


class Unreadable(Exception):
    """A file that is refused; its argument is the word for the reason."""


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class Book:
    """An .xlsx file, opened part by part."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises `Unreadable` for what is no workbook, has macros, or unpacks to too much."""
        start = file.read(8)
        file.seek(0)
        if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            raise Unreadable("old")  # the format before 2007; with a password the new one looks like this too
        # Archives are found by their end: a picture or a page with an archive behind it would open as well.
        if not start.startswith(b"PK\x03\x04"):
            raise Unreadable("type")
        self._zip = zipfile.ZipFile(file)
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise Unreadable("large")
        self._names = {entry.filename.lstrip("/").lower(): entry for entry in entries}
        self._left = MAX_UNPACKED
        self._check_kind()

    def parse(self, part: str, start: Callable[[str, dict[str, str]], None],
              end: Callable[[str], None] | None = None, text: Callable[[str], None] | None = None) -> bool:  # fmt: skip
        """Go through one part of the file; False when there is none. A document type is refused: it brings entities."""
        entry = self._names.get(part.lower())
        if entry is None:
            return False
        parser = expat.ParserCreate()
        parser.buffer_text = True

        def refuse(*_args: Any) -> Any:
            raise Unreadable("xml")

        parser.StartDoctypeDeclHandler = refuse
        parser.EntityDeclHandler = refuse
        parser.ExternalEntityRefHandler = refuse
        depth = elements = 0

        def opened(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth, elements
            depth += 1
            elements += 1
            if depth > MAX_DEPTH or elements > MAX_ELEMENTS:
                raise Unreadable("large")
            start(_local(name), attributes)

        def closed(name: str) -> None:
            nonlocal depth
            depth -= 1
            if end is not None:
                end(_local(name))

        parser.StartElementHandler, parser.EndElementHandler = opened, closed
        if text is not None:
            parser.CharacterDataHandler = text
        with self._zip.open(entry) as stream:
            while chunk := stream.read(CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise Unreadable("large")
                parser.Parse(chunk, False)
        parser.Parse(b"", True)
        return True

    def _check_kind(self) -> None:
        kinds: list[str] = []
        if not self.parse(
            "[Content_Types].xml", lambda _n, attributes: kinds.append(attributes.get("ContentType", ""))
        ):
            raise Unreadable("type")
        if any("macro" in kind.lower() or "vba" in kind.lower() for kind in kinds) or any(
            name.endswith("vbaproject.bin") for name in self._names
        ):
            raise Unreadable("macros")
        if _WORKBOOK not in kinds:
            raise Unreadable("type")

    def targets(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: id -> (kind, name of the other part)."""
        folder, _slash, name = part.rpartition("/")
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                target = target.lstrip("/") if target.startswith("/") else normpath(join(folder, target))
                found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], target)

        self.parse(f"{folder}/_rels/{name}.rels".lstrip("/"), start)
        return found


def _unescape(text: str) -> str:
    """`_x000D_` is how the format writes characters that XML cannot hold."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class _Texts:
    """Collects the text of `t` elements, without the reading aids of Asian scripts."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._wanted, self._aid = False, 0

    def start(self, tag: str) -> None:
        self._aid += tag == "rPh"
        self._wanted = tag == "t" and not self._aid

    def end(self, tag: str) -> None:
        self._aid -= tag == "rPh"
        self._wanted = False

    def text(self, data: str) -> None:
        if self._wanted:
            self.parts.append(data)

    def take(self) -> str:
        joined, self.parts = "".join(self.parts), []
        return _unescape(joined)


def _shared(book: Book, part: str) -> list[str]:
    found: list[str] = []
    texts = _Texts()

    def end(tag: str) -> None:
        texts.end(tag)
        if tag == "si":
            found.append(texts.take()[: MAX_CELL + 1])

    book.parse(part, lambda tag, _a: texts.start(tag), end, texts.text)
    return found


def _looks(book: Book, part: str) -> list[str]:
    """For each cell style what its numbers mean: "", "date", "month" or "percent"."""
    formats: dict[int, str] = {}
    looks: list[str] = []
    inside = [""]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt":
            code = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", attributes.get("formatCode", "")).lower()
            formats[int(attributes.get("numFmtId", 0))] = code
        elif tag in ("cellXfs", "cellStyleXfs"):
            inside[0] = tag
        elif tag == "xf" and inside[0] == "cellXfs":
            looks.append(_look(int(attributes.get("numFmtId", 0)), formats))

    book.parse(part, start)
    return looks


def _look(ident: int, formats: dict[int, str]) -> str:
    code = formats.get(ident, "")
    if "%" in code or ident in _PERCENT:
        return "percent"
    if ident in _DATES or any(letter in code for letter in "dyh") or "mmm" in code:
        return "month" if ident in _MONTHS or ("y" in code and "d" not in code) else "date"
    return ""


def _number(value: float) -> str:
    """As people write it: 2027, not 2027.0."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def _moment(value: float, look: str, epoch: datetime) -> Any:
    try:
        moment = epoch + timedelta(days=round(value * 86400) / 86400)
    except (OverflowError, ValueError):
        return {"error": "#NUM!"}
    if look == "month":
        return {"date": moment.strftime("%Y-%m")}
    return {"date": moment.strftime("%Y-%m-%d" if moment.hour == moment.minute == 0 else "%Y-%m-%d %H:%M")}


class _Cells:
    """Goes through one worksheet and keeps what its cells say."""

    #: Rows of one sheet; whoever calls may ask for more.
    at_most = MAX_ROWS

    def __init__(self, shared: list[str], looks: list[str], epoch: datetime, budget: list[int]) -> None:
        self.rows: list[tuple[int, list[tuple[int, Any]]]] = []
        self._shared, self._looks, self._epoch, self._budget = shared, looks, epoch, budget
        self._row, self._column, self._kind, self._style = 0, -1, "n", 0
        self._cells: list[tuple[int, Any]] = []
        self._value: list[str] = []
        self._in_value = self._formula = False
        self._texts = _Texts()
        self._merged = 0
        self._by_number: dict[int, list[tuple[int, Any]]] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "row":
            number = attributes.get("r", "")
            # Rising, so that a number says one row; and no larger than table programs have them.
            self._row = max(self._row + 1, int(number) if number.isdigit() else 0)
            if self._row > LAST_ROW:
                raise Unreadable("broken")
            self._column, self._cells = -1, []
        elif tag == "c":
            place = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = _index(place[1]) if place else self._column + 1
            self._kind, style = attributes.get("t", "n"), attributes.get("s", "0")
            self._style = int(style) if style.isdigit() else 0
            self._value, self._formula = [], False
        elif tag == "v":
            self._in_value = True
        elif tag == "f":
            self._formula = True
        elif tag == "mergeCell" and (area := _AREA.fullmatch(attributes.get("ref", ""))):
            self._merge(_index(area[1]), int(area[2]), int(area[4]))
        else:
            self._texts.start(tag)

    def end(self, tag: str) -> None:
        if tag == "c" and self._column < MAX_COLUMNS:
            self._keep()
        elif tag == "v":
            self._in_value = False
        elif tag == "row" and self._cells:
            if len(self.rows) == self.at_most + 100:  # some lines above the heads are allowed
                raise Unreadable("rows")
            self.rows.append((self._row, self._cells))
        else:
            self._texts.end(tag)

    def text(self, data: str) -> None:
        if self._in_value:
            self._value.append(data)
        else:
            self._texts.text(data)

    def _keep(self) -> None:
        value = self._read("".join(self._value))
        if value and not (isinstance(value, str) and not value.strip()):
            self._put(self._cells, self._column, value)

    def _put(self, cells: list[tuple[int, Any]], column: int, value: Any) -> None:
        if isinstance(value, str):
            value = value[: MAX_CELL + 1]
        self._budget[0] -= len(value) if isinstance(value, str) else OTHER_CELL
        if self._budget[0] < 0:
            raise Unreadable("large")
        cells.append((column, value))

    def _merge(self, column: int, first: int, last: int) -> None:
        """Cells joined downwards say the same in each row: "Responsible" once for three measures."""
        self._merged += 1
        if self._merged > MAX_MERGED or last - first > MAX_MERGED_ROWS:
            return
        if self._by_number is None:
            self._by_number = dict(self.rows)
        value = next((said for place, said in self._by_number.get(first, ()) if place == column), None)
        for number in range(first + 1, last + 1):
            if value is not None and number in self._by_number:
                self._put(self._by_number[number], column, value)

    def _read(self, raw: str) -> Any:
        inline = self._texts.take()
        if self._kind == "e":
            return {"error": raw[:20] or "#VALUE!"}
        if self._kind == "s":
            return self._shared[int(raw)] if raw.isdigit() and int(raw) < len(self._shared) else {"error": "#VALUE!"}
        if self._kind == "inlineStr":
            return inline
        if self._kind == "str":
            return _unescape(raw)
        if not raw.strip():
            return {"error": "formula"} if self._formula else ""
        if self._kind == "b":
            return "TRUE" if raw.strip() == "1" else "FALSE"
        if self._kind == "d":
            return {"date": raw.strip()[:10]}
        try:
            value = float(raw)
            look = self._looks[self._style] if self._style < len(self._looks) else ""
            if look == "percent":
                return f"{_number(value * 100)} %"
            return _moment(value, look, self._epoch) if look else _number(value)
        except (ValueError, OverflowError):
            return {"error": "#NUM!"}


def _index(letters: str) -> int:
    value = 0
    for letter in letters:
        value = value * 26 + ord(letter) - 64
    return value - 1


def read(file: BinaryIO) -> dict[str, Any]:
    """All worksheets with what their cells say. Raises `Unreadable`, and what the standard library raises."""
    book = Book(file)
    main = next((target for kind, target in book.targets("").values() if kind == "officeDocument"), "xl/workbook.xml")
    sheets: list[tuple[str, str]] = []
    epoch = [EPOCH]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            ident = next((value for name, value in attributes.items() if _local(name) == "id"), "")
            sheets.append((attributes.get("name", ""), ident))
        elif tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            epoch[0] = EPOCH_1904

    if not book.parse(main, start):
        raise Unreadable("type")
    targets = book.targets(main)
    by_kind = dict(targets.values())
    shared = _shared(book, by_kind["sharedStrings"]) if "sharedStrings" in by_kind else []
    looks = _looks(book, by_kind["styles"]) if "styles" in by_kind else []
    budget = [MAX_TEXT]
    return {"sheets": list(_worksheets(book, sheets[:MAX_SHEETS], targets, (shared, looks, epoch[0], budget)))}


def _worksheets(book: Book, sheets: list[tuple[str, str]], targets: dict[str, tuple[str, str]],
                means: tuple[list[str], list[str], datetime, list[int]]) -> Iterator[dict[str, Any]]:  # fmt: skip
    for name, ident in sheets:
        cells = _Cells(*means)
        if ident in targets and book.parse(targets[ident][1], cells.start, cells.end, cells.text):
            yield {"name": name, "rows": cells.rows}


def main() -> None:
    """Read standard input, answer on standard output; nothing else of this machine is needed or open."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if len(sys.argv) > 1:
        _Cells.at_most = int(sys.argv[1])
    try:
        answer = read(sys.stdin.buffer)
    except Unreadable as refused:
        answer = {"problem": str(refused)}
    except MemoryError:
        answer = {"problem": "large"}
    except Exception:
        # Whatever a broken or hostile file brings about: it is refused, and the reason is the file.
        answer = {"problem": "broken"}
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # a text stream here
    json.dump(answer, sys.stdout, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
