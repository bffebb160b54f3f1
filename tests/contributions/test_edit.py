"""Correcting one's own words, in time, with the earlier ones on record."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.contributions import operations, tallies
from consult.contributions.models import EDIT_TIME, ContributionText, ModerationReason, State
from consult.errors import Conflict, Refused
from consult.moderation import operations as deciding
from consult.processes.models import Moderation
from tests.contributions.factories import make_town


def texts(session, contribution):
    return list(
        session.scalars(
            select(ContributionText.body)
            .where(ContributionText.contribution_id == contribution.id)
            .order_by(ContributionText.revision)
        )
    )


def test_the_earlier_text_stays_on_record(session):
    town = make_town()
    contribution = town.write("Eins")
    assert operations.edit(contribution, town.citizen, "Zwei", 0)
    assert texts(session, contribution) == ["Eins", "Zwei"]
    assert contribution.revision == 1
    assert contribution.edited_at is not None


def test_an_unchanged_text_makes_no_revision(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Eins")
    assert not operations.edit(contribution, town.citizen, "  Eins\r\n", 0)
    assert (contribution.revision, contribution.edited_at) == (0, None)


def test_a_stale_base_is_a_conflict_with_both_texts(session):
    town = make_town()
    contribution = town.write("Eins")
    operations.edit(contribution, town.citizen, "Zwei", 0)
    with pytest.raises(Conflict) as conflict:
        operations.edit(contribution, town.citizen, "Drei", 0)
    assert (conflict.value.yours, conflict.value.theirs, conflict.value.current_id) == ("Drei", "Zwei", 1)
    assert texts(session, contribution) == ["Eins", "Zwei"]


def test_a_published_text_can_be_changed_for_30_minutes_to_the_instant(session):
    town = make_town()
    contribution = town.write("Eins")
    end = contribution.created_at + EDIT_TIME
    assert operations.edit(contribution, town.citizen, "Zwei", 0, now=end - timedelta(microseconds=1))
    with pytest.raises(Refused):
        operations.edit(contribution, town.citizen, "Drei", 1, now=end)


def test_what_nobody_has_looked_at_can_be_changed_as_long_as_it_waits(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Eins")
    later = contribution.created_at + timedelta(days=3)
    assert operations.edit(contribution, town.citizen, "Zwei", 0, now=later)
    assert contribution.state == State.pending


def test_under_pre_moderation_a_changed_text_waits_again(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Eins")
    deciding.approve(contribution, town.moderator)
    assert operations.goes_back_to_moderation(contribution, town.citizen)
    operations.edit(contribution, town.citizen, "Zwei", 0)
    assert contribution.state == State.pending
    assert tallies.recount() == {}


def test_under_post_moderation_a_changed_text_stays_and_is_unseen_again(session):
    town = make_town(moderation=Moderation.post)
    contribution = town.write("Eins")
    deciding.approve(contribution, town.moderator)
    assert not operations.goes_back_to_moderation(contribution, town.citizen)
    operations.edit(contribution, town.citizen, "Zwei", 0)
    assert contribution.state == State.published
    deciding.approve(contribution, town.lead)


@pytest.mark.parametrize("moderation", Moderation)
def test_a_text_that_was_held_back_can_be_changed_and_waits_again(session, moderation):
    town = make_town(moderation=moderation)
    contribution = town.write("Mit Telefonnummer")
    deciding.hide(contribution, town.moderator, town.reason)
    later = clock.now() + timedelta(days=2)
    operations.edit(contribution, town.citizen, "Ohne Telefonnummer", 0, now=later)
    assert contribution.state == State.pending


def test_a_withdrawn_one_is_over(session):
    town = make_town()
    contribution = town.write("Eins")
    operations.withdraw(contribution, town.citizen)
    with pytest.raises(Refused):
        operations.edit(contribution, town.citizen, "Zwei", 0)


def test_empty_and_too_long_texts_are_refused(session):
    town = make_town()
    contribution = town.write("Eins")
    for text in ("", " \n", "x" * 4001):
        with pytest.raises(Refused):
            operations.edit(contribution, town.citizen, text, 0)


def test_a_decision_taken_meanwhile_is_not_overwritten_by_an_edit(session):
    town = make_town()
    contribution = town.write("Eins")
    seen_by_author = dict(vars(contribution))
    deciding.hide(contribution, town.moderator, session.get(ModerationReason, town.reason.id))
    # The author's request read the row before the moderator's commit.
    contribution.__dict__["state"] = seen_by_author["state"]
    with pytest.raises(Conflict):
        operations.edit(contribution, town.citizen, "Zwei", 0)
    session.refresh(contribution)
    assert contribution.state == State.hidden
