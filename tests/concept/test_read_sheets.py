"""What stands in a table that comes back: what programs make of cells, cells that are wrong, files that are none."""

import io
import shutil
import subprocess
import tempfile
import zipfile
from datetime import date

import openpyxl
import psutil
import pytest
from sqlalchemy import func, select

from consult.concept.models import Concept, MeasureSheet
from consult.concept.sheet_file import MAX_FILE, read_file
from tests.concept.tables import (
    ENGLISH,
    FILE,
    SHEETS,
    A,
    data_of,
    download,
    measures,
    preview,
    send,
    sent,
    stats,
    take_over,
)

# Numbers, dates, joined cells: what table programs make of things


def test_numbers_dates_and_joined_cells_are_read_as_they_were_meant(session, desk, concept):
    book = download(desk)
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    time, place = heads.index("From") + 1, heads.index("Place") + 1
    sheet.cell(2, time).value, sheet.cell(2, time).number_format = 2028, "General"
    sheet.cell(3, time).value, sheet.cell(3, time).number_format = date(2027, 3, 1), "DD.MM.YYYY"
    sheet.cell(4, time).value, sheet.cell(4, time).number_format = date(2027, 3, 1), "MMM YY"
    sheet.cell(2, place).value = "Rathaus"
    sheet.merge_cells(start_row=2, end_row=4, start_column=place, end_column=place)
    take_over(desk, sent(desk, book))
    session.expire_all()
    found = measures(concept)
    assert [found[key].details["time"] for key in ("m-eins", "m-zwei", "m-drei")] == ["2028", "01.03.2027", "März 2027"]
    assert {row.details["place"] for row in found.values()} == {"Rathaus"}


# Bad cells


def wrong(column, value, words, row=2):
    return pytest.param(column, value, words, row, id=f"{column}-{words[:18]}")


@pytest.mark.parametrize(
    ("column", "value", "words", "row"),
    [
        wrong("serves", "3.1, 9.9", "There is no goal with this number."),
        wrong("serves", "#REF!", "An error of the table program stands here."),
        wrong("lead", "#N/A", "An error of the table program stands here."),
        wrong("lead", "=A1", "A formula stands here that was never calculated."),
        wrong("title", "x" * 301, "This is too long: 301 characters, at most 300."),
        wrong("lead", "x" * 301, "This is too long: 301 characters, at most 300."),
        wrong("label", "x" * 41, "This is too long: 41 characters, at most 40."),
        wrong("field", "9 Verkehr", "This is not in the text."),
        wrong("field", "2 Arbeit", "This group of measures belongs to another field of action."),
        wrong("field", None, "Please say which field of action the measure belongs to.", 3),
        wrong("group", "Gibt es nicht", "This is not in the text."),
        wrong("title", None, "A measure needs a title or a text.", 3),
        wrong("text", "Siehe [[F9]].", "There is no fact F9."),
        wrong("key", "m-fehlt", "The text has no measure with this key."),
        wrong("key", "m-eins", "The same measure stands in line 2 already.", 3),
    ],
)
def test_a_bad_cell_is_named_and_the_good_lines_are_taken_over(session, desk, concept, column, value, words, row):
    book = download(desk)
    sheet = book.worksheets[0]
    place = sheet.cell(row, A.get(column) or sheet.max_column)
    place.value = value
    if isinstance(value, str) and value.startswith("#"):
        place.data_type = "e"
    sheet.cell(4, A["lead"]).value = "FB 02"
    page = sent(desk, book)
    assert stats(page)[1:4] == [1, 0, 1]
    cells = page.html.find("section", attrs={"aria-labelledby": "flaws"}).find("tbody").find_all(["th", "td"])
    letter = "D" if words.startswith("This group") else place.column_letter
    assert cells[0].get_text().startswith(f"Line {row}, column {letter} (")
    assert words in cells[1].get_text()
    before = measures(concept)
    after = preview(desk, take_over(desk, page))
    session.expire_all()
    found = measures(concept)
    assert found["m-drei"].details["lead"] == "FB 02"
    assert found["m-eins"].wording_id == before["m-eins"].wording_id
    assert words in after.text
    # The lines to correct come back as a table of their own, and say what is wrong.
    rest = desk.client.get(page_url(page) + "/rest.xlsx", headers=ENGLISH)
    rest = openpyxl.load_workbook(io.BytesIO(rest.data))
    assert rest.worksheets[0].max_row >= 2
    assert words[:20] in str(rest.worksheets[0].cell(2, rest.worksheets[0].max_column).value)


