"""Excel files of long lists: read and sent in pieces, every cell is text, and what somebody wrote stays what it is."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask import Flask
from openpyxl.utils.escape import unescape
from sqlalchemy import select, update

from consult.accounts.models import Person
from consult.extensions import db
from consult.i18n import in_language, language
from consult.invitations import export
from consult.invitations.models import Invitation
from tests.client import Browser
from tests.invitations.test_campaigns import sent
from tests.meetings.factories import BEFORE, make_circle


def cells(data: bytes) -> list[list[str | None]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    # Excel and LibreOffice read _x005F_x0041_ as _x0041_; openpyxl has a function for it.
    return [[unescape(cell.value) if cell.value else None for cell in row] for row in sheet.iter_rows()]


def test_the_file_of_a_campaign_is_read_in_pieces_while_it_is_sent(
    session: Any, at: Any, browser_of: Callable[..., Browser], count_queries: Callable[[], Any], monkeypatch: Any
) -> None:
    """10,000 lines took longer than a second of the request that asked for them."""
    at(BEFORE)
    monkeypatch.setattr(export, "PIECE", 4)
    circle = make_circle()
    campaign = sent(circle, 10)
    session.commit()
    visitor = browser_of(circle.moderator)
    address = f"/p/{circle.process.slug}/campaigns/{campaign.id}/invited.xlsx"

    def of_the_list(queries: list[str]) -> list[str]:
        return [one for one in queries if "reminded_at" in one and "LIMIT" in one]

    with count_queries() as before:
        answer = visitor.client.get(address)
    assert answer.status_code == 200
    assert of_the_list(before) == []
    with count_queries() as after:
        rows = cells(b"".join(answer.iter_encoded()))
    assert len(of_the_list(after)) == 3
    assert len(after) < 12
    emails = db.session.scalars(select(Person.email).where(Person.email.startswith("gast")).order_by(Person.id)).all()
    assert [row[1] for row in rows[1:]] == list(emails)
    assert len(emails) == 10


def test_an_excel_file_is_read_in_pieces_after_the_request(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE", 2)
    read = []

    def rows(place: int, number: int) -> tuple[list[list[str]], int | None]:
        read.append((place, language()))
        return [[str(place)]] * number, place + 1 if place < 2 else None

    with app.test_request_context(), in_language("en"):
        pieces = export.long_xlsx("n.xlsx", ["Number"], rows).iter_encoded()
    assert not read
    assert [row[0] for row in cells(b"".join(pieces))] == ["Number", "0", "0", "1", "1", "2", "2"]
    assert read == [(0, "en"), (1, "en"), (2, "en")]


@pytest.mark.parametrize(
    "text",
    [
        "Müller & Söhne <e. V.>",
        "_x0041_",
        "a_b",
        "李娜 😀",
        "  zwei  ",
        "1.10.2026",
        "0049 30",
        "TRUE",
        "]]>",
        "x" * 40_000,
    ],
)
def test_what_somebody_wrote_is_text_and_stays_what_it_is(text: str) -> None:
    data = export.xlsx_file(["Name", "More"], [[text, ""], ["", text]])
    first, second, third = cells(data)
    assert (first, second[0], third[1]) == (["Name", "More"], text[:32_767], text[:32_767])
    book = openpyxl.load_workbook(io.BytesIO(data)).active
    assert {cell.data_type for row in book.iter_rows() for cell in row if cell.value} == {"s"}


def test_no_cell_calculates_and_none_breaks_the_file() -> None:
    nasty = ["=1+1", "a;=1+1", "x\x00\x01\x0b\x1b\ufffe\ud800y", "one\ntwo\tthree"]
    rows = cells(export.xlsx_file(["N"], [[text] for text in nasty]))
    assert [row[0] for row in rows[1:]] == ["'=1+1", "a;'=1+1", "x  y", "one two three"]


def test_the_first_line_stays_in_sight_and_an_empty_list_is_a_file_as_well() -> None:
    data = export.xlsx_file(["Name", "E-mail address"], [])
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert (sheet.freeze_panes, sheet["A1"].font.bold, sheet.max_row) == ("A2", True, 1)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    many = openpyxl.load_workbook(io.BytesIO(export.xlsx_file(["N"], [["a"]] * 30)), read_only=True).active
    assert len(list(many.iter_rows())) == 31


def test_the_table_for_a_mail_merge_is_made_in_pieces_as_well(
    session: Any, at: Any, browser_of: Callable[..., Browser], count_queries: Callable[[], Any], monkeypatch: Any
) -> None:
    """A letter is put together for each line: thousands take seconds."""
    at(BEFORE)
    monkeypatch.setattr(export, "PIECE", 4)
    circle = make_circle()
    campaign = sent(circle, 10)
    session.execute(update(Invitation).where(Invitation.campaign_id == campaign.id).values(by_letter=True))
    session.commit()
    visitor = browser_of(circle.moderator)
    with count_queries() as before:
        answer = visitor.client.get(f"/p/{circle.process.slug}/campaigns/{campaign.id}/letters.xlsx")
    assert not [one for one in before if "invitation.nonce" in one and "LIMIT" in one]
    with count_queries() as after:
        rows = cells(b"".join(answer.iter_encoded()))
    assert len([one for one in after if "invitation.nonce" in one and "LIMIT" in one]) == 3
    assert len(after) <= 7 * 3, "one of them for each letter is too many"
    assert len({row[-1] for row in rows[1:]}) == 10
    assert all(str(row[-1]).startswith("http") for row in rows[1:])
