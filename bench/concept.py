"""W2: a concept of 600 parts with 20 versions and 3,000 changes - reading it, comparing versions, publishing."""

import contextlib
import gzip
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select

from bench import scene
from bench.loader import make_text
from bench.server import gunicorn, wrk
from bench.workloads import SECONDS, Bench, Row, alternate
from consult import clock, create_app
from consult.concept import operations
from consult.concept.models import Concept, ConceptKind, Element, Placement, VersionAudience, Wording
from consult.concept.operations import Text
from consult.concept.queries import working_version
from consult.extensions import db
from consult.processes.models import Activity, Moderation, Process, ProcessCounter, ProcessState, Stage, StageActivity

#: Parts, versions and changes of the two sizes, ten times apart.
SIZES = {60: (4, 300), 600: (20, 3000)}
#: Pairs of versions that are compared for the first time.
PAIRS = 40

# As a browser asks: packed. Every second visitor was here before and has the page; wrk counts what it gets back.
_VISITS = """
local plain = {["Accept-Encoding"] = "gzip, deflate, br, zstd"}
local known = {["Accept-Encoding"] = "gzip, deflate, br, zstd", ["If-None-Match"] = '%s'}
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "%s", (%s) and known or plain)
end
local threads = {}
function setup(thread) table.insert(threads, thread) end
same, all = 0, 0
response = function(status) all = all + 1; if status == 304 then same = same + 1 end end
done = function()
  for _, thread in ipairs(threads) do
    io.write(string.format("not modified: %%d of %%d\\n", thread:get("same"), thread:get("all")))
  end
end
"""


def _process(slug: str, code: str) -> Process:
    now = clock.now()
    process = Process(slug=slug, code=code, title=slug, state=ProcessState.published, published_at=now)
    db.session.add(process)
    db.session.flush()
    db.session.add(ProcessCounter(process_id=process.id))
    stage = Stage(process_id=process.id, title="Now", starts_at=now)
    db.session.add(stage)
    db.session.flush()
    db.session.add(StageActivity(stage_id=stage.id, activity=Activity.comment, moderation=Moderation.post))
    return process


def _load(app: Flask) -> None:
    with app.app_context():
        for size, (versions, changes) in SIZES.items():
            make_text(_process(f"text-{size}", f"T{size}"), elements=size, versions=versions, changes=changes)
        db.session.commit()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        db.session.remove()
        db.engine.dispose()


def _fetch(url: str) -> tuple[float, int, str]:
    """(seconds, bytes unpacked, ETag) of one GET as a browser sends it."""
    started = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"}), timeout=60) as answer:
        body = answer.read()
        seconds = time.perf_counter() - started
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return seconds, len(body), answer.headers.get("ETag", "")


def w2(bench: Bench) -> Iterator[Row]:
    """Concept page, anonymous, 60 and 600 parts; the text on one page; difference of two versions; publishing."""
    _load(bench.app)
    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        for size in SIZES:
            yield _reading(bench, address, f"/p/text-{size}/concept", str(size), "false")
        yield _reading(bench, address, "/p/text-600/concept", "600 half known", "n % 2 == 0")
        yield _reading(bench, address, "/p/text-600/concept/whole", "600 on one page", "false")
        fresh = [_fetch(f"{address}/p/text-600/concept/whole?n={n}") for n in range(12)][2:]
        seconds = statistics.median(row[0] for row in fresh)
        yield Row("W2", "600 made anew", seconds * 1000, "ms", target="< 500 ms", ok=seconds < 0.5,
                  note=f"the text on one page, {fresh[0][1] / 1000:.0f} kB")  # fmt: skip
        yield from _difference(address)
    yield from _publishing(bench)


def _reading(bench: Bench, address: str, path: str, size: str, known: str) -> Row:
    _seconds, weight, etag = _fetch(address + path)
    script = bench.folder / f"visits-{size.replace(' ', '-')}.lua"
    script.write_text(_VISITS % (etag, path, known))
    got, read, errors = alternate(
        lambda: wrk(address, SECONDS, script), lambda: wrk(bench.floors_url + "/read", SECONDS)
    )
    bench.rates["read"] = read
    ratio = got.per_second / read
    note = f"p99 {got.p99_ms:.0f} ms, {weight / 1000:.0f} kB, 304 {got.not_modified:.0%}, read {read:.0f}/s"
    return Row("W2", size, got.per_second, "pages/s", "read", ratio, ">= 0.5 of read", ratio >= 0.5 and errors == 0,
               f"{note}, errors {errors}")  # fmt: skip


def _difference(address: str) -> Iterator[Row]:
    """Every pair of versions for the first time, then the furthest one again."""
    pairs = [(old, new) for new in range(20, 1, -1) for old in range(1, new)][:PAIRS]
    with contextlib.suppress(urllib.error.HTTPError):
        cold = [_fetch(f"{address}/p/text-600/concept/difference?from={old}&to={new}") for old, new in pairs]
        # Each web process keeps pages of its own: warm is what all of them were asked for once.
        warm = [_fetch(f"{address}/p/text-600/concept/difference?from=1&to=20")[0] for _n in range(120)][20:]
        p95 = sorted(row[0] for row in cold)[int(len(cold) * 0.95)]
        yield Row("W2", "difference, cold", p95 * 1000, "ms p95", target="< 1,000 ms", ok=p95 < 1,
                  note=f"{len(cold)} pairs, up to {max(row[1] for row in cold) / 1000:.0f} kB")  # fmt: skip
        worst = sorted(warm)[int(len(warm) * 0.95)]
        yield Row("W2", "difference, warm", worst * 1000, "ms p95", target="< 50 ms", ok=worst < 0.05)


def _publishing(bench: Bench) -> Iterator[Row]:
    url = f"sqlite:///{bench.folder}/publish.sqlite"
    small = create_app(scene.settings(url, Path(bench.folder)))
    with small.app_context():
        upgrade(directory=str(scene.ROOT / "migrations"))
        db.session.remove()
    _load(small)
    for name, app in (("PostgreSQL", bench.app), ("SQLite", small)):
        seconds = statistics.median(_publish(app) for _n in range(5))
        yield Row("W2", f"publish, {name}", seconds, "s", target="< 2 s", ok=seconds < 2, note="600 parts, 5 versions")


def _publish(app: Flask) -> float:
    """Seconds to freeze and seal 600 parts, with one edit since the version before."""
    with app.app_context():
        process = db.session.scalars(select(Process).where(Process.slug == "text-600")).one()
        concept = db.session.scalars(
            select(Concept).where(Concept.kind == ConceptKind.concept).order_by(Concept.id.desc())
        ).first()
        if concept is None:
            raise RuntimeError("the text is not loaded")
        element, wording = db.session.execute(
            select(Element, Wording)
            .join(Placement, Placement.element_id == Element.id)
            .join(Wording, Wording.id == Placement.wording_id)
            .where(Placement.version_id == working_version(concept.id).id, Wording.title == "")
            .limit(1)
        ).one()
        words = Text(markdown=wording.markdown + " Neu.", details=wording.details)
        operations.edit(element, wording.id, words, reason="r", actor=None, process=process)
        db.session.commit()
        started = time.perf_counter()
        operations.publish(concept, title="Neu", audience=VersionAudience.public, actor=None, process=process)
        db.session.commit()
        seconds = time.perf_counter() - started
        db.session.remove()
        db.engine.dispose()
    return seconds
