"""The workloads. Each yields rows of the table; a read or write is measured in turn with its floor (A B A B A)."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from flask import Flask
from sqlalchemy import func, select

from bench import floors, queueing, scene
from bench.server import Rate, gunicorn, wrk
from consult.extensions import db
from consult.outbox.models import OutboxMessage

ROOT = Path(__file__).resolve().parent.parent
#: Seconds of one go; five of the workload and four of the floor, the first as a warm-up beside them.
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
#: Recipients of the campaigns that are sent; 10000,100000 are those of the target.
MAILS = tuple(int(size) for size in os.environ.get("BENCH_MAILS", "2000,10000").split(","))
#: So many recipients a campaign has for which a speed is asked; in a shorter one getting started weighs.
ASKED = 10_000
#: After so many thousand mails a worker has seen everything, and grows by no more than so many megabytes.
SETTLED, GROWTH = 2, 5


@dataclass
class Row:
    """One line of the table and of bench-results/latest.json."""

    workload: str
    size: str
    value: float
    unit: str
    floor: str = ""
    ratio: float | None = None
    target: str = ""
    ok: bool = True
    note: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass
class Bench:
    """What all workloads share: servers and their settings."""

    postgres: str
    folder: Path
    app: Flask
    settings: dict[str, str]
    floors_url: str
    #: Median rates of the floors, filled as they are measured.
    rates: dict[str, float]


def alternate(measured: Callable[[], Rate], floor: Callable[[], Rate]) -> tuple[Rate, float, int]:
    """Median of the workload, median of the floor, errors of both, taken in turn."""
    measured()
    goes, base = [], []
    for _turn in range(2):
        goes.append(measured())
        base.append(floor())
    goes.append(measured())
    errors = sum(rate.errors for rate in goes + base)
    middle = sorted(goes, key=lambda rate: rate.per_second)[1]
    return middle, statistics.median(rate.per_second for rate in base), errors


def detail(got: Rate, floor: str, errors: int) -> str:
    """What stands beside a rate."""
    return f"p99 {got.p99_ms:.0f} ms, {floor}, errors {errors}"


def w1(bench: Bench) -> Iterator[Row]:
    """Goal page, anonymous, 1,000 and 10,000 contributions on the goal."""
    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        for key, number in scene.SIZES.items():
            url = f"{address}/p/bench/e/{key}"
            got, read, errors = alternate(
                lambda url=url: wrk(url, SECONDS), lambda: wrk(bench.floors_url + "/read", SECONDS)
            )
            bench.rates["read"] = read
            ratio = got.per_second / read
            yield Row("W1", f"{number:,}", got.per_second, "pages/s", "read", ratio, ">= 0.4 of read",
                      ratio >= 0.4 and errors == 0, detail(got, f"read {read:.0f}/s", errors))  # fmt: skip


_SEND = """
local visitors = %s
math.randomseed(os.time())
local go, n = os.time() .. "-" .. math.random(1000000), 0
request = function()
  n = n + 1
  local v = visitors[(n %% #visitors) + 1]
  local body = "csrf_token=" .. v.csrf .. "&form_id=" .. go .. "-" .. n
    .. "&stance=support&lang=de&organisation=0&text=Das+finde+ich+gut+" .. n
  return wrk.format("POST", "/p/bench/e/%s/comment",
    {["Cookie"] = v.cookie, ["Content-Type"] = "application/x-www-form-urlencoded"}, body)
end
"""
#: What the floor `write` is sent.
FLOOR = """
wrk.method = "POST"
wrk.body = '{"title": "Ein Titel", "body": "Das finde ich gut"}'
wrk.headers["Content-Type"] = "application/json"
"""


def w4(bench: Bench) -> Iterator[Row]:
    """Post a comment: token, policy, text, number, audit, tally; one transaction."""
    floor = bench.folder / "write.lua"
    floor.write_text(FLOOR)
    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        for key, number in scene.SIZES.items():
            people = scene.visitors(bench.app, 100, f"/p/bench/e/{key}/comment")
            table = ", ".join(f'{{cookie="{v.cookie}", csrf="{v.csrf}"}}' for v in people)
            script = bench.folder / f"post-{key}.lua"
            script.write_text(_SEND % ("{" + table + "}", key))
            before = _numbers(bench)
            got, write, errors = alternate(
                lambda script=script: wrk(address, SECONDS, script),
                lambda: wrk(bench.floors_url + "/write", SECONDS, floor),
            )
            stored = _numbers(bench) - before
            ratio = got.per_second / write
            ok = ratio >= 0.4 and errors == 0 and stored > got.per_second * SECONDS
            yield Row("W4", f"{number:,}", got.per_second, "comments/s", "write", ratio, ">= 0.4 of write", ok,
                      detail(got, f"write {write:.0f}/s, stored {stored}", errors))  # fmt: skip


def _numbers(bench: Bench) -> int:
    from consult.contributions.models import Contribution

    with bench.app.app_context():
        found = db.session.scalar(select(func.count()).select_from(Contribution)) or 0
        db.session.remove()
        db.engine.dispose()
    return found


def w7(bench: Bench) -> Iterator[Row]:
    """A campaign's mails through one worker process, rendering included, to a sink in a process of its own."""
    for size in MAILS:
        yield from _w7(bench, f"{size:,}", size, asked=size >= ASKED)
    # Asked for by nobody: a relay that takes one command after the other. The floor speaks like that to both.
    yield from _w7(bench, "one by one", MAILS[0], "--one-by-one", asked=False)
    # Sinks answer at once, and relays do not: how much several processes get through is seen where there is waiting.
    yield _together(bench, "4 processes", 3, 400, 1600, 1, "--answer-after", "0.02")
    # Where there is none, they share the processors with two sinks and the database.
    yield _together(bench, "4 at once", 1, 2000, 4000, 2)
    for name, value in queueing.measure(bench.app):
        page = name.startswith("page")
        limit = 150 if page else 10
        yield Row("W7", f"10,000 {name}"[:16], value, "ms" if page else "s", target=f"< {limit}", ok=value < limit)


@contextmanager
def mail_sink(*arguments: str, processes: int = 1) -> Iterator[int]:
    """Port of a sink in processes of its own, which share it."""
    command = [sys.executable, "-m", "bench.sink", *arguments]
    port = ""
    with ExitStack() as sinks:
        for _n in range(processes):
            more = ["--port", port] if port else []
            sink = sinks.enter_context(subprocess.Popen([*command, *more], cwd=ROOT, stdout=subprocess.PIPE, text=True))
            sinks.callback(sink.terminate)
            port = (sink.stdout.readline() if sink.stdout else "").strip() or "0"
        yield int(port)


@dataclass(frozen=True)
class _Sent:
    """What came of one campaign."""

    per_second: float
    #: Seconds to promise the mails.
    queued: float
    #: Milliseconds of processor time of the workers for each mail.
    cpu: float
    #: Megabytes of the first worker after each thousand of its mails.
    held: list[float]


def _send(bench: Bench, size: int, port: int, processes: int) -> _Sent:
    from bench.campaign import queue_campaign

    with bench.app.app_context():
        started = time.perf_counter()
        queue_campaign(size)
        queued = time.perf_counter() - started
        db.session.remove()
        db.engine.dispose()
    settings = {**os.environ, **bench.settings, "MAIL_URL": f"smtp://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "bench.mailing"]
    workers = [
        subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True) for _n in range(processes)
    ]
    said = [json.loads(worker.communicate(timeout=1800)[0].splitlines()[-1]) for worker in workers]
    dealt = sum(found["dealt"] for found in said)
    if dealt < size:
        raise RuntimeError(f"only {dealt} of {size} mails were dealt with")
    cpu = sum(found["cpu"] for found in said) / dealt * 1000
    return _Sent(dealt / max(found["seconds"] for found in said), queued, cpu, said[0]["held"])


def _together(
    bench: Bench, name: str, least: float, few: int, many: int, sinks: int, *arguments: str
) -> Row:  # fmt: skip
    """Four worker processes beside one."""
    with mail_sink(*arguments, processes=sinks) as port:
        alone, together = _send(bench, few, port, 1), _send(bench, many, port, 4)
    ratio = together.per_second / alone.per_second
    return Row("W7", name, together.per_second, "mails/s", "1 proc", ratio, f">= {least} of 1 proc", ratio >= least,
               f"one process {alone.per_second:.0f}/s with {alone.cpu:.2f} ms of processor for each mail, four "
               f"{together.cpu:.2f} ms, {os.cpu_count()} processors for all")  # fmt: skip


def _w7(bench: Bench, name: str, size: int, *arguments: str, asked: bool) -> Iterator[Row]:
    """One campaign beside the floor. What is not `asked` for is told, and must leave nothing unsent."""
    from bench.campaign import raw_mails

    with mail_sink(*arguments) as port:
        floor_before = raw_mails(port, 500)
        sent = _send(bench, size, port, 1)
        floor = statistics.mean([floor_before, raw_mails(port, 500)])
    with bench.app.app_context():
        left = db.session.scalar(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state != "sent"))
        db.session.remove()
        db.engine.dispose()
    ratio = sent.per_second / floor
    target = ">= 0.8 of mail" if asked else "told only"
    yield Row("W7", name, sent.per_second, "mails/s", "mail", ratio, target, left == 0 and (ratio >= 0.8 or not asked),
              f"mail {floor:.0f}/s, {sent.cpu:.2f} ms of processor for each mail, queued in {sent.queued:.2f} s, "
              f"not sent {left}")  # fmt: skip
    if len(sent.held) > SETTLED:
        grown = sent.held[-1] - sent.held[SETTLED - 1]
        yield Row("W7", f"{name} memory", grown, "MB more", target=f"< {GROWTH} MB", ok=grown < GROWTH,
                  note=f"{sent.held[SETTLED - 1]:.0f} MB after {SETTLED},000 mails, {max(sent.held):.0f} MB at most, "
                  f"{sent.held[-1]:.0f} MB at the end")  # fmt: skip


def w12(bench: Bench) -> Iterator[Row]:
    """First view of a goal page on a phone with a cold cache, in a real browser."""
    from bench.phone import first_view

    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        view = first_view(f"{address}/p/bench/e/goal-1000")
    yield Row("W12", "bytes", view.bytes / 1000, "kB", target="<= 60 kB", ok=view.bytes <= 60_000)
    yield Row("W12", "requests", view.requests, "requests", target="<= 12", ok=view.requests <= 12)
    yield Row("W12", "layout shift", view.shift, "CLS", target="0", ok=view.shift == 0)
    yield Row("W12", "without script", view.usable, "readable", target="1", ok=view.usable == 1)


def w14(bench: Bench) -> Iterator[Row]:
    """Memory of one web worker after 10,000 mixed requests."""
    pages = ["/", "/p/bench", "/p/bench/concept", "/p/bench/timeline", "/p/bench/contributions", "/sign-in",
             "/p/bench/e/goal-1000", "/p/bench/e/goal-10000", "/p/bench/e/other-1", "/imprint"]  # fmt: skip
    with gunicorn("wsgi:application", bench.settings, workers=1) as (address, pid):
        worker = psutil.Process(pid).children()[0]
        failed = 0
        for n in range(10_000):
            try:
                with urllib.request.urlopen(address + pages[n % len(pages)], timeout=30) as answer:
                    answer.read()
            except OSError:
                failed += 1
        megabytes = worker.memory_info().rss / 1e6
    yield Row("W14", "10,000 requests", megabytes, "MB", target="< 150 MB", ok=megabytes < 150 and failed == 0,
              note=f"failed {failed}")  # fmt: skip


WORKLOADS: dict[str, Callable[[Bench], Iterator[Row]]] = {"W1": w1, "W4": w4, "W7": w7, "W12": w12, "W14": w14}


def write_results(rows: list[Row]) -> Path:
    """bench-results/latest.json: what the table says, for machines."""
    target = ROOT / "bench-results" / "latest.json"
    target.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
        json.dump([row.as_json() for row in rows], file, indent=1, ensure_ascii=False)
    Path(file.name).replace(target)
    return target


__all__ = ["WORKLOADS", "Bench", "Row", "floors", "write_results"]
