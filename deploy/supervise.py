"""`./run`: web server, worker and clock of one machine, started together and stopped together.

Signals are handled here, not by a shell: one Ctrl-C, SIGTERM or a lost terminal stops everything, and no
process stays behind. Children run in process groups of their own, so that only we decide when they end; if
this process itself is killed, the kernel ends them.
"""

import errno
import fcntl
import http.client
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kombu.connection import Connection

import config
from deploy.catalogues import compile_changed
from deploy.children import end_with_parent

HOST = "127.0.0.1"
#: A page may take its time on a machine that is busy with something else.
ANSWER_SECONDS = 90
#: Requests and mails in progress may end; then the process groups are killed.
STOP_SECONDS = 10
#: A child that dies this often within this time is not started again.
DEATHS, DEATHS_SECONDS = 5, 120
LOG_BYTES = 5_000_000


class Failure(Exception):
    """Starting or running is not possible; the message says why and what to do."""


class Stopped(Exception):
    """Somebody asked us to end."""


def say(text: str = "") -> None:
    """One line for the person at the terminal, which may be gone."""
    with suppress(OSError):
        print(text, flush=True)


class Signals:
    """Signals as a file descriptor to wait on, so that no handler ever runs in the middle of something."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        # Explicitly, because a background start in a shell makes SIGINT ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float) -> bool:
        """Wait until something happens, at most so long; True when it was a request to stop."""
        select.select([self._read], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            return any(number != signal.SIGCHLD for number in os.read(self._read, 256))
        return False


@dataclass
class Child:
    """One program that must be running."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it in a process group of its own; its output goes to the log."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=config.ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
                preexec_fn=end_with_parent(),
            )

    def exit_code(self) -> int | None:
        """How it ended; None while it runs, and before it was started."""
        return None if self.process is None else self.process.poll()

    def runs(self) -> bool:
        """True while its first process is there."""
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: signal.Signals) -> bool:
        """Send to all of its processes; False when there is none left."""
        if self.process is None:
            return False
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            # macOS says this of a group of which only zombies are left.
            return False
        return True

    def ask_to_end(self) -> None:
        """Ask its first process; that one ends the others in good order."""
        if self.process is not None and self.runs():
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End what is left of the group, and wait for it."""
        self.signal_group(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def log_tail(self, lines: int = 12) -> str:
        """The end of its log."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


