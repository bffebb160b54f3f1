"""The pages of the campaign desk, as those who invite use them; nobody else gets in."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import docx
import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from consult import clock, personal
from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import campaigns, letters, sending
from consult.invitations.models import Campaign, Invitation
from consult.invitations.queries import PURPOSE
from consult.outbox.models import OutboxMessage
from consult.signing import sign
from tests.client import Browser
from tests.factories import make_member, make_person
from tests.invitations.test_campaigns import drafted, sent
from tests.meetings.factories import BEFORE, Circle, make_circle

EN = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def _two_weeks_before(at: Callable[[datetime], Any]) -> None:
    at(BEFORE)


def where(circle: Circle, campaign: Campaign, rest: str = "") -> str:
    return f"/p/{circle.process.slug}/campaigns/{campaign.id}{rest}"


def mails() -> int:
    return db.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def on_paper(circle: Circle, **fields: Any) -> Campaign:
    """A campaign sent to one person who is written to on paper."""
    reader = make_person(
        fields.pop("name", "Leyla Haddad"), email=None, postal_address="Pontstraße 12\n52062 Aachen", **fields
    )
    make_member(circle.group, reader)
    campaign = campaigns.draft(circle.meeting, circle.moderator, "")
    campaigns.add_segment(campaign, campaigns.Segment.parse(f"group {circle.group.id}"), circle.moderator)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    sending.run(campaign.id)
    return campaign


def test_a_circle_is_invited_on_one_page(browser_of: Callable[..., Browser], count_queries: Callable[[], Any]) -> None:
    circle = make_circle()
    moderator = browser_of(circle.moderator)
    moderator.get(circle.meeting_path())
    with count_queries() as queries:
        page = moderator.get(circle.meeting_path("/circle"), headers=EN)
    assert len(queries) <= 15
    assert "Invite one person now" in page.text
    assert circle.member.name in page.text
    moderator.submit(circle.meeting_path("/circle/send"), {"note": "Bis bald"}, form_at=circle.meeting_path("/circle"))
    assert (mails(), db.session.scalars(select(Campaign.note)).one()) == (1, "Bis bald")
    assert "Invite one person now" not in moderator.get(circle.meeting_path("/circle"), headers=EN).text


def test_a_circle_beyond_the_limit_becomes_a_draft_that_needs_a_second_person(
    browser_of: Callable[..., Browser],
) -> None:
    circle = make_circle()
    circle.process.confirm_above = 0
    moderator = browser_of(circle.moderator)
    page = moderator.submit(circle.meeting_path("/circle/send"), form_at=circle.meeting_path("/circle"))
    assert "/campaigns/" in page.location
    assert mails() == 0


def test_from_the_draft_to_the_last_answer(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    moderator = browser_of(circle.moderator)
    page = moderator.submit(circle.path(f"/{circle.meeting.id}/campaigns"), form_at=circle.meeting_path("/invitations"))
    here = page.location
    moderator.submit(here + "/segments", {"segment": f"group {circle.group.id}"}, form_at=here)
    moderator.submit(here + "/edit", {"subject": "Herzlich eingeladen", "note": "Wir freuen uns."})
    checked = moderator.submit(here + "/list", {"text": "Anna; anna@example.org\nkaputt"}, status=200, headers=EN)
    assert "There is no e-mail address in this line, and no name with postal code and town." in checked.text
    again = moderator.post(here + "/list/add", checked.form_fields(here + "/list/add"), status=422, headers=EN)
    assert "kaputt" in again.text
    moderator.post(here + "/list/add", {**again.form_fields(here + "/list/add"), "leave_out": "y"})
    shown = moderator.get(here + "/preview", headers=EN)
    samples = {link["href"] for link in shown.html.find_all("a") if "0.sample" in link["href"]}
    assert samples
    for sample in samples:
        assert moderator.get(urlsplit(sample).path, headers=EN).h1 == "This link is a sample"
    assert "Herzlich eingeladen" in shown.text
    assert mails() == 0, "nothing left before the button"
    assert "Refresh" not in moderator.get(here).response.headers
    moderator.submit(here + "/test", form_at=here + "/preview")
    assert db.session.scalars(select(OutboxMessage.kind)).all() == ["invitation_test"]
    moderator.submit(here + "/send", form_at=here)
    campaign = db.session.scalars(select(Campaign)).one()
    assert moderator.get(here).response.headers["Refresh"] == "5", "it begins within a minute"
    sending.run(campaign.id)
    progress = moderator.get(here, headers=EN)
    assert "0 of 2" in progress.text
    assert progress.response.headers["Refresh"] == "5"
    assert "Refresh" not in moderator.get(here + "?still=1").response.headers


def test_a_stale_edit_shows_both_texts(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    campaign = drafted(circle)
    moderator = browser_of(circle.moderator)
    fields = moderator.get(where(circle, campaign, "/edit")).form_fields(where(circle, campaign, "/edit"))
    campaigns.change_texts(campaign, campaigns.Texts("Von der Leitung", ""), campaign.revision, circle.lead)
    page = moderator.post(where(circle, campaign, "/edit"), {**fields, "subject": "Von mir"}, status=409)
    assert "Von der Leitung" in page.text
    assert "Von mir" in page.text
    moderator.post(where(circle, campaign, "/edit"), page.form_fields(where(circle, campaign, "/edit")))
    assert db.session.get(Campaign, campaign.id).subject == "Von mir"


def test_the_desk_is_for_those_who_invite_and_knows_its_process(browser_of: Callable[..., Browser]) -> None:
    circle, other = make_circle(), make_circle()
    campaign = sent(circle)
    for person in (circle.citizen, circle.member, circle.stranger, other.moderator):
        for rest in ("", "/people", "/preview", "/letters", "/letters.pdf", "/invited.csv"):
            browser_of(person).get(where(circle, campaign, rest), status=403)
    foreign = f"/p/{other.process.slug}/campaigns/{campaign.id}"
    for rest in ("", "/people", "/preview", "/letters.xlsx"):
        browser_of(other.moderator).get(foreign + rest, status=404)


def test_pages_ask_a_bounded_number_of_questions(
    browser_of: Callable[..., Browser], count_queries: Callable[[], Any]
) -> None:
    circle = make_circle()
    draft, running = drafted(circle, 60), None
    moderator = browser_of(circle.moderator)
    moderator.get(where(circle, draft))
    for rest in ("", "/people", "/people?q=gast1", "/preview", "/edit", "/list"):
        with count_queries() as queries:
            moderator.get(where(circle, draft, rest))
        assert len(queries) <= 15, (rest, len(queries))
    campaigns.hand_in(draft, draft.revision, circle.moderator)
    sending.run(draft.id)
    running = draft
    for rest in ("", "?q=gast1&still=1", "/letters"):
        with count_queries() as queries:
            moderator.get(where(circle, running, rest))
        assert len(queries) <= 15, (rest, len(queries))


def test_people_are_found_and_taken_out(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    campaign = drafted(circle, 12)
    moderator = browser_of(circle.moderator)
    page = moderator.get(where(circle, campaign, "/people?q=gast12"))
    assert "gast12@example.org" in page.text
    assert "gast1@example.org" not in page.text
    action = page.html.select_one("form[action$='/out']")["action"]
    moderator.post(action, page.form_fields(action))
    assert "gast12@example.org" in moderator.get(where(circle, campaign, "/people?show=out")).text


def test_exports_hold_no_formula(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    campaign = sent(circle)
    evil = db.session.scalars(select(Person).where(Person.email == "gast1@example.org")).one()
    evil.name = "=HYPERLINK(1)"
    moderator = browser_of(circle.moderator)
    csv = moderator.get(where(circle, campaign, "/invited.csv")).response.get_data(as_text=True)
    assert '"\'=HYPERLINK(1)"' in csv
    openpyxl = pytest.importorskip("openpyxl")
    data = moderator.get(where(circle, campaign, "/invited.xlsx")).response.get_data()
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value} == {"s"}


def test_letters_are_in_the_language_of_their_reader_with_the_link_to_answer(
    browser_of: Callable[..., Browser],
) -> None:
    circle = make_circle()
    campaign = on_paper(circle, locale="en")
    invitation = db.session.scalars(select(Invitation).where(Invitation.by_letter)).one()
    path = f"/i/{sign(PURPOSE, invitation.id, invitation.nonce)}"
    moderator = browser_of(circle.moderator)
    pdf = PdfReader(io.BytesIO(moderator.get(where(circle, campaign, "/letters.pdf")).response.get_data()))
    text = "".join(page.extract_text() for page in pdf.pages).replace("\u200b", "").replace("\n", "")
    assert len(pdf.pages) == 1
    for words in ("Leyla Haddad", "Pontstraße 12", "Hello Leyla Haddad,", "Kind regards", path):
        assert words in text
    word = docx.Document(io.BytesIO(moderator.get(where(circle, campaign, "/letters.docx")).response.get_data()))
    assert path in "\n".join(paragraph.text for paragraph in word.paragraphs)
    assert moderator.get(where(circle, campaign, "/letters.xlsx")).response.get_data()[:2] == b"PK"


def test_letters_from_right_to_left_and_with_strange_signs_open(session: Any) -> None:
    circle = make_circle()
    campaign = on_paper(circle, locale="ar", name="ليلى\x0b\x1b\ufffe حداد")
    campaign.note = "Ein\x0cWort " + "x" * 20_000 + "\n\n#let a = 1 $ *"
    assert letters.printable("a\x00b\ud800c\ufffe\n") == "abc\n"
    reader = PdfReader(io.BytesIO(letters.render(campaign, "pdf")))
    assert len(reader.pages) >= 1
    xml = docx.Document(io.BytesIO(letters.render(campaign, "docx"))).element.xml
    assert "w:bidi" in xml
    assert "w:rtl" in xml


def test_many_letters_are_made_by_the_worker(
    browser_of: Callable[..., Browser], poked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "AT_ONCE", 0)
    circle = make_circle()
    campaign = on_paper(circle)
    moderator = browser_of(circle.moderator)
    moderator.get(where(circle, campaign, "/letters.pdf"), status=409)
    moderator.submit(where(circle, campaign, "/letters"))
    assert poked[-1] == ("consult.letters", (campaign.id,))
    assert moderator.get(where(circle, campaign, "/letters")).response.headers["Refresh"]
    letters.make(campaign.id)
    assert moderator.get(where(circle, campaign, "/letters.pdf")).response.get_data()[:4] == b"%PDF"
    assert letters.purge_files(clock.now() + letters.KEEP * 400) >= 1


def test_the_text_for_messengers_holds_no_personal_link(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    page = browser_of(circle.moderator).get(circle.meeting_path("/copy"))
    text = page.html.find("textarea").get_text()
    assert f"/meetings/{circle.meeting.id}" in text
    assert "/i/" not in text


def test_no_letter_goes_to_somebody_who_was_erased(session: Any, poked: list[Any]) -> None:
    circle = make_circle()
    campaign = on_paper(circle)
    letters.make(campaign.id)
    assert letters.made(campaign, "pdf")
    reader = db.session.scalars(select(Person).where(Person.name == "Leyla Haddad")).one()
    personal.erase(reader, circle.moderator)
    session.flush()
    assert letters.number_of(campaign.id) == 0
    assert letters.letters_of(campaign) == []
    assert letters.made(campaign, "pdf") is None
    assert list(letters.folder().glob(f"{campaign.id}-*")) == [], "no file keeps their name and address"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_time_that_cannot_be_is_refused_in_words(browser_of: Callable[..., Browser], moment: str) -> None:
    circle = make_circle()
    here = where(circle, drafted(circle))
    answer = browser_of(circle.moderator).submit(
        here + "/send", {"send_at": moment}, form_at=here, status=409, headers=EN
    )
    assert "within a year" in answer.text


def test_what_was_stopped_does_not_look_sent(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    campaign = sent(circle)
    campaigns.stop(campaign, circle.moderator)
    db.session.commit()
    bar = browser_of(circle.moderator).get(where(circle, campaign)).html.select_one("progress")
    assert (bar["value"], int(bar["max"]) > 0) == ("0", True)


def test_the_preview_keeps_paragraphs_apart_in_both_languages(browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    campaign = drafted(circle, 1)
    words = campaigns.Texts("", "[tr]\nMerhaba\n\nGelin", second_lang="en")
    campaigns.change_texts(campaign, words, campaign.revision, circle.moderator)
    db.session.commit()
    page = browser_of(circle.moderator).get(where(circle, campaign, "/preview")).html
    assert [one.text for one in page.select_one(".card > div.flow[lang=tr]").select("p")] == ["Merhaba", "Gelin"]
    assert page.select_one("hr + div.flow[lang=en] > div.flow[lang=tr]")
