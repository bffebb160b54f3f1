"""Moderators at the same time, on real connections."""

import pytest
from sqlalchemy import select

from consult.contributions import operations, tallies
from consult.contributions.models import Contribution, ModerationAct, ModerationReason
from consult.errors import Refused
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.moderation.assigning import assign, holder_of
from consult.moderation.bulk import Pick, decide, undo_batch
from consult.moderation.heads import gather
from consult.moderation.models import Gathered
from consult.processes.models import Moderation, Process
from tests.contributions.test_parallel import one, real, scene, who, written
from tests.together import at_once

__all__ = ["real"]


@pytest.fixture
def ids(real):
    return scene(real, Moderation.pre)


def process_of(ids):
    return db.session.get_one(Process, ids["process"])


def picks(idents):
    rows = db.session.execute(
        select(Contribution.number, Contribution.state, Contribution.revision).where(Contribution.id.in_(idents))
    )
    return [Pick(*row) for row in rows]


def checked(real, idents):
    """Each contribution stands where its last act put it, and the tallies are exact."""
    with real.app_context():
        for ident in idents:
            acts = db.session.scalars(select(ModerationAct).filter_by(contribution_id=ident).order_by(ModerationAct.id))
            last = acts.all()[-1:]
            assert not last or one(ident).state == last[0].state_after
        assert tallies.recount() == {}
        db.session.remove()


def test_a_batch_and_a_single_decision_never_both_decide(real, ids):
    for _ in range(5):
        idents = [written(real, ids) for _n in range(4)]
        with real.app_context():
            seen = picks(idents)
            db.session.remove()

        def batch(seen=seen):
            reason = db.session.get_one(ModerationReason, ids["reason"])
            return decide(process_of(ids), who(ids, "lead"), seen, reason=reason)

        def single(ident=idents[2]):
            return deciding.approve(one(ident), who(ids, "moderator"), seen=("pending", 0)).id

        outcome, alone = at_once(real, batch, single)
        assert len(outcome.done) == (4 if isinstance(alone, Refused) else 3)
        with real.app_context():
            for ident in idents:
                assert len(db.session.scalars(select(ModerationAct).filter_by(contribution_id=ident)).all()) == 1
            db.session.remove()
        checked(real, idents)


def test_two_batches_over_the_same_ones_share_them_out(real, ids):
    idents = [written(real, ids) for _n in range(6)]
    with real.app_context():
        seen = picks(idents)
        db.session.remove()

    def batch(role, order):
        return lambda: decide(process_of(ids), who(ids, role), list(order))

    first, second = at_once(real, batch("lead", seen), batch("moderator", reversed(seen)))
    assert sorted([*first.done, *second.done]) == sorted(pick.number for pick in seen)
    checked(real, idents)


def test_undoing_all_twice_at_once_undoes_once(real, ids):
    idents = [written(real, ids) for _n in range(3)]
    (outcome,) = at_once(real, lambda: decide(process_of(ids), who(ids, "lead"), picks(idents)))
    results = at_once(
        real,
        lambda: undo_batch(process_of(ids), who(ids, "lead"), outcome.batch),
        lambda: undo_batch(process_of(ids), who(ids, "moderator"), outcome.batch),
    )
    assert sum(isinstance(result, Refused) for result in results) == 1
    checked(real, idents)


def test_an_author_who_edits_while_a_batch_is_decided_is_never_decided_unseen(real, ids):
    for _ in range(5):
        ident = written(real, ids)
        with real.app_context():
            seen = picks([ident])
            db.session.remove()
        at_once(
            real,
            lambda seen=seen: decide(process_of(ids), who(ids, "lead"), seen),
            lambda ident=ident: operations.edit(one(ident), who(ids, "citizen"), "Ganz anders", 0),
        )
        with real.app_context():
            assert (one(ident).state, one(ident).revision) in {("published", 0), ("pending", 1)}
            db.session.remove()


def test_of_two_who_take_it_one_gets_it_and_the_other_is_told(real, ids):
    for _ in range(5):
        ident = written(real, ids)

        def take(role, ident=ident):
            return lambda: assign(one(ident), who(ids, role), ids[role], held_by=None)

        results = at_once(real, take("lead"), take("moderator"))
        assert sum(isinstance(result, Refused) for result in results) == 1
        with real.app_context():
            winner = "moderator" if isinstance(results[0], Refused) else "lead"
            assert holder_of(ident)[0] == ids[winner]
            db.session.remove()


def test_two_who_gather_each_under_the_other_leave_one_head(real, ids):
    for _ in range(5):
        first, second = written(real, ids), written(real, ids)
        with real.app_context():
            a, b = one(first).number, one(second).number
            db.session.remove()
        results = at_once(
            real,
            lambda a=a, b=b: gather(process_of(ids), who(ids, "lead"), a, [b]),
            lambda a=a, b=b: gather(process_of(ids), who(ids, "moderator"), b, [a]),
        )
        assert sum(isinstance(result, Refused) for result in results) == 1
        with real.app_context():
            rows = db.session.scalars(select(Gathered).where(Gathered.contribution_id.in_([first, second]))).all()
            assert len(rows) == 1
            db.session.remove()
