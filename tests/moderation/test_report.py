"""Reporting a contribution: with an account or without one, once per person, told what came of it."""

import pytest
from sqlalchemy import select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contributions import operations as contributions
from consult.contributions.models import State
from consult.errors import Refused
from consult.moderation import appeals, operations, reports
from consult.moderation.bulk import Pick, decide, undo_batch
from consult.moderation.models import Appeal, Report, ReportOutcome
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.contributions.factories import make_town


def mails(session, kind):
    return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)))


def report(town, contribution, reporter, **fields):
    return reports.make(contribution, reporter=reporter, reason=town.reason, note=fields.pop("note", "Nadel"), **fields)


def test_a_reader_reports_and_the_link_stands_on_the_contribution(browser_of, session):
    town = make_town()
    contribution = town.write("Anstößig")
    reader = browser_of(town.neighbour)
    address = town.number_path(contribution, "/report")
    assert reader.get(town.number_path(contribution)).html.find("a", href=address)
    answer = reader.submit(address, {"reason_id": str(town.reason.id), "note": "Da steht eine Nummer."})
    assert answer.location == town.number_path(contribution)
    row = session.scalars(select(Report)).one()
    assert (row.reporter_id, row.reason_id, row.note) == (town.neighbour.id, town.reason.id, "Da steht eine Nummer.")


def test_the_same_person_reports_once(browser_of, session):
    town = make_town()
    contribution = town.write()
    reader = browser_of(town.neighbour)
    address = town.number_path(contribution, "/report")
    reader.submit(address, {"reason_id": str(town.reason.id)})
    again = reader.submit(address, {"reason_id": "-1", "note": "Noch einmal"}, status=409)
    assert "Noch einmal" in str(again.html)
    assert len(session.scalars(select(Report)).all()) == 1


def test_another_reason_needs_own_words(browser_of, session):
    town = make_town()
    contribution = town.write()
    reader = browser_of(town.neighbour)
    page = reader.submit(town.number_path(contribution, "/report"), {"reason_id": "-1"}, status=200)
    assert page.html.find(class_="error-summary")
    assert not session.scalars(select(Report)).all()


def test_without_an_account_the_outcome_stands_under_a_code(browser, app, session):
    town = make_town()
    contribution = town.write()
    address = town.number_path(contribution, "/report")
    slip = browser.follow(browser.submit(address, {"reason_id": str(town.reason.id), "note": "Bitte prüfen"}))
    code = slip.html.find(class_="code").get_text(strip=True)
    reports.keep(contribution, town.moderator, "Das ist Kritik und erlaubt.")
    session.commit()
    elsewhere = Browser(app)
    found = elsewhere.follow(elsewhere.submit("/receipt", {"code": code.lower()}))
    assert "Das ist Kritik und erlaubt." in found.text
    assert "Bitte prüfen" in found.text
    elsewhere.submit("/receipt/close", form_at="/receipt/report")
    assert elsewhere.get("/receipt/report", status=303).location == "/receipt"


def test_a_program_that_fills_in_everything_is_stopped(browser, session):
    town = make_town()
    contribution = town.write()
    fields = {"reason_id": str(town.reason.id), "website": "x"}
    browser.submit(town.number_path(contribution, "/report"), fields, status=200)
    assert not session.scalars(select(Report)).all()


def test_a_flood_from_one_address_is_slowed(app, browser, session):
    app.config["GUEST_CONTRIBUTIONS_PER_HOUR"], before = 1, app.config["GUEST_CONTRIBUTIONS_PER_HOUR"]
    try:
        town = make_town()
        address = town.number_path(town.write(), "/report")
        browser.submit(address, {"reason_id": str(town.reason.id)})
        browser.submit(address, {"reason_id": str(town.reason.id)}, status=429)
    finally:
        app.config["GUEST_CONTRIBUTIONS_PER_HOUR"] = before
    assert len(session.scalars(select(Report)).all()) == 1


def test_what_is_not_public_or_ones_own_cannot_be_reported(browser, browser_of, session):
    town = make_town()
    contribution = town.write()
    browser_of(town.citizen).get(town.number_path(contribution, "/report"), status=409)
    with pytest.raises(Refused):
        report(town, contribution, town.citizen)
    operations.hide(contribution, town.moderator, town.reason)
    browser.get(town.number_path(contribution, "/report"), status=404)
    with pytest.raises(Refused):
        report(town, contribution, town.neighbour)


def test_holding_it_back_closes_all_reports_and_tells_everybody_who_reported(session):
    town = make_town()
    contribution = town.write()
    report(town, contribution, town.neighbour)
    report(town, contribution, town.steering)
    operations.hide(contribution, town.moderator, town.reason)
    rows = session.scalars(select(Report)).all()
    assert {row.outcome for row in rows} == {ReportOutcome.hidden}
    assert {mail.recipient_id for mail in mails(session, "report_closed")} == {town.neighbour.id, town.steering.id}


def wanted(mail):
    return kind(mail.kind).wanted(mail)


