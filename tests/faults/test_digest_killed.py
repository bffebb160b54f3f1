"""REL-A7, A8: the nightly digest's worker is killed at each of its steps, runs three times a date, is away for days.

Each run is a process of its own on a real database, a child of this one: it can be killed like any worker.
"""

import contextlib
import os
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import func, select, update

from consult import clock
from consult.accounts.models import Person
from consult.digests import operations, queries, running
from consult.digests.models import Digest
from consult.extensions import db
from consult.groups.models import Group, Membership
from consult.outbox import claims, delivery
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Process
from tests.contributions.factories import Town
from tests.digests.factories import Council, make_council, told_in
from tests.factories import make_member, make_person
from tests.faults.stage import Stage, stage
from tests.sink import Received, Sink, smtp_sink

pytestmark = pytest.mark.faults

FULL = os.environ.get("CONSULT_FAULTS") == "full"
ROUNDS = 5 if FULL else 1
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 16, 11, tzinfo=UTC)


def die(*_args: Any, **_more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(real: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """The function, and the end of the process once it has done its work so often."""
    left = [times]

    def done_and_dead(*args: Any, **more: Any) -> Any:
        result = real(*args, **more)
        left[0] -= 1
        if not left[0]:
            die()
        return result

    return done_and_dead


#: Where the worker dies while it makes a digest: whose function, its name, what comes in its place.
MAKING: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "before the record is sealed": (running, "seal_all", die),
    "after the record is sealed": (running, "seal_all", after(running.seal_all)),
    "before the window is claimed": (operations, "_claim", die),
    "after the window is claimed": (operations, "_claim", after(operations._claim)),
    "after looking at what happened": (queries, "activity", after(queries.activity)),
    "before counting": (operations, "figures", die),
    "after counting": (operations, "figures", after(operations.figures)),
    "before the entry in the record": (operations, "record", die),
    "before looking up the members": (operations, "people_with", die),
    "after the first mail is promised": (operations, "queue", after(operations.queue)),
    "after the last mail is promised": (operations, "queue", after(operations.queue, 3)),
    "before the commit": (operations, "compile", after(operations.compile)),
    "after the commit": (running, "run_due", after(running.run_due)),
}
#: And while it sends the mails: when the mail server has taken the n-th one and not answered yet; 0: before the first.
SENDING = {"after mails are reserved": 0, "while the first mail is sent": 1, "while the second mail is sent": 2}


def start(here: Stage, work: Callable[[], object], fault: tuple[Any, str, Any] | None = None) -> int:
    """Begin the work in a child process, with the fault in it; its number."""
    child = os.fork()
    if child:
        return child
    try:
        with here.app.app_context(), contextlib.ExitStack() as stack:
            db.engine.dispose(close=False)
            if fault is not None:
                stack.enter_context(mock.patch.object(*fault))
            work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    """How the child came to its end: 0, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def send_all() -> None:
    while delivery.deliver_due():
        pass


@contextlib.contextmanager
def town_hall(folder: Path, server: str | None) -> Iterator[tuple[Stage, Sink, Council]]:
    """An instance with a steering group of one member and one deputy, and a mail server."""
    with smtp_sink() as sink, stage(folder, sink, server=server) as here, here.app.app_context():
        council = make_council()
        db.session.commit()
        yield here, sink, council


def killed_while_sending(here: Stage, sink: Sink, step: str) -> int:
    """How the sender came to its end that was killed at this step."""
    left = SENDING[step]
    if not left:
        return ended(start(here, send_all, (claims, "reserve", after(claims.reserve))))
    known = threading.Event()
    child = 0
    before = len(sink.messages)

    def hook(_received: Received) -> None:
        if len(sink.messages) - before == left:
            known.wait()
            os.kill(child, signal.SIGKILL)

    sink.on_message = hook
    child = start(here, send_all)
    known.set()
    try:
        return ended(child)
    finally:
        sink.on_message = None


def write_two(town: Town, day: int) -> list[int]:
    return [town.write(f"Am Tag {day}, Nummer {n}").number for n in range(2)]


def sent_to(sink: Sink) -> Counter[str]:
    return Counter(received.recipients[0] for received in sink.messages)


def test_a_worker_killed_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, server: str | None, record_property: Any
) -> None:
    """A7: killed, then run three times at once; somebody is removed before the mails leave."""
    steps = [*MAKING, *SENDING] * ROUNDS
    with town_hall(tmp_path, server) as (here, sink, council):
        written: list[int] = []
        removed: list[str] = []
        members = [council.town.steering.email, council.deputy.email]
        for number, step in enumerate(steps):
            now = NOON + number * DAY
            written += write_two(council.town, number)
            leaver = make_person(email=f"leaver{number}@example.org")
            membership = make_member(db.session.get_one(Group, council.membership.group_id), leaver)
            membership_id, leaver_id = membership.id, leaver.id
            db.session.commit()
            fault = MAKING.get(step)
            if fault is not None:
                # By its name in the module, as the worker's task calls it.
                assert ended(start(here, lambda now=now: running.run_due(now), fault)) == -signal.SIGKILL, step
            three = [start(here, lambda now=now: running.run_due(now)) for _n in range(3)]
            assert [ended(child) for child in three] == [0, 0, 0]
            # Between the promise and the sending.
            db.session.execute(
                update(Membership).where(Membership.id == membership_id).values(ends_at=clock.now() - DAY)
            )
            if number % 2:
                db.session.execute(
                    update(Person).where(Person.id == leaver_id).values(email=None, erased_at=clock.now())
                )
            db.session.commit()
            removed.append(f"leaver{number}@example.org")
            if step in SENDING:
                assert killed_while_sending(here, sink, step) == -signal.SIGKILL, step
                here.leases_run_out()
            assert ended(start(here, send_all)) == 0
        digests = db.session.scalars(select(Digest).where(Digest.process_id == council.process.id)).all()
        told = Counter(number for digest in digests for number in told_in(digest))
        dates = [digest.local_date for digest in digests]
        mails = db.session.execute(
            select(OutboxMessage.state, func.count())
            .where(OutboxMessage.kind == "steering_digest")
            .group_by(OutboxMessage.state)
        )
        states = {row[0]: row[1] for row in mails}
        db.session.rollback()
    came = sent_to(sink)
    leaked = sum(came[address] for address in removed)
    twice = len(sink.messages) - len({received.message_id for received in sink.messages})
    # At most once: where nobody knows whether the mail left, it is marked and not sent again.
    in_the_air = sum(step in SENDING and step != "after mails are reserved" for step in steps)
    missing = len(steps) * len(members) - sum(came[address] for address in members if address)
    record_property("killed", len(steps))
    record_property("lost", len(set(written) - set(told)))
    record_property("duplicates", twice + sum(count - 1 for count in told.values()))
    record_property("mails to people removed meanwhile", leaked)
    record_property("mails marked as uncertain", states.get(State.uncertain, 0))
    assert sorted(dates) == [(NOON + n * DAY).date() for n in range(len(steps))]
    assert sorted(told) == sorted(written)
    assert set(told.values()) == {1}
    assert (twice, leaked) == (0, 0)
    assert states[State.uncertain] == in_the_air
    assert missing == 0, "everybody got each one"
    assert states[State.dropped] == len(steps)


def test_after_three_days_of_outage_one_digest_catches_up_with_everything(
    tmp_path: Path, server: str | None, at: Any, record_property: Any
) -> None:
    """A8: one digest, one mail per member; nothing in it is missing or told again."""
    each = 100 if FULL else 3
    with town_hall(tmp_path, server) as (here, sink, council):
        begin = clock.now().replace(hour=11)
        days: list[list[int]] = []
        for day in range(5):
            at(begin + day * DAY)
            days.append([council.town.write(f"Am Tag {day}, Nummer {n}").number for n in range(each)])
            db.session.commit()
            # The first day is as ever; on the three that follow nothing runs.
            if day in (0, 4):
                for _run in range(3):
                    assert ended(start(here, lambda now=begin + day * DAY: running.run_due(now))) == 0
                assert ended(start(here, send_all)) == 0
        process = db.session.get_one(Process, council.process.id)
        found = db.session.scalars(select(Digest).where(Digest.process_id == process.id).order_by(Digest.to_seq)).all()
        told = [told_in(digest) for digest in found]
        db.session.rollback()
    missed = {number for day in days for number in day} - {number for one in told for number in one}
    again = sum(len(one) for one in told) - len({number for one in told for number in one})
    record_property("items", 5 * each)
    record_property("lost", len(missed))
    record_property("duplicates", again)
    assert (missed, again) == (set(), 0)
    assert [sorted(one) for one in told] == [sorted(days[0]), sorted(number for day in days[1:] for number in day)]
    assert set(sent_to(sink).values()) == {2}
