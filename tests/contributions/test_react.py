"""Saying "I think so too" or "I see it differently"."""

import pytest
from sqlalchemy import func, select

from consult.contributions import operations, tallies
from consult.contributions.models import Reaction, ReactionKind, State
from consult.errors import Refused
from consult.processes.models import Activity, Audience
from tests.contributions.factories import make_town
from tests.factories import make_stage


def test_a_second_time_counts_nothing(session):
    town = make_town()
    contribution = town.write()
    assert operations.react(contribution, town.neighbour)
    assert not operations.react(contribution, town.neighbour)
    assert session.scalar(select(func.count()).select_from(Reaction)) == 1


def test_taking_it_back_is_always_possible(session):
    town = make_town()
    contribution = town.write()
    operations.react(contribution, town.neighbour)
    assert operations.take_back(contribution, town.neighbour)
    assert not operations.take_back(contribution, town.neighbour)
    assert session.scalar(select(func.count()).select_from(Reaction)) == 0


def test_nobody_agrees_with_oneself(session):
    town = make_town()
    with pytest.raises(Refused):
        operations.react(town.write(), town.citizen)


@pytest.mark.parametrize("state", [State.pending, State.hidden, State.withdrawn])
def test_only_with_what_everybody_reads(session, state):
    town = make_town()
    contribution = town.write()
    contribution.state = state
    session.flush()
    with pytest.raises(Refused):
        operations.react(contribution, town.neighbour)


def test_only_while_a_stage_is_open_to_one(session):
    town = make_town(open_now=False)
    make_stage(town.process, Activity.comment)
    contribution = town.write()
    with pytest.raises(Refused):
        operations.react(contribution, town.neighbour)
    make_stage(town.process, Activity.react, audience=Audience.members)
    with pytest.raises(Refused):
        operations.react(contribution, town.neighbour)
    assert operations.react(contribution, town.steering)


def test_who_changes_their_mind_counts_once_and_on_the_other_side(session):
    town = make_town()
    contribution = town.write()
    operations.react(contribution, town.neighbour)
    operations.react(contribution, town.steering)
    assert operations.react(contribution, town.neighbour, ReactionKind.disagree)
    assert not operations.react(contribution, town.neighbour, ReactionKind.disagree)
    assert (contribution.agrees, contribution.disagrees, contribution.unsure) == (1, 1, 0)
    operations.take_back(contribution, town.neighbour)
    assert (contribution.agrees, contribution.disagrees) == (1, 0)
    assert tallies.recount_reactions() == []


def test_a_counter_that_is_wrong_is_found(session):
    town = make_town()
    contribution = town.write()
    operations.react(contribution, town.neighbour)
    contribution.agrees = 7
    session.flush()
    assert tallies.recount_reactions() == [contribution.id]


def test_both_sides_have_a_button_and_a_count(browser_of, session):
    town = make_town()
    contribution = town.write()
    operations.react(contribution, town.steering, ReactionKind.disagree)
    visitor = browser_of(town.neighbour)
    here, react = town.number_path(contribution), town.number_path(contribution, "/react")
    fields = visitor.get(here).form_fields(react)
    visitor.post(react, {**fields, "kind": "disagree"})
    session.refresh(contribution)
    assert contribution.disagrees == 2
    visitor.post(react, {**fields, "form_id": "another", "kind": "unsure"}, status=400)
