"""REL-A6: Redis is stopped, killed, emptied. Visitors notice nothing; the mail goes out later."""

import signal
import time
from pathlib import Path

import pytest
import redis

from consult import clock
from consult.accounts.models import Account, Person
from consult.extensions import db
from consult.outbox.models import OutboxMessage, State
from tests.client import Browser
from tests.factories import sign_in
from tests.faults.campaign import compare
from tests.faults.stage import KIND, Redis, Stage, stage
from tests.sink import smtp_sink

pytestmark = pytest.mark.faults


def press_retry(here: Stage, operator_id: int, message_id: int) -> float:
    """An operator's click that queues a mail, over HTTP; seconds until the answer."""
    visitor = Browser(here.app)
    with here.app.app_context():
        sign_in(visitor.client, db.session.get_one(Person, operator_id))
        fields = visitor.get("/messages").form_fields(f"/messages/{message_id}/retry")
        started = time.monotonic()
        visitor.post(f"/messages/{message_id}/retry", fields, status=303)
        return time.monotonic() - started


def failed_message(here: Stage, recipient: int, subject_id: int) -> int:
    with here.app.app_context():
        row = OutboxMessage(kind=KIND, subject_id=subject_id, recipient_id=recipient, state=State.failed)
        db.session.add(row)
        db.session.commit()
        return row.id


def operator(here: Stage) -> int:
    with here.app.app_context():
        person = Person(name="Operator", email="operator@example.org")
        person.account = Account(operator=True, confirmed_at=clock.now())
        db.session.add(person)
        db.session.commit()
        return person.id


def test_redis_may_go_and_come_back(tmp_path: Path, server: str | None) -> None:
    broker = Redis(tmp_path / "redis")
    broker.start()
    try:
        with (
            smtp_sink(keep_content=False) as sink,
            stage(tmp_path / "instance", sink, server=server, broker=broker.url) as here,
        ):
            people = here.people(60)
            clerk = operator(here)
            here.start_worker(pool="threads")
            here.queue(people[:20], 1)
            here.wait_until(lambda: len(sink.messages) >= 20, 40, "mail before the outage")

            # It holds the port and says nothing: the worst case for whoever publishes.
            broker.send(signal.SIGSTOP)
            waits = [here.queue(people[20:30], 1), press_retry(here, clerk, failed_message(here, people[50], 2))]
            # Gone.
            broker.send(signal.SIGKILL)
            waits += [here.queue(people[30:50], 1), press_retry(here, clerk, failed_message(here, people[51], 2))]
            assert max(waits) < 2, "nobody waits for the broker"

            # Back, and empty; once more emptied in the middle.
            broker.start()
            redis.Redis.from_url(broker.url).flushall()
            here.wait_until(lambda: here.all_sent(52), 60, "mail after the outage")
            expected = {f"p{n}@example.org" for n in range(52)}
            result = compare(sink, expected)
        assert (result.lost, result.duplicates, result.misaddressed) == (0, 0, 0)
    finally:
        if broker.process is not None:
            broker.send(signal.SIGKILL)


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
