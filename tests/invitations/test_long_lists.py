"""Long lists: kept, read by the worker, looked at, taken step by step; nothing lost by a crash, nobody twice."""

import io
import tracemalloc
from typing import Any

import pytest
import xlsxwriter
from sqlalchemy import func, select

from consult import clock, personal, retention
from consult.accounts.models import Affiliation, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.invitations import campaigns, counting, lists, long_lists, sending
from consult.invitations.models import Campaign, ListState, PeopleList
from consult.jobs import Job
from tests.factories import make_organisation, make_person
from tests.meetings.factories import BEFORE, Circle, make_circle, refused

EN = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def _two_weeks_before(at: Any) -> None:
    at(BEFORE)


def table(number: int, *more: str) -> bytes:
    lines = ["Name;E-Mail;Organisation", *(f"Gast {n};gast{n}@example.org;Verein" for n in range(number)), *more]
    return "\n".join(lines).encode()


def sent_in(circle: Circle, content: bytes, title: str = "Stadt") -> tuple[Campaign, PeopleList]:
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    sent = long_lists.send_in(campaign, content, title, circle.moderator)
    db.session.commit()
    return campaign, sent


def entries(action: Action) -> list[Any]:
    """Who did it, to what, and what the record knows of it."""
    shown = select(AuditEntry.actor_id, AuditEntry.subject_id, AuditEntry.facts)
    return [tuple(row) for row in db.session.execute(shown.where(AuditEntry.action == action.value))]


def found_in(sent: PeopleList) -> long_lists.Report:
    return long_lists.report_of(db.session.get_one(PeopleList, sent.id))


