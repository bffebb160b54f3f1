"""`./run`: starts, refuses, repairs, and leaves no process, however it ends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.services import free_port

ROOT = Path(__file__).parent.parent.parent


class Instance:
    """One start of `./run` without its shell part, as a background job of a shell would start it."""

    def __init__(self, data_dir: Path, port: int, **settings: str) -> None:
        self.data_dir = data_dir
        self.address = f"http://127.0.0.1:{port}"
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= {"DATA_DIR": str(data_dir), "PORT": str(port), "DEMO": "0", **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.supervise"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )

    def status(self) -> int:
        """Of the start page; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.address, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def processes(self) -> list[psutil.Process]:
        """All processes of this instance, wherever they hang in the tree."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("DATA_DIR") == str(self.data_dir)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def named(self, word: str) -> list[psutil.Process]:
        """Those with this word in their command line, oldest first."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if any(word in part for part in process.cmdline()):
                    found.append(process)
        return sorted(found, key=lambda process: process.create_time())

    def end(self, number: signal.Signals) -> str:
        """Send the signal, wait, and return what was said."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[0]


def until(fact: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Starts instances; ends what a failing test leaves behind."""
    started: list[Instance] = []

    def starter(**settings: str) -> Instance:
        port = int(settings.pop("PORT", free_port()))
        instance = Instance(tmp_path / "var", port, **settings)
        started.append(instance)
        return instance

    yield starter
    for instance in started:
        for process in instance.processes():
            process.kill()
        instance.process.wait()
        assert instance.process.stdout is not None
        instance.process.stdout.close()


@pytest.mark.faults
def test_one_interrupt_leaves_no_process_and_keeps_the_data(start: Callable[..., Instance]) -> None:
    instance = start()
    until(lambda: instance.status() == 200, "the start page answers")
    until(lambda: instance.named("celery"), "the worker runs")
    key = (instance.data_dir / "secret_key").read_text()

    second = start(PORT=str(free_port()))
    assert "already running" in second.process.communicate(timeout=30)[0]
    assert second.process.returncode == 1

    said = instance.end(signal.SIGINT)
    assert instance.process.returncode == 0, said
    assert instance.processes() == []
    assert "Willkommen" in said
    assert instance.address in said
    assert "create-admin" in said

    again = start()
    until(lambda: again.status() == 200, "the start page answers again")
    again.end(signal.SIGTERM)
    assert again.processes() == []
    assert (again.data_dir / "secret_key").read_text() == key


@pytest.mark.faults
def test_what_dies_is_started_again_and_nothing_outlives_the_supervisor(
    start: Callable[..., Instance],
) -> None:
    instance = start()
    until(lambda: instance.status() == 200, "the start page answers")
    until(lambda: instance.named("celery"), "the worker runs")
    for word in ("gunicorn", "celery"):
        first = instance.named(word)[0]
        first.kill()
        until(lambda word=word, dead=first: set(instance.named(word)) - {dead}, f"another {word}")  # type: ignore[misc]
    until(lambda: instance.status() == 200, "the start page answers again")

    instance.process.kill()
    said = instance.process.communicate()[0]
    assert said.count("ended unexpectedly") == 2, said
    until(lambda: not instance.processes(), "web server and worker end with their supervisor", 30)


@pytest.mark.pure
def test_a_busy_port_is_named(start: Callable[..., Instance]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        instance = start(PORT=str(port))
        said = instance.process.communicate(timeout=30)[0]
    assert instance.process.returncode == 1
    assert f"Port {port} is in use" in said
    assert "Traceback" not in said


@pytest.mark.pure
@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("PORT", "99999", "not a port number"),
        ("DEMO", "perhaps", "reset (start it afresh)"),
        ("CONSULT_ENV", "production", "SECRET_KEY"),
    ],
)
def test_a_wrong_setting_is_explained(start: Callable[..., Instance], name: str, value: str, advice: str) -> None:
    instance = start(**{name: value})
    said = instance.process.communicate(timeout=30)[0]
    assert instance.process.returncode == 1
    assert advice in said
    assert "Traceback" not in said
