"""Reading lists of people: pasted lines or a file become rows, and bad lines with the reason. Nothing is lost.

Whoever has no e-mail address stands there with name and postal address, and gets a letter.
"""

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any

from flask_babel import gettext as _

from consult.accounts.addresses import clean_email
from consult.concept.sheet_file import read_sheets
from consult.html import clean_line
from consult.i18n import format_number

#: People on one list; a mailing takes several.
MAX_ROWS = 20_000
MAX_LINE = 600
_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_LOCAL}@(?:{_LABEL}\.)+{_LABEL}\Z")
_BRACKETS = re.compile(r"^(?P<name>[^<>]*)<(?P<address>[^<>]*)>\s*[;,]?(?P<rest>[^<>]*)$")
_SEVERAL = re.compile(r"(?<=>)\s*[;,]\s*(?=\S)")
_BROKEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffd]")
_LANGUAGE = re.compile(r"[a-z]{2}\Z")
#: A postal code and a town, as here and next door: "52062 Aachen", "D-52062 Aachen", "6291 AB Vaals".
_TOWN = re.compile(r"(?:^|[\s,])(?:[A-Z]{1,3}-)?\d{4,5}\s+[^\W\d_]")
_HOUSE = re.compile(r"\d")
MAX_POSTAL = 500
#: What stands in the last column of those who get a letter instead of a mail.
LETTER_WORDS = frozenset({"brief", "letter", "post"})
_YES = frozenset({"1", "ja", "yes", "x", "true", "wahr", *LETTER_WORDS})


class Reason(StrEnum):
    """Why a line cannot be used."""

    no_address = "no_address"
    bad_address = "bad_address"
    two_addresses = "two_addresses"
    not_ascii = "not_ascii"
    too_long = "too_long"
    unreadable = "unreadable"
    too_many = "too_many"


def reason_words() -> dict[str, str]:
    return {
        Reason.no_address: _("There is no e-mail address in this line, and no name with postal code and town."),
        Reason.bad_address: _("The e-mail address is not complete or contains a sign it cannot have."),
        Reason.two_addresses: _("There is more than one e-mail address; write one person per line."),
        Reason.not_ascii: _("The part before the @ contains letters that mail servers cannot deliver to."),
        Reason.too_long: _("The line is too long."),
        Reason.unreadable: _("The line contains signs that cannot be read."),
        Reason.too_many: _(
            "At most %(limit)s people on one list; please add the others as a second list.",
            limit=format_number(MAX_ROWS),
        ),
    }


@dataclass(frozen=True)
class Row:
    """One person on a list. `number` is the line it stands in."""

    number: int
    name: str
    address: str
    organisation: str = ""
    #: Two letters, or empty when the list does not say.
    lang: str = ""
    by_letter: bool = False
    #: Lines as on an envelope; always there when there is no e-mail address.
    postal: str = ""

    @property
    def key(self) -> str:
        """Tells one person of a list from another."""
        return self.address or f"{self.name}\n{self.postal}".casefold()

    def line(self) -> str:
        """The row as a line that is read back as the same row."""
        postal = ", ".join(self.postal.split("\n"))
        if not self.address:
            parts = [self.name, postal, self.organisation, self.lang]
        elif self.name or self.organisation or self.lang or self.by_letter or postal:
            # What stands last says that it is a letter.
            parts = [self.name, self.address, self.organisation, self.lang, postal, "Brief" if self.by_letter else ""]
        else:
            return self.address
        return "; ".join(part.replace(";", ",") for part in parts).rstrip("; ")


@dataclass(frozen=True)
class BadLine:
    number: int
    text: str
    reason: Reason


@dataclass
class Parsed:
    """What a list says: each address once, what was doubled, and what cannot be used."""

    rows: list[Row] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    #: Lines whose address stands further up already.
    doubles: list[Row] = field(default_factory=list)


