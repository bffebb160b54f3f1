"""The worker: every job has a task, the clock only ticks, tasks commit what operations did."""

import importlib
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from kombu.connection import Connection

import config
import consult
from consult import broker, clock, jobs
from consult.audit import operations as audit
from consult.audit.actions import Action
from consult.audit.models import Heartbeat
from consult.jobs import Job
from tests.factories import make_person
from worker.schedule import SCHEDULE, TICKS


@pytest.fixture(scope="session")
def tasks(app: Flask) -> Any:
    """`worker.tasks`, running in the application of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consult, "create_app", lambda: app)
        importlib.import_module("worker")
    return importlib.import_module("worker.tasks")


def test_every_job_has_a_task_and_every_task_is_a_job(tasks: Any) -> None:
    celery = sys.modules["worker"].celery
    celery.loader.import_default_modules()
    ours = {name for name in celery.tasks if name.startswith("consult.")}
    assert ours == {job.value for job in Job}


def test_every_tick_pokes_a_job_and_nothing_waits_for_a_local_hour() -> None:
    assert {entry["task"] for entry in SCHEDULE.values()} == {job.value for job in TICKS}
    poked = {Job.deliver, Job.deliver_due, Job.campaign, Job.letters, Job.newsletter, Job.people_list}
    assert set(TICKS) == set(Job) - poked
    assert all(isinstance(entry["schedule"], float) for entry in SCHEDULE.values())


def test_tasks_are_acknowledged_late_and_one_at_a_time(tasks: Any) -> None:
    conf = sys.modules["worker"].celery.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result
    assert conf.accept_content == ["json"]


def test_sealing_is_committed(session: Any, tasks: Any) -> None:
    person = make_person()
    audit.record(Action.signed_in, person.id, ("account", person.id))
    session.commit()
    tasks.seal.run()
    session.rollback()
    assert audit.head() == 1
    assert session.get(Heartbeat, Job.seal.value) is not None


def test_the_sweeper_and_the_heartbeat_leave_a_mark(session: Any, tasks: Any) -> None:
    tasks.sweep.run()
    tasks.heartbeat.run()
    session.rollback()
    assert {row.name for row in session.query(Heartbeat)} == {Job.sweep.value, Job.heartbeat.value}


def test_the_purge_runs_once_a_night(session: Any, tasks: Any, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[datetime] = []

    def step(now: datetime) -> int:
        calls.append(now)
        return 1

    monkeypatch.setattr(tasks.retention, "STEPS", (step,))
    night = datetime(2026, 3, 17, 2, 10, tzinfo=UTC)
    audit.beat(Job.purge, night - timedelta(days=1))
    session.commit()
    for minutes in (-120, 0, 60, 120, 600):
        at(night + timedelta(minutes=minutes))
        tasks.purge.run()
    assert len(calls) == 1


def test_a_step_of_the_purge_that_fails_keeps_none_of_the_others_and_is_tried_again(
    session: Any, tasks: Any, at: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, calls = [True], 0

    def fails(now: datetime) -> int:
        if broken:
            raise OSError("the disk is full")
        return 0

    def step(now: datetime) -> int:
        nonlocal calls
        calls += 1
        return 0

    monkeypatch.setattr(tasks.retention, "STEPS", (fails, step))
    at(datetime(2026, 3, 17, 2, 10, tzinfo=UTC))
    tasks.purge.run()
    assert calls == 1
    assert "the purge of fails failed" in caplog.text
    broken.clear()
    for _tick in range(2):
        tasks.purge.run()
    assert calls == 2


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # kombu's models
def test_consumed_messages_of_an_sql_broker_are_removed_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "broker.sqlite"
    with Connection(f"sqla+sqlite:///{path}") as connection:
        queue = connection.SimpleQueue("celery")
        for number in range(3):
            queue.put({"n": number})
        for _ in range(2):
            queue.get(timeout=2).ack()
        queue.close()
        for engine, _session in connection.default_channel._engines.values():
            engine.dispose()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE kombu_message SET timestamp = '2020-01-01 00:00:00.000001' WHERE id = 1")
        database.commit()
    assert broker.purge_consumed(f"sqla+sqlite:///{path}", clock.now()) == 1
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT id, visible FROM kombu_message ORDER BY id").fetchall() == [(2, 0), (3, 1)]


def test_another_broker_needs_no_purge() -> None:
    assert broker.purge_consumed("redis://127.0.0.1:1/0", clock.now()) == 0


@pytest.mark.parametrize("url", ["carrier-pigeon://coop", "redys://127.0.0.1", ""])
def test_an_unknown_broker_is_named(url: str) -> None:
    with pytest.raises(config.SettingsError, match="BROKER_URL"):
        broker.check(url)


def test_tests_have_no_publisher(app: Flask) -> None:
    before = jobs.set_publisher(None)
    try:
        broker.init_app(app)
        assert jobs.set_publisher(None) is None
    finally:
        jobs.set_publisher(before)
