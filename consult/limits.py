"""Rate limits in the database, so that they hold when Redis is gone."""

import functools
import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from flask import abort, current_app, request
from sqlalchemy import String, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from consult import clock
from consult.db import Base, utc
from consult.extensions import db, own_transaction

P = ParamSpec("P")
R = TypeVar("R")


class RateBucket(Base):
    """Hits of one key in one window of time. Keys are hashes; rows live a day."""

    __tablename__ = "rate_bucket"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    ends_at: Mapped[utc] = mapped_column(index=True)
    hits: Mapped[int] = mapped_column(default=1)


#: With a port or a zone behind the address, as some reverse proxies write it.
_WITH_MORE = re.compile(r"\[(?P<six>[^\[\]]*)\](?::\d+)?|(?P<four>\d+\.\d+\.\d+\.\d+):\d+")


def visitor() -> str:
    """The address of the visitor, an IPv6 one by its /64: a household has a whole /64 to itself.

    All whose address nobody can read are one visitor: a proxy that hands on what anybody writes opens no way around.
    """
    given = (request.remote_addr or "127.0.0.1").strip()
    if found := _WITH_MORE.fullmatch(given):
        given = found["six"] or found["four"] or ""
    try:
        address = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return "unreadable"
    if isinstance(address, ipaddress.IPv6Address):
        # Ways to reach IPv6 from one IPv4 address: whoever has that has a whole /48, or as many as they like.
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        return str(inside or ipaddress.IPv6Address(int(address) >> 64 << 64))
    return str(address)


def _key(name: str, who: str, window: int) -> str:
    # The day is part of the key: tomorrow the same address has another hash.
    secret = current_app.config["SECRET_KEY"].encode()
    message = f"{name}|{who}|{window}|{clock.now().date()}"
    return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()


def hit(name: str, who: str, per: timedelta) -> int:
    """Count one attempt and return how many there were in the present window of length `per`."""
    now = clock.now()
    seconds = int(per.total_seconds())
    window = int(now.timestamp()) // seconds
    values = {"key": _key(name, who, window), "ends_at": now + per, "hits": 1}
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(RateBucket)
        .values(values)
        .on_conflict_do_update(index_elements=["key"], set_={"hits": RateBucket.hits + 1})
        .returning(RateBucket.hits)
    )
    with own_transaction() as session:
        return int(session.execute(statement).scalar_one())


def limit(name: str, who: str, times: int, per: timedelta) -> None:
    """Abort with 429 when `who` did `name` more than `times` within `per`. Call before the main transaction."""
    if hit(name, who, per) > times:
        abort(429)


def in_even_time(view: Callable[P, R]) -> Callable[P, R]:
    """Decorator for doors that send a mail to known addresses only: the answer to a POST waits for the next multiple
    of ANSWER_EVERY seconds, so that the work done for some addresses does not show. Put it below the route."""

    @functools.wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        started = time.monotonic()
        answer = view(*args, **kwargs)
        if request.method == "POST":
            wait_for_even_time(started)
        return answer

    return wrapped


def wait_for_even_time(started: float) -> None:
    """Wait until a multiple of ANSWER_EVERY seconds has passed since `started` (of `time.monotonic`); after the
    commit, so that nobody waits with an open transaction."""
    every: float = current_app.config["ANSWER_EVERY"]
    if every:
        time.sleep(every - (time.monotonic() - started) % every)


def purge() -> int:
    """Remove windows that are over; returns how many."""
    result = db.session.execute(delete(RateBucket).where(RateBucket.ends_at < clock.now()))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it
