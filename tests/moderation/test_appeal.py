"""Another look at a decision: asked once, decided by somebody else, answered either way."""

import pytest
from sqlalchemy import delete, select

from consult.contributions import guests
from consult.contributions import operations as contributions
from consult.contributions.models import ModerationAct, Stance, State
from consult.errors import Refused
from consult.groups.models import Membership
from consult.moderation import appeals, operations, reports
from consult.moderation.models import Appeal
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function, Moderation
from tests.contributions.factories import make_town
from tests.factories import make_group, make_person

CODE = "7K3M-Q0TW-94XA-B2ZR"


def hidden(town, **fields):
    contribution = town.write("Deutliche Kritik", **fields)
    operations.hide(contribution, town.moderator, town.reason)
    return contribution


def appeal_of(session, contribution, body="Das war nur Kritik."):
    ident = appeals.make(contribution, None, body)
    return session.get_one(Appeal, ident)


def mails(session, kind):
    return [mail.recipient_id for mail in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind))]


def test_the_author_asks_on_the_page_of_the_contribution(browser_of, session):
    town = make_town()
    contribution = hidden(town)
    author = browser_of(town.citizen)
    address = town.number_path(contribution, "/appeal")
    assert author.get(town.number_path(contribution)).html.find("a", href=address)
    author.submit(address, {"body": "Das war nur Kritik."})
    row = session.scalars(select(Appeal)).one()
    assert (row.body, row.person_id, row.granted) == ("Das war nur Kritik.", town.citizen.id, None)
    assert not author.get(town.number_path(contribution)).html.find("a", href=address)
    author.get(address, status=409)


def test_one_appeal_for_each_decision(session):
    town = make_town()
    contribution = hidden(town)
    appeal_of(session, contribution)
    with pytest.raises(Refused):
        appeals.make(contribution, town.citizen, "Noch einmal")


def test_only_the_author_can_ask_and_only_about_what_is_held_back(browser, browser_of, session):
    town = make_town()
    contribution = hidden(town)
    address = town.number_path(contribution, "/appeal")
    browser.get(address, status=404)
    browser_of(town.neighbour).get(address, status=404)
    browser_of(town.moderator).get(address, status=403)
    open_one = town.write("Steht da")
    browser_of(town.citizen).get(town.number_path(open_one, "/appeal"), status=409)


def test_somebody_else_of_the_team_decides(browser_of, session):
    town = make_town()
    appeal = appeal_of(session, hidden(town))
    address = town.path(f"/moderation/appeals/{appeal.id}")
    own = browser_of(town.moderator)
    assert not own.get(address).html.find("form", action=address)
    with pytest.raises(Refused):
        appeals.decide(appeal, town.moderator, True, "Doch")
    other = browser_of(town.lead)
    assert other.get(town.path("/moderation/second-look")).html.find("a", href=address)
    other.submit(address, {"granted": "yes", "answer": "Sie haben recht."})
    session.refresh(appeal)
    assert (appeal.granted, appeal.answer, appeal.decided_by_id) == (True, "Sie haben recht.", town.lead.id)


def test_alone_in_the_team_one_decides_about_oneself(session):
    town = make_town()
    lone = make_person("Allein")
    session.execute(delete(Membership).where(Membership.person_id.in_((town.moderator.id, town.lead.id))))
    make_group(town.process, Function.moderation, lone)
    contribution = town.write("Kritik")
    operations.hide(contribution, lone, town.reason)
    appeals.decide(appeal_of(session, contribution), lone, False, "Bleibt so.")
    assert contribution.state == State.hidden


def test_granted_it_is_public_again_and_the_author_gets_one_mail(session):
    town = make_town()
    contribution = hidden(town)
    ident = appeals.make(contribution, town.citizen, "Das war nur Kritik.")
    appeals.decide(session.get_one(Appeal, ident), town.lead, True, "Sie haben recht.")
    assert contribution.state == State.published
    assert mails(session, "appeal_decided") == [town.citizen.id]
    assert not mails(session, "contribution_published")


def test_granted_what_never_appeared_appears(session):
    town = make_town(moderation=Moderation.pre)
    contribution = hidden(town)
    appeals.decide(appeal_of(session, contribution), town.lead, True, "Sie haben recht.")
    assert contribution.state == State.published
    assert contribution.published_at is not None


def test_declined_it_stays_and_the_author_is_told(session):
    town = make_town()
    contribution = hidden(town)
    ident = appeals.make(contribution, town.citizen, "Bitte")
    appeals.decide(session.get_one(Appeal, ident), town.lead, False, "Die Nummer muss weg.")
    assert contribution.state == State.hidden
    assert mails(session, "appeal_decided") == [town.citizen.id]


def test_whoever_decides_second_is_told(session):
    town = make_town()
    contribution = hidden(town)
    appeal = appeal_of(session, contribution)
    appeals.decide(appeal, town.lead, False, "Bleibt.")
    with pytest.raises(Refused):
        appeals.decide(appeal, make_person("Dritte"), True, "Doch nicht")
    session.refresh(appeal)
    assert appeal.granted is False
    assert contribution.state == State.hidden


