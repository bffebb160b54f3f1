"""What moderators decide, how it is undone, and what authors are told."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.contributions import operations, queries, tallies
from consult.contributions.models import ContributionTally, ModerationAct, ModerationReason, State
from consult.contributions.rules import add_reason, change_reason, retire_reason
from consult.errors import Refused
from consult.moderation import decided as decided_lately
from consult.moderation import operations as deciding
from consult.moderation import queue as desk
from consult.moderation.queue import DeskList
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation
from tests.conftest import MONDAY
from tests.contributions.factories import make_town
from tests.factories import flushed, make_process


def mails(session, contribution):
    return list(
        session.scalars(
            select(OutboxMessage).where(OutboxMessage.recipient_id == contribution.author_id).order_by(OutboxMessage.id)
        )
    )


def published(session, town):
    return session.scalar(select(ContributionTally.published).where(ContributionTally.element_id == town.goal.id))


# --- approve ------------------------------------------------------------------------------------------


def test_approving_publishes_counts_and_tells_the_author(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    act = deciding.approve(contribution, town.moderator)
    assert contribution.state == State.published
    assert contribution.published_at is not None
    assert (act.state_before, act.state_after) == ("pending", "published")
    assert published(session, town) == 1
    assert [m.kind for m in mails(session, contribution)] == ["contribution_published"]


def test_a_post_moderated_one_is_looked_at_once_and_nobody_is_mailed(session):
    town = make_town(moderation=Moderation.post)
    contribution = town.write()
    deciding.approve(contribution, town.moderator)
    assert contribution.state == State.published
    assert mails(session, contribution) == []
    with pytest.raises(Refused):
        deciding.approve(contribution, town.lead)
    assert published(session, town) == 1


@pytest.mark.parametrize("state", [State.hidden, State.withdrawn])
def test_what_is_gone_cannot_be_approved(session, state):
    town = make_town()
    contribution = town.write()
    contribution.state = state
    session.flush()
    with pytest.raises(Refused):
        deciding.approve(contribution, town.moderator)


def test_the_first_day_in_public_is_kept(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    first = clock.now() - timedelta(hours=2)
    deciding.approve(contribution, town.moderator, now=first)
    operations.edit(contribution, town.citizen, "Anders", 0)
    deciding.approve(contribution, town.moderator)
    assert contribution.published_at == first


# --- hide ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", Moderation)
def test_holding_back_needs_a_published_reason_and_tells_the_author(session, how):
    town = make_town(moderation=how)
    contribution = town.write()
    act = deciding.hide(contribution, town.moderator, town.reason, "Bitte ohne den Namen der Lehrerin.")
    assert contribution.state == State.hidden
    assert (act.reason_id, act.note) == (town.reason.id, "Bitte ohne den Namen der Lehrerin.")
    assert [m.kind for m in mails(session, contribution)] == ["contribution_hidden"]
    assert tallies.recount() == {}


def test_a_reason_of_another_process_or_one_no_longer_used_is_refused(session):
    town = make_town()
    elsewhere = flushed(ModerationReason(process_id=make_process().id, key="x", text="Woanders"))
    contribution = town.write()
    with pytest.raises(Refused):
        deciding.hide(contribution, town.moderator, elsewhere)
    add_reason(town.process, town.lead, "Ein anderer Grund")
    retire_reason(town.reason, town.lead)
    with pytest.raises(Refused):
        deciding.hide(contribution, town.moderator, town.reason)
    assert contribution.state == State.published


def test_one_reason_stays_while_people_may_write(session):
    town = make_town()
    with pytest.raises(Refused):
        retire_reason(town.reason, town.lead)
    other = add_reason(town.process, town.lead, "Ein anderer Grund")
    retire_reason(town.reason, town.lead)
    retired_at = town.reason.retired_at
    retire_reason(town.reason, town.lead)
    assert town.reason.retired_at == retired_at, "a second press changes nothing"
    with pytest.raises(Refused):
        retire_reason(other, town.lead)
    assert change_reason(other, town.lead, "Besser gesagt").retired_at is None, "new words are no way out of use"


def test_the_second_moderator_is_told_and_overwrites_nothing(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    deciding.approve(contribution, town.moderator)
    # The second one's request had read the row before: still pending in its eyes.
    contribution.__dict__["state"] = State.pending
    with pytest.raises(Refused, match="inzwischen"):
        deciding.hide(contribution, town.lead, town.reason)
    session.refresh(contribution)
    assert contribution.state == State.published
    assert len(session.scalars(select(ModerationAct)).all()) == 1


# --- undo ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", Moderation)
@pytest.mark.parametrize("verb", ["approve", "hide"])
def test_undoing_puts_everything_back(session, how, verb):
    town = make_town(moderation=how)
    contribution = town.write()
    before = contribution.state
    act = (
        deciding.approve(contribution, town.moderator)
        if verb == "approve"
        else deciding.hide(contribution, town.moderator, town.reason)
    )
    undoing = deciding.undo(act, town.lead)
    assert contribution.state == before
    assert undoing.undoes_id == act.id
    assert tallies.recount() == {}


def test_only_the_last_decision_can_be_undone_and_only_once(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    first = deciding.approve(contribution, town.moderator)
    second = deciding.hide(contribution, town.moderator, town.reason)
    with pytest.raises(Refused):
        deciding.undo(first, town.moderator)
    undoing = deciding.undo(second, town.moderator)
    for act in (second, undoing):
        with pytest.raises(Refused):
            deciding.undo(act, town.moderator)
    # The one before is not the last one either: an undoing came after it.
    with pytest.raises(Refused):
        deciding.undo(first, town.moderator)


def test_a_decision_cannot_be_undone_after_the_author_has_acted(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    act = deciding.hide(contribution, town.moderator, town.reason)
    operations.edit(contribution, town.citizen, "Anders", 0)
    with pytest.raises(Refused):
        deciding.undo(act, town.moderator)


# --- mails --------------------------------------------------------------------------------------------


def test_the_mail_says_reason_and_note_and_leads_to_the_contribution(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Das steht nicht in der Mail.")
    deciding.hide(contribution, town.moderator, town.reason, "Bitte *ohne* Namen.\n[Klick](http://boese.example)")
    (message,) = mails(session, contribution)
    assert kind("contribution_hidden").wanted(message)
    mail = kind("contribution_hidden").render(message)
    number = f"{town.process.code}-1"
    assert number in mail.subject
    assert "Enthält private Daten" in mail.body
    assert f"/p/{town.process.slug}/contributions/1" in mail.body
    assert "[Klick](" not in mail.body, "a note makes no links"
    assert "Das steht nicht" not in mail.body


@pytest.mark.parametrize("verb", ["approve", "hide"])
def test_an_undone_decision_is_not_told_any_more(session, verb):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    act = (
        deciding.approve(contribution, town.moderator)
        if verb == "approve"
        else deciding.hide(contribution, town.moderator, town.reason)
    )
    deciding.undo(act, town.moderator)
    (message,) = mails(session, contribution)
    assert not kind(message.kind).wanted(message)


def test_what_comes_back_into_public_is_told(session):
    town = make_town(moderation=Moderation.post)
    contribution = town.write()
    deciding.undo(deciding.hide(contribution, town.moderator, town.reason), town.moderator)
    hidden, visible = mails(session, contribution)
    assert not kind(hidden.kind).wanted(hidden)
    assert kind(visible.kind).wanted(visible)
    assert f"{town.process.code}-1" in kind(visible.kind).render(visible).subject


def test_a_contribution_without_a_known_author_causes_no_mail(session):
    town = make_town()
    card = operations.capture(
        town.process, actor=town.lead, text="Karte", stance=None, created_at=clock.now(), author_name="Karte"
    )
    deciding.hide(card, town.moderator, town.reason)
    assert session.scalar(select(OutboxMessage.id)) is None


# --- the desk -----------------------------------------------------------------------------------------


def queue(town, which=DeskList.pending, **kwargs):
    return desk.queue(town.process, town.moderator, which, **kwargs)


def test_the_queue_is_oldest_first_and_says_what_is_later_than_promised(session, at):
    # A Thursday: the days before it are working days as well.
    now = at(MONDAY + timedelta(days=3))
    town = make_town(moderation=Moderation.pre)
    for hours in (1, 26, 5):
        town.write(f"vor {hours} Stunden", now=now - timedelta(hours=hours))
    items = queue(town).items
    assert [item.shown.body for item in items] == ["vor 26 Stunden", "vor 5 Stunden", "vor 1 Stunden"]
    assert [item.overdue for item in items] == [True, False, False]
    number, oldest = queries.waiting(town.process.id)
    assert (number, oldest) == (3, now - timedelta(hours=26))


def test_an_item_has_its_text_its_parent_and_what_was_said_before(session):
    town = make_town(moderation=Moderation.post)
    parent = town.write("Darum geht es")
    reply = town.write("Dazu meine ich", reply_to=parent)
    deciding.hide(reply, town.moderator, town.reason, "Bitte ohne Namen")
    operations.edit(reply, town.citizen, "Dazu meine ich etwas", 0)
    (item,) = queue(town).items
    assert item.parent_body == "Darum geht es"
    assert item.place.heading == "2.1 Gut ankommen"
    assert (item.past.held_back.reason, item.past.held_back.note) == ("Enthält private Daten", "Bitte ohne Namen")


def test_the_queue_goes_on_from_a_number_even_when_that_one_is_decided(session):
    town = make_town(moderation=Moderation.pre)
    now = clock.now()
    written = [town.write(f"{n}", now=now - timedelta(minutes=60 - n)) for n in range(30)]
    first = queue(town)
    assert len(first.items) == 20
    assert first.next_cursor == "1-20"
    deciding.approve(written[19], town.moderator)
    second = queue(town, after=(1, 20))
    assert [item.shown.number for item in second.items] == list(range(21, 31))


def test_what_appeared_at_once_is_unseen_until_looked_at_and_again_after_a_change(session):
    town = make_town(moderation=Moderation.post)
    contribution = town.write("Eins")
    operations.capture(town.process, actor=town.lead, text="Karte", stance=None, created_at=clock.now())
    assert [i.shown.number for i in queue(town, DeskList.unseen).items] == [1]
    act = deciding.approve(contribution, town.moderator)
    assert queue(town, DeskList.unseen).items == []
    deciding.undo(act, town.moderator)
    assert len(queue(town, DeskList.unseen).items) == 1
    deciding.approve(contribution, town.moderator)
    operations.edit(contribution, town.citizen, "Zwei", 0)
    assert len(queue(town, DeskList.unseen).items) == 1
    deciding.approve(contribution, town.moderator)
    assert queue(town, DeskList.unseen).items == []


def test_the_queue_needs_the_same_number_of_queries_for_one_and_for_many(session, count_queries):
    town = make_town(moderation=Moderation.pre)
    town.write("Der erste")
    queue(town)  # asks once what the moderator is
    needed = []
    for more in (1, 20):
        for n in range(more):
            town.write(f"Beitrag {n}")
        session.flush()
        with count_queries() as sent:
            queue(town)
        needed.append(len(sent))
    assert needed[0] == needed[1] <= 6


def test_recent_decisions_offer_to_undo_the_last_one_of_each(session):
    town = make_town(moderation=Moderation.pre)
    one, two = town.write("Eins"), town.write("Zwei")
    deciding.approve(one, town.moderator)
    deciding.hide(one, town.moderator, town.reason)
    deciding.undo(deciding.approve(two, town.moderator), town.lead)
    decided = decided_lately.recently_decided(town.process)
    assert [(d.number, d.can_undo) for d in decided] == [(2, False), (2, False), (1, True), (1, False)]
    assert [d.reason for d in decided] == [None, None, "Enthält private Daten", None]


# --- rules --------------------------------------------------------------------------------------------


def test_a_changed_reason_leaves_the_words_of_earlier_decisions(session):
    town = make_town()
    contribution = town.write()
    deciding.hide(contribution, town.moderator, town.reason)
    better = change_reason(town.reason, town.lead, "Enthält Angaben über andere Menschen", 1)
    added = add_reason(town.process, town.lead, "Werbung", 2)
    assert queries.notice_for(contribution).reason == "Enthält private Daten"
    assert [r.id for r in queries.reasons_of(town.process.id)] == [better.id, added.id]
    assert queries.hidden_by_reason(town.process.id) == {town.reason.id: 1}


# --- questions ----------------------------------------------------------------------------------------


def test_a_question_is_answered_when_somebody_of_the_staff_replies_in_public(session):
    town = make_town()
    asked, other = town.write("Wann?", stance="question"), town.write("Wo?", stance="question")
    town.write("Weiß ich auch nicht", reply_to=asked, actor=town.neighbour)
    assert [q.number for q in queries.unanswered_questions(town.process.id)] == [1, 2]
    town.write("Am Montag", reply_to=asked, actor=town.lead)
    assert [q.number for q in queries.unanswered_questions(town.process.id)] == [other.number]