def page_url(page):
    return page.html.find("form", class_="form")["action"]


def test_a_new_line_twice_is_named(desk, concept):
    book = download(desk)
    for row in (5, 6):
        book.worksheets[0].cell(row, A["field"]).value = "Sprache"
        book.worksheets[0].cell(row, A["title"]).value = "Neues"
    page = sent(desk, book)
    assert stats(page) == [1, 0, 0, 1, 3]
    assert "This measure stands in the table twice." in page.text


def test_a_number_that_became_a_date_is_named(desk, concept):
    book = download(desk)
    cell = book.worksheets[0].cell(2, A["label"])
    cell.value, cell.number_format = date(2026, 1, 3), "D.M"
    assert "The table program made a date of a number." in sent(desk, book).text


# Files that are none, or worse


NAMES = {
    "types": "[Content_Types].xml", "book": "xl/workbook.xml", "sheet": "xl/worksheets/sheet1.xml",
    "rels": "xl/_rels/workbook.xml.rels", "vba": "xl/vbaProject.bin",
}  # fmt: skip


def zipped(**parts):
    """An archive of these parts."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(NAMES.get(name, name), data)
    return output.getvalue()


def a_book(sheet, **parts):
    """A workbook with one worksheet."""
    return zipped(**{"types": TYPES, "book": BOOK, "rels": RELS, "sheet": sheet, **parts})


MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
TYPES = f'<Types><Override PartName="/xl/workbook.xml" ContentType="{MAIN}"/></Types>'
BOOK = '<workbook xmlns:r="r"><sheets><sheet name="x" r:id="r1"/></sheets></workbook>'
RELS = '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
WORDS = '<Relationships><Relationship Id="r2" Type="x/sharedStrings" Target="sharedStrings.xml"/>'
SHARED = RELS.replace("<Relationships>", WORDS)
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet><c t="str"><v>&a;</v></c></worksheet>'
MANY = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 5300))


def bomb():
    return f"<worksheet>{' ' * 60_000_000}</worksheet>"


def wide_rows():
    cells = "".join(f'<c t="str"><v>{"x" * 39_000}</v></c>' for _n in range(59))
    return f"<row>{cells}</row>" * 8


def lying():
    """An archive whose directory says that a part is small."""
    data = bytearray(a_book(bomb()))
    size = len(bomb()).to_bytes(4, "little")
    while (place := data.find(size)) >= 0:
        data[place : place + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


SAME = ("<row>" + '<c t="s"><v>0</v></c>' * 50 + "</row>") * 10

#: Made when a test asks: some are large.
FILES = {
    "nothing": (lambda: b"", "This file is empty."),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + b"0" * 5000, "This is no Excel table."),
    "a picture with an archive behind it": (
        lambda: b"\x89PNG\r\n\x1a\n" + zipped(types=TYPES), "This is no Excel table."),
    "a page": (lambda: b"<html><script>alert(1)</script></html>", "This is no Excel table."),
    "an old workbook": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "is in an old format or has a password"),
    "an archive of something": (lambda: zipped(**{"readme.txt": "x"}), "This is no Excel table."),
    "a text document": (
        lambda: zipped(types=TYPES.replace("spreadsheetml.sheet", "wordprocessingml.document")), "no Excel"),
    "macros": (lambda: zipped(types=TYPES.replace("sheet.main", "sheet.macroEnabled.main")), "This table has macros."),
    "a hidden macro": (lambda: a_book("<worksheet/>", vba="x"), "This table has macros."),
    "a bomb": (lambda: a_book(bomb()), "far more than is needed"),
    "a bomb that lies": (lying, "This file is damaged."),
    "entities": (lambda: a_book(LAUGHS), "parts that Excel does not write"),
    "a file of this machine": (lambda: a_book(OUTSIDE), "parts that Excel does not write"),
    "entities in the types": (lambda: zipped(types=LAUGHS), "parts that Excel does not write"),
    "half a file": (lambda: a_book(MANY)[:-900], "This file is damaged."),
    "broken XML": (lambda: a_book("<worksheet><row"), "This file is damaged."),
    "too many lines": (lambda: a_book(f"<worksheet>{MANY}</worksheet>"), "5,000 lines"),
    "too much text": (lambda: a_book(f"<worksheet>{wide_rows()}</worksheet>"), "far more"),
    "a row far away": (
        lambda: a_book('<worksheet><row r="99999999999"/></worksheet>'), "is damaged"),
    "a shared text in very many cells": (
        lambda: a_book(f"<worksheet>{SAME}</worksheet>", rels=SHARED,
               **{"xl/sharedStrings.xml": f"<sst><si><t>{'x' * 300_000}</t></si></sst>"}), "far more"),
    "elements without end": (lambda: a_book("<worksheet>" + "<a>" * 2_000_000), "far more than is needed"),
    "many parts": (lambda: zipped(types=TYPES, **{f"xl/{n}": "" for n in range(2100)}), "far more than is needed"),
    "no measures": (lambda: a_book("<worksheet/>"), "No table of measures was found"),
    "a way out of the folder": (
        lambda: a_book("<x/>", rels=RELS.replace("worksheets/sheet1.xml", "../../../../etc/passwd")),
        "No table of measures was found",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_what_is_no_table_is_refused_with_a_reason(session, desk, concept, kind):
    make, words = FILES[kind]
    page = send(desk, make(), status=200)
    assert words in page.html.find(id="file-error").get_text()
    assert session.scalar(select(func.count()).select_from(MeasureSheet)) == 0


def test_a_table_without_the_keys_is_refused(desk, concept):
    book = download(desk)
    book.worksheets[0].delete_cols(A["key"])
    page = send(desk, data_of(book), status=200)
    assert "The column “Key (please leave it)” is missing." in page.text


def test_one_byte_too_many_is_refused(desk, concept):
    assert (
        "at most 5 MB" in send(desk, b"PK\x03\x04" + b"0" * (MAX_FILE - 3), status=200).html.find(id="file-error").text
    )
    assert "no Excel table" not in send(desk, b"PK\x03\x04" + b"0" * (MAX_FILE - 4), status=200).text
    send(desk, b"PK\x03\x04" + b"0" * (MAX_FILE + 300_000), status=413)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd.xlsx", "passwd.xlsx"), ("/srv/Maßnahmen.xlsx", "Maßnahmen.xlsx"),
     ("Tabelle\u202exslx.exe", "Tabellexslx.exe"), ("<b>x</b>" * 90 + ".xlsx", None), ("措施.xlsx", "措施.xlsx")],
)  # fmt: skip
def test_names_of_files_are_only_shown(session, desk, concept, name, shown):
    page = preview(desk, send(desk, data_of(download(desk)), name))
    stored = session.scalar(select(MeasureSheet.name))
    assert stored == shown or (shown is None and len(stored) <= 300)
    assert stored in page.html.find(class_="kicker").get_text()


def test_no_file_is_told(desk, concept):
    page = desk.submit(SHEETS, {}, status=200, headers=ENGLISH)
    assert "Please choose a file." in page.text


# Another table program


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_table_saved_by_libreoffice_says_the_same(session, desk, concept, tmp_path):
    (tmp_path / "a.xlsx").write_bytes(desk.client.get(FILE).data)
    for kind in ("xlsx:Calc MS Excel 2007 XML", "csv"):
        subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", kind,
             "--outdir", str(tmp_path / "out"), str(tmp_path / "a.xlsx")], check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    # Shown as it is, not worked out.
    assert "=HYPERLINK(" in (tmp_path / "out/a.csv").read_text("latin-1")
    data = (tmp_path / "out/a.xlsx").read_bytes()
    assert b"LibreOffice" in zipfile.ZipFile(io.BytesIO(data)).read("docProps/app.xml")
    assert stats(preview(desk, send(desk, data))) == [0, 0, 0, 0, 3]
    assert session.scalar(select(func.count()).select_from(Concept)) == 1


def test_reading_takes_little_memory_here(desk, concept):
    """The child may fill its own memory; this process holds the cells only."""
    heads = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in ("key", "title", "markdown"))
    cell = f'<c t="inlineStr"><is><t>{"äb" * 125}</t></is></c>'
    largest = a_book(f"<worksheet><row>{heads}</row>{f'<row>{cell * 3}</row>' * 4900}</worksheet>")
    me = psutil.Process()
    large = [
        FILES[kind][0]()
        for kind in ("a bomb", "a shared text in very many cells", "elements without end", "too much text")
    ]
    send(desk, FILES["macros"][0](), status=200)
    before = me.memory_info().rss
    for data in large:
        send(desk, data, status=200)
    assert me.memory_info().rss - before <= 10 * 2**20
    with tempfile.TemporaryFile() as file:
        file.write(largest)
        file.seek(0)
        assert len(read_file(file)) == 4901
    assert me.memory_info().rss - before <= 50 * 2**20
