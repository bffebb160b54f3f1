"""What the organiser sees: figures, list, file; one invitation taken back or sent again."""

import csv
import io
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from consult.accounts.models import OrganisationKind, Person
from consult.extensions import db
from consult.invitations import answering, operations, queries
from consult.invitations.export import csv_file, safe_cell
from consult.invitations.models import Invitation
from consult.invitations.queries import PAGE, Counts, Filter
from consult.meetings.words import Needs
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import make_organisation, make_person
from tests.invitations.factories import invitation_of, invite
from tests.meetings.factories import BEFORE, Circle, make_circle, refused

LETTERS = "abcdefgh"


@pytest.fixture
def campaign(session: Any, at: Callable[[datetime], Any]) -> Circle:
    """Eight people: two answers, two mails in trouble, one on its way, a letter, one taken back, one silent."""
    at(BEFORE)
    circle = make_circle()
    invite(circle, "\n".join(f"{x}@example.org" for x in LETTERS[:7]) + "\nH; h@example.org; ; de; Brief")
    for x, coming in (("a", True), ("b", False)):
        invitation = invitation_of(f"{x}@example.org")
        db.session.get_one(Person, invitation.person_id)
        answering.answer(
            invitation, circle.meeting, answering.Answer(coming, "Gruß", Needs(("childcare",), "zwei Kinder")), BEFORE
        )
    states = {"a": "sent", "b": "sent", "c": "failed", "d": "uncertain", "f": "sent", "g": "sent"}
    for x, state in states.items():
        mail = select(Invitation.id).where(Invitation.id == invitation_of(f"{x}@example.org").id).scalar_subquery()
        session.execute(update(OutboxMessage).where(OutboxMessage.subject_id == mail).values(state=state))
    operations.revoke(invitation_of("g@example.org"), circle.lead)
    session.commit()
    return circle


def test_the_figures(campaign: Circle) -> None:
    assert queries.counts(campaign.meeting.id) == Counts(
        invited=7,
        waiting=1,
        sent=3,
        trouble=2,
        opened=2,
        accepted=1,
        declined=1,
        deputy=0,
        silent=2,
        looked=0,
        by_letter=1,
        revoked=1,
    )


def test_whoever_is_invited_for_politics_is_counted_apart(
    session: Any, campaign: Circle, browser_of: Callable[..., Browser]
) -> None:
    party = make_organisation(kind=OrganisationKind.politics)
    for invitation in session.scalars(select(Invitation).order_by(Invitation.id).limit(2)):
        invitation.organisation_id = party.id
    session.commit()
    assert queries.counts(campaign.meeting.id).politics == 2
    page = browser_of(campaign.moderator).get(campaign.meeting_path("/invitations"), headers={"Accept-Language": "en"})
    stats = {stat.dt.get_text(strip=True): stat.dd.get_text(strip=True) for stat in page.html.select(".stats > div")}
    assert (stats["invited"], stats["of them politics"]) == ("7", "2")


@pytest.mark.parametrize(
    ("show", "who"),
    [
        (Filter.all, "abcdefgh"), (Filter.accepted, "a"), (Filter.declined, "b"), (Filter.failed, "cd"),
        (Filter.silent, "fh"), (Filter.waiting, "e"), (Filter.letter, "h"), (Filter.revoked, "g"), (Filter.deputy, ""),
    ],
)  # fmt: skip
def test_the_list_by_state(campaign: Circle, browser_of: Callable[..., Browser], show: Filter, who: str) -> None:
    entries, following = queries.page_of(campaign.meeting.id, show)
    assert "".join((e.invitation.person.email or "")[0] for e in entries) == who
    assert following is None
    text = browser_of(campaign.moderator).get(campaign.meeting_path(f"/invitations?show={show}")).text
    for x in LETTERS:
        assert (f"{x}@example.org" in text) is (x in who)


@pytest.mark.parametrize(
    "query", ["?show=x", "?after=x", "?after=-1", "?after=" + "9" * 40, "?after=²", "?show[]=a", "?after=99999999999"]
)
def test_odd_parameters_do_no_harm(campaign: Circle, browser_of: Callable[..., Browser], query: str) -> None:
    browser_of(campaign.moderator).get(campaign.meeting_path(f"/invitations{query}"))


def test_needs_are_for_the_organisers_only(
    campaign: Circle, browser: Browser, browser_of: Callable[..., Browser]
) -> None:
    assert "zwei Kinder" in browser_of(campaign.moderator).get(campaign.meeting_path("/invitations")).text
    assert "zwei Kinder" not in browser.get(campaign.meeting_path()).text


def test_lines_of_a_message_become_one_line_of_the_file() -> None:
    assert safe_cell("Guten Tag\r\n- erstens") == "Guten Tag - erstens"


