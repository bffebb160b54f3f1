"""REL-A6: Redis hangs, is killed, emptied, read-only, full. Visitors notice nothing; the mail goes out later."""

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import func, select

from consult import clock
from consult.accounts.models import Account, Person
from consult.contributions.models import Contribution, Reaction
from consult.extensions import db
from consult.outbox.models import OutboxMessage, State
from tests.client import Browser
from tests.contributions.factories import make_town
from tests.factories import sign_in
from tests.faults.campaign import compare
from tests.faults.stage import KIND, Redis, Stage, stage
from tests.services import free_port
from tests.sink import Sink, smtp_sink

pytestmark = pytest.mark.faults

FULL = os.environ.get("CONSULT_FAULTS") == "full"
#: Mails promised during each fault, and people who react meanwhile.
MAILS, VOTERS = (400, 20) if FULL else (8, 2)
#: Seconds without Redis.
AWAY = 300.0 if FULL else 0.0


@dataclass
class Visits:
    """What people do on the pages of an instance, each of it over HTTP, and how long the answers took."""

    here: Stage
    operator: int = 0
    page: str = ""
    voters: list[int] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    mails: int = 0
    voted: int = 0
    comments: int = 0
    waits: list[float] = field(default_factory=list)

    def prepare(self, rounds: int) -> None:
        """The people, and something to react to."""
        self.people = self.here.people(rounds * (MAILS + 1))
        with self.here.app.app_context():
            person = Person(name="Operator", email="operator@example.org")
            person.account = Account(operator=True, confirmed_at=clock.now())
            town = make_town()
            self.page = town.number_path(town.write())
            voters = [Person(name=f"V {n}", account=Account(confirmed_at=clock.now())) for n in range(rounds * VOTERS)]
            db.session.add_all([person, *voters])
            db.session.commit()
            self.operator, self.voters = person.id, [voter.id for voter in voters]

    def everything(self) -> None:
        """One round: a campaign is promised, reactions are given, a comment is written, a mail is sent again."""
        now, self.people = self.people[: MAILS + 1], self.people[MAILS + 1 :]
        self.waits.append(self.here.queue(now[:-1]))
        self.mails += MAILS
        for _voter in range(VOTERS):
            self._press(self.voters.pop(), self.page, f"{self.page}/react")
            self.voted += 1
        comment = f"{self.page.partition('/contributions')[0]}/comment"
        self._press(self.operator, comment, comment, {"stance": "question", "text": "Und was wird daraus?"})
        self.comments += 1
        self._press(self.operator, "/messages", f"/messages/{self._failed_message(now[-1])}/retry")
        self.mails += 1

    def _press(self, person: int, page: str, button: str, data: dict[str, Any] | None = None) -> None:
        visitor = Browser(self.here.app)
        with self.here.app.app_context():
            sign_in(visitor.client, db.session.get_one(Person, person))
            fields = {**visitor.get(page).form_fields(button), **(data or {})}
            started = time.monotonic()
            visitor.post(button, fields, status=303)
            self.waits.append(time.monotonic() - started)

    def _failed_message(self, recipient: int) -> int:
        with self.here.app.app_context():
            row = OutboxMessage(kind=KIND, subject_id=2, recipient_id=recipient, state=State.failed)
            db.session.add(row)
            db.session.commit()
            return row.id

    def all_sent(self) -> bool:
        """Whether every promised mail left; the instance may promise more of its own accord."""
        return set(self.here.states()) == {State.sent}

    def counted(self) -> tuple[int, int]:
        """Reactions and comments that the database holds."""
        with self.here.app.app_context():
            reactions = db.session.scalar(select(func.count()).select_from(Reaction)) or 0
            comments = db.session.scalar(select(func.count()).select_from(Contribution)) or 0
            return reactions, comments - 1


