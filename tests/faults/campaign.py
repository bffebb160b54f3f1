"""A campaign under fire: mails go out while the worker is killed again and again."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.stage import PATIENCE, Stage, Worker
from tests.sink import Received, Sink


@dataclass
class Kills:
    """How often the worker was killed, and whose message it was sending then."""

    count: int = 0
    in_flight: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Losses:
    """What arrived, compared with what was promised."""

    promised: int
    lost: int
    duplicates: int
    #: Repetitions to people whose message was not being sent at any kill.
    outside: int
    #: Repetitions that a mail server could not recognise, because they had another Message-ID.
    strangers: int
    #: Messages with more or fewer than one recipient.
    misaddressed: int


def compare(sink: Sink, addresses: set[str], kills: Kills | None = None) -> Losses:
    """Count what the sink has got."""
    came = Counter(received.recipients[0] for received in sink.messages)
    idents = {(received.recipients[0], received.message_id) for received in sink.messages}
    return Losses(
        promised=len(addresses),
        lost=len(addresses - set(came)),
        duplicates=sum(came.values()) - len(came),
        outside=sum(count - 1 for who, count in came.items() if who not in (kills or Kills()).in_flight),
        strangers=len(idents) - len(came),
        misaddressed=sum(len(received.recipients) != 1 for received in sink.messages) + len(set(came) - addresses),
    )


def kill_often(
    stage: Stage,
    sink: Sink,
    kills: int,
    seed: int,
    *,
    apart: int = 10,
    entry: str = "tests.faults.entry",
    concurrency: int = 2,
    halfway: Callable[[], object] | None = None,
    patience: float = PATIENCE,
) -> Kills:
    """Start a worker, kill its whole group once it has sent about `apart` mails, start again; one runs at the end.

    Every second kill comes at the worst moment: the mail server has taken a message and not yet said so. `halfway`
    is called once, after half of the kills. Ends early when a worker sends nothing for as long as `patience`.
    """
    rng = random.Random(seed)
    done = Kills()
    for turn in range(kills):
        if halfway is not None and turn == kills // 2:
            halfway()
        worker = stage.start_worker(entry=entry, concurrency=concurrency)
        if not _sends(sink, worker, 1, patience):
            worker.kill()
            break
        after = rng.randint(1, 2 * apart - 1)
        if turn % 2:
            _kill_in_the_gap(sink, worker, after, patience)
        else:
            _sends(sink, worker, after, patience)
            time.sleep(rng.uniform(0, 0.1))
            worker.kill()
        done.count += 1
        done.in_flight |= stage.being_sent()
        stage.leases_run_out()
    stage.start_worker(entry=entry, concurrency=concurrency)
    return done


def _sends(sink: Sink, worker: Worker, count: int, patience: float) -> bool:
    """Wait until it has sent so many more, or nothing for too long, or is dead; whether it sent any."""
    before = seen = len(sink.messages)
    since = time.monotonic()
    while len(sink.messages) < before + count and worker.alive and time.monotonic() - since < patience:
        time.sleep(0.01)
        if len(sink.messages) > seen:
            seen, since = len(sink.messages), time.monotonic()
    return len(sink.messages) > before


def _kill_in_the_gap(sink: Sink, worker: Worker, after: int, patience: float) -> None:
    """Kill while the mail server has taken the n-th next message and not answered yet."""
    left = [after]
    killed = threading.Event()

    def hook(_received: Received) -> None:
        left[0] -= 1
        if left[0] <= 0 and not killed.is_set():
            worker.kill()
            killed.set()

    sink.on_message = hook
    seen, since = len(sink.messages), time.monotonic()
    # When nothing is left to send, the moment does not come.
    while not killed.wait(0.05) and time.monotonic() - since < min(20.0, patience):
        if len(sink.messages) > seen:
            seen, since = len(sink.messages), time.monotonic()
    sink.on_message = None
    if not killed.is_set():
        worker.kill()
