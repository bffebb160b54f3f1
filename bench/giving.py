"""What people do with contributions: W3 (reading, signed in), W5 (reacting), W9 (the moderators' desk)."""

import re
import statistics
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask
from sqlalchemy import func, insert, select

from bench import scene
from bench.loader import make_contributions
from bench.scene import Visitor
from bench.server import gunicorn, wrk
from bench.workloads import FLOOR, SECONDS, Bench, Row, alternate, detail
from consult import clock
from consult.concept.models import Element
from consult.contributions import tallies
from consult.contributions.models import Contribution, ModerationReason, Reaction, ReactionKind, State
from consult.extensions import db
from consult.groups.models import Group, GroupKind, Membership
from consult.processes.models import Function, Process, ProcessGroup

_VISIT = """
local cookies = %s
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/p/bench/e/%s", {["Cookie"] = cookies[(n %% #cookies) + 1]})
end
"""
# Every go begins elsewhere: a form's one-time id counts once, and so does what somebody thinks of a contribution.
_REACT = """
local visitors, numbers = %s, %s
math.randomseed(os.time())
local go, n = os.time() .. "-" .. math.random(1000000), math.random(1000000)
request = function()
  n = n + 1
  local v = visitors[(n %% #visitors) + 1]
  local turn = math.floor(n / #visitors)
  local number = numbers[(turn %% #numbers) + 1]
  local kind = (math.floor(turn / #numbers) %% 2 == 0) and "agree" or "disagree"
  local body = "csrf_token=" .. v.csrf .. "&form_id=" .. go .. "-" .. n .. "&kind=" .. kind .. "&next=%%2Fp%%2Fbench"
  return wrk.format("POST", "/p/bench/contributions/" .. number .. "/react",
    {["Cookie"] = v.cookie, ["Content-Type"] = "application/x-www-form-urlencoded"}, body)
end
"""
#: Clients that react at the same time.
AT_ONCE = 16


def _table(values: list[str]) -> str:
    return "{" + ", ".join(f'"{value}"' for value in values) + "}"


def _in_database(app: Flask, ask: Callable[[], Any]) -> Any:
    with app.app_context():
        try:
            answer = ask()
            db.session.commit()
            return answer
        finally:
            db.session.remove()
            db.engine.dispose()


def _process() -> Process:
    return db.session.scalars(select(Process).where(Process.slug == "bench")).one()


def _leave_marks(people: list[Visitor], key: str, *, waiting: bool) -> None:
    """Each has written twice on the goal, lately, and agrees or disagrees with five of the newest."""
    element = db.session.scalars(select(Element).where(Element.key == key)).one()
    ids = [person.person_id for person in people]
    make_contributions(_process(), [element.id], 2 * len(ids), ids, replies=0)
    if waiting:
        make_contributions(_process(), [element.id], len(ids), ids, replies=0, state=State.pending)
    newest = db.session.execute(
        select(Contribution.id, Contribution.author_id)
        .where(Contribution.element_id == element.id, Contribution.state == State.published)
        .order_by(Contribution.number.desc())
        .limit(12)
    ).all()
    now = clock.now()
    kinds = (ReactionKind.agree, ReactionKind.disagree)
    reacted = [
        {"contribution_id": row.id, "person_id": ident, "kind": kinds[row.id % 2], "created_at": now}
        for at, ident in enumerate(ids)
        for row in [newest[(at + n) % len(newest)] for n in range(5)]
        if row.author_id != ident
    ]
    db.session.execute(insert(Reaction), reacted)
    for row in newest:
        _count_anew(row.id)


def _count_anew(contribution_id: int) -> None:
    contribution = db.session.get_one(Contribution, contribution_id)
    for kind, counter in tallies.COUNTERS.items():
        counted = select(func.count()).where(Reaction.contribution_id == contribution_id, Reaction.kind == kind)
        setattr(contribution, counter.key, db.session.scalar(counted))
    contribution.contested = min(contribution.agrees, contribution.disagrees)
    db.session.flush()


def w3(bench: Bench) -> Iterator[Row]:
    """Goal page, signed in: with own contributions and reactions; the last row is people who wait for a moderator."""
    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        for key, number in scene.SIZES.items():
            for waiting in (False, True) if number == max(scene.SIZES.values()) else (False,):
                people = scene.visitors(bench.app, 20, f"/p/bench/e/{key}/comment")
                _in_database(bench.app, lambda people=people, key=key, waiting=waiting: _leave_marks(
                    people, key, waiting=waiting))  # fmt: skip
                script = bench.folder / f"visit-{key}.lua"
                script.write_text(_VISIT % (_table([person.cookie for person in people]), key))
                got, read, errors = alternate(
                    lambda script=script: wrk(address, SECONDS, script),
                    lambda: wrk(bench.floors_url + "/read", SECONDS),
                )
                ratio = got.per_second / read
                size = f"{number:,}" + (", waiting" if waiting else "")
                target = "told" if waiting else ">= 0.2 of read"
                yield Row("W3", size, got.per_second, "pages/s", "read", ratio, target,
                          errors == 0 and (waiting or ratio >= 0.2),
                          detail(got, f"read {read:.0f}/s", errors))  # fmt: skip


