"""Sending promised mails: reserve, ask again, render, hand over, record.

    queued, retry -> (reserved) -> sending -> sent | retry | failed | uncertain | dropped

A worker reserves a batch by a lease and leaves the states as they are, so that what is paused or stopped meanwhile does
not leave. Only the one message that is being handed over is `sending`: a worker that dies leaves behind one in the
air, whose guarantee decides, and reservations that run out. A worker that comes back late changes nothing.

Each step is a transaction of its own, and the conversation with the mail server is inside none. Nobody waits for the
other: while the server reads whom a message is for, the one before is recorded and this one begun in one step; while it
reads the message, the next one is rendered. What is due is one batch after the other; a single message is a batch of
one.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from flask import Flask, current_app
from sqlalchemy import Connection, select

import config
from consult import clock
from consult.db import read_only, writing
from consult.extensions import db, own_transaction
from consult.outbox import claims, kinds, mime, returned, transport
from consult.outbox.claims import Claim, Outcome
from consult.outbox.kinds import Guarantee
from consult.outbox.models import OutboxMessage, State
from consult.outbox.rendering import Desk, Letter

log = logging.getLogger(__name__)

#: For how many seconds a batch is sent before the rest is given back: what was read for it grows old.
BATCH_SECONDS = 2.0
#: What the row of a message that is not there counts as.
GONE = "gone"


class _NotOurs(Exception):
    """The message was paused, stopped or taken by another since it was reserved."""


def deliver(message_id: int) -> str:
    """Send the message if it is its turn; returns the state it is in afterwards, `gone` when there is no such row.

    Safe to call twice and at the same time. Owns its transactions: the caller must have nothing uncommitted.
    """
    db.session.rollback()
    _send(claims.reserve(clock.now(), message_id))
    with own_transaction() as session:
        return session.scalar(select(OutboxMessage.state).where(OutboxMessage.id == message_id)) or GONE


def deliver_due() -> int:
    """Send a batch of what is due, oldest first; returns how many it dealt with, 0 when nothing is due.

    As safe as `deliver`. Whoever works through a heap calls it again and again, so that others get their turn between.
    """
    db.session.rollback()
    return _send(claims.reserve(clock.now()))


def _send(batch: list[Claim]) -> int:
    """Deal with reserved messages in order; returns how many. The rest is given back when time is up."""
    if not batch:
        return 0
    until = time.monotonic() + BATCH_SECONDS
    open_ones = list(batch)
    # Losing the end of a database server's record repeats at most what may be repeated.
    known = kinds.all_kinds()
    durable = any(claim.kind not in known or known[claim.kind].guarantee == Guarantee.at_most_once for claim in batch)
    # A context of its own: what is loaded for the batch is shared in it and gone with it.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy has it
    request = app.test_request_context(base_url=app.config["PUBLIC_URL"])
    with (
        app.app_context(),
        request,
        writing(),
        claims.one_by_one(durable=durable) as connection,
        read_only(),
        kinds.sharing(),
    ):
        desk = Desk(batch)
        #: The outcome of the last one, written down together with the next one's beginning.
        last: list[tuple[Claim, Outcome]] = []
        while open_ones and (time.monotonic() < until or len(open_ones) == len(batch)):
            claim = open_ones.pop(0)
            if last and not desk.has(claim):
                with writing(), claims.step(connection):
                    claims.write_down(connection, last)
            _deal_with(connection, desk, last, claim, open_ones)
        with writing(), claims.step(connection):
            claims.write_down(connection, last)
            if open_ones:
                claims.give_back(connection, open_ones)
    return len(batch) - len(open_ones)


def _deal_with(
    connection: Connection, desk: Desk, last: list[tuple[Claim, Outcome]], claim: Claim, following: Sequence[Claim]
) -> None:
    """Send one message, or find out why not; `last` holds the outcome of this one then, if it was still ours."""
    letter = desk.letter(claim)
    if isinstance(letter, Outcome):
        with writing(), claims.step(connection):
            claims.write_down(connection, last)
        last.append((claim, letter))
        return
    mine = claims.begun(claim)

    def begin() -> None:
        with writing(), claims.step(connection):
            taken = claims.take(connection, last, claim, mine)
        # Not inside: what became of the one before is recorded all the same.
        if not taken:
            raise _NotOurs

    with suppress(_NotOurs):
        last.append((mine, _hand_over(mine, letter, begin, partial(desk.ahead, following))))


def _hand_over(
    claim: Claim, letter: Letter, begin: Callable[[], object], meanwhile: Callable[[], object]
) -> Outcome:  # fmt: skip
    """Speak to the mail server; no transaction is open. `claim` is the one that is sent once it has begun.

    Raises what `begin` raises; nothing was sent then.
    """
    try:
        answer = _transport().send(letter.content, current_app.config["MAIL_FROM"], letter.to, begin, meanwhile)
    except transport.NotSent as refusal:
        if refusal.permanent:
            return Outcome(State.failed, refusal.reason, gone=letter.owner if refusal.no_such_address else None)
        return claims.later(claim.attempts, refusal.reason)
    except transport.Unknown as cut:
        log.warning("message %s: %s, so nobody knows whether it arrived", claim.message_id, cut.reason)
        if letter.guarantee == Guarantee.at_most_once:
            return Outcome(State.uncertain, cut.reason, letter.lang, letter.subject, letter.text)
        return claims.later(claim.attempts, cut.reason)
    return Outcome(State.sent, answer, letter.lang, letter.subject, letter.text)


def _transport() -> transport.Transport:
    """The transport of this application, made once per address."""
    url: str = current_app.config["MAIL_URL"]
    known: tuple[str, transport.Transport] | None = current_app.extensions.get("consult_mail")
    if known is None or known[0] != url:
        known = (url, transport.from_url(url))
        current_app.extensions["consult_mail"] = known
    return known[1]


def init_app(app: Flask) -> None:
    """Look at the mail settings before anybody relies on them. Raises `SettingsError`, or `BadMail` by the probe."""
    transport.from_url(app.config["MAIL_URL"])
    if app.config["BOUNCE_MAILBOX"]:
        returned.check(app.config["BOUNCE_MAILBOX"])
    try:
        mime.address(app.config["MAIL_FROM"])
    except mime.BadMail:
        raise config.SettingsError("MAIL_FROM is not a mail address.") from None
    mime.probe()
