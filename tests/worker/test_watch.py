"""A worker that gets no more tasks, though the clock ticks, ends itself instead of staying deaf."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.worker import state

from tests.faults.stage import ROOT
from worker import watch as module
from worker.watch import Watch

pytestmark = pytest.mark.pure


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(module, "DEAF", 0.05)
    monkeypatch.setattr(state, "should_stop", None)
    return Watch()


def test_whoever_hears_something_is_not_deaf(watch):
    watch.heard -= 1
    watch.hear(request="anything")
    assert not watch.is_deaf()


def test_whoever_hears_nothing_is_told_to_end_as_a_failure(watch, caplog):
    watch.heard -= 1
    watch.watch()
    assert state.should_stop == 1
    assert "deaf" in caplog.text


def test_whoever_is_busy_is_not_deaf(watch, monkeypatch):
    monkeypatch.setattr(state, "active_requests", {"a task"})
    watch.heard -= 1
    assert not watch.is_deaf()
    monkeypatch.setattr(state, "active_requests", set())
    assert not watch.is_deaf(), "it counts from the end of the work"


@pytest.mark.parametrize("connection", [None, SimpleNamespace(connected=False)])
def test_whoever_looks_for_the_broker_is_not_deaf(watch, connection):
    watch.consumer = SimpleNamespace(connection=connection)
    watch.heard -= 1
    assert not watch.is_deaf()
    watch.consumer.connection = SimpleNamespace(connected=True)
    watch.heard -= 1
    assert watch.is_deaf()


def test_the_worker_watches_itself(tmp_path: Path) -> None:
    """No clock runs here, so that nothing is ever heard."""
    program = (
        "import sys; from celery.__main__ import main; from worker import watch; watch.DEAF = 1.0\n"
        "sys.argv = 'celery -A worker:celery worker -P threads -c 1'.split(); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "CONSULT_ENV": "embedded", "DEMO": "0",
             "SECRET_KEY": "x" * 40},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert "is deaf" in done.stdout + done.stderr
    assert done.returncode == 1
