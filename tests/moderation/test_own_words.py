"""Moderators write as well: somebody else decides about their words, where there is somebody else."""

from datetime import timedelta

import pytest

from consult import clock
from consult.contributions.models import State
from consult.errors import Refused
from consult.groups.models import Membership
from consult.moderation import operations as deciding
from consult.moderation.bulk import Pick, decide, undo_batch
from consult.moderation.team import team_of
from consult.processes.models import Moderation
from tests.contributions.factories import make_town


@pytest.fixture
def town(session):
    return make_town(moderation=Moderation.pre)


def test_a_moderator_neither_approves_nor_holds_back_nor_undoes_about_their_own_words(session, town):
    own = town.write("Von mir selbst", actor=town.moderator)
    with pytest.raises(Refused):
        deciding.approve(own, town.moderator)
    with pytest.raises(Refused):
        deciding.hide(own, town.moderator, town.reason)
    with pytest.raises(Refused):
        decide(town.process, town.moderator, [Pick(own.number, own.state, own.revision)])
    assert own.state == State.pending
    act = deciding.hide(own, town.lead, town.reason)
    with pytest.raises(Refused):
        deciding.undo(act, town.moderator)
    deciding.undo(act, town.lead)
    deciding.approve(own, town.lead)
    assert own.state == State.published


def test_what_a_colleague_decided_together_is_not_undone_by_one_of_its_authors(session, town):
    own, other = town.write("Von mir selbst", actor=town.moderator), town.write("Von jemandem")
    outcome = decide(
        town.process, town.lead, [Pick(one.number, one.state, one.revision) for one in (own, other)], reason=town.reason
    )
    session.expire_all()
    with pytest.raises(Refused):
        undo_batch(town.process, town.moderator, outcome.batch)
    session.expire_all()
    assert {own.state, other.state} == {State.hidden}


def test_who_is_alone_decides_about_everything(session, town):
    for membership in session.query(Membership).filter(Membership.person_id == town.lead.id):
        membership.ends_at = clock.now() - timedelta(days=1)
    session.flush()
    assert team_of(town.process.id) == [town.moderator.id]
    own = town.write("Von mir selbst", actor=town.moderator)
    deciding.approve(own, town.moderator)
    assert own.state == State.published