def w5(bench: Bench) -> Iterator[Row]:
    """Agree or disagree, 50 people from 16 clients with the same 200 contributions; counters against counted rows."""
    floor = bench.folder / "write.lua"
    floor.write_text(FLOOR)
    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        for key, number in scene.SIZES.items():
            people = scene.visitors(bench.app, 50, f"/p/bench/e/{key}/comment")
            numbers = _in_database(bench.app, lambda key=key: _numbers_on(key))
            visitors = "{" + ", ".join(f'{{cookie="{v.cookie}", csrf="{v.csrf}"}}' for v in people) + "}"
            script = bench.folder / f"react-{key}.lua"
            script.write_text(_REACT % (visitors, "{" + ", ".join(map(str, numbers)) + "}"))
            got, write, errors = alternate(
                lambda script=script: wrk(address, SECONDS, script, connections=AT_ONCE),
                lambda: wrk(bench.floors_url + "/write", SECONDS, floor, connections=AT_ONCE),
            )
            ids = [person.person_id for person in people]
            stored, wrong = _in_database(bench.app, lambda ids=ids: (_reactions_of(ids), tallies.recount_reactions()))
            ratio = got.per_second / write
            told = f"write {write:.0f}/s, {stored} rows, counters wrong {len(wrong)}"
            yield Row("W5", f"{number:,}", got.per_second, "reactions/s", "write", ratio, ">= 0.5 of write",
                      ratio >= 0.5 and errors == 0 and stored > 0 and not wrong,
                      detail(got, told, errors))  # fmt: skip


def _numbers_on(key: str) -> list[int]:
    found = db.session.scalars(
        select(Contribution.number)
        .join(Element, Element.id == Contribution.element_id)
        .where(Element.key == key, Contribution.state == State.published)
        .order_by(Contribution.number.desc())
        .limit(200)
    )
    return [number for number in found if number is not None]


def _reactions_of(ids: list[int]) -> int:
    return db.session.scalar(select(func.count()).where(Reaction.person_id.in_(ids))) or 0


def _make_moderator(person_id: int) -> int:
    """Lets this person moderate; returns the id of a reason for holding back."""
    process = _process()
    group = Group(name="Moderation", kind=GroupKind.team)
    reason = ModerationReason(process_id=process.id, key="r", text="Beleidigt eine Person")
    db.session.add_all([group, reason])
    db.session.flush()
    begin = clock.now()
    db.session.add(ProcessGroup(process_id=process.id, group_id=group.id, function=Function.moderation))
    db.session.add(Membership(group_id=group.id, person_id=person_id, starts_at=begin))
    db.session.flush()
    return reason.id


def _in_state(state: State) -> int:
    return db.session.scalar(select(func.count()).where(Contribution.state == state)) or 0


def w9(bench: Bench) -> Iterator[Row]:
    """The moderators' desk with 5,000 waiting: its pages, and a decision about 200 at once."""
    moderator = scene.visitors(bench.app, 1, "/p/bench/e/goal-1000/comment")[0]
    reason = _in_database(bench.app, lambda: _make_moderator(moderator.person_id))
    with gunicorn("wsgi:application", bench.settings) as (address, _pid):
        desk = f"{address}/p/bench/moderation"
        times = []
        for _n in range(24):
            began = time.perf_counter()
            page = _asked(desk, moderator.cookie)
            times.append(time.perf_counter() - began)
        worst = sorted(times[4:])[18]
        waiting = _in_database(bench.app, lambda: _in_state(State.pending))
        yield Row("W9", f"{waiting:,} waiting", worst * 1000, "ms p95", target="< 200 ms", ok=worst < 0.2,
                  note=f"median {statistics.median(times[4:]) * 1000:.0f} ms, {len(page) / 1000:.0f} kB")  # fmt: skip
        for verb, state in (("approve", State.published), ("hide", State.hidden)):
            picks = re.findall(r'name="pick" value="([^"]+)"', _asked(f"{desk}?size=200", moderator.cookie))[:200]
            before = _in_database(bench.app, lambda state=state: _in_state(state))
            fields = [("csrf_token", moderator.csrf), ("form_id", f"bulk-{verb}"), ("verb", verb), ("confirmed", "y"),
                      ("reason_id", str(reason)), ("note", ""), *(("pick", pick) for pick in picks)]  # fmt: skip
            began = time.perf_counter()
            _asked(f"{desk}/bulk", moderator.cookie, urllib.parse.urlencode(fields).encode())
            seconds = time.perf_counter() - began
            done = _in_database(bench.app, lambda state=state: _in_state(state)) - before
            wrong = _in_database(bench.app, tallies.recount)
            yield Row("W9", f"{verb} {len(picks)}", seconds * 1000, "ms", target="< 1,000 ms",
                      ok=seconds < 1 and done == len(picks) == 200 and not wrong,
                      note=f"done {done}, tallies wrong {len(wrong)}")  # fmt: skip


class _Stay(urllib.request.HTTPRedirectHandler):
    """Where a form leads to is not part of what is measured."""

    def redirect_request(self, *_request: object) -> None:
        return None


def _asked(url: str, cookie: str, body: bytes | None = None) -> str:
    request = urllib.request.Request(url, data=body, headers={"Cookie": cookie})
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as answer:
        if answer.code != 303:
            raise
        return ""
