"""Materials: what is in a file counts, not its name; who may open it; links show where they lead."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from docx import Document
from sqlalchemy import select
from xlsxwriter import Workbook

from consult.meetings import materials
from consult.meetings.models import Material, Registration
from consult.signing import sign
from tests.client import Browser
from tests.factories import flushed
from tests.invitations.factories import invite
from tests.meetings.factories import BEFORE, Circle, make_circle, make_meeting, refused

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 20
PDF = b"%PDF-1.7\nhello"


def fetch(visitor: Browser, url: str, status: int = 200) -> Any:
    """The answer with a file, read to its end and closed."""
    response = visitor.get(url, status).response
    response.get_data()
    response.close()
    return response


def packed(**files: bytes) -> bytes:
    """A ZIP file with these contents; `__` in a name stands for a slash and `_dot_` for a dot."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return data.getvalue()


def docx() -> bytes:
    data = io.BytesIO()
    Document().save(data)
    return data.getvalue()


def xlsx() -> bytes:
    data = io.BytesIO()
    book = Workbook(data)
    book.add_worksheet()
    book.close()
    return data.getvalue()


def odt() -> bytes:
    return packed(mimetype=b"application/vnd.oasis.opendocument.text", content_dot_xml=b"<x/>")


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = make_circle()
    session.commit()
    return made


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "pdf"), (PNG, "png"), (b"\xff\xd8\xff\xe0rest", "jpg"), ("Grüße\n".encode(), "txt"), (docx(), "docx"),
        (xlsx(), "xlsx"), (odt(), "odt"),
        (b"MZ\x90\0", None), (b"\x7fELF\0", None), (b"GIF89a\0", None), (b"   \n", None), (b"\xff\xfe\0", None),
        (packed(a=b"x"), None), (packed(mimetype=b"application/epub+zip"), None),
        (packed(mimetype=b"application/vnd.oasis.opendocument.text" * 9), None),
        (packed(word__document_dot_xml=b"<x/>"), None), (PDF[:4], "txt"), (b"PK\x03\x04 nothing else", None),
        (docx()[:-30], None),
    ],
)  # fmt: skip
def test_the_kind_of_a_file_is_told_by_what_is_in_it(data: bytes, kind: str | None) -> None:
    assert materials.type_of(data) == kind


def test_documents_with_macros_are_not_taken() -> None:
    with zipfile.ZipFile(data := io.BytesIO(docx()), "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    assert materials.type_of(data.getvalue()) is None


def test_a_file_with_an_endless_list_of_contents_is_not_unpacked() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(12_000):
            archive.writestr(f"{number:060d}", b"")
    assert materials.type_of(data.getvalue()) is None


def test_empty_large_and_foreign_files_are_refused_in_plain_words(session: Any, circle: Circle) -> None:
    for data, words in ((b"", "empty"), (b"a" * (materials.MAX_FILE + 1), "20 MB"), (b"MZ\0", "We take PDF")):
        with refused(words):
            materials.add_file(circle.meeting, data, "x.pdf", circle.lead)
    assert session.scalars(select(Material)).all() == []


def test_a_file_keeps_its_name_without_folders_and_gets_the_ending_of_its_kind(session: Any, circle: Circle) -> None:
    added = materials.add_file(circle.meeting, PDF, "..\\..\\C:\\etc/Tages\r\nordnung.exe", circle.lead)
    assert added.title == "Tages ordnung"
    found = materials.find(circle.meeting.id, added.id)
    assert found is not None
    assert found[1].name == "Tages ordnung.pdf"
    assert found[1].media_type == "application/pdf"


def test_the_same_file_beside_two_meetings_keeps_both_names(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    other = make_meeting(circle.process)
    materials.add_file(circle.meeting, PDF, "a.pdf", circle.lead, title="Erstes")
    second = materials.add_file(other, PDF, "a.pdf", circle.lead, title="Zweites")
    session.commit()
    response = fetch(browser_of(circle.lead), circle.path(f"/{other.id}/materials/{second.id}"))
    assert "Zweites.pdf" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://example.org/x", "https://", "//example.org", "papier"])
def test_only_addresses_of_the_web_are_links(session: Any, circle: Circle, url: str) -> None:
    with refused("https://"):
        materials.add_link(circle.meeting, url, circle.lead)


def test_materials_change_places_and_go(session: Any, circle: Circle) -> None:
    made = [materials.add_link(circle.meeting, f"https://example.org/{n}", circle.lead, title=str(n)) for n in "abc"]
    materials.move_up(circle.meeting, made[2], circle.lead)
    assert [one.title for one in materials.of_meeting(circle.meeting.id, True)] == ["a", "c", "b"]
    materials.move_up(circle.meeting, made[0], circle.lead)
    materials.remove(circle.meeting, made[2], circle.lead)
    materials.add_link(circle.meeting, "https://example.org/d", circle.lead, title="d")
    assert [one.title for one in materials.of_meeting(circle.meeting.id, True)] == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("who", "status"),
    [("lead", 200), ("moderator", 200), ("member", 200), ("invited", 200), ("coming", 200), ("waiting", 200),
     ("declined", 403), ("refused", 403), ("citizen", 403), ("stranger", 403), (None, 303)],
)  # fmt: skip
def test_what_is_for_guests_opens_for_guests_members_and_organisers(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser], who: str | None, status: int
) -> None:
    public = materials.add_file(circle.meeting, PDF, "offen.pdf", circle.lead)
    inner = materials.add_file(circle.meeting, PNG, "intern.png", circle.lead, internal=True)
    person = getattr(circle, who or "", circle.citizen)
    if who == "invited":
        person.email = "gast@example.org"
        invite(circle, "gast@example.org")
    elif who not in (None, "lead", "moderator", "member", "citizen", "stranger"):
        flushed(Registration(meeting_id=circle.meeting.id, person_id=person.id, state=who))
    session.commit()
    visitor = browser_of(person) if who else browser
    response = fetch(visitor, circle.meeting_path(f"/materials/{public.id}"))
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    fetch(visitor, circle.meeting_path(f"/materials/{inner.id}"), status)
    page = visitor.get(circle.meeting_path())
    assert "offen" in page.text
    assert ("intern" in page.html.find("ul", class_="materials").get_text()) == (status == 200)


