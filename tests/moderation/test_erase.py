"""Erasing for good: two pairs of eyes, and afterwards the words are nowhere."""

import pytest
from sqlalchemy import select

from consult import clock
from consult.audit.operations import head, seal
from consult.contributions import operations as contributions
from consult.contributions.models import ContributionText, ContributionTranslation, ModerationAct, ModerationKind, State
from consult.contributions.queries import counts_of_process
from consult.digests import operations as digests
from consult.errors import Refused
from consult.extensions import db
from consult.moderation import appeals, erasing, operations, reports
from consult.moderation.models import Appeal, ErasureRequest, Report
from consult.outbox.models import OutboxMessage
from consult.outbox.models import State as MailState
from consult.processes.models import Function
from tests.contributions.factories import make_town
from tests.factories import flushed, make_group, make_person

NEEDLE = "Nadelwort-4711"


def big_town():
    """A team of three: moderator, lead, and one more."""
    town = make_town()
    make_group(town.process, Function.moderation, make_person("Dritte"))
    return town


def everywhere(needle):
    """The tables in which a text stands, in whatever column."""
    found = []
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(select(*table.columns)).mappings():
            if any(needle in str(value) for value in row.values()):
                found.append(table.name)
    return sorted(set(found))


def test_another_one_of_the_team_confirms(browser_of, session):
    town = big_town()
    contribution = town.write(NEEDLE)
    address = town.path(f"/moderation/{contribution.number}/erase")
    first, second = browser_of(town.moderator), browser_of(town.lead)
    first.submit(address, {"reason_id": str(town.reason.id), "note": "Bitte ohne Nummer."})
    assert not first.get(address).html.find("form", action=f"{address}/confirm")
    asked = session.scalars(select(ErasureRequest)).one()
    with pytest.raises(Refused):
        erasing.confirm(asked, town.moderator)
    assert second.get(town.path("/moderation/second-look")).html.find("a", href=address)
    second.submit(f"{address}/confirm", form_at=address)
    session.refresh(contribution)
    assert contribution.state == State.hidden
    assert everywhere(NEEDLE) == []
    act = session.scalars(select(ModerationAct)).one()
    assert (act.kind, act.reason_id, act.actor_id) == (ModerationKind.erase, town.reason.id, town.lead.id)


def test_the_words_are_in_no_table_whatever_happened_to_them(browser_of, session):
    town = big_town()
    contribution = town.write(f"{NEEDLE} zuerst", author_name=f"{NEEDLE}-Name")
    contributions.edit(contribution, town.citizen, f"{NEEDLE} dann", 0)
    flushed(
        ContributionTranslation(contribution_id=contribution.id, lang="en", revision=1, body=f"{NEEDLE} translated")
    )
    operations.hide(contribution, town.moderator, town.reason)
    seal()
    digests.compile(town.process, head(), clock.now())
    for path in ("", "/edit"):
        browser_of(town.citizen).get(town.number_path(contribution, path))
    asked = erasing.request(contribution, town.moderator, town.reason, "")
    erasing.confirm(asked, town.lead)
    session.commit()
    assert everywhere(NEEDLE) == []
    moderator, author = browser_of(town.moderator), browser_of(town.citizen)
    for visitor in (moderator, author):
        assert NEEDLE not in visitor.get(town.number_path(contribution)).text
    assert NEEDLE not in author.client.get("/account/data/download").get_data(as_text=True)
    assert NEEDLE not in moderator.get(town.path("/moderation?list=decided")).text


def test_the_words_go_from_the_copies_of_mails_that_quoted_them(session):
    town = make_town()
    contribution = town.write(NEEDLE)
    flushed(
        OutboxMessage(
            kind="contribution_answered", subject_id=1, recipient_id=town.citizen.id, process_id=town.process.id,
            state=MailState.sent, sent_subject="Was aus Ihrem Beitrag wurde", sent_text=f"Sie schrieben: {NEEDLE}",
        )
    )  # fmt: skip
    erasing.confirm(erasing.request(contribution, town.moderator, town.reason, ""), town.lead)
    assert everywhere(NEEDLE) == []


