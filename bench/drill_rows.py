"""The rows of the drill. Each takes what is to be removed (empty: nothing) and returns its figures."""

import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import redis
from sqlalchemy import func, inspect, select, text

from bench import drill_worker
from consult import clock
from consult.extensions import db
from consult.invitations import operations as invitations
from consult.invitations.lists import Row as ListRow
from consult.invitations.models import Campaign, Invitation
from consult.meetings.models import Meeting
from consult.outbox.models import OutboxMessage, State
from tests.faults.campaign import compare, kill_often
from tests.faults.stage import PATIENCE, ROOT, Stage, stage
from tests.sink import smtp_sink

ENTRY = "bench.drill_worker"
CONCURRENCY = 4


@dataclass(frozen=True)
class Servers:
    """Addresses of the private servers of this drill."""

    postgres: str
    redis: str


@dataclass(frozen=True)
class Figures:
    """One line of the result."""

    row: str
    trials: int
    lost: int
    duplicates: int
    errors: int
    figure: str
    ok: bool
    #: Something else went wrong than what was looked for: such a run is red, and proves nothing.
    broken: bool = False
    seconds: int = 0


@dataclass(frozen=True)
class Row:
    """A row of the test programme in RELIABILITY's sense: how to run it, and what removes its protection."""

    name: str
    title: str
    #: `run(servers, folder, size, without)`; size is "full" or "short".
    run: Callable[[Servers, Path, str, str], Figures]
    removals: tuple[str, ...]


def _quiet(here: Stage, without: str, count: Callable[[], int]) -> None:
    """Wait until everything was sent, or nothing has moved for long; a busy machine may take its time."""
    seconds = 20 if without == "sweeper" else PATIENCE
    last, since = count(), time.monotonic()
    while here.states().get(State.sent, 0) < sum(here.states().values()):
        time.sleep(0.5)
        if count() != last:
            last, since = count(), time.monotonic()
        elif time.monotonic() - since > seconds:
            return


