"""What the desk's mails say, in the recipient's language, and what they never say."""

import pytest
from sqlalchemy import select

from consult.moderation import appeals, duty, erasing, operations, reports
from consult.moderation.models import Appeal
from consult.outbox.kinds import Guarantee, all_kinds
from consult.outbox.mime import plain_text
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation
from tests.contributions.factories import make_town
from tests.weighing.factories import rendered

PAGE = "/p/integration/contributions/1"


@pytest.fixture
def town(session):
    return make_town(title="Integrationskonzept", slug="integration", code="IK")


def the_mail(session, name):
    return session.scalars(select(OutboxMessage).where(OutboxMessage.kind == name).order_by(OutboxMessage.id)).all()[-1]


def says(message, *words):
    mail = rendered(message)
    text = plain_text(mail.body)
    for word in words:
        assert word in text, word
    assert "IK-1" in mail.subject
    assert "lang=en" in mail.body
    assert mail.why
    return text


@pytest.mark.parametrize("outcome", ["kept", "hidden", "settled"])
def test_whoever_reported_reads_what_came_of_it(town, session, outcome):
    contribution = town.write("Worte des Beitrags")
    reports.make(contribution, reporter=town.neighbour, reason=town.reason, note="Meine Meldung")
    if outcome == "kept":
        reports.keep(contribution, town.moderator, "Kritik ist erlaubt.")
    elif outcome == "hidden":
        operations.hide(contribution, town.moderator, town.reason, "Nur an die Verfasserin")
    else:
        erasing.confirm(erasing.request(contribution, town.moderator, town.reason, ""), town.lead)
    text = says(the_mail(session, "report_closed"), PAGE if outcome == "kept" else "/p/integration/rules")
    assert ("Kritik ist erlaubt." in text) == (outcome == "kept")
    assert "Worte des Beitrags" not in text
    assert "Nur an die Verfasserin" not in text


@pytest.mark.parametrize("granted", [True, False])
def test_the_author_reads_the_answer_to_an_appeal(town, session, granted):
    contribution = town.write()
    operations.hide(contribution, town.moderator, town.reason)
    appeal = session.get_one(Appeal, appeals.make(contribution, town.citizen, "Bitte"))
    appeals.decide(appeal, town.lead, granted, "Wir haben es besprochen.")
    text = says(the_mail(session, "appeal_decided"), "Wir haben es besprochen.", PAGE)
    assert ("published again" in text) == granted


def test_the_author_of_erased_words_reads_the_reason_and_not_the_words(town, session):
    contribution = town.write("Die Worte selbst")
    request = erasing.request(contribution, town.moderator, town.reason, "Da stand eine Adresse.")
    erasing.confirm(request, town.lead)
    text = says(the_mail(session, "contribution_erased"), town.reason.text, "Da stand eine Adresse.", PAGE)
    assert "Die Worte selbst" not in text


def test_what_is_held_back_can_be_looked_at_again_by_a_link_in_the_mail(town, session):
    operations.hide(town.write(), town.moderator, town.reason)
    says(the_mail(session, "contribution_hidden"), f"{PAGE}/appeal")


def test_the_mail_of_the_morning_lists_what_waits(session):
    town = make_town(title="Integrationskonzept", slug="integration", code="IK", moderation=Moderation.pre)
    town.write()
    message = OutboxMessage(kind="moderation_waiting", subject_id=1, recipient_id=town.moderator.id)
    today = duty.today_in(town.process)
    duty.add(town.process, town.lead, town.moderator.id, None, today, today)
    mail = rendered(message)
    assert "1 contribution waits" in plain_text(mail.body)
    assert "/p/integration/moderation" in mail.body


def test_decisions_are_told_at_least_once_and_the_morning_at_most_once():
    ours = {
        name: one.guarantee for name, one in all_kinds().items() if one.render.__module__ == "consult.moderation.emails"
    }
    assert ours.pop("moderation_waiting") == Guarantee.at_most_once
    assert set(ours.values()) == {Guarantee.at_least_once}
