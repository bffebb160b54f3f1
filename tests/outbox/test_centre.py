"""The message centre of a process: its leads find every mail, and no link by which they could get in."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.i18n import in_language, language
from consult.invitations import campaigns, export
from consult.invitations.campaigns import Texts
from consult.newsletters import issues, subscribing
from consult.outbox import centre, delivery
from consult.outbox.models import OutboxMessage
from tests.factories import make_person, make_process
from tests.meetings.factories import make_circle
from tests.outbox.factories import queued


@pytest.fixture
def circle(session):
    circle = make_circle()
    session.commit()
    return circle


def address(circle, rest: str = "") -> str:
    return f"/p/{circle.process.slug}/mails{rest}"


def test_a_lead_finds_a_mail_by_name_and_reads_it_without_its_personal_link(circle, browser_of, letter, sink):
    guest = make_person("Amira Beispiel", email="amira@example.org")
    ident = queued(guest, process_id=circle.process.id)
    delivery.deliver(ident)
    lead = browser_of(circle.lead)
    page = lead.get(address(circle, "?q=beispiel"))
    assert "Amira Beispiel" in page.text
    assert "Einladung 1" in page.text
    mail = lead.get(address(circle, f"/{ident}"))
    assert "Bis bald." in mail.text
    assert "abcdefghijklmnopqrstuvwx" not in mail.text
    assert "[…]" in mail.text


def test_addresses_are_not_given_away(circle, browser_of, letter):
    guest = make_person("", email="geheim.amira@example.org")
    guest.name = ""
    queued(guest, process_id=circle.process.id)
    lead = browser_of(circle.lead)
    page = lead.get(address(circle))
    assert "g…@example.org" in page.text
    assert "geheim.amira" not in page.text
    # The whole address finds it, a part of it does not: nobody tries letters one by one.
    assert "g…@example.org" in lead.get(address(circle, "?q=geheim.amira%40example.org")).text
    assert "g…@example.org" not in lead.get(address(circle, "?q=geheim")).text
    assert "g…@example.org" not in lead.get(address(circle, "?q=%25")).text


def test_mails_of_other_processes_and_of_none_are_not_there(circle, browser_of, letter):
    other = make_process()
    theirs = queued(make_person("Andere"), 1, process_id=other.id)
    alone = queued(make_person("Konto"), 2)
    lead = browser_of(circle.lead)
    assert "Andere" not in lead.get(address(circle)).text
    for ident in (theirs, alone):
        lead.get(address(circle, f"/{ident}"), status=404)


def test_the_list_is_narrowed_paged_and_taken_along(circle, browser_of, letter, count_queries, session):
    people = [make_person(f"Gast {n}") for n in range(30)]
    for n, person in enumerate(people):
        queued(person, n + 1, process_id=circle.process.id)
    failed = session.get_one(OutboxMessage, queued(make_person("=1+1"), 99, process_id=circle.process.id))
    failed.state, failed.note = "failed", "smtp: 550 no such user"
    session.commit()
    lead = browser_of(circle.lead)
    with count_queries() as sent:
        page = lead.get(address(circle))
    assert len(sent) <= 12
    assert len(page.html.select("tbody tr")) == 25
    [following] = [a["href"] for a in page.html.find_all("a") if "before=" in a["href"]]
    assert len(lead.get(following).html.select("tbody tr")) == 6
    assert len(lead.get(address(circle, "?state=failed")).html.select("tbody tr")) == 1
    file = lead.get(address(circle, ".csv?state=failed")).response.data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(file), delimiter=";"))
    assert len(rows) == 2
    assert rows[1][2] == "'=1+1"


def test_what_retention_removed_is_said_to_be_gone(circle, browser_of, letter, sink, session):
    ident = queued(make_person("Gast"), process_id=circle.process.id)
    delivery.deliver(ident)
    row = session.get_one(OutboxMessage, ident)
    row.sent_text, row.sent_subject, row.queued_at = None, None, clock.now() - timedelta(days=91)
    session.commit()
    assert "90" in browser_of(circle.lead).get(address(circle, f"/{ident}")).text


def test_an_address_is_masked():
    assert centre.masked("amira@example.org") == "a…@example.org"
    assert centre.masked(None) == ""


def test_who_reads_the_newsletter_is_not_told(circle, browser_of, session, sink):
    reader = make_person("Rita Leserin")
    subscribing.subscribe(circle.process, reader, "de")
    subscribing.ask(circle.process, reader.email, "de")
    issue = issues.draft(circle.process, circle.moderator)
    campaigns.change_texts(issue, Texts("Neues im Mai", "Text"), 0, circle.moderator)
    issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    issues.run(issue.id)
    for ident in session.scalars(select(OutboxMessage.id)).all():
        delivery.deliver(ident)
    lead = browser_of(circle.lead)
    page = lead.get(address(circle)).text
    assert "Neues im Mai" in page
    for shown in (page, lead.get(address(circle, ".csv")).response.get_data(as_text=True)):
        assert "Rita" not in shown
        assert reader.email not in shown
    assert not lead.get(address(circle, "?q=Rita")).html.select("tbody tr")


def test_a_long_file_is_read_in_pieces_and_holds_every_mail_once(
    circle, browser_of, letter, count_queries, session, monkeypatch
):
    monkeypatch.setattr(export, "PIECE", 4)
    idents = [queued(make_person(f"Gast {n}"), n + 1, process_id=circle.process.id) for n in range(10)]
    session.commit()
    with count_queries() as sent:
        answer = browser_of(circle.lead).get(address(circle, ".csv")).response
        file = b"".join(answer.iter_encoded()).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(file), delimiter=";"))
    assert [row[0] for row in rows[1:]] == [str(ident) for ident in reversed(idents)]
    assert len([one for one in sent if "outbox_message" in one and "LIMIT" in one]) == 3
    assert not any("sent_text" in one for one in sent), "the texts weigh too much to be read for a list"


def test_a_file_begins_before_all_of_it_is_read(circle, letter, session, app, monkeypatch):
    monkeypatch.setattr(export, "PIECE", 2)
    read = []

    def rows(place: int, number: int) -> tuple[list[list[str]], int | None]:
        read.append((place, language()))
        return [[str(place)]] * number, place + 1 if place < 2 else None

    with app.test_request_context(), in_language("en"):
        pieces = export.long_csv("n.csv", ["Number"], rows).iter_encoded()
    assert next(pieces) == b'\xef\xbb\xbf"Number"\r\n'
    assert not read
    assert next(pieces) == b'"0"\r\n"0"\r\n'
    assert read == [(0, "en")]
    assert len(list(pieces)) == 2