def faults_of(broker: Redis) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """How each fault begins and ends."""

    def ask(*words: str) -> Callable[[], object]:
        return lambda: redis.Redis.from_url(broker.url, socket_timeout=20).execute_command(*words)

    def gone() -> None:
        broker.send(signal.SIGKILL)

    return {
        # It holds the port and says nothing: the worst case for whoever publishes.
        "hangs": (lambda: broker.send(signal.SIGSTOP), lambda: broker.send(signal.SIGCONT)),
        "killed": (gone, broker.start),
        "emptied": (ask("FLUSHALL"), ask("FLUSHALL")),
        "read-only": (ask("REPLICAOF", "127.0.0.1", str(free_port())), ask("REPLICAOF", "NO", "ONE")),
        "without enough replicas": (
            ask("CONFIG", "SET", "min-replicas-to-write", "1"), ask("CONFIG", "SET", "min-replicas-to-write", "0"),
        ),
        "full": (ask("CONFIG", "SET", "maxmemory", "1"), ask("CONFIG", "SET", "maxmemory", "0")),
    }  # fmt: skip


def test_redis_may_go_and_come_back(tmp_path: Path, server: str | None, record_property: Any) -> None:
    broker = Redis(tmp_path / "redis")
    broker.start()
    try:
        with (
            smtp_sink(keep_content=False) as sink,
            stage(tmp_path / "instance", sink, server=server, broker=broker.url) as here,
        ):
            faults = faults_of(broker)
            visits = Visits(here)
            visits.prepare(len(faults) + 1)
            worker = here.start_worker(pool="threads")
            visits.everything()
            usual = max(visits.waits)
            visits.waits.clear()
            here.wait_until(lambda: len(sink.messages) >= 1, "mail before the outage")
            for name, (begin, end) in faults.items():
                if not worker.alive:
                    worker = here.start_worker(pool="threads")
                _in_the_middle(sink, visits)
                begin()
                visits.everything()
                time.sleep(AWAY if name == "killed" else 0)
                end()
            here.wait_until(lambda: visits.all_sent() or not worker.alive, "mail after the outage")
            if not worker.alive:
                # It found that it hears nothing any more and ended; whoever runs it starts it again.
                here.start_worker(pool="threads")
                here.wait_until(visits.all_sent, "mail after the worker was started again")
            record_property("worker", "lived on" if worker.alive else "was started again")
            sink.messages[:] = [one for one in sink.messages if re.match(r"p\d+@", one.recipients[0])]
            result = compare(sink, {f"p{n}@example.org" for n in range(visits.mails)})
            counted = visits.counted()
        record_property("faults", ", ".join(faults))
        record_property("mails", visits.mails)
        record_property("lost", result.lost + visits.voted - counted[0] + visits.comments - counted[1])
        record_property("duplicates", result.duplicates)
        record_property("reactions and comments", sum(counted))
        record_property("slowest answer", f"{max(visits.waits):.2f} s (before: {usual:.2f} s)")
        assert (result.lost, result.duplicates, result.misaddressed) == (0, 0, 0)
        assert counted == (visits.voted, visits.comments)
        # Whoever waited for a broker that hangs would wait for three seconds at least.
        assert max(visits.waits) < 2 + 2 * usual, "nobody waits for the broker"
    finally:
        if broker.process is not None:
            broker.send(signal.SIGCONT)
            broker.send(signal.SIGKILL)


def _in_the_middle(sink: Sink, visits: Visits) -> None:
    """While what was promised a moment ago is being sent: the fault falls into the middle of a campaign."""
    before = len(sink.messages)
    deadline = time.monotonic() + 20
    while len(sink.messages) == before < visits.mails and time.monotonic() < deadline:
        time.sleep(0.02)


def test_limits_count_on_whatever_becomes_of_redis(tmp_path: Path, server: str | None) -> None:
    """REL-D8: they stand in the database. Nobody gets new tries because the broker hangs, is gone, or is empty."""
    broker = Redis(tmp_path / "redis")
    broker.start()
    try:
        with stage(tmp_path / "instance", None, server=server, broker=broker.url) as here:

            def ask(status: int) -> None:
                visitor = Browser(here.app)
                with here.app.app_context():
                    visitor.submit("/sign-in/mail", {"email": "a.b+x@example.org"}, status=status)
                    visitor.submit("/sign-in", {"email": "ab@example.org", "password": "falsch falsch"}, status=200)

            ask(303)
            ask(303)
            broker.send(signal.SIGSTOP)
            ask(303)
            broker.send(signal.SIGKILL)
            ask(303)
            ask(303)
            ask(429)
            broker.start()
            redis.Redis.from_url(broker.url).flushall()
            ask(429)
    finally:
        if broker.process is not None:
            broker.send(signal.SIGKILL)
