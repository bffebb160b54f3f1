"""C7: a backup taken while people write, put back on an empty machine; nobody and no mail comes back with it."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from flask import Flask
from sqlalchemy import select, update

from bench.drill_rows import Figures, Row, Servers
from consult import clock, create_app, personal
from consult.accounts.models import Person
from consult.audit.operations import verify_chain
from consult.backup import erasures, settling
from consult.contributions import operations as contributions
from consult.contributions.models import ContributionText
from consult.extensions import db
from consult.outbox import delivery, operations
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Process
from tests.contributions.factories import make_town
from tests.faults.stage import ROOT, fresh_database, stage
from tests.sink import smtp_sink

WRITERS = 4


@dataclass
class Writing:
    """People who write until they are told to stop; what was acknowledged, with the moment."""

    app: Flask
    process_id: int
    goal_id: int
    author_id: int
    stop: threading.Event = field(default_factory=threading.Event)
    done: list[tuple[float, str]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def write(self, name: int) -> None:
        """One writer."""
        with self.app.app_context():
            n = 0
            while not self.stop.is_set():
                try:
                    process = db.session.get_one(Process, self.process_id)
                    author = db.session.get_one(Person, self.author_id)
                    text = f"Satz {name}-{n}"
                    contributions.submit(process, actor=author, text=text, stance="change", element_id=self.goal_id)
                    db.session.commit()
                    self.done.append((time.monotonic(), text))
                    n += 1
                except Exception as error:
                    self.errors.append(error)
                    return
            db.session.remove()


def _flask(environment: dict[str, str], *words: str) -> str:
    """Run a command of the application; its output. Raises with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"flask {' '.join(words)}: {done.stdout[-500:]} {done.stderr[-500:]}")
    return done.stdout


def _deliver_all(app: Flask) -> None:
    """What a worker does with everything that is due."""
    with app.app_context():
        while operations.sweep(clock.now()):
            db.session.commit()
            due = select(OutboxMessage.id).where(OutboxMessage.state.in_((State.queued, State.retry)))
            for ident in db.session.scalars(due).all():
                delivery.deliver(ident)
        db.session.rollback()


def backup_and_restore(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """C7."""
    people, seconds, gone = (2000, 20.0, 50) if size == "full" else (100, 3.0, 5)
    redis.Redis.from_url(servers.redis).flushall()
    with (
        smtp_sink(keep_content=False) as sink,
        stage(folder / "first", sink, server=servers.postgres, broker=servers.redis) as here,
    ):
        with here.app.app_context():
            town = make_town()
            db.session.commit()
            writing = Writing(here.app, town.process.id, town.goal.id, town.citizen.id)
            db.session.remove()
        # Promised before the backup, sent after it: a restored database still calls these mails open.
        here.invite(here.meeting(), people)
        writers = [threading.Thread(target=writing.write, args=(n,)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(seconds / 2)
        before = time.monotonic()
        _flask(here.environment, "backup", str(folder / "backups"))
        took = time.monotonic() - before
        time.sleep(seconds / 2)
        writing.stop.set()
        for writer in writers:
            writer.join(60)
        [archive] = (folder / "backups").glob("consult-*.tar")
        _deliver_all(here.app)
        sent = len(sink.messages)
        with here.app.app_context():
            leaving = db.session.scalars(select(Person).where(Person.name.like("P %")).limit(gone)).all()
            for person in leaving:
                personal.erase(person, person)
            left = [person.id for person in leaving]
            db.session.commit()
            erasures.note()
            db.session.remove()
        before_restore = time.monotonic()
        second = _second(here.environment, servers, folder)
        newest = [] if without == "list" else ["--erased", str(Path(here.environment["DATA_DIR"]) / erasures.NAME)]
        _flask(second, "restore", str(archive), *newest)
        back = time.monotonic() - before_restore
        if without == "parking":
            _unpark(second)
        figures = _look(second, writing, before, left)
        _deliver_all(create_app(second))
        resent = len(sink.messages) - sent
    during = sum(moment > before for moment, _text in writing.done)
    errors = len(writing.errors) + figures["returned"] + figures["broken"] + (sent < people) + (during == 0)
    figure = (
        f"{len(writing.done)} written, {during} of them during and after the backup ({took:.1f} s); restored in "
        f"{back:.1f} s: lost {figures['lost']}, {figures['returned']} of {gone} erased came back, {resent} of {sent} "
        f"mails sent again, record {'broken' if figures['broken'] else 'whole'}"
    )
    ok = figures["lost"] == 0 and errors == 0 and resent == 0
    return Figures("C7", len(writing.done), figures["lost"], resent, errors, figure, ok)


def _second(environment: dict[str, str], servers: Servers, folder: Path) -> dict[str, str]:
    """Settings of an empty machine with the same key."""
    data = folder / "second"
    data.mkdir()
    return {**environment, "DATA_DIR": str(data), "DATABASE_URL": fresh_database(servers.postgres, data)}


def _unpark(environment: dict[str, str]) -> None:
    """As if the restore had left the outbox alone."""
    with create_app(environment).app_context():
        db.session.execute(
            update(OutboxMessage).where(OutboxMessage.note == settling.NOTE).values(state=State.queued, note=None)
        )
        db.session.commit()


def _look(environment: dict[str, str], writing: Writing, before: float, left: list[int]) -> dict[str, Any]:
    """What the restored instance holds, and whether life goes on in it."""
    promised = {text for moment, text in writing.done if moment <= before}
    with create_app(environment).app_context():
        held = set(db.session.scalars(select(ContributionText.body)))
        erased = select(Person.id).where(Person.id.in_(left), Person.erased_at.is_(None))
        returned = len(db.session.scalars(erased).all())
        process = db.session.get_one(Process, writing.process_id)
        author = db.session.get_one(Person, writing.author_id)
        new = contributions.submit(process, actor=author, text="Danach", stance="change", element_id=writing.goal_id)
        db.session.commit()
        broken = bool(verify_chain()) or new.number is None
    return {"lost": len(promised - held), "returned": returned, "broken": int(broken)}


ROW = Row("C7", "backup under write load, restore on an empty machine", backup_and_restore, ("list", "parking"))