def checked_address(value: str) -> str | Reason:
    """The address as it is stored (lower case, international domains in ASCII), or why it is none."""
    address = value.strip().removeprefix("mailto:").strip().lower()
    if "@" not in address:
        return Reason.no_address
    if len(address) > 254:
        return Reason.bad_address
    if address.count("@") > 1:
        return Reason.two_addresses
    # The plain case is checked here: the thorough check of one address takes longer than thousands of these.
    local, _at, domain = address.rpartition("@")
    if not local.isascii():
        return Reason.not_ascii
    if not domain.isascii():
        try:
            address = clean_email(address)
        except ValueError:
            return Reason.bad_address
    # "=?" begins an encoded word in a mail header: legal in an address, and never in an honest one.
    if "=?" in address or _ADDRESS.match(address) is None:
        return Reason.bad_address
    return address


def _row(number: int, name: str, address: str, rest: Iterable[str]) -> Row | Reason:
    """A row from its parts; `rest` is organisation, language and the mark for letters, as far as given."""
    checked = checked_address(address)
    if isinstance(checked, Reason):
        return checked
    name = clean_line(name).strip("\"' ")[:200]
    if "@" in name:
        name = ""
    more = [clean_line(part) for part in rest]
    by_letter = bool(more) and more[-1].lower() in LETTER_WORDS
    if by_letter:
        more.pop()
    organisation = more[0].strip("\"' ")[:200] if more else ""
    lang = more[1].lower() if len(more) > 1 and _LANGUAGE.match(more[1].lower()) else ""
    postal = postal_lines(more[2]) if len(more) > 2 and _TOWN.search(more[2]) else ""
    return Row(number, name, checked, organisation, lang, by_letter, postal)


def postal_lines(*parts: str) -> str:
    """A postal address as lines, from what stands between commas or in several columns."""
    lines = [clean_line(line) for part in parts for line in re.split(r"[,\n]", part)]
    return "\n".join(line for line in lines if line)[:MAX_POSTAL].strip()


def _paper_row(number: int, parts: list[str]) -> Row | None:
    """Somebody without an e-mail address: a name, street and town in one part or two, organisation, language."""
    place = next((index for index, part in enumerate(parts) if index and _TOWN.search(part)), None)
    if place is None:
        return None
    start = place - 1 if place > 1 and _HOUSE.search(parts[place - 1]) else place
    name = clean_line(" ".join(parts[:start])).strip("\"' ")[:200]
    if not any(sign.isalpha() for sign in name):
        return None
    more = [clean_line(part) for part in parts[place + 1 :]]
    if more and more[-1].lower() in LETTER_WORDS:
        more.pop()
    lang = more[1].lower() if len(more) > 1 and _LANGUAGE.match(more[1].lower()) else ""
    organisation = more[0].strip("\"' ")[:200] if more else ""
    return Row(number, name, "", organisation, lang, True, postal_lines(*parts[start : place + 1]))


def _parts_row(number: int, parts: list[str]) -> Row | Reason:
    """A row from columns without headings: the name stands before the address, the rest after it."""
    parts = [part.strip() for part in parts]
    with_at = [index for index, part in enumerate(parts) if "@" in part]
    if not with_at:
        return _paper_row(number, parts) or Reason.no_address
    if len(with_at) > 1:
        return Reason.two_addresses
    place = with_at[0]
    before, rest = parts[:place], parts[place + 1 :]
    if not before and rest:
        # The address came first: then the name follows it.
        before, rest = rest[:1], rest[1:]
    return _row(number, " ".join(before), parts[place], rest)


def _line_row(number: int, line: str) -> Row | Reason:
    """A row from one pasted line."""
    found = _BRACKETS.match(line)
    if found:
        rest = re.split(r"[;\t]", found["rest"]) if found["rest"].strip() else []
        return _row(number, found["name"].replace(";", " "), found["address"], rest)
    if "<" in line or ">" in line:
        return Reason.bad_address
    if ";" in line or "\t" in line:
        return _parts_row(number, re.split(r"[;\t]", line))
    if "," in line:
        if "@" not in line:
            # Without other signs nothing tells the town from an organisation behind it: it comes last.
            name, _comma, postal = line.partition(",")
            return _paper_row(number, [name.strip(), postal.strip()]) or Reason.no_address
        return _parts_row(number, line.split(","))
    # "Anna Beispiel anna@example.org": the last word is the address.
    words = line.split()
    if len(words) > 1 and "@" in words[-1] and not any("@" in word for word in words[:-1]):
        # "Mail: anna@example.org" names a column, not a person.
        name = "" if words[-2].endswith(":") else " ".join(words[:-1])
        return _row(number, name, words[-1], ())
    return _row(number, "", line, ())


