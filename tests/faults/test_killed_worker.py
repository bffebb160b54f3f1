"""REL-A1, A3: the worker dies in the middle; a button is pressed twenty times; two clocks tick."""

import threading
from pathlib import Path

import pytest

from tests.faults.campaign import compare, kill_often
from tests.faults.stage import PATIENCE, stage
from tests.sink import smtp_sink

pytestmark = pytest.mark.faults

MAILS, KILLS, CONCURRENCY = 200, 4, 2


def test_no_mail_is_lost_when_the_worker_is_killed(tmp_path: Path, server: str | None, redis_url: str) -> None:
    with smtp_sink(keep_content=False) as sink, stage(tmp_path, sink, server=server, broker=redis_url) as here:
        sink.delay = 0.01
        assert here.invite(here.meeting(), MAILS) == MAILS
        kills = kill_often(here, sink, KILLS, seed=7, concurrency=CONCURRENCY)
        sink.delay = 0
        here.wait_until(lambda: here.all_sent(MAILS), "everything sent")
        result = compare(sink, {f"p{n}@example.org" for n in range(MAILS)}, kills)
    assert kills.count == KILLS
    assert (result.lost, result.strangers, result.outside, result.misaddressed) == (0, 0, 0, 0)
    assert result.duplicates <= KILLS * CONCURRENCY


def test_a_campaign_pressed_twenty_times_reaches_everybody_once_under_two_clocks(
    tmp_path: Path, server: str | None, redis_url: str
) -> None:
    with smtp_sink(keep_content=False) as sink, stage(tmp_path, sink, server=server, broker=redis_url) as here:
        sink.delay = 0.02
        meeting = here.meeting()
        first = here.start_worker(pool="threads")
        here.start_worker(pool="threads")
        failures: list[BaseException] = []
        invited: list[int] = []

        def press() -> None:
            try:
                invited.append(here.invite(meeting, 50))
            except BaseException as error:
                failures.append(error)

        presses = [threading.Thread(target=press) for _ in range(20)]
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join()
        assert not failures
        assert sum(invited) == 50
        # In the middle of it one of the two is restarted, and everything that waits is poked once more.
        sink.wait(1, PATIENCE)
        first.stop()
        here.poke_again()
        here.start_worker(pool="threads")
        here.wait_until(lambda: here.all_sent(50), "everything sent")
        result = compare(sink, {f"p{n}@example.org" for n in range(50)})
    assert (result.lost, result.duplicates, result.misaddressed) == (0, 0, 0)


def test_the_embedded_worker_sends_what_was_promised(tmp_path: Path) -> None:
    with smtp_sink() as sink, stage(tmp_path, sink) as here:
        people = here.people(20)
        here.start_worker(pool="threads")
        here.queue(people)
        here.wait_until(lambda: here.all_sent(20), "everything sent")
        assert compare(sink, {f"p{n}@example.org" for n in range(20)}).duplicates == 0
        assert "Traceback" not in here.workers[0].said()