def test_when_the_author_changed_it_meanwhile_the_changed_text_appears(session):
    town = make_town()
    contribution = hidden(town)
    appeal = appeal_of(session, contribution)
    contributions.edit(contribution, town.citizen, "Freundlicher", 0)
    appeals.decide(appeal, town.lead, True, "Gern.")
    assert contribution.state == State.published


def test_what_changed_after_the_moderator_looked_does_not_appear(browser_of, session):
    town = make_town()
    contribution = hidden(town)
    appeal = appeal_of(session, contribution)
    address = town.path(f"/moderation/appeals/{appeal.id}")
    desk = browser_of(town.lead)
    looked = desk.get(address).form_fields(address)
    contributions.edit(contribution, town.citizen, "Ganz etwas anderes", 0)
    session.commit()
    again = desk.post(address, {**looked, "granted": "yes", "answer": "Gern."}, status=409)
    session.refresh(contribution)
    assert contribution.state == State.pending
    assert "Ganz etwas anderes" in again.text
    desk.post(address, {**again.form_fields(address), "granted": "yes", "answer": "Gern."})
    session.refresh(contribution)
    assert contribution.state == State.published


def test_nobody_decides_about_their_own_words(browser_of, session):
    town = make_town()
    contribution = town.write("Kritik", actor=town.lead)
    operations.hide(contribution, town.moderator, town.reason)
    appeal = session.get_one(Appeal, appeals.make(contribution, town.lead, "Bitte"))
    address = town.path(f"/moderation/appeals/{appeal.id}")
    assert not browser_of(town.lead).get(address).html.find("form", action=address)
    with pytest.raises(Refused):
        appeals.decide(appeal, town.lead, True, "Doch")


def test_withdrawn_meanwhile_it_cannot_be_shown_again(session):
    town = make_town()
    contribution = hidden(town)
    appeal = appeal_of(session, contribution)
    contributions.edit(contribution, town.citizen, "Freundlicher", 0)
    contributions.withdraw(contribution, town.citizen)
    with pytest.raises(Refused):
        appeals.decide(appeal, town.lead, True, "Gern.")


def test_with_a_receipt_code_one_asks_and_reads_the_answer(browser, session):
    town = make_town()
    contribution = guests.submit(
        town.process, text="Ohne Konto", stance=Stance.change, code=CODE, element_id=town.goal.id
    )
    operations.hide(contribution, town.moderator, town.reason)
    session.commit()
    browser.submit("/receipt", {"code": CODE})
    assert browser.get("/receipt/contribution").html.find("a", href="/receipt/contribution/appeal")
    browser.submit("/receipt/contribution/appeal", {"body": "Das war freundlich gemeint."})
    appeal = session.scalars(select(Appeal)).one()
    appeals.decide(appeal, town.lead, False, "Es steht eine Nummer darin.")
    session.commit()
    assert "Es steht eine Nummer darin." in browser.get("/receipt/contribution").text


def test_the_name_of_an_account_stands_at_nothing_written_without_one(browser_of, session):
    town = make_town()
    contribution = guests.submit(
        town.process, text="Ohne Namen", stance=Stance.change, code=CODE, element_id=town.goal.id, author=town.citizen
    )
    operations.hide(contribution, town.moderator, town.reason)
    appeal = session.get_one(Appeal, appeals.make(contribution, None, "Bitte"))
    desk = browser_of(town.lead)
    for page in ("second-look", f"appeals/{appeal.id}", f"authors/{town.citizen.id}"):
        assert town.citizen.name not in desk.get(town.path(f"/moderation/{page}")).text


def test_what_the_author_says_is_for_the_moderators(browser, browser_of, session):
    town = make_town()
    contribution = hidden(town)
    appeal_of(session, contribution, "Nadel-Einspruch")
    appeals.decide(session.scalars(select(Appeal)).one(), town.lead, True, "Nadel-Antwort")
    session.commit()
    for visitor in (browser, browser_of(town.neighbour)):
        text = visitor.get(town.number_path(contribution)).response.get_data(as_text=True)
        assert "Nadel-" not in text
    assert session.scalars(select(ModerationAct)).all()


def test_the_appeals_of_another_process_are_not_here(browser_of, session):
    town, other = make_town(), make_town()
    appeal = appeal_of(session, hidden(other))
    browser_of(town.moderator).get(town.path(f"/moderation/appeals/{appeal.id}"), status=404)


@pytest.mark.parametrize("page", ["/moderation/second-look", "/moderation/appeals/{appeal}"])
def test_the_pages_ask_few_questions(browser_of, session, count_queries, page):
    town = make_town()
    appeal = appeal_of(session, hidden(town))
    desk = browser_of(town.lead)
    address = town.path(page.format(appeal=appeal.id))
    desk.get(address)
    with count_queries() as queries:
        desk.get(address)
    assert len(queries) <= 15


def test_my_tasks_name_reports_and_second_looks(browser_of, session):
    town = make_town()
    contribution = town.write()
    reports.make(contribution, reporter=town.neighbour, reason=town.reason, note="")
    appeal_of(session, hidden(town))
    page = browser_of(town.lead).get("/tasks")
    assert page.html.find("a", href=town.path("/moderation/second-look"))
    assert page.html.find("a", href=town.path("/moderation?list=reported"))