def test_a_material_of_another_meeting_is_not_found_here(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    other = make_meeting(circle.process)
    foreign = materials.add_file(other, PDF, "x.pdf", circle.lead)
    session.commit()
    visitor = browser_of(circle.lead)
    visitor.get(circle.meeting_path(f"/materials/{foreign.id}"), 404)
    token = visitor.get(circle.meeting_path("/materials")).form_fields()["csrf_token"]
    for verb in ("up", "who", "remove"):
        visitor.post(circle.meeting_path(f"/materials/{foreign.id}/{verb}"), {"csrf_token": token}, 404)


def test_the_link_in_a_guests_mail_opens_everything_until_they_decline(
    session: Any, circle: Circle, browser: Browser
) -> None:
    inner = materials.add_file(circle.meeting, PDF, "x.pdf", circle.lead, internal=True)
    guest: Registration = flushed(
        Registration(meeting_id=circle.meeting.id, person_id=circle.citizen.id, state="coming")
    )
    session.commit()
    path = f"/guest/{materials.link_for(guest)}/materials/{inner.id}"
    assert fetch(browser, path).data == PDF
    browser.get(f"/guest/{sign('meeting_survey', guest.id, guest.code)}/materials/{inner.id}", 404)
    browser.get(f"/guest/0{materials.link_for(guest)}/materials/{inner.id}", 404)
    guest.state = "declined"
    session.commit()
    browser.get(path, 404)


def test_organisers_add_sort_open_and_remove_in_the_browser(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    visitor, page = browser_of(circle.moderator), circle.meeting_path("/materials")
    visitor.submit(page, {"file": (io.BytesIO(PDF), "Papier.pdf"), "internal": "y"})
    visitor.submit(page, {"url": "https://www.example.org/lang/pfad?x=1", "title": "Hintergrund"})
    first, second = session.scalars(select(Material).order_by(Material.position)).all()
    shown = visitor.get(page)
    link = shown.html.find("a", href="https://www.example.org/lang/pfad?x=1")
    assert "noopener" in link["rel"]
    assert "www.example.org" in shown.text
    visitor.submit(circle.meeting_path(f"/materials/{second.id}/up"), form_at=page)
    visitor.submit(circle.meeting_path(f"/materials/{first.id}/who"), form_at=page)
    session.expire_all()
    assert second.position < first.position
    assert first.internal is False
    visitor.submit(circle.meeting_path(f"/materials/{second.id}/remove"), form_at=page)
    assert len(session.scalars(select(Material)).all()) == 1


@pytest.mark.parametrize(
    "wrong", [{}, {"url": "x"}, {"file": (b"MZ\0", "x.pdf")}, {"file": (PDF, "x.pdf"), "url": "https://example.org"}]
)
def test_a_mistake_is_said_and_what_was_typed_stays(
    session: Any, circle: Circle, browser_of: Callable[..., Browser], wrong: dict[str, Any]
) -> None:
    data = {key: (io.BytesIO(value[0]), value[1]) if key == "file" else value for key, value in wrong.items()}
    page = browser_of(circle.lead).submit(circle.meeting_path("/materials"), {**data, "title": "Titel"}, status=422)
    assert page.html.select(".error-summary li")
    assert page.form_fields(circle.meeting_path("/materials"))["title"] == "Titel"


def test_the_page_of_materials_asks_the_same_number_of_questions_with_one_and_forty(
    session: Any, circle: Circle, browser_of: Callable[..., Browser], count_queries: Any
) -> None:
    visitor, figures = browser_of(circle.lead), []
    visitor.get(circle.meeting_path("/materials"))
    for many in (1, 39):
        for _ in range(many):
            materials.add_link(circle.meeting, "https://example.org", circle.lead)
        session.commit()
        with count_queries() as asked:
            visitor.get(circle.meeting_path("/materials"))
        figures.append(len(asked))
    assert figures[0] == figures[1] <= 15
