"""D7: whether the doors tell by their answer, or by the time it takes, which addresses have an account.

For each door the same form is sent again and again for addresses with an account, without one, and with a suspended
one, in mixed order; all but the address is the same. Compared are status, length and place of the answer, the medians
of the times, and their distributions (two-sample Kolmogorov-Smirnov).
"""

import contextlib
import contextvars
import math
import random
import statistics
import time
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path
from unittest import mock

from flask import Flask
from sqlalchemy import delete

from bench.drill_rows import Figures, Row, Servers
from consult import clock
from consult.accounts import passwords, queries
from consult.accounts.models import Account, Person
from consult.contributions.models import Stance
from consult.extensions import db
from consult.limits import RateBucket
from consult.processes.models import Activity
from tests.client import Page
from tests.factories import make_process, make_stage
from tests.faults.stage import stage
from tests.sink import smtp_sink

KINDS = ("known", "unknown", "suspended")
#: So many addresses of each kind; each is used again only when its limits are forgotten.
ADDRESSES = 40
#: What a stranger measures across a network cannot be finer than this (milliseconds between medians).
MOST_APART = 5.0
#: So many ask at the same time at doors whose answers wait.
AT_ONCE = 4
DOORS: dict[str, dict[str, str]] = {
    "/sign-in": {"password": "not the password at all"},
    "/sign-in/mail": {},
    "/reset": {},
    "/register": {"name": "Somebody", "new_password": "korrekt pferd batterie"},
    # Without an account, with an address to be told at.
    "/p/doors/comment": {"text": "A bench under the lime tree.", "stance": Stance.support},
}


def same_distribution(one: Sequence[float], other: Sequence[float]) -> float:
    """The probability of samples at least so different if both came from one distribution.

    Kolmogorov-Smirnov, asymptotic form (Smirnov 1948): 2 * sum((-1)^(k-1) * exp(-2 k^2 x^2)).
    """
    a, b = sorted(one), sorted(other)
    apart = max(abs(bisect_right(a, x) / len(a) - bisect_right(b, x) / len(b)) for x in [*a, *b])
    x = apart * math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    if x < 0.2:
        return 1.0
    return min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))))


def _people(app: Flask) -> dict[str, list[str]]:
    """Addresses of each kind; those of accounts exist afterwards."""
    addresses = {kind: [f"{kind}{n:03}@doors.example" for n in range(ADDRESSES)] for kind in KINDS}
    with app.app_context():
        make_stage(make_process(slug="doors"), Activity.comment)
        password_hash = passwords.hash_password("das richtige Kennwort")
        for kind in ("known", "suspended"):
            for address in addresses[kind]:
                person = Person(name="N", email=address)
                db.session.add(person)
                db.session.flush()
                suspended = clock.now() if kind == "suspended" else None
                account = Account(person_id=person.id, password_hash=password_hash, confirmed_at=clock.now())
                account.suspended_at = suspended
                db.session.add(account)
        db.session.commit()
    return addresses


def _forget(app: Flask, addresses: Sequence[str]) -> None:
    """Limits start anew, and who registered is unknown again."""
    with app.app_context():
        db.session.execute(delete(RateBucket))
        for address in addresses:
            person = queries.person_by_email(address)
            if person is not None:
                person.email = None
        db.session.commit()


@dataclass
class Stranger:
    """Somebody with a browser at one door, who takes the time."""

    app: Flask
    door: str

    def __post_init__(self) -> None:
        self.browser = self.app.test_client()
        # Each in a context of its own, as on a server: what a request sets must not reach what comes after it.
        page = Page(contextvars.Context().run(self.browser.get, self.door))
        self.fields = {**page.form_fields(self.door), **DOORS[self.door]}

    def ask(self, tries: Sequence[tuple[int, str, str]]) -> list[tuple[str, float, str]]:
        """(kind, milliseconds, look) of the answer to each (turn, kind, address)."""
        return [self._ask(*one) for one in tries]

    def _ask(self, turn: int, kind: str, address: str) -> tuple[str, float, str]:
        sent = {**self.fields, "email": address, "form_id": f"{turn:032x}"}
        environ = {"REMOTE_ADDR": f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"}
        started = time.perf_counter()
        answer = contextvars.Context().run(self.browser.post, self.door, data=sent, environ_overrides=environ)
        took = (time.perf_counter() - started) * 1000
        place = answer.headers.get("Location", "").partition("/slip/")[0]
        shown = answer.get_data(as_text=True).replace(address, "").replace(sent["form_id"], "")
        return kind, took, f"{answer.status_code} {place} {len(shown) if answer.status_code == 200 else 0}"


def _times(
    app: Flask, door: str, addresses: dict[str, list[str]], each: int
) -> tuple[dict[str, list[float]], set[str]]:
    """Milliseconds of each answer by kind, and the different looks the answers had."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    looks: set[str] = set()
    # Where answers wait, several ask at once; where a password is hashed, they would wait for each other.
    strangers = [Stranger(app, door) for _ in range(1 if door == "/sign-in" else AT_ONCE)]
    turns = count()
    with ThreadPoolExecutor(len(strangers)) as pool:
        for number in range(-(-each // ADDRESSES)):
            _forget(app, addresses["unknown"])
            tries = [(next(turns), kind, address) for kind in KINDS for address in addresses[kind]]
            random.Random(number).shuffle(tries)
            shares = [tries[n :: len(strangers)] for n in range(len(strangers))]
            for answers in pool.map(Stranger.ask, strangers, shares):
                for kind, took, look in answers:
                    times[kind].append(took)
                    looks.add(look)
    return times, looks


def doors(servers: Servers, folder: Path, size: str, without: str) -> Figures:
    """D7: the same answers in the same time."""
    each = 2000 if size == "full" else 200
    parts, worst, least, different = [], 0.0, 1.0, 0
    with (
        smtp_sink(keep_content=False) as sink,
        stage(folder, sink, server=servers.postgres, broker=servers.redis) as here,
        _removed(without, here.app),
    ):
        addresses = _people(here.app)
        for door in DOORS:
            times, looks = _times(here.app, door, addresses, each)
            different += len(looks) - 1
            medians = {kind: statistics.median(values) for kind, values in times.items()}
            apart = max(medians.values()) - min(medians.values())
            alike = min(same_distribution(times[a], times[b]) for a, b in combinations(KINDS, 2))
            worst, least = max(worst, apart), min(least, alike)
            told = "/".join(f"{medians[kind]:.1f}" for kind in KINDS)
            parts.append(
                f"{door} {told} ms (p {alike:.2g}{', ' + ' | '.join(sorted(looks)) if len(looks) > 1 else ''})"
            )
    figure = f"medians {' - '.join(KINDS)}: {'; '.join(parts)}"
    ok = different == 0 and worst < MOST_APART
    return Figures("D7", each * len(KINDS) * len(DOORS), 0, 0, different, figure, ok)


def _removed(without: str, app: Flask) -> contextlib.AbstractContextManager[object]:
    """`same_work`: an unknown address costs no hashing of a password; `even_time`: answers do not wait."""
    if without == "even_time":
        return mock.patch.dict(app.config, {"ANSWER_EVERY": 0.0})
    return mock.patch.object(passwords, "_dummy", return_value="none") if without else contextlib.nullcontext()


ROW = Row("D7", "doors asked about addresses", doors, ("same_work", "even_time"))
