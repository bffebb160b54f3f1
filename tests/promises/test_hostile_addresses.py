"""No address breaks a page or leads somewhere else: every GET route, its path and its query filled with nonsense.

`make drill D=E10` asks a hundred thousand times; here the same questions stay within some seconds.
"""

import os

import pytest
from flask import Flask

from tests import factories
from tests.client import IsolatedClient
from tests.conftest import savepoint
from tests.hostile import Prober, leads_away, noticing
from tests.promises.world import build

ROLES = ("citizen", "moderator", "lead", "operator")
TIMES = int(os.environ.get("CONSULT_HOSTILE_ADDRESSES", "700"))
SEED = int(os.environ.get("CONSULT_HOSTILE_SEED", "1"))


@pytest.fixture(scope="module")
def prober(app: Flask):
    with savepoint(app), noticing(app):
        world = build()
        app.test_client_class = IsolatedClient
        clients = {"anonymous": app.test_client()}
        for role in ROLES:
            clients[role] = app.test_client()
            factories.sign_in(clients[role], world.cast[role])
        made = Prober(app, clients, world.arguments, SEED)
        made.get_to_know()
        yield made


def test_no_address_breaks_a_page_or_leads_away(prober):
    prober.probe(TIMES)
    assert not prober.faults, "\n".join(sorted({str(fault) for fault in prober.faults}))


def test_the_questions_reach_the_pages_they_are_for(prober):
    """Or the promise above would be empty: nearly all doors open for somebody, and their parameters are known."""
    shut = {name.split()[0] for name in prober.doors} - {name.split()[0] for name in prober.through}
    assert len(shut) < len(prober.doors) / 4, sorted(shut)
    asked = {name for door in prober.doors.values() for name in door.names}
    assert {"before", "after", "next", "q", "lang", "show", "n", "from", "at"} <= asked, sorted(asked)


@pytest.mark.parametrize(
    ("location", "away"),
    [("/p/x", False), ("http://localhost/p/x", False), (None, False), ("//evil.example", True),
     ("/\\evil.example", True), ("/\t/evil.example", True), ("https://evil.example/", True),
     ("http://localhost.evil.example/", True), ("javascript:alert(1)", True)],
)  # fmt: skip
def test_what_leads_away_is_read_as_browsers_read_it(location, away):
    assert leads_away(location) is away