def _pieces(line: str) -> list[str]:
    """A line as mail programs copy it may hold several people: "A <a@b>; C <c@d>" or "a@b; c@d"."""
    if line.count("<") > 1:
        return _SEVERAL.split(line)
    for sign in (";", ","):
        parts = [part.strip() for part in line.split(sign) if part.strip()]
        if len(parts) > 1 and all("@" in part for part in parts) and "<" not in line:
            return parts
    return [line]


def _unusable(line: str) -> Reason | None:
    if _BROKEN.search(line):
        return Reason.unreadable
    return Reason.too_long if len(line) > MAX_LINE else None


def _collect(read: Iterable[tuple[int, str, Row | Reason]]) -> Parsed:
    """Sort into usable rows, doubles and bad lines; the first of several rows with one address counts."""
    parsed, seen = Parsed(), set[str]()
    for number, text, row in read:
        if isinstance(row, Reason):
            parsed.bad.append(BadLine(number, text, row))
        elif row.key in seen:
            parsed.doubles.append(row)
        elif len(parsed.rows) >= MAX_ROWS:
            parsed.bad.append(BadLine(number, text, Reason.too_many))
        else:
            seen.add(row.key)
            parsed.rows.append(row)
    return parsed


def parse_text(text: str) -> Parsed:
    """Read pasted lines. Empty ones are passed over; every other line is a row, a double or a bad line."""
    read: list[tuple[int, str, Row | Reason]] = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n|\u2028|\u2029|\x85", text), start=1):
        if not line.strip():
            continue
        unusable = _unusable(line) if line.count("@") < 2 else Reason.unreadable if _BROKEN.search(line) else None
        if unusable:
            read.append((number, line, unusable))
            continue
        for piece in _pieces(line.strip()):
            read.append((number, piece, _unusable(piece) or _line_row(number, piece)))
    return _collect(read)


_HEADINGS = {
    "name": {"name", "fullname", "vollername", "ansprechpartner", "ansprechperson", "kontakt", "contact"},
    "given": {"vorname", "firstname", "givenname"},
    "family": {"nachname", "familienname", "lastname", "surname", "familyname"},
    "address": {"email", "emailadresse", "mail", "mailadresse", "emailaddress"},
    #: Beside a column for e-mail where letters go to, else either.
    "either": {"adresse", "address"},
    "postal": {"postadresse", "anschrift", "postanschrift", "postaladdress", "postaladresse"},
    "street": {"strasse", "strassehausnummer", "strasseundhausnummer", "strassehausnr", "street"},
    "number": {"hausnummer", "hausnr", "nr", "housenumber"},
    "code": {"plz", "postleitzahl", "zip", "zipcode", "postcode", "postalcode"},
    "town": {"ort", "stadt", "wohnort", "plzort", "town", "city"},
    "organisation": {"organisation", "organization", "einrichtung", "institution", "verein", "traeger", "firma"},
    "lang": {"sprache", "language", "lang"},
    "letter": {"brief", "letter", "post", "perbrief", "byletter"},
}


def _heading(cell: str) -> str | None:
    """Which column this heading names: "E-Mail-Adresse", "e_mail address" and "Email" are the same."""
    plain = cell.strip().lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    plain = re.sub(r"[^a-z]", "", plain)
    return next((name for name, words in _HEADINGS.items() if plain in words), None)