def test_undoing_the_hold_opens_its_reports_again_and_takes_the_mail_back(session):
    town = make_town()
    contribution = town.write()
    report(town, contribution, town.neighbour)
    act = operations.hide(contribution, town.moderator, town.reason)
    (mail,) = mails(session, "report_closed")
    assert wanted(mail)
    operations.undo(act, town.moderator)
    session.expire_all()
    row = session.scalars(select(Report)).one()
    assert (row.outcome, row.answer, row.closed_by_id, row.closed_at) == (None, "", None, None)
    assert reports.open_reports([contribution.id]) == {contribution.id: 1}
    assert not wanted(mail), "nothing has come of the report"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.report_reopened.value)).one()
    assert entry.facts == {"report_id": row.id}
    # Decided anew, the person who reported is told of that, and only of that.
    reports.keep(contribution, town.moderator, "Das ist Kritik und erlaubt.")
    session.expire_all()
    assert [wanted(one) for one in sorted(mails(session, "report_closed"), key=lambda one: one.id)] == [False, True]


def test_undoing_opens_only_what_that_hold_had_closed(session):
    town = make_town()
    contribution, other = town.write(), town.write("Noch einer")
    report(town, contribution, town.neighbour)
    report(town, other, town.neighbour)
    operations.hide(other, town.moderator, town.reason)
    reports.keep(contribution, town.moderator, "Erlaubt.")
    report(town, contribution, town.steering)
    act = operations.hide(contribution, town.moderator, town.reason)
    operations.undo(act, town.moderator)
    session.expire_all()
    found = {(row.contribution_id, row.reporter_id): row.outcome for row in session.scalars(select(Report))}
    assert found == {
        (contribution.id, town.neighbour.id): ReportOutcome.kept,
        (contribution.id, town.steering.id): None,
        (other.id, town.neighbour.id): ReportOutcome.hidden,
    }


def test_undoing_many_together_opens_the_reports_of_all(session):
    town = make_town()
    written = [town.write(f"Nummer {n}") for n in range(3)]
    for contribution in written[:2]:
        report(town, contribution, town.neighbour)
    picks = [Pick(one.number, one.state, one.revision) for one in written]
    held = decide(town.process, town.moderator, picks, reason=town.reason)
    assert reports.waiting(town.process.id)[0] == 0
    undo_batch(town.process, town.moderator, held.batch)
    assert reports.waiting(town.process.id)[0] == 2


def test_a_hold_taken_back_after_an_appeal_leaves_its_reports_closed(session):
    """Somebody has looked twice and decided: there is nothing to decide about the reports any more."""
    town = make_town()
    contribution = town.write()
    report(town, contribution, town.neighbour)
    operations.hide(contribution, town.moderator, town.reason)
    appeal = session.get_one(Appeal, appeals.make(contribution, town.citizen, "Bitte noch einmal."))
    appeals.decide(appeal, town.lead, True, "Das war ein Versehen.")
    assert contribution.state == State.published
    assert reports.open_reports([contribution.id]) == {}


def test_a_moderator_lets_it_stand_with_a_sentence(browser_of, session):
    town = make_town()
    contribution = town.write()
    report(town, contribution, town.neighbour, note="Das gefällt mir nicht")
    desk = browser_of(town.moderator)
    address = town.path(f"/moderation/{contribution.number}/reports")
    page = desk.get(address)
    assert "Das gefällt mir nicht" in page.text
    assert town.neighbour.name in page.text
    desk.submit(address, {"answer": "Kritik ist erlaubt."})
    row = session.scalars(select(Report)).one()
    assert (row.outcome, row.answer, row.closed_by_id) == (ReportOutcome.kept, "Kritik ist erlaubt.", town.moderator.id)
    assert contribution.state == State.published
    with pytest.raises(Refused):
        reports.keep(contribution, town.lead, "Zu spät")


def test_a_withdrawn_contribution_settles_its_reports(session):
    town = make_town()
    contribution = town.write()
    report(town, contribution, town.neighbour)
    contributions.withdraw(contribution, town.citizen)
    assert session.scalars(select(Report)).one().outcome == ReportOutcome.settled


def test_nobody_but_the_moderators_learns_who_reported_and_what(browser, browser_of, session):
    town = make_town()
    town.neighbour.name = "Nadel-Melderin"
    contribution = town.write()
    report(town, contribution, town.neighbour, note="Nadel-Meldung")
    address = town.number_path(contribution)
    for visitor in (browser, browser_of(town.citizen), browser_of(town.editor)):
        for path in (address, f"{address}/report", town.path("/contributions"), town.path("/rules/figures")):
            answer = visitor.client.get(path)
            assert "Nadel-Meld" not in answer.get_data(as_text=True)
    operations.hide(contribution, town.moderator, town.reason)
    session.commit()
    assert "Nadel-Meld" not in browser_of(town.citizen).get(address).response.get_data(as_text=True)


def test_the_reports_of_another_process_are_not_here(browser_of, session):
    town, other = make_town(), make_town()
    other.write()
    browser_of(town.moderator).get(other.path("/moderation/1/reports"), status=403)
    browser_of(town.moderator).get(town.path("/moderation/77/reports"), status=404)


def test_the_desks_page_asks_few_questions(browser_of, session, count_queries):
    town = make_town()
    contribution = town.write()
    report(town, contribution, town.neighbour)
    desk = browser_of(town.moderator)
    address = town.path(f"/moderation/{contribution.number}/reports")
    desk.get(address)
    with count_queries() as queries:
        desk.get(address)
    assert len(queries) <= 15


def test_the_form_asks_few_questions(browser, session, count_queries):
    town = make_town()
    address = town.number_path(town.write(), "/report")
    browser.get(address)
    with count_queries() as queries:
        browser.get(address)
    assert len(queries) <= 10
