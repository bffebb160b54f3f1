"""Reading pasted lists and CSV files: every line is a row, a double or a bad line with its reason."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consult.invitations.lists import MAX_ROWS, Parsed, Reason, Row, as_lines, parse_csv, parse_text

pytestmark = pytest.mark.pure


def people(parsed: Parsed) -> list[tuple[str, ...]]:
    return [
        (row.name, row.address, row.organisation, row.lang, "letter" if row.by_letter else "") for row in parsed.rows
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a@b.de", ("", "a@b.de", "", "", "")),
        ("  A@B.de  ", ("", "a@b.de", "", "", "")),
        ("mailto:a@b.de", ("", "a@b.de", "", "", "")),
        ("Anna <a@b.de>", ("Anna", "a@b.de", "", "", "")),
        ('"Müller, Anna" <a@b.de>', ("Müller, Anna", "a@b.de", "", "", "")),
        ("Anna <a@b.de>; AWO; tr", ("Anna", "a@b.de", "AWO", "tr", "")),
        ("Anna; a@b.de", ("Anna", "a@b.de", "", "", "")),
        ("Anna; a@b.de; AWO Kreisverband; en", ("Anna", "a@b.de", "AWO Kreisverband", "en", "")),
        ("Anna\ta@b.de\tAWO", ("Anna", "a@b.de", "AWO", "", "")),
        ("Anna, a@b.de, AWO", ("Anna", "a@b.de", "AWO", "", "")),
        ("Müller; Anna; a@b.de", ("Müller Anna", "a@b.de", "", "", "")),
        ("a@b.de; Anna; AWO", ("Anna", "a@b.de", "AWO", "", "")),
        ("Anna Beispiel a@b.de", ("Anna Beispiel", "a@b.de", "", "", "")),
        ("Mail: a@b.de", ("", "a@b.de", "", "", "")),
        ("Anna; a@b.de; AWO; de; Brief", ("Anna", "a@b.de", "AWO", "de", "letter")),
        ("a@münchen.de", ("", "a@xn--mnchen-3ya.de", "", "", "")),
        ("o'neil+x@sub.b-c.example", ("", "o'neil+x@sub.b-c.example", "", "", "")),
        ("=HYPERLINK(1) <a@b.de>", ("=HYPERLINK(1)", "a@b.de", "", "", "")),
        ("\u202eAnna <a@b.de>", ("Anna", "a@b.de", "", "", "")),
    ],
)
def test_a_line_that_can_be_used(line: str, expected: tuple[str, ...]) -> None:
    assert people(parse_text(line)) == [expected]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Anna", Reason.no_address),
        ("Anna; AWO", Reason.no_address),
        ("a@b", Reason.bad_address),
        ("a..b@c.de", Reason.bad_address),
        (".a@c.de", Reason.bad_address),
        ("a@-c.de", Reason.bad_address),
        ("a@c.de.", Reason.bad_address),
        ("a@[127.0.0.1]", Reason.bad_address),
        ('"a b"@c.de', Reason.bad_address),
        ("=?utf-8?q?a?=@c.de", Reason.bad_address),
        ("Anna <a@c.de", Reason.bad_address),
        ("a@" + "b" * 64 + ".de", Reason.bad_address),
        ("x" * 65 + "@c.de", Reason.bad_address),
        ("a@b.de Bcc: c@d.de", Reason.two_addresses),
        ("a@b.de\x0bBcc: c@d.de", Reason.unreadable),
        ("Anna\x00 <a@b.de>", Reason.unreadable),
        ("a@@b.de", Reason.two_addresses),
        ("jürgen@b.de", Reason.not_ascii),
        ("x" * 700, Reason.too_long),
        ("Anna; a@b.de; " + "x" * 700, Reason.too_long),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: str, reason: Reason) -> None:
    parsed = parse_text(f"gut@b.de\n{line}")
    assert [(bad.number, bad.text, bad.reason) for bad in parsed.bad] == [(2, line, reason)]
    assert people(parsed) == [("", "gut@b.de", "", "", "")]


@pytest.mark.parametrize(
    "line", ["A <a@b.de>; C <c@d.de>", "A <a@b.de>, C <c@d.de>", "a@b.de; c@d.de", "a@b.de, c@d.de;"]
)
def test_what_a_mail_program_copies_in_one_line_is_several_people(line: str) -> None:
    assert [row.address for row in parse_text(line).rows] == ["a@b.de", "c@d.de"]


def test_an_address_counts_once_and_the_others_are_shown_as_doubles() -> None:
    parsed = parse_text("Anna <a@b.de>\n\nA@B.DE\nBen; b@b.de")
    assert [row.name for row in parsed.rows] == ["Anna", "Ben"]
    assert [row.number for row in parsed.doubles] == [3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_an_injected_header_is_a_line_of_its_own_whatever_ends_the_line(end: str) -> None:
    parsed = parse_text(f"Anna <a@b.de>{end}Bcc: evil{end}Subject: x")
    assert [row.address for row in parsed.rows] == ["a@b.de"]
    assert [bad.reason for bad in parsed.bad] == [Reason.no_address] * 2


def test_twenty_thousand_lines_are_read_quickly_and_those_beyond_the_limit_are_named() -> None:
    text = "\n".join(f"Person {n}; person{n}@example.org; Verein {n % 40}" for n in range(MAX_ROWS + 7))
    began = time.process_time()
    parsed = parse_text(text)
    assert time.process_time() - began < 4
    assert (len(parsed.rows), len(parsed.bad)) == (MAX_ROWS, 7)
    assert {bad.reason for bad in parsed.bad} == {Reason.too_many}


@pytest.mark.parametrize(
    "text", ["<" * 50_000, "a@" * 25_000, ";" * 50_000, '"' * 50_000, "a@b.de;" * 7_000, "<a@b.de>," * 5_000]
)
def test_hostile_long_lines_take_no_time(text: str) -> None:
    began = time.process_time()
    parse_text(text)
    parse_csv(text.encode())
    assert time.process_time() - began < 1


FILES: list[tuple[Any, list[tuple[str, ...]]]] = [
    ("Name;E-Mail;Einrichtung;Sprache\nAnna;A@b.de;AWO;TR\n", [("Anna", "a@b.de", "AWO", "tr", "")]),
    ("name,email\nAnna,a@b.de", [("Anna", "a@b.de", "", "", "")]),
    ("Vorname\tNachname\tE-Mail-Adresse\nJörg\tGroß\tj@b.de", [("Jörg Groß", "j@b.de", "", "", "")]),
    ("Organization,Email Address,Full Name\nAWO,a@b.de,Anna", [("Anna", "a@b.de", "AWO", "", "")]),
    ('Name;E-Mail\n"Müller; Anna";a@b.de', [("Müller; Anna", "a@b.de", "", "", "")]),
    ("E-Mail;Brief\na@b.de;ja\nc@b.de;", [("", "a@b.de", "", "", "letter"), ("", "c@b.de", "", "", "")]),
    ("E-Mail\nAnna Beispiel <a@b.de>", [("Anna Beispiel", "a@b.de", "", "", "")]),
    ("Anna;a@b.de;AWO\nBen;b@b.de", [("Anna", "a@b.de", "AWO", "", ""), ("Ben", "b@b.de", "", "", "")]),
    ("sep;Name;E-Mail\n;Anna;a@b.de", [("Anna", "a@b.de", "", "", "")]),
]


@pytest.mark.parametrize(("content", "expected"), FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_csv_file_of_any_usual_kind(content: str, expected: list[tuple[str, ...]], encoding: str) -> None:
    parsed = parse_csv(content.encode(encoding))
    assert people(parsed) == expected
    assert parsed.bad == []


def test_bad_rows_of_a_file_are_named_with_their_line() -> None:
    parsed = parse_csv(b"Name;E-Mail\nAnna;a@b.de\nBen;\n\x00;x@b.de\nCara;kein at\n")
    assert [(bad.number, bad.reason) for bad in parsed.bad] == [
        (3, Reason.no_address), (4, Reason.unreadable), (5, Reason.no_address),
    ]  # fmt: skip


def test_an_open_quote_does_not_swallow_the_rest_in_silence() -> None:
    rows = "\n".join(f"Person {n};p{n}@b.de" for n in range(100))
    parsed = parse_csv(f'Name;E-Mail\n"Anna;a@b.de\n{rows}'.encode())
    assert parsed.bad


def test_no_file_is_too_strange_to_read() -> None:
    for data in (b"", b"\xff", b"\xfe\xff", bytes(range(256)) * 40, b'"', b"\n" * 5000, b"a,b,c\n" * 3000):
        parse_csv(data)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_every_line_of_any_text_is_found_again(text: str) -> None:
    """Nothing is lost: what cannot be used is listed with its words."""
    parsed = parse_text(text)
    for bad in parsed.bad:
        assert bad.text.strip()
    for row in parsed.rows:
        assert row.address == row.address.lower()
        assert not set(row.name + row.organisation + row.address) & set("\r\n\x00")


NAMES = st.text(
    st.characters(blacklist_categories=("C", "Z"), blacklist_characters=";<>@\"',\t"), min_size=1, max_size=20
)


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES, st.sampled_from(["", "de", "ar"]), st.booleans())
def test_a_row_written_as_a_line_is_read_back_as_itself(name: str, body: str, lang: str, by_letter: bool) -> None:
    if body.lower() in ("brief", "letter", "post"):
        return
    row = parse_text(Row(1, name, "a@b.de", body, lang, by_letter).line()).rows
    again = parse_text(as_lines(Parsed(rows=row))).rows
    assert again == row
    assert row[0].address == "a@b.de"
