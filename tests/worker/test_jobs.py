"""Jobs leave after the outermost commit, and never hold up whoever caused them."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import select

from consult import broker
from consult.accounts.models import Person
from consult.jobs import Job, ThreadPublisher, enqueue
from tests.services import free_port


def test_a_job_leaves_after_the_commit_and_only_once(session: Any, poked: list[Any]) -> None:
    enqueue(session, Job.deliver, 7)
    assert poked == []
    session.commit()
    session.commit()
    assert poked == [(Job.deliver, (7,))]


def test_a_rollback_forgets_the_job(session: Any, poked: list[Any]) -> None:
    session.execute(select(Person))
    enqueue(session, Job.deliver, 7)
    session.rollback()
    session.commit()
    assert poked == []


def test_a_released_savepoint_lets_nothing_leave_early(session: Any, poked: list[Any]) -> None:
    with session.begin_nested():
        enqueue(session, Job.deliver, 7)
    assert poked == []
    session.rollback()
    session.commit()
    assert poked == []


def test_a_savepoint_that_fails_keeps_the_jobs_of_the_whole(session: Any, poked: list[Any]) -> None:
    enqueue(session, Job.deliver, 7)
    nested = session.begin_nested()
    nested.rollback()
    session.commit()
    assert poked == [(Job.deliver, (7,))]


def test_a_broker_that_hangs_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    gate, hanging = threading.Event(), threading.Event()

    def send(name: str, ids: tuple[int, ...]) -> None:
        hanging.set()
        gate.wait(10)

    publish = ThreadPublisher(send, size=2)
    publish(Job.deliver, (0,))
    # Only when the first one hangs is the queue full for good: one overflow, one line.
    assert hanging.wait(5)
    started = time.monotonic()
    for number in range(1, 100):
        publish(Job.deliver, (number,))
    assert time.monotonic() - started < 1
    assert caplog.text.count("job queue full") == 1
    gate.set()


def test_a_broker_that_fails_is_logged_and_tried_again_with_the_next_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[tuple[int, ...]] = []
    done = threading.Event()

    def send(name: str, ids: tuple[int, ...]) -> None:
        if ids == (1,):
            raise ConnectionError("amira@example.org")
        sent.append(ids)
        done.set()

    publish = ThreadPublisher(send)
    publish(Job.deliver, (1,))
    publish(Job.deliver, (2,))
    assert done.wait(5)
    assert sent == [(2,)]
    assert "could not poke consult.deliver (ConnectionError)" in caplog.text
    assert "amira" not in caplog.text


def test_poking_a_broker_that_is_not_there_fails_soon() -> None:
    send = broker.sender(f"redis://127.0.0.1:{free_port()}/0")
    started = time.monotonic()
    with pytest.raises(Exception, match="."):
        send(Job.deliver.value, (1,))
    assert time.monotonic() - started < 10