def test_a_long_list_is_read_looked_at_and_taken_on_pages(browser_of: Any, poked: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(long_lists, "AT_ONCE", 20)
    circle = make_circle()
    make_organisation("Verein")
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    browser = browser_of(circle.moderator)
    home = f"/p/{circle.process.slug}/campaigns/{campaign.id}"
    content = table(30, "=Otto();kein-at;", "Gast 1;gast1@example.org;", "Els;els@example.org;Unbekannt")
    page = browser.submit(
        f"{home}/list", {"file": (io.BytesIO(content), "stadt.csv")}, content_type="multipart/form-data"
    )
    (sent,) = db.session.scalars(select(PeopleList)).all()
    assert page.location == f"{home}/lists/{sent.id}"
    assert (Job.people_list, (sent.id,)) in poked
    waiting = browser.get(page.location, headers=EN)
    assert "is being read" in waiting.text
    assert waiting.response.headers["Refresh"]
    assert "stadt.csv" in browser.get(home).text
    long_lists.run(sent.id)
    shown = browser.get(page.location, headers=EN)
    assert (found_in(sent).people, found_in(sent).doubles, found_in(sent).bad) == (31, 1, {"no_address": 1})
    assert "Otto" in shown.text
    assert "Unbekannt" in shown.text
    assert "Refresh" not in shown.response.headers
    assert b"\"'=Otto()" in browser.client.get(f"{page.location}/unusable.csv").data, "no cell is a formula"
    assert counting.counted(campaign).total.included == 0
    browser.submit(f"{page.location}/take", form_at=page.location)
    told = (circle.moderator.id, sent.id, {"campaign_id": campaign.id, "people": 31})
    assert entries(Action.list_taken) == [told]
    long_lists.take(db.session.get_one(PeopleList, sent.id), circle.moderator)
    assert entries(Action.list_taken) == [told], "pressed twice it happens once"
    db.session.commit()
    long_lists.run(sent.id)
    db.session.expire_all()
    assert db.session.get_one(PeopleList, sent.id).state == ListState.taken
    assert db.session.get_one(PeopleList, sent.id).content is None
    assert counting.counted(campaign).total.mails == 31
    assert "stadt.csv" in browser.get(home).text
    assert db.session.scalar(select(func.count()).select_from(Affiliation)) == 30


def test_a_pasted_long_list_may_be_as_mail_programs_write_it(browser_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(long_lists, "AT_ONCE", 3)
    circle = make_circle()
    browser = browser_of(circle.moderator)
    text = "\n".join(f"Gast {n} <gast{n}@example.org>" for n in range(6))
    url = f"/p/{circle.process.slug}/meetings/{circle.meeting.id}/invite"
    page = browser.submit(url, {"text": text, "subject": "Kommen Sie"})
    (sent,) = db.session.scalars(select(PeopleList)).all()
    assert page.location.endswith(f"/campaigns/{sent.campaign_id}/lists/{sent.id}")
    assert db.session.get_one(Campaign, sent.campaign_id).subject == "Kommen Sie"
    long_lists.run(sent.id)
    assert db.session.get_one(PeopleList, sent.id).total == 6


def test_ten_thousand_pasted_lines_pass_the_door(browser_of: Any) -> None:
    circle = make_circle()
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    text = "\n".join(
        f"Teilnehmerin Nummer {n}; gast{n}@verein-{n % 90}.example.org; Verein {n % 300}" for n in range(10_000)
    )
    url = f"/p/{circle.process.slug}/campaigns/{campaign.id}/list"
    browser_of(circle.moderator).submit(url, {"text": text}, content_type="multipart/form-data")
    (sent,) = db.session.scalars(select(PeopleList)).all()
    long_lists.run(sent.id)
    assert db.session.get_one(PeopleList, sent.id).total == 10_000


def test_an_excel_list_of_more_than_ten_thousand_is_taken_in_bounded_memory(session: Any) -> None:
    number = 10_400
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    sheet = book.add_worksheet()
    for place, cells in enumerate(
        [["Name", "E-Mail"], *([f"Gast {n}", f"gast{n}@example.org"] for n in range(number))]
    ):
        sheet.write_row(place, 0, cells)
    book.close()
    circle = make_circle()
    campaign, sent = sent_in(circle, out.getvalue())
    tracemalloc.start()
    long_lists.run(sent.id)
    long_lists.take(db.session.get_one(PeopleList, sent.id), circle.moderator)
    db.session.commit()
    long_lists.run(sent.id)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counting.counted(campaign).total.mails == number
    assert peak < 80 * 2**20


def test_above_the_limit_it_says_so_and_takes_the_first_ones(browser_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(lists, "MAX_ROWS", 5)
    circle = make_circle()
    campaign, sent = sent_in(circle, table(8))
    long_lists.run(sent.id)
    page = browser_of(circle.moderator).get(
        f"/p/{circle.process.slug}/campaigns/{campaign.id}/lists/{sent.id}", headers=EN
    )
    assert "At most 5 people on one list; please add the others as a second list." in page.text
    assert found_in(sent).people == 5


def test_a_worker_that_dies_between_two_steps_loses_nobody_and_doubles_nobody(session: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(long_lists, "STEP", 4)
    circle = make_circle()
    lines = ["Otto Linde; Weg 3, 52062 Aachen", *(f"gast{n}@example.org" for n in range(9))]
    campaign, sent = sent_in(circle, long_lists.pasted("\n".join(lines)))
    long_lists.run(sent.id)
    long_lists.take(db.session.get_one(PeopleList, sent.id), circle.moderator)
    db.session.commit()
    known = long_lists.persons_for
    calls = []

    def dying(rows: Any, *rest: Any) -> Any:
        calls.append(rows)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return known(rows, *rest)

    monkeypatch.setattr(long_lists, "persons_for", dying)
    with pytest.raises(RuntimeError):
        long_lists.run(sent.id)
    db.session.rollback()
    assert db.session.get_one(PeopleList, sent.id).done == 4
    long_lists.run(sent.id)
    long_lists.run(sent.id)
    assert counting.counted(campaign).total.included == 10
    assert db.session.scalar(select(func.count()).where(Person.name == "Otto Linde")) == 1


def test_a_lost_poke_is_found_by_the_tick(session: Any, poked: Any, at: Any) -> None:
    _campaign, sent = sent_in(make_circle(), table(2))
    db.session.commit()
    poked.clear()
    at(BEFORE + long_lists.PATIENCE * 2)
    sending.tick(clock.now())
    assert (Job.people_list, (sent.id,)) in poked


def test_what_is_no_list_is_refused_with_a_reason(browser_of: Any) -> None:
    circle = make_circle()
    campaign, sent = sent_in(circle, b"PK\x03\x04 no workbook")
    long_lists.run(sent.id)
    page = browser_of(circle.moderator).get(
        f"/p/{circle.process.slug}/campaigns/{campaign.id}/lists/{sent.id}", headers=EN
    )
    assert "This list cannot be used" in page.text
    assert db.session.get_one(PeopleList, sent.id).content is None


def test_a_mailing_on_its_way_takes_no_list_any_more(session: Any) -> None:
    circle = make_circle()
    campaign, sent = sent_in(circle, table(3))
    long_lists.run(sent.id)
    long_lists.take(db.session.get_one(PeopleList, sent.id), circle.moderator)
    campaign.state = "stopped"
    db.session.commit()
    long_lists.run(sent.id)
    assert db.session.get_one(PeopleList, sent.id).state == ListState.refused
    with refused("on its way already"):
        long_lists.send_in(campaign, table(1), "", circle.moderator)


def test_who_is_erased_is_in_no_list_that_waits(session: Any, poked: Any) -> None:
    circle = make_circle()
    content = table(2, "Xaveria;xaveria@example.org;Verein", "Noch einmal;XAVERIA@example.org;", "Els;els@example.org;")
    _campaign, sent = sent_in(circle, content)
    _other, untouched = sent_in(circle, table(3))
    long_lists.run(sent.id)
    long_lists.run(untouched.id)
    assert found_in(sent).people == 4
    person = make_person("Xaveria", email="xaveria@example.org")
    poked.clear()
    personal.erase(person, circle.moderator)
    db.session.commit()
    assert b"averia" not in (sent.content or b"").lower()
    assert (sent.state, untouched.state) == (ListState.arrived, ListState.read)
    assert [args for name, args in poked if name == Job.people_list] == [(sent.id,)]
    long_lists.run(sent.id)
    assert found_in(sent).people == 3
    assert found_in(sent).doubles == 0


def test_who_is_erased_and_got_letters_is_in_no_list_that_waits(session: Any, poked: Any) -> None:
    circle = make_circle()
    lines = "Leyla Haddad; Weg 1, 52062 Aachen\nOlaf Rest; Weg 2, 52062 Aachen"
    _campaign, sent = sent_in(circle, long_lists.pasted(lines))
    person = make_person("Leyla Haddad", email=None, postal_address="Weg 1\n52062 Aachen")
    personal.erase(person, circle.moderator)
    db.session.commit()
    assert b"Haddad" not in (sent.content or b"")
    assert b"Olaf Rest" in (sent.content or b"")


def test_a_list_is_forgotten_by_hand_and_after_thirty_days(browser_of: Any) -> None:
    circle = make_circle()
    campaign, sent = sent_in(circle, table(3))
    _other, later = sent_in(circle, table(3))
    long_lists.run(sent.id)
    sent_id = sent.id
    here = f"/p/{circle.process.slug}/campaigns/{campaign.id}/lists/{sent_id}"
    browser_of(circle.moderator).submit(f"{here}/discard", form_at=here)
    assert entries(Action.list_discarded) == [(circle.moderator.id, sent_id, {"campaign_id": campaign.id})]
    assert db.session.scalars(select(PeopleList.id)).all() == [later.id]
    assert retention.people_lists(BEFORE + retention.KEEP_SHEETS) == 0
    assert retention.people_lists(clock.now() + retention.KEEP_SHEETS * 2) == 1


def test_a_list_of_another_mailing_is_not_found(browser_of: Any) -> None:
    circle = make_circle()
    _one, sent = sent_in(circle, table(1))
    other = campaigns.draft(circle.meeting, circle.moderator)
    browser_of(circle.moderator).get(f"/p/{circle.process.slug}/campaigns/{other.id}/lists/{sent.id}", status=404)
