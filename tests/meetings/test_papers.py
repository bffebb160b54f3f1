"""What is printed for the door: everybody who is expected, whatever they are called, and needs only where wanted."""

import io
import time
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
import typst

from consult import paper
from consult.accounts.models import Person
from consult.extensions import db
from consult.meetings import papers
from consult.meetings.door import Guest
from consult.meetings.models import Registration
from consult.meetings.words import Needs
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.meetings.factories import Circle, make_circle
from tests.printing import bare_machine, boxes


@pytest.fixture
def circle(session: Any) -> Circle:
    made = make_circle(kind="kickoff", photo_notice="Wir machen Fotos.\nWer nicht möchte, sagt es uns.")
    for name, state, needs in (
        ("Zoë Zander", "coming", "Rollstuhl, Nadel"),
        ("Ayşe Ay", "attended", None),
        ("Doro Dorn", "declined", None),
        ("Wanda Wart", "waiting", None),
    ):
        flushed(
            Registration(
                meeting_id=made.meeting.id, person_id=make_person(name, account=False).id, state=state,
                needs=Needs(note=needs).dump() if needs else None, organisation_name="Verein „Ä“",
            )
        )  # fmt: skip
    return made


def words(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def test_the_sheet_names_who_is_expected_in_order_and_says_that_pictures_are_taken(circle, browser_of):
    staff = browser_of(circle.moderator)
    answer = staff.client.get(circle.meeting_path("/sign-in-sheet.pdf"))
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/pdf", "no-store")
    told = words(answer.data)
    assert told.index("Ayşe Ay") < told.index("Zoë Zander")
    assert "Wir machen Fotos." in told
    assert "Verein „Ä“" in told
    assert "Doro" not in told
    assert "Wanda" not in told
    assert "Nadel" not in told
    with_needs = staff.client.get(circle.meeting_path("/sign-in-sheet.pdf?needs=1&large=1&lines=-3"))
    assert "Nadel" in words(with_needs.data)


def test_badges_stand_eight_on_a_sheet(circle, monkeypatch):
    many = [Guest(n, f"Gast {n}", "Verein", "", "ABCDEFGH", "coming", "invitation", None) for n in range(17)]
    monkeypatch.setattr(papers, "expected", lambda _meeting_id: many)
    assert len(pypdf.PdfReader(io.BytesIO(papers.badges(circle.process, circle.meeting))).pages) == 3
    assert "Gast 16" in words(papers.badges(circle.process, circle.meeting, codes=True))
    monkeypatch.setattr(papers, "CODES_AT_ONCE", 16)
    second = words(papers.badges(circle.process, circle.meeting, codes=True, part=2))
    assert "Gast 16" in second
    assert "Gast 15" not in second
    assert (
        len(pypdf.PdfReader(io.BytesIO(papers.badges(circle.process, circle.meeting, codes=True, part=9))).pages) == 1
    )


HOSTILE = {
    "controls": "A\x00\x0b\x1bB",
    "surrogate": "A\ud800B",
    "no sign": "A\ufffe\uffffB",
    "one word of a megabyte": "x" * 2**20,
    "turned round": "A\u202eB\u2066C",
    "accents": "Z" + "\u0300" * 10_000,
    "typst": '#read("/etc/passwd") $x$ *b* \\ "quotes" @ref <label> #panic("x")',
    "right to left": "محمد عبد الله",
    "none of our fonts": "王小明 🎉",
    "blank": " \u200b ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_words_stay_words_and_the_file_opens(circle, monkeypatch, name):
    value = HOSTILE[name]
    guest = Guest(1, value, value, "", "ABCDEFGH", "coming", "invitation", None)
    monkeypatch.setattr(papers, "expected", lambda _meeting_id: [guest])
    monkeypatch.setattr(papers, "_needs_of", lambda _meeting_id: {1: value})
    # Straight into the object: the database refuses some of these.
    for field in ("title", "place", "photo_notice"):
        db.session.expunge(circle.meeting) if circle.meeting in db.session else None
        setattr(circle.meeting, field, value)
    for data in (
        papers.sign_in_sheet(circle.meeting, needs=True),
        papers.badges(circle.process, circle.meeting, codes=True),
    ):
        text = words(data)
        assert "root:" not in text
        if name == "typst":
            assert "#read" in text


def test_a_thousand_people_are_printed_in_seconds(circle, monkeypatch):
    many = [Guest(n, f"Gast Nummer {n}", "Dachverband", "", "", "coming", "invitation", None) for n in range(1000)]
    monkeypatch.setattr(papers, "expected", lambda _meeting_id: many)
    for made in (papers.sign_in_sheet, lambda meeting: papers.badges(circle.process, meeting)):
        # Of the processor: what else the machine does is not of this.
        began = time.process_time()
        made(circle.meeting)
        assert time.process_time() - began < 12


def test_only_organisers_print(circle: Circle, browser: Browser, browser_of: Callable[..., Browser]) -> None:
    for path in ("/paper", "/sign-in-sheet.pdf", "/badges.pdf"):
        browser.get(circle.meeting_path(path), status=303)
        browser_of(circle.member).get(circle.meeting_path(path), status=403)
    page = browser_of(circle.moderator).get(circle.meeting_path("/paper"))
    assert page.html.select_one("#needs").get("checked") is None


def test_somebody_erased_stands_there_without_a_name(circle: Circle) -> None:
    person = db.session.query(Person).filter_by(name="Ayşe Ay").one()
    person.name = ""
    db.session.flush()
    assert "Ayşe" not in words(papers.sign_in_sheet(circle.meeting))


@pytest.mark.parametrize("codes", [False, True])
def test_a_long_name_stands_whole_on_its_badge_in_smaller_letters(circle, monkeypatch, codes):
    long = "Priv.-Doz. Dr.-Ing. Maximiliane-Friederike von und zu Schwarzenberg-Hohenlohe-Müller-Lüdenscheidt"
    names = {"Amira B.": "Frauentreff", long: "Arbeitsgemeinschaft der Selbsthilfegruppen in der Region"}
    many = [Guest(n, *one, "", "ABCDEFGH", "coming", "invitation", None) for n, one in enumerate(names.items())]
    monkeypatch.setattr(papers, "expected", lambda _meeting_id: many)
    page = pypdf.PdfReader(io.BytesIO(papers.badges(circle.process, circle.meeting, codes=codes))).pages[0]
    sizes: dict[str, float] = {}
    page.extract_text(visitor_text=lambda text, _cm, _tm, _font, size: sizes.setdefault(text.strip(), size))
    assert next(size for text, size in sizes.items() if "Amira" in text) == 26
    assert next(size for text, size in sizes.items() if "Lüdenscheidt" in text) <= 17


#: Names as people in a city have them. Latin, Arabic and Cyrillic letters are in our fonts, Chinese, Ethiopic are not.
NAMES = ("张伟", "Zhang Wei 张伟", "محمد عبد الله", "Володимир", "ሰላም", "Zoë")


def of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Guest(n, name, "Verein", "", "ABCDEFGH", "coming", "invitation", None) for n, name in enumerate(NAMES)]
    monkeypatch.setattr(papers, "expected", lambda _meeting_id: many)


def test_a_name_no_font_has_gets_a_line_to_write_on_and_never_boxes(circle, monkeypatch):
    bare_machine(monkeypatch)
    of_names(monkeypatch)
    for made in (
        papers.sign_in_sheet(circle.meeting),
        papers.badges(circle.process, circle.meeting),
        papers.badges(circle.process, circle.meeting, codes=True),
    ):
        told = words(made)
        assert boxes(made) == 0
        assert "张" not in told
        assert "Zhang Wei" in told
        assert "Володимир" in told
        # Arabic is set from right to left; which order its letters have in the text of the file is the reader's.
        assert any("\u0600" <= sign <= "\u06ff" or "\ufe70" <= sign <= "\ufeff" for sign in told)
        # The file is for everybody: PDF/UA, as ever.
        assert b"pdfuaid" in made


def test_boxes_are_counted_where_there_are_some(circle, monkeypatch):
    bare_machine(monkeypatch)
    of_names(monkeypatch)
    monkeypatch.setattr(paper, "_not_in", lambda _signs, system: frozenset())
    assert boxes(papers.badges(circle.process, circle.meeting)) == 7


def test_organisers_are_told_before_printing_whose_name_cannot_be_printed(circle, monkeypatch, browser_of):
    bare_machine(monkeypatch)
    of_names(monkeypatch)
    staff = browser_of(circle.moderator)
    page = staff.get(circle.meeting_path("/paper"), headers={"Accept-Language": "en"})
    told = [line.get_text(" ", strip=True) for line in page.html.select("main .callout.tone-warning li")]
    assert told == ["No. 1 of the list: 张伟", "No. 2 of the list: Zhang Wei 张伟", "No. 5 of the list: ሰላም"]
    monkeypatch.setattr(papers, "expected", lambda _meeting_id: [])
    page = staff.get(circle.meeting_path("/paper"), headers={"Accept-Language": "en"})
    assert page.html.select("main .callout.tone-warning li") == []


def test_fonts_of_the_machine_print_what_ours_lack(circle, monkeypatch):
    """Ours stand here for those of a machine, and those that typst brings along for ours."""
    bare_machine(monkeypatch)
    machine = paper._fonts(False)
    monkeypatch.setattr(
        paper, "_fonts", lambda system: machine if system else typst.Fonts(include_system_fonts=False, font_paths=[])
    )
    assert paper.lacking(["محمد", "张"]) == {"张"}
    of_names(monkeypatch)
    made = papers.sign_in_sheet(circle.meeting)
    assert boxes(made) == 0
    assert "Zhang Wei" in words(made)


@pytest.mark.parametrize(
    ("text", "left"), [("Feier 🎉 im Haus", "Feier  im Haus"), ("Treff 张伟 A", "Treff … A"), ("Zoë", "Zoë")]
)
def test_what_cannot_be_printed_in_a_sentence_is_left_out(text, left):
    assert paper.without(text, frozenset("🎉张伟")) == left