def decode(data: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, else the code page of German Windows."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    """The sign that separates columns: the most frequent one of the first lines, outside quotes."""
    sample = re.sub(r'"[^"]*"', "", "\n".join(text.splitlines()[:10]))
    return max(";,\t", key=sample.count)


def _csv_row(number: int, cells: list[str], columns: dict[str, int] | None) -> Row | Reason:
    if columns is None:
        return _parts_row(number, cells)

    def cell(name: str) -> str:
        place = columns.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    address, postal = cell("address"), cell("postal")
    if "either" in columns:
        address, postal = (cell("either"), postal) if "@" in cell("either") else (address, postal or cell("either"))
    postal = postal_lines(postal, f"{cell('street')} {cell('number')}", f"{cell('code')} {cell('town')}")
    name = clean_line(cell("name") or f"{cell('given')} {cell('family')}")[:200]
    if not address and name and _TOWN.search(postal):
        row: Row | Reason = Row(number, "", "", postal=postal)
    else:
        row = _line_row(number, address) if "<" in address else _row(number, "", address, ())
    if isinstance(row, Reason):
        return row
    name = name or row.name
    lang = cell("lang").lower()[:2]
    return Row(
        number,
        "" if "@" in name else name,
        row.address,
        clean_line(cell("organisation"))[:200],
        lang if _LANGUAGE.match(lang) else "",
        cell("letter").lower() in _YES or not row.address,
        postal if _TOWN.search(postal) else "",
    )


def parse_csv(data: bytes) -> Parsed:
    """Read a CSV file: German or English headings or none, any usual separator and encoding."""
    text = decode(data).replace("\x00", "\ufffd")
    separator = _delimiter(text)
    read: list[tuple[int, str, Row | Reason]] = []
    columns: dict[str, int] | None = None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    first = True
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            read.append((reader.line_num, "", Reason.unreadable))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if first:
            first = False
            columns = None if any("@" in cell for cell in cells) else _columns(cells)
            if columns is not None:
                continue
        shown = "; ".join(cell.strip() for cell in cells)
        read.append((reader.line_num, shown[:MAX_LINE], _unusable(shown) or _csv_row(reader.line_num, cells, columns)))
    return _collect(read)


def parse_xlsx(file: IO[bytes]) -> Parsed:
    """Read an Excel file: the first sheet with an address in it, headings as in a CSV file, or none.

    Raises `Refused` for what is no such file or far too large.
    """
    with tempfile.TemporaryFile() as known:
        # A file the operating system knows, for the process that reads it.
        shutil.copyfileobj(file, known)
        known.seek(0)
        sheets = read_sheets(known, MAX_ROWS)
    for sheet in sheets:
        rows = [(number, _cells(cells)) for number, cells in sheet["rows"]]
        if any("@" in cell or _TOWN.search(cell) for _number, cells in rows for cell in cells):
            return _parse_rows(rows)
        if any(_columns(cells) for _number, cells in rows[:20]):
            return _parse_rows(rows)
    return Parsed()


def _cells(found: list[list[Any]]) -> list[str]:
    """One row of a sheet as texts, empty ones for what is missing."""
    cells = [""] * (max((place for place, _value in found), default=-1) + 1)
    for place, value in found:
        # A formula nobody calculated and the like is no text: the line is shown with what stands for it.
        cells[place] = value if isinstance(value, str) else str(next(iter(value.values()), ""))
    return cells


def _parse_rows(rows: list[tuple[int, list[str]]]) -> Parsed:
    """Rows of cells; the first one with a heading for the address says what the columns are."""
    columns: dict[str, int] | None = None
    read: list[tuple[int, str, Row | Reason]] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None and not any("@" in cell for cell in cells):
            columns = _columns(cells)
            # What stands above the table is a title.
            if columns is not None or not read:
                continue
        shown = "; ".join(cell.strip() for cell in cells)
        read.append((number, shown[:MAX_LINE], _unusable(shown) or _csv_row(number, cells, columns)))
    return _collect(read)


def _columns(cells: list[str]) -> dict[str, int] | None:
    """Which column is what, if this is a line of headings."""
    named = {heading: place for place, cell in reversed(list(enumerate(cells))) if (heading := _heading(cell))}
    on_paper = named.keys() & {"postal", "town"} and named.keys() & {"name", "family"}
    return named if named.keys() & {"address", "either"} or on_paper else None


def parse_file(file: IO[bytes]) -> Parsed:
    """Read what somebody sent: an Excel file by how it begins, else a CSV file. Raises `Refused`."""
    start = file.read(4)
    file.seek(0)
    return parse_xlsx(file) if start[:2] == b"PK" else parse_csv(file.read())


def as_lines(parsed: Parsed) -> str:
    """The whole list as lines for the text field, bad ones as they were, so that they can be put right there."""
    lines = [(row.number, row.line()) for row in (*parsed.rows, *parsed.doubles)]
    lines += [(bad.number, " ".join(bad.text.split())) for bad in parsed.bad]
    return "\n".join(line for _number, line in sorted(lines, key=lambda pair: pair[0]))