def test_number_and_reason_stay_public_and_the_tally_goes_down(browser, browser_of, session):
    town = make_town()
    contribution = town.write(NEEDLE)
    reply = town.write("Antwort", actor=town.neighbour, stance=None, reply_to=contribution)
    erasing.confirm(erasing.request(contribution, town.moderator, town.reason, ""), town.lead)
    session.commit()
    assert counts_of_process(town.process.id) == {}
    page = browser_of(town.moderator).get(town.number_path(contribution))
    assert town.reason.text in page.text
    assert reply.state == State.published
    thread = browser.get(town.path("/e/ankommen")).text
    assert NEEDLE not in thread
    assert town.reason.text in thread


def test_a_team_of_two_confirms_alone_after_being_asked(browser_of, session):
    town = make_town()
    contribution = town.write(NEEDLE)
    address = town.path(f"/moderation/{contribution.number}/erase")
    desk = browser_of(town.moderator)
    answer = desk.submit(address, {"reason_id": str(town.reason.id)})
    assert answer.location == address
    assert contribution.state == State.published
    desk.submit(f"{address}/confirm", form_at=address)
    assert everywhere(NEEDLE) == []


def test_asking_twice_is_told(browser_of, session):
    town = big_town()
    contribution = town.write()
    erasing.request(contribution, town.moderator, town.reason, "")
    for person in (town.moderator, town.lead):
        with pytest.raises(Refused):
            erasing.request(contribution, person, town.reason, "")
    assert len(session.scalars(select(ErasureRequest)).all()) == 1


def test_declined_the_words_stay_and_it_can_be_asked_again(browser_of, session):
    town = big_town()
    contribution = town.write(NEEDLE)
    asked = erasing.request(contribution, town.moderator, town.reason, "")
    address = town.path(f"/moderation/{contribution.number}/erase")
    browser_of(town.lead).submit(f"{address}/decline", form_at=address)
    assert session.scalars(select(ContributionText.body)).one() == NEEDLE
    session.refresh(asked)
    with pytest.raises(Refused):
        erasing.confirm(asked, town.lead)
    erasing.request(contribution, town.moderator, town.reason, "")


def test_the_author_is_told_and_reports_and_appeals_are_closed(session):
    town = make_town()
    contribution = town.write(NEEDLE)
    reports.make(contribution, reporter=town.neighbour, reason=town.reason, note="")
    operations.hide(contribution, town.moderator, town.reason)
    ident = appeals.make(contribution, town.citizen, "Bitte")
    erasing.confirm(erasing.request(contribution, town.moderator, town.reason, ""), town.lead)
    kinds = {mail.kind: mail.recipient_id for mail in session.scalars(select(OutboxMessage))}
    assert kinds["contribution_erased"] == town.citizen.id
    assert session.get_one(Appeal, ident, populate_existing=True).granted is False
    assert session.scalars(select(Report)).one().closed_at is not None


def test_an_erasure_is_not_undone_approved_or_edited(session):
    town = make_town()
    contribution = town.write(NEEDLE)
    act = erasing.confirm(erasing.request(contribution, town.moderator, town.reason, ""), town.lead)
    with pytest.raises(Refused):
        operations.undo(act, town.moderator)
    with pytest.raises(Refused):
        operations.approve(contribution, town.moderator)
    with pytest.raises(Refused):
        contributions.edit(contribution, town.citizen, "Neu", 0)
    with pytest.raises(Refused):
        erasing.request(contribution, town.moderator, town.reason, "")
    with pytest.raises(Refused):
        appeals.make(contribution, town.citizen, "Bitte")


def test_the_page_asks_few_questions(browser_of, session, count_queries):
    town = make_town()
    contribution = town.write()
    desk = browser_of(town.moderator)
    address = town.path(f"/moderation/{contribution.number}/erase")
    desk.get(address)
    with count_queries() as queries:
        desk.get(address)
    assert len(queries) <= 15
