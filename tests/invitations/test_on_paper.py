"""People without an e-mail address: on a list by name and postal address, counted as letters, in every letter file."""

import io
from typing import Any

import docx
import pytest
from sqlalchemy import select

from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import campaigns, counting, letters, queries, sending
from consult.invitations.lists import Reason, Row, as_lines, parse_csv, parse_text
from consult.invitations.models import Invitation
from tests.factories import make_organisation, make_person
from tests.meetings.factories import BEFORE, make_circle

HOME = "Weg 3\n52062 Aachen"


@pytest.fixture(autouse=True)
def _two_weeks_before(at: Any) -> None:
    at(BEFORE)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Otto Linde; Weg 3, 52062 Aachen", ("Otto Linde", HOME, "", "")),
        ("Otto Linde; Weg 3; 52062 Aachen; Verein; tr", ("Otto Linde", HOME, "Verein", "tr")),
        ("Otto; Linde; Weg 3; 52062 Aachen", ("Otto Linde", HOME, "", "")),
        ("Otto Linde\tWeg 3, 52062 Aachen\tVerein", ("Otto Linde", HOME, "Verein", "")),
        ("Otto Linde, Weg 3, 52062 Aachen", ("Otto Linde", HOME, "", "")),
        ("Otto Linde; Weg 3, 52062 Aachen; Verein; de; Brief", ("Otto Linde", HOME, "Verein", "de")),
        ("Els Jansen; Dorpsstraat 8, 6291 AB Vaals", ("Els Jansen", "Dorpsstraat 8\n6291 AB Vaals", "", "")),
    ],
)
def test_a_name_with_a_postal_address_is_a_letter(line: str, expected: tuple[str, ...]) -> None:
    parsed = parse_text(line)
    assert not parsed.bad
    (row,) = parsed.rows
    assert (row.name, row.postal, row.organisation, row.lang) == expected
    assert row.by_letter
    assert not row.address
    assert parse_text(as_lines(parsed)).rows == [row]


@pytest.mark.parametrize(
    "line", ["Otto Linde", "Otto Linde; Weg 3", "52062 Aachen", "12345; 52062 Aachen", "Am 3. Mai 2026 um 10"]
)
def test_what_is_no_address_stays_a_line_to_put_right(line: str) -> None:
    assert [bad.reason for bad in parse_text(line).bad] == [Reason.no_address]


@pytest.mark.parametrize(
    "table",
    [
        "Name;Anschrift\nOtto Linde;Weg 3, 52062 Aachen",
        "Vorname;Nachname;Straße;Hausnummer;PLZ;Ort;E-Mail\nOtto;Linde;Weg;3;52062;Aachen;",
        "Name;E-Mail;Adresse\nOtto Linde;;Weg 3, 52062 Aachen",
        "Name;Adresse\nOtto Linde;Weg 3, 52062 Aachen",
        "Otto Linde;Weg 3;52062 Aachen",
    ],
)
def test_tables_name_the_postal_address_in_many_ways(table: str) -> None:
    parsed = parse_csv(table.encode())
    assert [(row.name, row.postal, row.by_letter) for row in parsed.rows] == [("Otto Linde", HOME, True)]


def test_an_e_mail_address_beside_a_postal_one_is_written_to_by_mail() -> None:
    parsed = parse_csv("Name;E-Mail;Straße;PLZ;Ort\nOtto;otto@example.org;Weg 3;52062;Aachen".encode())
    (row,) = parsed.rows
    assert (row.address, row.postal, row.by_letter) == ("otto@example.org", HOME, False)
    assert parse_text(row.line()).rows[0].postal == HOME


def test_a_list_with_and_without_mail_is_counted_invited_and_printed(session: Any) -> None:
    circle = make_circle()
    body = make_organisation("Verein")
    campaign = campaigns.draft(circle.meeting, circle.moderator, "Kommen Sie")
    parsed = parse_text(
        "Amira; amira@example.org\nOtto Linde; Weg 3, 52062 Aachen; Verein\nOtto Linde; Weg 3, 52062 Aachen"
    )
    assert len(parsed.doubles) == 1
    campaigns.add_list(campaign, parsed.rows, "Liste", circle.moderator)
    total = counting.counted(campaign).total
    assert (total.mails, total.letters) == (1, 1)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    sending.run(campaign.id)
    invited = {
        row.by_letter: row.organisation_id
        for row in db.session.scalars(select(Invitation).where(Invitation.campaign_id == campaign.id))
    }
    assert invited == {False: None, True: body.id}
    assert letters.number_of(campaign.id) == 1
    assert letters.render(campaign, "pdf").startswith(b"%PDF")
    document = docx.Document(io.BytesIO(letters.render(campaign, "docx")))
    text = "\n".join(
        [p.text for p in document.paragraphs]
        + [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    )
    assert "Otto Linde" in text
    assert "52062 Aachen" in text


def test_the_same_list_a_second_time_makes_nobody_twice(session: Any) -> None:
    circle = make_circle()
    rows = parse_text("Otto Linde; Weg 3, 52062 Aachen").rows
    known = make_person("Otto Linde", account=False, email=None)
    known.postal_address = "Weg 3 \n\n 52062 Aachen"
    other = make_person("Otto Linde", account=False, email=None)
    other.postal_address = "Allee 9\n52062 Aachen"
    for _again in range(2):
        campaign = campaigns.draft(circle.meeting, circle.moderator)
        campaigns.add_list(campaign, rows, "", circle.moderator)
        (listed,) = counting.page_of(campaign.id, "letter", "", 0)[0]
        assert listed.person_id == known.id
    assert len(db.session.scalars(select(Person).where(Person.name == "Otto Linde")).all()) == 2


def test_the_dry_run_knows_whom_a_letter_went_to_before(session: Any) -> None:
    circle = make_circle()
    rows = [Row(1, "Otto Linde", "", by_letter=True, postal=HOME)]
    assert (queries.preview(circle.meeting, rows, []).new, queries.preview(circle.meeting, rows, []).by_letter) == (
        1,
        1,
    )
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    campaigns.add_list(campaign, rows, "", circle.moderator)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    sending.run(campaign.id)
    assert queries.preview(circle.meeting, rows, []).already == 1
