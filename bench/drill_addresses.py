"""E10: every GET route asked by addresses nobody of good will asks for, in several roles, on PostgreSQL.

The long form of tests/promises/test_hostile_addresses.py: each run has another seed, which is printed with the figure.
"""

import contextlib
import contextvars
import time
from pathlib import Path
from typing import Any
from unittest import mock

import flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bench.drill_rows import Figures, Row, Servers
from consult import web
from consult.accounts.views import blueprint as accounts
from consult.site import views as site
from tests import factories
from tests.faults.stage import stage
from tests.hostile import Prober, noticing
from tests.promises.world import build

ROLES = ("citizen", "moderator", "steering", "lead", "operator")


class Client(FlaskClient):
    """Each request in a context of its own, as on a server."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer: TestResponse = contextvars.Context().run(super().open, *args, **kwargs)
        return answer


def addresses(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """E10: no address is answered with an error of ours, and none leads away from this host."""
    times, seed = (100_000, int(time.time())) if size == "full" else (2_500, 1)
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
        prober = Prober(here.app, clients, town.arguments, seed)
        prober.get_to_know()
        prober.probe(times)
    away = sum(fault.told.startswith("leads to") for fault in prober.faults)
    broken = len(prober.faults) - away
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(prober.statuses.items()))
    first = f"; first: {prober.faults[0]}" if prober.faults else ""
    figure = (
        f"{prober.asked} requests to {len(prober.doors)} routes in {len(clients)} roles (seed {seed}), "
        f"500s found {broken}, led away {away}; answers {answers}{first}"
    )
    return Figures("E10", prober.asked, 0, 0, len(prober.faults), figure, not prober.faults)


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
