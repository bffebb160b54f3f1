"""E10: every GET route asked by addresses nobody of good will asks for, in several roles, on PostgreSQL.

The long form of tests/promises/test_hostile_addresses.py: each run has another seed, which is printed with the figure.
Nearly all of its time goes into making pages: several processes share it, each with a seed of its own.
"""

import contextlib
import contextvars
import os
import pickle
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

import flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bench.drill_rows import Figures, Row, Servers
from consult import web
from consult.accounts.views import blueprint as accounts
from consult.extensions import db
from consult.site import views as site
from tests import factories
from tests.faults.stage import stage
from tests.hostile import Fault, Prober, noticing
from tests.promises.world import build

ROLES = ("citizen", "moderator", "steering", "lead", "operator")
#: Processes that ask.
AT_ONCE = 4


class Client(FlaskClient):
    """Each request in a context of its own, as on a server."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer: TestResponse = contextvars.Context().run(super().open, *args, **kwargs)
        return answer


@dataclass(frozen=True)
class Share:
    """What one of the processes found."""

    asked: int
    doors: int
    faults: list[Fault]
    statuses: Counter[int]


def addresses(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """E10: no address is answered with an error of ours, and none leads away from this host."""
    times, seed, processes = (100_000, int(time.time()), AT_ONCE) if size == "full" else (2_500, 1, 1)
    with (
        _removed(without),
        stage(folder, None, server=servers.postgres, broker=servers.redis) as here,
        noticing(here.app),
    ):
        here.app.test_client_class = Client
        with here.app.app_context():
            town = build()
            clients = {"anonymous": here.app.test_client()}
            for role in ROLES:
                clients[role] = here.app.test_client()
                factories.sign_in(clients[role], town.cast[role])
            values = dict(town.arguments)
            db.session.remove()
            # Whoever is forked must not speak on a connection of the others. No request was answered yet: threads that
            # answering begins would be missing in the children.
            db.engine.dispose()

        def ask(part: int) -> Share:
            # Addresses of visitors that no other process has.
            prober = Prober(here.app, clients, values, seed + part, asked=part << 22)
            prober.get_to_know()
            prober.probe(times // processes)
            return Share(prober.asked - (part << 22), len(prober.doors), prober.faults, Counter(prober.statuses))

        shares = _in_processes([partial(ask, part) for part in range(processes)])
    found = [share for share in shares if share is not None]
    faults = [fault for share in found for fault in share.faults]
    asked, died = sum(share.asked for share in found), len(shares) - len(found)
    away = sum(fault.told.startswith("leads to") for fault in faults)
    counted = sum((share.statuses for share in found), Counter[int]())
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(counted.items()))
    first = f"; first: {faults[0]}" if faults else ""
    figure = (
        f"{asked} requests to {max((share.doors for share in found), default=0)} routes in {len(clients)} roles "
        f"(seeds {seed} to {seed + processes - 1}), 500s found {len(faults) - away}, led away {away}; answers {answers}"
        f"{first}{f'; {died} processes died' if died else ''}"
    )
    ok = not faults and not died and asked >= times
    return Figures("E10", asked, 0, 0, len(faults) + died, figure, ok, broken=not faults and died > 0)


def _in_processes(works: Sequence[Callable[[], Share]]) -> list[Share | None]:
    """What each returns, all at once, each in a child of this process; None for one that died."""
    children: list[tuple[int, BinaryIO]] = []
    for work in works:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            status = 1
            try:
                os.close(reading)
                with open(writing, "wb") as out:
                    pickle.dump(work(), out)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writing)
        children.append((child, open(reading, "rb")))
    told: list[Share | None] = []
    for child, answer in children:
        with answer:
            content = answer.read()
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
        told.append(None if died else pickle.loads(content))  # noqa: S301  what our own child wrote
    return told


def _removed(without: str) -> contextlib.AbstractContextManager[object]:
    """One protection less: NUL bytes pass, ids have any length, bare bytes are not read, targets are not checked."""
    if without == "forbidden":
        return mock.patch.object(web, "has_forbidden", return_value=False)
    if without == "row_ids":
        return mock.patch.object(web, "MAX_ID", 10**30)
    if without == "bare_bytes":
        return mock.patch.object(web.Request, "__init__", flask.Request.__init__)
    if without == "own_host":
        both = contextlib.ExitStack()
        for module in (site, accounts):
            both.enter_context(mock.patch.object(module, "safe_next", lambda target, default: target or default))
        return both
    return contextlib.nullcontext()


ROW = Row("E10", "hostile addresses", addresses, ("forbidden", "row_ids", "bare_bytes", "own_host"))