def killed_worker(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """A1: a campaign goes out while the whole worker is killed again and again."""
    mails, kills = (10_000, 50) if size == "full" else (400, 4)
    os.environ["CONSULT_DRILL_WITHOUT"] = without
    redis.Redis.from_url(servers.redis).flushall()
    try:
        with (
            smtp_sink(keep_content=False) as sink,
            stage(folder, sink, server=servers.postgres, broker=servers.redis) as here,
        ):
            sink.delay = 0.008
            here.invite(here.meeting(), mails)
            # Two more faults, left out where one would hide what the removed protection is for: brokers deliver
            # twice (the row decides, not the poke), and forget (the sweeper finds it).
            if without in ("", "claim"):
                here.poke_again()
            forget = redis.Redis.from_url(servers.redis).flushall if without in ("", "sweeper") else None
            seed = int(time.time())
            done = kill_often(
                here, sink, kills, seed, apart=mails // kills // 2, entry=ENTRY, concurrency=CONCURRENCY,
                halfway=forget, patience=20 if without == "sweeper" else PATIENCE,
            )  # fmt: skip
            sink.delay = 0
            _quiet(here, without, lambda: len(sink.messages))
            result = compare(sink, {f"p{n}@example.org" for n in range(mails)}, done)
    finally:
        os.environ.pop("CONSULT_DRILL_WITHOUT", None)
    bound = done.count * CONCURRENCY
    errors = result.strangers + result.outside + result.misaddressed
    figure = (
        f"{mails} mails, {done.count} x kill -9, lost {result.lost}, sent twice {result.duplicates} (at most {bound}), "
        f"with another Message-ID {result.strangers}, not in flight at a kill {result.outside}"
    )
    ok = result.lost == 0 and errors == 0 and result.duplicates <= bound and done.count == kills
    return Figures("A1", mails, result.lost, result.duplicates, errors, figure, ok)


def pressed_twenty_times(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """A3: the same list invited from twenty threads at once, pokes repeated, two clocks ticking."""
    people, rounds = (200, 10) if size == "full" else (50, 2)
    redis.Redis.from_url(servers.redis).flushall()
    errors: list[BaseException] = []
    with (
        smtp_sink(keep_content=False) as sink,
        stage(folder, sink, server=servers.postgres, broker=servers.redis) as here,
    ):
        if without == "unique":
            _drop_unique_keys(here)
        here.start_worker(pool="threads", entry=ENTRY)
        here.start_worker(pool="threads", entry=ENTRY)
        for _round in range(rounds):
            press = partial(_check_then_invite if without == "unique" else _invite, here, here.meeting(), people)
            _at_once(20, press, errors)
            here.poke_again()
        _quiet(here, without, lambda: len(sink.messages))
        with here.app.app_context():
            rows = db.session.scalar(select(func.count()).select_from(Invitation)) or 0
            promises = db.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0
        sent = len(sink.messages)
        idents = {received.message_id for received in sink.messages}
    wanted = people * rounds
    extra = rows - wanted + promises - wanted
    figure = (
        f"{wanted} invitations, each asked for 20 times at once under two clocks: rows too many {extra}, mails {sent}"
    )
    lost, double = max(0, wanted - sent), max(0, sent - wanted)
    ok = extra == 0 and sent == wanted == len(idents) and not errors
    return Figures("A3", wanted * 20, lost, double, len(errors) + abs(extra), figure, ok)


def _invite(here: Stage, meeting: int, people: int) -> None:
    here.invite(meeting, people)


def _at_once(count: int, press: Callable[[], object], errors: list[BaseException]) -> None:
    gate = threading.Barrier(count)

    def go() -> None:
        try:
            gate.wait()
            press()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _drop_unique_keys(here: Stage) -> None:
    with here.app.app_context():
        for table in ("invitation", "outbox_message"):
            for key in inspect(db.session.connection()).get_unique_constraints(table):
                db.session.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{key["name"]}"'))
        db.session.commit()


def _check_then_invite(here: Stage, meeting_id: int, people: int) -> None:
    """What everybody writes first: look whether it is there, then insert."""
    with here.app.app_context():
        now = clock.now()
        meeting = db.session.get_one(Meeting, meeting_id)
        campaign = Campaign(process_id=meeting.process_id, meeting_id=meeting_id, subject="")
        db.session.add(campaign)
        db.session.flush()
        persons = invitations.persons_for([ListRow(n, "P", f"p{n}@example.org") for n in range(people)], "de", now)
        known = set(db.session.scalars(select(Invitation.person_id).where(Invitation.meeting_id == meeting_id)))
        for person in sorted(persons.values()):
            if person not in known:
                row = Invitation(campaign_id=campaign.id, meeting_id=meeting_id, person_id=person, nonce="n" * 24)
                db.session.add(row)
                db.session.flush()
                db.session.add(
                    OutboxMessage(kind=invitations.INVITATION, subject_id=row.id, recipient_id=person, due_at=now)
                )
        db.session.commit()


_SENT_AGAIN = "test_forms_sent_again_have_one_effect"


def double_submit(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """B13: every POST form is sent twice with the same one-time id. The test of the suite, again and again."""
    test = ROOT / "tests" / "promises" / "test_double_submit.py"
    if not test.exists():
        return Figures("B13", 0, 0, 0, 1, "tests/promises/test_double_submit.py is missing", False)
    # Finding and filling all forms takes longer than sending them: few rounds, many times each.
    rounds, times = (2, 10) if size == "full" else (1, 1)
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "CONSULT_TEST_DB": "postgres",
        "CONSULT_TEST_PG_URL": servers.postgres,
        "CONSULT_DOUBLE_SUBMITS": str(times),
    }
    plugin = ["-p", f"bench.drill_without_{without}"] if without else []
    trials = failures = errors = 0
    for turn in range(rounds):
        report = folder / f"b13-{turn}.xml"
        command = [sys.executable, "-m", "pytest", f"{test}::{_SENT_AGAIN}", "-q", "-m", "", f"--junitxml={report}"]
        subprocess.run([*command, *plugin], cwd=ROOT, env=environment, capture_output=True)
        suite = ElementTree.parse(report).getroot().find("testsuite") if report.exists() else None  # noqa: S314  ours
        if suite is None:
            errors += 1
            continue
        sent = [int(found.get("value", 0)) for found in suite.iter("property") if found.get("name") == "sent_again"]
        trials += max(sent, default=0)
        failures += int(suite.get("failures", 0))
        errors += int(suite.get("errors", 0))
    figure = f"{trials} forms sent again, each up to {times} times in {rounds} rounds, second effects {failures}"
    ok = failures == errors == 0 and trials >= 30 * times
    return Figures("B13", trials, 0, failures, errors, figure, ok, broken=failures == 0 and errors > 0)


ROWS = (
    Row("A1", "worker killed during a campaign", killed_worker, tuple(drill_worker.REMOVALS)),
    Row("A3", "campaign pressed twenty times", pressed_twenty_times, ("unique",)),
    Row("B13", "every form sent twice", double_submit, ("form_id",)),
)

__all__ = ["ROWS", "Figures", "Row", "Servers"]
