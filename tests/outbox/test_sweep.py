"""What the sweeper finds, and what it leaves alone."""

from datetime import timedelta
from typing import Any

from consult import clock
from consult.jobs import Job
from consult.outbox import claims, delivery, operations
from consult.outbox.claims import LADDER, LEASE
from consult.outbox.delivery import deliver
from consult.outbox.models import State
from tests.conftest import MONDAY
from tests.factories import make_person
from tests.outbox.factories import KIND, in_the_air, queued, row
from tests.sink import Sink


def swept(session: Any, poked: list[Any]) -> int:
    """How much the sweeper found, which workers are called for."""
    poked.clear()
    due = operations.sweep(clock.now())
    session.commit()
    assert all(job == Job.deliver_due for job, _ids in poked)
    assert bool(poked) == bool(due)
    return due


def test_queueing_pokes_only_after_the_commit(session: Any, poked: list[Any]) -> None:
    person = make_person()
    session.commit()
    ident = operations.queue(KIND, 1, person.id)
    assert poked == []
    session.commit()
    assert poked == [(Job.deliver, (ident,))]


def test_promising_the_same_mail_twice_makes_one_row(session: Any, poked: list[Any]) -> None:
    person = make_person()
    first = queued(person)
    assert operations.queue(KIND, 1, person.id) is None
    session.commit()
    assert poked == [(Job.deliver, (first,))]
    assert operations.queue(KIND, 1, person.id, period="2") is not None


def test_a_lost_poke_is_repeated_after_a_moment(session: Any, poked: list[Any], at: Any) -> None:
    moment = at(MONDAY)
    queued(make_person())
    assert swept(session, poked) == 0
    at(moment + operations.GRACE)
    assert swept(session, poked) == 1


def test_a_retry_is_poked_when_its_time_has_come(
    session: Any, poked: list[Any], at: Any, sink: Sink, letter: str
) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    sink.refuse_all = "450 later"
    deliver(ident)
    at(moment + LADDER[0] - timedelta(seconds=1))
    assert swept(session, poked) == 0
    at(moment + LADDER[0])
    assert swept(session, poked) == 1


def test_what_a_dead_worker_holds_is_poked_when_the_lease_is_over(session: Any, poked: list[Any], at: Any) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    in_the_air(ident, moment)
    at(moment + LEASE - timedelta(seconds=1))
    assert swept(session, poked) == 0
    at(moment + LEASE)
    assert swept(session, poked) == 1


def test_a_heap_calls_for_few_workers_and_for_none_where_enough_are_busy(
    session: Any, poked: list[Any], at: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(operations, "BATCH", 2)
    monkeypatch.setattr(claims, "BATCH", 2)
    moment = at(MONDAY)
    person = make_person()
    for number in range(20):
        queued(person, number)
    moment = at(moment + timedelta(hours=1))
    assert swept(session, poked) == 20
    assert len(poked) == operations.WORKERS
    for busy in range(operations.WORKERS):
        assert len(claims.reserve(moment + timedelta(milliseconds=busy))) == 2
    poked.clear()
    assert operations.sweep(clock.now()) == 20 - 2 * operations.WORKERS
    session.commit()
    assert poked == []


def test_a_batch_takes_the_oldest_first(session: Any, at: Any, sink: Sink, letter: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(claims, "BATCH", 3)
    moment = at(MONDAY)
    person = make_person()
    idents = []
    for number in range(5):
        at(moment + timedelta(seconds=number))
        idents.append(queued(person, number))
    assert [delivery.deliver_due() for _ in range(3)] == [3, 2, 0]
    assert [received.message["Subject"] for received in sink.messages] == [f"Einladung {n}" for n in range(5)]
    assert {row(ident).state for ident in idents} == {State.sent}


def test_final_states_are_left_alone(session: Any, poked: list[Any], at: Any) -> None:
    moment = at(MONDAY)
    person = make_person()
    for number, state in enumerate((State.sent, State.failed, State.uncertain, State.dropped)):
        row(queued(person, number)).state = state
    session.commit()
    at(moment + timedelta(days=3))
    assert swept(session, poked) == 0


def test_copies_are_blanked_after_their_time(session: Any, at: Any, sink: Sink, letter: str, poked: list[Any]) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    deliver(ident)
    at(moment + operations.KEEP_COPIES)
    assert operations.purge_copies(clock.now()) == 0
    at(moment + operations.KEEP_COPIES + timedelta(seconds=1))
    assert operations.purge_copies(clock.now()) == 1
    stored = row(ident)
    assert (stored.state, stored.sent_subject, stored.sent_text) == (State.sent, None, None)


def test_what_a_batch_gives_back_is_found_again_also_when_a_dead_worker_left_it(
    session: Any, at: Any, sink: Sink, letter: str, monkeypatch: Any
) -> None:
    moment = at(MONDAY)
    person = make_person()
    left = queued(person, 1)
    in_the_air(left, moment)
    moment = at(moment + LEASE)
    others = [queued(person, number) for number in range(2, 5)]
    monkeypatch.setattr(delivery, "BATCH_SECONDS", -1.0)
    assert delivery.deliver_due() == 1, "the time is up after the first"
    at(moment + timedelta(seconds=1))
    while delivery.deliver_due():
        pass
    assert {row(ident).state for ident in (left, *others)} == {State.sent}
