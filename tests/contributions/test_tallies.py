"""The tallies kept by the writes are what counting the rows would give, whatever happened."""

import random

import pytest

from consult.contributions import operations, tallies
from consult.contributions.models import Contribution, ContributionTally, ModerationAct, Stance
from consult.errors import Refused
from consult.moderation import operations as deciding
from consult.processes.models import Moderation
from tests.contributions.factories import make_element, make_town


@pytest.mark.parametrize("seed", range(12))
def test_after_any_sequence_of_verbs(session, seed):
    chance = random.Random(seed)
    town = make_town(moderation=chance.choice(list(Moderation)))
    places = [town.goal, make_element(town.concept, "anderswo"), None]

    def some():
        return chance.choice(session.query(Contribution).all())

    def write():
        place = chance.choice(places)
        town.write(stance=chance.choice([None, *Stance]), element_id=place.id if place else None)

    def undo():
        deciding.undo(chance.choice(session.query(ModerationAct).all()), town.lead)

    verbs = [
        write,
        lambda: town.write(reply_to=some()),
        lambda: operations.edit(some(), town.citizen, f"Text {chance.random()}", chance.choice([0, 0, 1])),
        lambda: operations.withdraw(some(), town.citizen),
        lambda: deciding.approve(some(), town.moderator),
        lambda: deciding.approve(some(), town.moderator),
        lambda: deciding.hide(some(), town.moderator, town.reason),
        undo,
    ]
    for _ in range(4):
        write()
    done = 0
    for _ in range(60):
        with session.begin_nested() as savepoint:
            try:
                chance.choice(verbs)()
                done += 1
            except (Refused, operations.Conflict, IndexError):
                savepoint.rollback()
        assert tallies.recount() == {}
    assert done > 10


def test_a_wrong_tally_is_found_and_put_right(session):
    town = make_town()
    town.write(stance=Stance.support)
    tallies.add(town.goal.id, town.process.id, Stance.support, 5)
    key = (town.goal.id, town.process.id, "support")
    assert tallies.recount(repair=True) == {key: (6, 1)}
    assert tallies.recount() == {}
    assert session.query(ContributionTally).populate_existing().one().published == 1
