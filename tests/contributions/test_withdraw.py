"""Taking something back."""

import pytest

from consult.contributions import operations, tallies
from consult.contributions.models import State
from consult.errors import Refused
from tests.contributions.factories import make_town


@pytest.mark.parametrize("state", [State.pending, State.published])
def test_the_author_takes_it_back_at_any_time(session, state):
    town = make_town(moderation="pre" if state == State.pending else "post")
    contribution = town.write()
    operations.withdraw(contribution, town.citizen)
    assert contribution.state == State.withdrawn
    assert contribution.number == 1
    assert tallies.recount() == {}


@pytest.mark.parametrize("state", [State.hidden, State.withdrawn])
def test_what_is_not_shown_cannot_be_withdrawn(session, state):
    town = make_town()
    contribution = town.write()
    contribution.state = state
    session.flush()
    with pytest.raises(Refused):
        operations.withdraw(contribution, town.citizen)


def test_the_replies_stay(session):
    town = make_town()
    contribution = town.write()
    reply = town.write(reply_to=contribution, actor=town.neighbour)
    operations.withdraw(contribution, town.citizen)
    assert reply.state == State.published
