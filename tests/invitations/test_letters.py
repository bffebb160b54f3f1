"""How letters look: the address stays in its window, and every reader gets a language our fonts can print."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import docx
import pypdf
import pytest
from flask import Flask
from sqlalchemy import update

import config
from consult.accounts.models import Person
from consult.invitations import letters
from consult.invitations.letters import Letter
from consult.invitations.models import Campaign, Invitation
from consult.meetings.models import Meeting
from consult.processes.models import Process
from tests.invitations.factories import invitation_of, invite
from tests.meetings.factories import BEFORE, make_circle
from tests.printing import bare_machine, boxes

LONG = [
    "Priv.-Doz. Dr.-Ing. Maximiliane-Friederike von und zu Schwarzenberg-Hohenlohe-Müller-Lüdenscheidt",
    "Bei der Arbeitsgemeinschaft der Selbsthilfegruppen für Menschen mit Zuwanderungsgeschichte e. V.",
    "Hinterhaus, drei Treppen links", "Straße des siebzehnten Juni 135", "10623 Beispielstadt", "Deutschland",
]  # fmt: skip


def a_letter(address: list[str]) -> Letter:
    return Letter(
        "de", False, address, "22. November 2026", "Einladung zum Auftakt", "Guten Tag,", "wir laden ein:", "Auftakt",
        [["Wann", "Samstag"]], [], "Bitte antworten Sie:", "https://consult.test/i/1.abc", "Adresse", "Viele Grüße",
    )  # fmt: skip


def heights(data: bytes) -> dict[str, float]:
    """Where each piece of text stands on the first page, in points from its upper edge."""
    page = pypdf.PdfReader(io.BytesIO(data)).pages[0]
    found: dict[str, float] = {}

    def note(text: str, matrix: list[float], line: list[float], _font: Any, _size: float) -> None:
        if text.strip():
            y = matrix[5] + line[5] * matrix[3]
            found.setdefault(text.strip(), float(page.mediabox.height) - y if y > 0 else -y)

    page.extract_text(visitor_text=note)
    return found


@pytest.mark.parametrize("address", [LONG, ["Amira B.", "Markt 1", "10623 Beispielstadt", "Deutschland"]])
def test_an_address_of_any_length_stands_in_the_window_above_the_subject(session: Any, address: list[str]) -> None:
    found = heights(letters.as_pdf([a_letter(address)], "Briefe"))
    last = next(y for text, y in found.items() if "Deutschland" in text)
    subject = next(y for text, y in found.items() if "Einladung" in text)
    # The window of a DL envelope ends 90 mm below the upper edge.
    assert last < 90 / 25.4 * 72 < subject


@pytest.mark.parametrize(("lang", "printed"), [("tr", "tr"), ("ar", "ar"), ("uk", "uk"), ("zh", "de"), ("xx", "de")])
def test_a_letter_is_in_the_language_of_its_reader_where_our_fonts_have_its_letters(
    session: Any, app: Flask, at: Callable[[datetime], Any], monkeypatch: pytest.MonkeyPatch, lang: str, printed: str
) -> None:
    at(BEFORE)
    bare_machine(monkeypatch)
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", config.PATH_LANGUAGES)
    circle = make_circle(starts_at=BEFORE + timedelta(days=9), ends_at=BEFORE + timedelta(days=9, hours=2))
    invite(circle)
    found = invitation_of("amira@example.org")
    session.execute(update(Person).where(Person.id == found.person_id).values(locale=lang))
    session.refresh(found, ["person", "organisation"])
    session.refresh(found.person)
    letter = letters.compose(
        found, session.get_one(Meeting, found.meeting_id), session.get_one(Process, circle.process.id),
        session.get_one(Campaign, found.campaign_id), "Stadt Bonn",
    )  # fmt: skip
    assert letter.lang == printed
    # Nothing is printed as a box: the file may say that it is PDF/UA.
    assert b"pdfuaid" in letters.as_pdf([letter], "Briefe")


def test_a_name_our_fonts_lack_is_pointed_out_and_the_word_file_has_it_whole(
    session: Any, at: Callable[[datetime], Any], browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(BEFORE)
    bare_machine(monkeypatch)
    circle = make_circle()
    monkeypatch.setattr(letters, "number_of", lambda _id: 1)
    invite(circle)
    found = invitation_of("amira@example.org")
    session.execute(update(Person).where(Person.id == found.person_id).values(name="张伟", postal_address="Markt 1"))
    session.execute(update(Invitation).where(Invitation.id == found.id).values(by_letter=True))
    session.commit()
    path = f"/p/{circle.process.slug}/campaigns/{found.campaign_id}/letters"
    staff = browser_of(circle.moderator)
    page = staff.get(path, headers={"Accept-Language": "en"})
    assert [line.text for line in page.html.select("main .callout.tone-warning li")] == ["张伟"]
    made = staff.client.get(f"{path}.pdf").data
    assert boxes(made) == 0
    assert "Markt 1" in pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text()
    written = docx.Document(io.BytesIO(staff.client.get(f"{path}.docx").data))
    assert "张伟" in "\n".join(paragraph.text for paragraph in written.paragraphs)
    session.execute(update(Person).where(Person.id == found.person_id).values(name="محمد Володимир Zoë"))
    session.commit()
    page = staff.get(path, headers={"Accept-Language": "en"})
    assert page.html.select("main .callout.tone-warning li") == []
