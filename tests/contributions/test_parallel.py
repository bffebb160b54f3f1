"""Several people at once, on real connections: numbers without gaps, one decision wins, nothing is counted twice."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.contributions import operations, tallies
from consult.contributions.models import (
    Contribution,
    ContributionTally,
    ModerationAct,
    ModerationReason,
    Reaction,
    ReactionKind,
)
from consult.errors import Refused
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.processes.models import Moderation, Process
from tests.contributions.factories import make_town
from tests.together import at_once, own_application

WRITERS = 8


@pytest.fixture(scope="module")
def real(tmp_path_factory, worker_name) -> Iterator[Flask]:
    with own_application(tmp_path_factory.mktemp("parallel"), f"consult_parallel_{worker_name}") as application:
        yield application


def scene(app: Flask, moderation: Moderation = Moderation.post) -> dict[str, int]:
    """A committed town, as ids: every thread loads its own rows."""
    with app.app_context():
        town = make_town(moderation=moderation)
        ids = {
            "process": town.process.id,
            "goal": town.goal.id,
            "reason": town.reason.id,
            "citizen": town.citizen.id,
            "moderator": town.moderator.id,
            "lead": town.lead.id,
        }
        db.session.commit()
        db.session.remove()
    return ids


def write(ids: dict[str, int]) -> int:
    contribution = operations.submit(
        db.session.get_one(Process, ids["process"]),
        actor=db.session.get_one(Person, ids["citizen"]),
        text="Bitte mehr Bänke.",
        stance="change",
        element_id=ids["goal"],
    )
    return contribution.number or 0


def written(app: Flask, ids: dict[str, int]) -> int:
    with app.app_context():
        write(ids)
        db.session.commit()
        ident = db.session.scalar(select(func.max(Contribution.id)))
        db.session.remove()
    return ident or 0


def one(ident: int) -> Contribution:
    return db.session.get_one(Contribution, ident)


def who(ids: dict[str, int], name: str) -> Person:
    return db.session.get_one(Person, ids[name])


def test_eight_writers_get_numbers_without_a_gap(real):
    ids = scene(real)

    def several() -> object:
        numbers = []
        for _ in range(10):
            numbers.append(write(ids))
            db.session.commit()
        return numbers

    results = at_once(real, *[several] * WRITERS)
    numbers = sorted(n for got in results for n in got)
    assert numbers == list(range(1, 10 * WRITERS + 1))
    with real.app_context():
        kept = db.session.scalar(
            select(ContributionTally.published).where(ContributionTally.process_id == ids["process"])
        )
        assert kept == 10 * WRITERS
        assert tallies.recount() == {}
        db.session.remove()


def test_a_rolled_back_one_leaves_no_gap(real):
    ids = scene(real)

    def fails() -> object:
        write(ids)
        raise Refused("changed my mind")

    at_once(real, fails, *[lambda: write(ids)] * 3, fails)
    with real.app_context():
        numbers = db.session.scalars(select(Contribution.number).where(Contribution.process_id == ids["process"]))
        assert sorted(n or 0 for n in numbers) == [1, 2, 3]
        db.session.remove()


def test_of_two_moderators_one_decides_and_the_other_is_told(real):
    ids = scene(real, Moderation.pre)
    for _ in range(10):
        ident = written(real, ids)
        before = ("pending", 0)

        def approve(ident=ident, before=before):
            return deciding.approve(one(ident), who(ids, "moderator"), seen=before).id

        def hide(ident=ident, before=before):
            reason = db.session.get_one(ModerationReason, ids["reason"])
            return deciding.hide(one(ident), who(ids, "lead"), reason, seen=before).id

        results = at_once(real, approve, hide)
        assert sum(isinstance(result, Refused) for result in results) == 1
        with real.app_context():
            (act,) = db.session.scalars(select(ModerationAct).where(ModerationAct.contribution_id == ident))
            assert one(ident).state == act.state_after
            assert tallies.recount() == {}
            db.session.remove()


def test_of_two_who_look_at_the_same_one_only_one_counts(real):
    ids = scene(real)
    ident = written(real, ids)
    results = at_once(
        real,
        lambda: deciding.approve(one(ident), who(ids, "moderator")).id,
        lambda: deciding.approve(one(ident), who(ids, "lead")).id,
    )
    assert sum(isinstance(result, Refused) for result in results) == 1


def test_undoing_twice_at_once_undoes_once(real):
    ids = scene(real, Moderation.pre)
    ident = written(real, ids)
    (act_id,) = at_once(real, lambda: deciding.approve(one(ident), who(ids, "moderator")).id)
    results = at_once(
        real,
        *[
            lambda: deciding.undo(db.session.get_one(ModerationAct, act_id), who(ids, "moderator")).id,
            lambda: deciding.undo(db.session.get_one(ModerationAct, act_id), who(ids, "lead")).id,
        ],
    )
    assert sum(isinstance(result, Refused) for result in results) == 1
    with real.app_context():
        assert tallies.recount() == {}
        db.session.remove()


def test_a_text_that_changes_while_it_is_approved_does_not_slip_through(real):
    ids = scene(real, Moderation.pre)
    for n in range(10):
        ident = written(real, ids)

        def approve(ident=ident):
            return deciding.approve(one(ident), who(ids, "moderator"), seen=("pending", 0)).id

        def edit(ident=ident, n=n):
            return operations.edit(one(ident), who(ids, "citizen"), f"Neuer Text {n}", 0)

        at_once(real, approve, edit)
        with real.app_context():
            contribution = one(ident)
            assert (contribution.state, contribution.revision) in {("published", 0), ("pending", 1)}
            assert tallies.recount() == {}
            db.session.remove()


def test_the_same_nod_eight_times_at_once_is_one(real):
    ids = scene(real)
    ident = written(real, ids)
    at_once(real, *[lambda: operations.react(one(ident), who(ids, "lead"))] * WRITERS)
    with real.app_context():
        assert db.session.scalar(select(func.count()).where(Reaction.contribution_id == ident)) == 1
        assert one(ident).agrees == 1
        db.session.remove()


def test_people_who_change_their_minds_at_once_are_counted_exactly(real):
    ids = scene(real)
    ident = written(real, ids)
    kinds = (ReactionKind.agree, ReactionKind.disagree)
    at_once(real, *[lambda k=k: operations.react(one(ident), who(ids, "lead"), k) for k in kinds * (WRITERS // 2)])
    at_once(real, *[lambda: operations.take_back(one(ident), who(ids, "lead"))] * 2)
    with real.app_context():
        assert tallies.recount_reactions() == []
        assert (one(ident).agrees, one(ident).disagrees) == (0, 0)
        db.session.remove()
