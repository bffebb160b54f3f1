"""An instance made of real processes that can be killed: database, broker, mail server, workers.

Used by the fault tests and by the drill. The worker is the real one (worker/__init__.py) behind an entry module that
shortens waiting times; nothing of it is reachable in production.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, func, select, text, update
from sqlalchemy.engine import make_url

from consult import clock, create_app
from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import operations as invitations
from consult.invitations.lists import Row
from consult.jobs import Job, enqueue
from consult.meetings.models import Meeting, MeetingKind
from consult.outbox import operations
from consult.outbox.models import OutboxMessage, State
from deploy.children import end_with_parent
from tests.factories import make_process
from tests.meetings.factories import make_meeting
from tests.services import free_port, redis_program, wait_for
from tests.sink import Sink

ROOT = Path(__file__).resolve().parents[2]
KIND = "faults.letter"
#: The drill puts another in its place, with a protection removed.
ENTRY = os.environ.get("CONSULT_FAULTS_ENTRY", "tests.faults.entry")
#: How long a state is waited for that comes within seconds on a machine that is not busy.
PATIENCE = float(os.environ.get("CONSULT_FAULTS_PATIENCE", 240))


def fresh_database(server: str | None, folder: Path) -> str:
    """URL of an empty database: on this PostgreSQL server, or an SQLite file."""
    if server is None:
        return f"sqlite:///{folder}/consult.sqlite"
    name = f"stage_{os.getpid()}_{time.monotonic_ns()}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def copy_of(database: str) -> str:
    """URL of a copy of this PostgreSQL database, to which nobody may be connected."""
    url = make_url(database)
    copy = f"{url.database}_copy"
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{copy}" TEMPLATE "{url.database}"'))
    admin.dispose()
    return url.set(database=copy).render_as_string(hide_password=False)


@dataclass
class Worker:
    """One worker process group."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End the whole group at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to finish what it has begun and end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        finally:
            self.kill()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")


@dataclass
class Stage:
    """The instance, seen from outside and (by `app`) from inside."""

    folder: Path
    app: Flask
    environment: dict[str, str]
    workers: list[Worker] = field(default_factory=list)

    def start_worker(self, *, pool: str = "prefork", concurrency: int = 2, entry: str = ENTRY) -> Worker:
        """A worker with its own beat, in a process group of its own."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        command = [sys.executable, "-m", "celery", "-A", f"{entry}:celery", "worker", "-B", "-P", pool]
        command += ["-c", str(concurrency), "-s", str(self.folder / f"schedule-{len(self.workers)}")]
        command += ["--without-gossip", "--without-mingle", "-n", f"w{len(self.workers)}@stage", "-l", "INFO"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                process_group=0, preexec_fn=end_with_parent(signal.SIGKILL),
            )  # fmt: skip
        worker = Worker(process, log)
        self.workers.append(worker)
        return worker

    def people(self, count: int) -> list[int]:
        """Ids of this many new persons with addresses `p<n>@example.org`."""
        with self.app.app_context():
            rows = [Person(name=f"P {n}", email=f"p{n}@example.org") for n in range(count)]
            db.session.add_all(rows)
            db.session.commit()
            return [row.id for row in rows]

    def queue(self, recipients: list[int], subject_id: int = 1) -> float:
        """Promise one mail to each in one transaction; seconds it took."""
        with self.app.app_context():
            started = time.monotonic()
            for recipient in recipients:
                operations.queue(KIND, subject_id, recipient)
            db.session.commit()
            return time.monotonic() - started

    def meeting(self) -> int:
        """Id of a kickoff in a month to which nobody is invited yet."""
        with self.app.app_context():
            starts = clock.now() + timedelta(days=30)
            meeting = make_meeting(
                make_process(),
                kind=MeetingKind.kickoff,
                starts_at=starts,
                ends_at=starts + timedelta(hours=3),
                wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
            )
            db.session.commit()
            return meeting.id

    def invite(self, meeting_id: int, count: int) -> int:
        """Press the button "invite" with a list of `p0@example.org` to `p<count-1>@example.org`; how many were new."""
        with self.app.app_context():
            rows = [Row(n + 1, f"P {n}", f"p{n}@example.org") for n in range(count)]
            invited = invitations.invite(db.session.get_one(Meeting, meeting_id), rows=rows, by=None)
            db.session.commit()
            return invited.invited

    def poke_again(self) -> None:
        """The job restarted: every message that waits is poked once more."""
        with self.app.app_context():
            for ident in db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.state == State.queued)):
                enqueue(db.session, Job.deliver, ident)
            db.session.commit()

    def states(self) -> dict[str, int]:
        """How many messages are in each state."""
        with self.app.app_context():
            rows = db.session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
            return {row[0]: row[1] for row in rows}

    def being_sent(self) -> set[str]:
        """Addresses of the people whose message is claimed at this moment."""
        with self.app.app_context():
            found = db.session.scalars(
                select(Person.email)
                .join(OutboxMessage, OutboxMessage.recipient_id == Person.id)
                .where(OutboxMessage.state == State.sending)
            )
            return {address for address in found if address}

    def leases_run_out(self) -> None:
        """As if minutes had gone by: what killed workers had reserved or in the air is free. None may be running."""
        with self.app.app_context():
            db.session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.claimed_until.is_not(None))
                .values(claimed_until=clock.now() - timedelta(seconds=1))
            )
            db.session.commit()

    def wait_until(self, done: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Look once in a while; fails with the state of things when nothing has changed for so long."""
        begun = since = time.monotonic()
        seen: dict[str, int] = {}
        while not done():
            found, now = self.states(), time.monotonic()
            if found != seen:
                seen, since = found, now
            # A busy machine takes its time; one that goes round in circles is told as well.
            if now - since > seconds or now - begun > 5 * seconds:
                tails = "\n".join(worker.said()[-1500:] for worker in self.workers[-2:])
                raise AssertionError(f"{what} not reached, {now - since:.0f} s nothing changed: {found}\n{tails}")
            time.sleep(0.1)

    def all_sent(self, count: int) -> bool:
        return self.states() == {"sent": count}


@contextlib.contextmanager
def stage(
    folder: Path, sink: Sink | None, *, server: str | None = None, broker: str | None = None, **more: str
) -> Iterator[Stage]:
    """A migrated instance without workers; all its processes are gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "CONSULT_ENV": "embedded",
        "DATA_DIR": str(folder),
        "SECRET_KEY": "stage-key-" + "0123456789abcdef" * 3,
        "PUBLIC_URL": "http://consult.test",
        "DATABASE_URL": fresh_database(server, folder),
        "BROKER_URL": broker or f"sqla+sqlite:///{folder}/broker.sqlite",
        "MAIL_URL": sink.url if sink is not None else f"file://{folder}/mail",
        "DEMO": "0",
        **more,
    }
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        db.engine.dispose()
    made = Stage(folder, app, {**os.environ, **settings, "PYTHONUNBUFFERED": "1"})
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.kill()
        with app.app_context():
            db.engine.dispose()


@dataclass
class Redis:
    """A Redis server at a fixed port that can be stopped, killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "redis.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [redis_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir",
                 str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0, preexec_fn=end_with_parent(),
            )  # fmt: skip
        wait_for(self._answers, "Redis", self.process, log)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP leaves its port open without an answer, SIGKILL closes it."""
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()