def test_the_list_is_paged_and_each_page_costs_the_same(
    session: Any, browser_of: Callable[..., Browser], count_queries: Callable[[], Any], at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    invite(circle, "\n".join(f"Person {n}; p{n}@example.org" for n in range(10)))
    session.commit()
    visitor, address = browser_of(circle.moderator), circle.meeting_path("/invitations")
    with count_queries() as few:
        visitor.get(address)
    invite(circle, "\n".join(f"Person {n}; p{n}@example.org" for n in range(1000)))
    session.commit()
    with count_queries() as many:
        page = visitor.get(address)
    assert len(few) == len(many) <= 10
    seen = len(page.html.select("tbody tr"))
    while following := page.html.find("a", rel="next"):
        page = visitor.get(address + following["href"].partition("/invitations")[2])
        seen += len(page.html.select("tbody tr"))
    assert seen == 1000
    assert PAGE == 50


def test_taking_back_frees_the_place_and_is_recorded_once(campaign: Circle, browser_of: Callable[..., Browser]) -> None:
    mine = invitation_of("a@example.org")
    visitor = browser_of(campaign.moderator)
    visitor.submit(
        campaign.meeting_path(f"/invitations/{mine.id}/revoke"), form_at=campaign.meeting_path("/invitations")
    )
    assert queries.counts(campaign.meeting.id).accepted == 0
    with refused("taken back"):
        operations.revoke(invitation_of("a@example.org"), campaign.lead)


def test_sending_again_makes_one_more_mail_for_whom_it_makes_sense(
    campaign: Circle, browser_of: Callable[..., Browser]
) -> None:
    later = BEFORE + timedelta(hours=1)
    for x, refusal in (("b", "declined"), ("e", "under way"), ("h", "letter")):
        with refused(refusal):
            operations.send_again(invitation_of(f"{x}@example.org"), campaign.meeting, campaign.lead, later)
    failed = invitation_of("c@example.org")
    nonce = failed.nonce
    address = campaign.meeting_path(f"/invitations/{failed.id}/again")
    browser_of(campaign.moderator).submit(address, form_at=campaign.meeting_path("/invitations"))
    periods = db.session.scalars(select(OutboxMessage.period).where(OutboxMessage.subject_id == failed.id)).all()
    assert sorted(periods) == ["", "2026-04-18T08:00"]
    assert invitation_of("c@example.org").nonce == nonce
    assert queries.counts(campaign.meeting.id).waiting == 2


def test_an_invitation_to_another_meeting_cannot_be_touched_from_here(
    campaign: Circle, browser_of: Callable[..., Browser]
) -> None:
    other = make_circle()
    invite(other, "fremd@example.org")
    db.session.commit()
    foreign = invitation_of("fremd@example.org")
    visitor = browser_of(campaign.moderator)
    token = visitor.get(campaign.meeting_path("/invitations")).form_fields(
        campaign.meeting_path(f"/invitations/{invitation_of('a@example.org').id}/revoke")
    )
    for verb in ("revoke", "again"):
        for ident in (foreign.id, 0, 10**12):
            visitor.post(
                campaign.meeting_path(f"/invitations/{ident}/{verb}"), {"csrf_token": token["csrf_token"]}, 404
            )
    assert invitation_of("fremd@example.org").state == "open"


def test_needs_and_messages_are_blanked_some_time_after_the_meeting(campaign: Circle) -> None:
    end = campaign.meeting.ends_at
    assert operations.purge_answers(end + operations.KEEP_ANSWERS - timedelta(seconds=1)) == 0
    assert operations.purge_answers(end + operations.KEEP_ANSWERS + timedelta(seconds=1)) == 3
    assert operations.purge_answers(end + operations.KEEP_ANSWERS + timedelta(seconds=1)) == 0
    assert queries.counts(campaign.meeting.id).accepted == 1
    entries, _following = queries.page_of(campaign.meeting.id, Filter.all)
    assert not any(entry.needs or entry.invitation.message for entry in entries)


def test_in_an_archived_process_the_list_can_be_read_and_nobody_invited(
    campaign: Circle, browser_of: Callable[..., Browser]
) -> None:
    campaign.process.state = "archived"
    db.session.commit()
    visitor = browser_of(campaign.lead)
    page = visitor.get(campaign.meeting_path("/invitations"))
    assert page.html.select("main form") == []
    visitor.get(campaign.meeting_path("/invite"), 403)
    visitor.get(campaign.path("/new"), 403)


FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM", "\ufe621",
    " =1", "\xa0=1", "\u200b=1", "\ufeff=1", '"=1', "'=1", '=HYPERLINK("http://evil","x")', "=cmd|'/C calc'!A0",
    "|x", "%0a",
    '";=1;"', "\x00=1",
]  # fmt: skip


@pytest.mark.parametrize("payload", FORMULAS)
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_no_cell_of_the_file_is_a_formula_whatever_separator_the_reader_takes(payload: str, delimiter: str) -> None:
    data = csv_file(["Name", "Text"], [[payload, f"harmlos{delimiter}{payload}"]]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(data, newline=""), delimiter=delimiter))
    assert len(rows) == 2
    for cell in rows[1]:
        seen = unicodedata.normalize("NFKC", cell).lstrip(" \xa0\u200b\ufeff")
        assert not seen.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), repr(cell)


@pytest.mark.parametrize("text", ["Amira Beispiel", "a-b", "1+1", "a@b.de", "", "Ö=Ü", "Ja, gern; bis dann"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_the_file_of_the_list_reads_back(campaign: Circle, browser_of: Callable[..., Browser]) -> None:
    evil = make_person("=HYPERLINK(1)", email="evil@example.org", account=False)
    invite(campaign, "evil@example.org")
    db.session.commit()
    response = browser_of(campaign.moderator).get(campaign.meeting_path("/invitations.csv")).response
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Cache-Control"] == "no-store"
    rows = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert len(rows) == 10
    by_address = {row[1]: row for row in rows}
    assert by_address["evil@example.org"][0] == f"'{evil.name}"
    assert "zwei Kinder" in by_address["a@example.org"][8]
    assert by_address["b@example.org"][8] == ""