@contextmanager
def only_one(data_dir: Path, address: str) -> Iterator[None]:
    """Hold the lock of a data folder; raises `Failure` naming who holds it already."""
    # Not inherited by children, so it is free as soon as this process is gone, however it went.
    with (data_dir / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise Failure(
                f"Consult is already running with the data in {data_dir}: {holder}.\n"
                "Stop it there with Ctrl-C, or use another folder: DATA_DIR=/other/folder PORT=8081 ./run"
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{address} (process {os.getpid()})")
        lock.flush()
        yield


def check_port(port: int) -> None:
    """Raises `Failure` when the port cannot be used."""
    with socket.socket() as probe:
        # As the web server does; without it the port of an instance just stopped counts as busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise Failure(f"Port {port} needs root. Use a higher one: PORT=8080 ./run") from None
        except OSError:
            raise Failure(f"Port {port} is in use by another program. Use another one: PORT={port + 1} ./run") from None


def make_broker(url: str) -> None:
    """Create the embedded queue's tables beforehand: web server and worker would race for it."""
    prefix = "sqla+sqlite:///"
    if not url.startswith(prefix):
        return
    path = Path(url.removeprefix(prefix))
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        made = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'kombu_message'").fetchone()
    if not made:
        with Connection(url) as connection:
            connection.SimpleQueue("celery").close()


def _rotated(log: Path) -> Path:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log


class Supervisor:
    """Prepares the data, starts the children, watches them, stops them."""

    def __init__(self, settings: Mapping[str, Any], demo: str, port: int) -> None:
        self.settings = settings
        self.demo = demo
        self.port = port
        self.address = f"http://{HOST}:{port}"
        self.data_dir = Path(settings["DATA_DIR"])
        self.logs = self.data_dir / "log"
        self.signals = Signals()
        self.children: list[Child] = []
        self.environment = {
            **os.environ,
            "DATA_DIR": str(self.data_dir),
            "PUBLIC_URL": settings["PUBLIC_URL"],
            "DEMO": "0" if demo == "0" else "1",
            "PYTHONUNBUFFERED": "1",
        }

    def wait(self, seconds: float) -> None:
        """Wait until something happens, at most so long; raises `Stopped`."""
        if self.signals.wait(seconds):
            raise Stopped

    def prepare(self) -> None:
        """Bring database and demonstration up to date; both keep what is there."""
        compile_changed()
        make_broker(self.settings["BROKER_URL"])
        if self.demo == "reset":
            say("Starting the demonstration afresh ...")
        demo = {"0": [], "1": ["load"], "reset": ["reset"]}[self.demo]
        log = _rotated(self.logs / "setup.log")
        setup = Child("setup", [sys.executable, "-m", "deploy.prepare", *demo], log, self.environment)
        self.children.append(setup)
        setup.start()
        while setup.runs():
            self.wait(1)
        self.children.remove(setup)
        if setup.exit_code():
            raise Failure(f"The database could not be prepared. The end of {log}:\n\n{setup.log_tail()}")

    def start_child(self, name: str, *command: str) -> None:
        """Start one program of Python and watch it from now on."""
        log = _rotated(self.logs / f"{name.split()[0]}.log")
        child = Child(name, [sys.executable, "-m", *command], log, self.environment)
        self.children.append(child)
        child.start()

    def start(self) -> None:
        """Start the web server, wait until the first page answers, and start the worker."""
        gunicorn = ["gunicorn", "wsgi:application", "--bind", f"{HOST}:{self.port}", "--name", "consult"]
        gunicorn += ["--workers", "1", "--worker-class", "gthread", "--threads", "16", "--no-control-socket"]
        gunicorn += ["--timeout", "60", "--graceful-timeout", "5"]
        self.start_child("web server", *gunicorn)
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.answers():
            self.look_after_children()
            if time.monotonic() > deadline:
                raise Failure(f"The web server does not answer:\n\n{self.children[0].log_tail()}")
            self.wait(0.1)
        celery = ["celery", "-A", "worker:celery", "worker", "--loglevel", "INFO"]
        celery += ["--beat", "--schedule", str(self.data_dir / "schedule"), "--pool", "threads", "--concurrency", "2"]
        celery += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.start_child("worker", *celery)

    def answers(self) -> bool:
        """True when the start page can be had."""
        with suppress(OSError, http.client.HTTPException):
            with closing(http.client.HTTPConnection(HOST, self.port, timeout=10)) as connection:
                connection.request("GET", "/")
                return connection.getresponse().status < 500
        return False

    def look_after_children(self) -> None:
        """Start again what has died; raises `Failure` when it keeps dying."""
        for child in self.children:
            code = child.exit_code()
            if code is None:
                continue
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            now = time.monotonic()
            child.deaths = [*(then for then in child.deaths if now - then < DEATHS_SECONDS), now]
            child.kill()
            if len(child.deaths) >= DEATHS:
                raise Failure(
                    f"The {child.name} ended {DEATHS} times in a short while ({how}). "
                    f"The end of {child.log}:\n\n{child.log_tail()}"
                )
            say(f"The {child.name} has ended unexpectedly ({how}); starting it again. Its log: {child.log}")
            self.wait(len(child.deaths) - 1)
            child.start()

    def welcome(self) -> None:
        """Say where to go."""
        public = self.settings["PUBLIC_URL"]
        mail = self.settings["MAIL_URL"]
        where = mail.removeprefix("file://") if mail.startswith("file://") else mail.rpartition("@")[2]
        lines = [f"Open      {public}"]
        if self.demo == "0":
            # The other terminal has to mean the same instance.
            given = [f"{name}={os.environ[name]} " for name in ("DATA_DIR", "PORT") if os.environ.get(name)]
            lines.append("Sign in   create the first account, in another terminal:")
            lines.append(f"          {''.join(given)}.venv/bin/flask --app wsgi create-admin")
            lines.append(f"Mail      {where}")
        else:
            lines.append(f"Sign in   {public}/sign-in has a card for each role: one click, no password")
            lines.append(f"Mail      {public}/mailbox   ({where})")
        lines.append(f"Data      {self.data_dir}   (logs in {self.logs.name}/)")
        lines.append("Stop      Ctrl-C")
        say("\nWillkommen bei Consult!\n")
        for line in lines:
            say(f"  {line}")
        say()

    def run(self) -> None:
        """All of it, until somebody stops us."""
        say("Consult is starting ...")
        self.prepare()
        self.start()
        self.welcome()
        while True:
            self.wait(5)
            self.look_after_children()

    def stop(self) -> None:
        """End all children: ask, wait, kill. A second Ctrl-C shortens the wait."""
        for child in self.children:
            child.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.runs() for child in self.children):
            if time.monotonic() > deadline or self.signals.wait(0.2):
                break
        for child in self.children:
            child.kill()


def _number(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise Failure(f"{name}={text} is not a port number. For example: PORT=8081 ./run")
    return number


def main() -> int:
    """The program; its exit code."""
    os.chdir(config.ROOT)
    try:
        given = {**config.read_dotenv(config.ROOT / ".env"), **os.environ}
        port = _number("PORT", given.get("PORT") or "8080")
        demo = given.get("DEMO") or "1"
        if demo not in ("0", "1", "reset"):
            raise Failure(f"DEMO={demo}: write 1 (load it), 0 (without it) or reset (start it afresh).")
        settings = config.settings({"PORT": str(port), "DEMO": "0" if demo == "0" else "1"})
        if not settings["DEMO"]:
            demo = "0"
        data_dir = Path(settings["DATA_DIR"])
        (data_dir / "log").mkdir(parents=True, exist_ok=True)
        with only_one(data_dir, f"http://{HOST}:{port}"):
            check_port(port)
            supervisor = Supervisor(settings, demo, port)
            try:
                supervisor.run()
            except Stopped:
                say("\nStopping ...")
            finally:
                supervisor.stop()
            say("Consult has stopped. Your data is kept; ./run starts it again.")
    except (Failure, config.SettingsError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
