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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection, bindparam, column, func, or_, select, table, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm.attributes import instance_state

import config
from consult import clock, path
from consult.db import read_only, writing
from consult.extensions import db, own_transaction
from consult.i18n import in_language, language
from consult.logs import redact, redact_links
from consult.outbox import bounces, kinds, mime, returned, transport
from consult.outbox.kinds import Guarantee, Mail
from consult.outbox.models import OutboxMessage, State
from consult.site.queries import site_settings

log = logging.getLogger(__name__)

#: How long a worker may be busy with one message before it counts as dead: `transport.WHOLE_TIMEOUT` for connecting and
#: for sending, and something over.
LEASE = timedelta(minutes=3)
#: How many messages are reserved at once, for how long, and for how many seconds they are sent before the rest is given
#: back: what was read for a batch grows old.
BATCH = 100
RESERVED = timedelta(seconds=30)
BATCH_SECONDS = 2.0
#: When to try again after the first, second ... failure; after the last one, about 48 hours in, we give up.
LADDER = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 8, 8, 8, 8)),
)
#: What the row of a message that is not there counts as.
GONE = "gone"

_message: Any = OutboxMessage.__table__


#: A message that is still as it was found. Written once: putting a statement together takes longer than running it.
_AS_FOUND = (
    (_message.c.id == bindparam("found_id"))
    & (_message.c.state == bindparam("found_state"))
    & (_message.c.attempts == bindparam("found_attempts"))
    & (_message.c.claimed_until == bindparam("found_until"))
)
_TAKE = (
    update(_message)
    .where(_AS_FOUND)
    .values({name: bindparam(f"new_{name}") for name in ("state", "attempts", "claimed_until")})
)
_RECORD = update(_message).where(_AS_FOUND).values(
    {name: bindparam(f"new_{name}") for name in ("state", "attempts", "note")}
    | {name: func.coalesce(bindparam(f"new_{name}", type_=_message.c[name].type), _message.c[name])
       for name in ("due_at", "sent_at", "lang", "sent_subject", "sent_text")}
    | {"claimed_until": None}
)  # fmt: skip
#: On PostgreSQL both in one step for the usual case: the one before is sent, this one begins. It is not taken before
#: that is recorded, and nobody who holds it is waited for, because they may be waiting for the one before.
_SENT_AND_TAKE = """
    WITH recorded AS (
        UPDATE outbox_message
        SET state = 'sent', note = %(note)s, sent_at = %(now)s, lang = %(lang)s, sent_subject = %(subject)s,
            sent_text = %(text)s, claimed_until = NULL
        WHERE id = %(last_id)s AND state = 'sending' AND attempts = %(last_attempts)s
            AND claimed_until = %(last_until)s
        RETURNING id
    ), taken AS (
        UPDATE outbox_message SET state = 'sending', attempts = attempts + 1, claimed_until = %(until)s
        WHERE id = (
            SELECT id FROM outbox_message
            WHERE id = %(found_id)s AND state = %(found_state)s AND attempts = %(found_attempts)s
                AND claimed_until = %(found_until)s AND (SELECT count(*) FROM recorded) >= 0
            FOR UPDATE SKIP LOCKED
        )
        RETURNING id
    )
    SELECT (SELECT count(*) FROM recorded), (SELECT count(*) FROM taken)
"""
# By name, because the outbox stands below the accounts.
_person = table(
    "person", column("id"), column("email"), column("locale"), column("erased_at"), column("mail_paused_at")
)
_account = table("account", column("person_id"), column("suspended_at"))


@dataclass(frozen=True)
class Claim:
    """The right to deal with one message; every step checks that it still is as it was found."""

    message_id: int
    kind: str
    state: str
    #: How often it was tried before.
    attempts: int
    until: datetime


class _NotOurs(Exception):
    """The message was paused, stopped or taken by another since it was reserved."""


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt."""

    state: State
    note: str = ""
    lang: str | None = None
    subject: str | None = None
    text: str | None = None
    #: The person whose address does not exist, says the mail server.
    gone: int | None = None


@dataclass(frozen=True)
class Recipient:
    """Whom a message is for; `gone` says why they get none, `paused` that their address did not work lately."""

    address: str | None
    locale: str
    gone: str
    paused: bool


@dataclass(frozen=True)
class _Letter:
    """A message rendered and addressed; nothing of it needs the database any more."""

    content: bytes
    to: str
    #: Whose address it is; None when it goes to another than the recipient's own.
    owner: int | None
    guarantee: Guarantee
    lang: str
    subject: str
    text: str


def deliver(message_id: int) -> str:
    """Send the message if it is its turn; returns the state it is in afterwards, `gone` when there is no such row.

    Safe to call twice and at the same time. Owns its transactions: the caller must have nothing uncommitted.
    """
    db.session.rollback()
    _send(_reserve(clock.now(), message_id))
    with own_transaction() as session:
        return session.scalar(select(_message.c.state).where(_message.c.id == message_id)) or GONE


def deliver_due() -> int:
    """Send a batch of what is due, oldest first; returns how many it dealt with, 0 when nothing is due.

    As safe as `deliver`. Whoever works through a heap calls it again and again, so that others get their turn between.
    """
    db.session.rollback()
    return _send(_reserve(clock.now()))


@contextmanager
def _one_by_one(*, durable: bool) -> Iterator[Connection]:
    """A connection on which, on PostgreSQL, every statement counts at once; what has to hold together is one statement.

    What is not durable outlives the end of this process; the end of the database server may lose the last half second.
    """
    bind: Any = db.engine
    if isinstance(bind, Connection):
        # In tests all share one.
        yield bind
        return
    with bind.connect() as connection:
        if bind.dialect.name != "postgresql":
            yield connection
            return
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"SET synchronous_commit TO {'on' if durable else 'off'}")
        connection.commit()
        try:
            yield connection
            connection.exec_driver_sql("RESET synchronous_commit")
        except BaseException:
            connection.invalidate()
            raise


def _step(connection: Connection) -> AbstractContextManager[object]:
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return nullcontext()
    return connection.begin_nested() if connection.in_transaction() else connection.begin()


def _reserve(now: datetime, message_id: int | None = None) -> list[Claim]:
    """Take what is due (or this one, if it is) for this worker; what others have just taken is passed over."""
    free = or_(_message.c.claimed_until.is_(None), _message.c.claimed_until <= now)
    found: list[Claim] = []
    with own_transaction() as session:
        # One after the other, because each can be read in the order of the index.
        for state in (State.queued, State.retry, State.sending):
            if len(found) < BATCH:
                rows = session.execute(
                    select(_message.c.id, _message.c.kind, _message.c.state, _message.c.attempts)
                    .where(
                        _message.c.state == state,
                        (_message.c.claimed_until if state == State.sending else _message.c.due_at) <= now,
                        free,
                        *([] if message_id is None else [_message.c.id == message_id]),
                    )
                    # By nothing else, or all that became due together are sorted for each batch of them.
                    .order_by(_message.c.due_at)
                    .limit(BATCH - len(found))
                    .with_for_update(skip_locked=True)
                )
                found += [Claim(row.id, row.kind, row.state, row.attempts, now + RESERVED) for row in rows]
        if found:
            session.execute(
                update(_message)
                .where(_message.c.id.in_([claim.message_id for claim in found]))
                .values(claimed_until=now + RESERVED)
            )
    return found


def _send(claims: list[Claim]) -> int:
    """Deal with reserved messages in order; returns how many. The rest is given back when time is up."""
    if not claims:
        return 0
    until = time.monotonic() + BATCH_SECONDS
    open_ones = list(claims)
    # Losing the end of a database server's record repeats at most what may be repeated.
    known = kinds.all_kinds()
    durable = any(claim.kind not in known or known[claim.kind].guarantee == Guarantee.at_most_once for claim in claims)
    # A context of its own: what is loaded for the batch is shared in it and gone with it.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy has it
    request = app.test_request_context(base_url=app.config["PUBLIC_URL"])
    with (
        app.app_context(), request, writing(), _one_by_one(durable=durable) as connection, read_only(), kinds.sharing()
    ):  # fmt: skip
        desk = _Desk(claims)
        #: The outcome of the last one, written down together with the next one's beginning.
        last: list[tuple[Claim, Outcome]] = []
        while open_ones and (time.monotonic() < until or len(open_ones) == len(claims)):
            claim = open_ones.pop(0)
            if last and not desk.has(claim):
                with writing(), _step(connection):
                    _write_down(connection, last)
            _deal_with(connection, desk, last, claim, open_ones)
        with writing(), _step(connection):
            _write_down(connection, last)
            if open_ones:
                _give_back(connection, open_ones)
    return len(claims) - len(open_ones)


def _deal_with(
    connection: Connection, desk: "_Desk", last: list[tuple[Claim, Outcome]], claim: Claim, following: Sequence[Claim]
) -> None:
    """Send one message, or find out why not; `last` holds the outcome of this one then, if it was still ours."""
    letter = desk.letter(claim)
    if isinstance(letter, Outcome):
        with writing(), _step(connection):
            _write_down(connection, last)
        last.append((claim, letter))
        return
    mine = _begun(claim)

    def begin() -> None:
        with writing(), _step(connection):
            taken = _take(connection, last, claim, mine)
        # Not inside: what became of the one before is recorded all the same.
        if not taken:
            raise _NotOurs

    with suppress(_NotOurs):
        last.append((mine, _hand_over(mine, letter, begin, partial(desk.ahead, following))))


def _begun(claim: Claim) -> Claim:
    """The right to hand it over now, once it is taken."""
    return replace(claim, state=State.sending, attempts=claim.attempts + 1, until=clock.now() + LEASE)


def _found(claim: Claim) -> dict[str, Any]:
    return {
        "found_id": claim.message_id,
        "found_state": claim.state,
        "found_attempts": claim.attempts,
        "found_until": claim.until,
    }


def _take(connection: Connection, last: list[tuple[Claim, Outcome]], claim: Claim, mine: Claim) -> bool:
    """Record the last ones, then take this one; False when somebody else has changed it meanwhile."""
    if connection.dialect.name == "postgresql" and len(last) == 1 and last[0][1].state == State.sent:
        before, outcome = last.pop()
        # By the driver itself, because everything above it takes longer than all of this.
        cursor = connection.connection.cursor()
        cursor.execute(_SENT_AND_TAKE, _both(before, outcome, claim, mine))
        recorded, taken = cursor.fetchone() or (0, 0)
        if not recorded:
            _lost(before, outcome)
    else:
        _write_down(connection, last)
        new = {"new_state": mine.state, "new_attempts": mine.attempts, "new_claimed_until": mine.until}
        taken = connection.execute(_TAKE, _found(claim) | new).rowcount
    return bool(taken)


def _both(before: Claim, outcome: Outcome, claim: Claim, mine: Claim) -> dict[str, Any]:
    return {
        "last_id": before.message_id,
        "last_attempts": before.attempts,
        "last_until": before.until,
        "note": _note(outcome),
        "now": clock.now(),
        "lang": outcome.lang,
        "subject": outcome.subject,
        "text": outcome.text,
        "until": mine.until,
        **_found(claim),
    }


def _give_back(connection: Connection, claims: Sequence[Claim]) -> None:
    # Not to nothing: what a dead worker had in the air is found by a lease that is over.
    connection.execute(
        update(_message)
        .where(_message.c.id.in_([claim.message_id for claim in claims]), _message.c.claimed_until == claims[0].until)
        .values(claimed_until=clock.now())
    )


class _Desk:
    """Makes the letters of a batch; what several of them need is read once."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._kept: dict[int, _Letter | Outcome] = {}
        ids = [claim.message_id for claim in claims]
        try:
            rows = db.session.scalars(select(OutboxMessage).where(OutboxMessage.id.in_(ids))).all()
            self._messages = {message.id: message for message in rows}
            self._recipients = recipients_of({message.recipient_id for message in rows})
            _prepare(rows)
            site_settings()
        finally:
            # Nothing stays open while the mail server is spoken to; what was read is kept.
            db.session.close()

    def has(self, claim: Claim) -> bool:
        return claim.message_id in self._kept

    def ahead(self, claims: Sequence[Claim]) -> None:
        """Make the letter of the next one now, so that it is there when it is asked for."""
        for claim in claims[:1]:
            if not self.has(claim):
                self._kept[claim.message_id] = self._made(claim)

    def letter(self, claim: Claim) -> _Letter | Outcome:
        """The letter, or what became of it without being sent. Raises nothing."""
        return self._kept.pop(claim.message_id, None) or self._made(claim)

    def _made(self, claim: Claim) -> _Letter | Outcome:
        crashed = _after_crash(claim)
        if crashed is not None:
            return crashed
        try:
            return self._rendered(self._messages[claim.message_id])
        except (OperationalError, InterfaceError) as error:
            return _later(claim.attempts + 1, f"database: {type(error).__name__}")
        except mime.BadMail as error:
            return Outcome(State.failed, f"bad_mail: {error}")
        except Exception as error:
            # One broken mail must not stop the others. The operator sees it in the list of messages.
            log.exception("message %s could not be rendered", claim.message_id)
            return Outcome(State.failed, f"render: {type(error).__name__}")
        finally:
            db.session.close()

    def _rendered(self, message: OutboxMessage) -> _Letter | Outcome:
        """Ask once more whether the mail is wanted, and render it; reads only."""
        recipient = self._recipients[message.recipient_id]
        if recipient.gone:
            return Outcome(State.dropped, recipient.gone)
        kind = kinds.all_kinds().get(message.kind)
        if kind is None:
            return Outcome(State.failed, "unknown_kind")
        if recipient.paused and not kind.urgent:
            return Outcome(State.dropped, "mail_paused")
        with in_language(recipient.locale, of_path=message.kind in path.MAILS), db.session.no_autoflush:
            if not kind.wanted(message):
                return Outcome(State.dropped, "not_wanted")
            mail = kind.render(message)
            to = mail.to or recipient.address
            if not to:
                return Outcome(State.dropped, "no_address")
            content = _build(message, mail, to)
            subject, words = kept_copy(mail)
            session = db.session()
            if session.new or session.dirty or session.deleted or instance_state(message).modified:
                raise RuntimeError("rendering a mail must not change anything")
            owner = message.recipient_id if to == recipient.address else None
            return _Letter(content, to, owner, kind.guarantee, language(), subject, words)


def _prepare(messages: Sequence[OutboxMessage]) -> None:
    """Let each kind load at once what its messages need."""
    by_kind: dict[str, list[OutboxMessage]] = {}
    for message in messages:
        by_kind.setdefault(message.kind, []).append(message)
    for name, together in by_kind.items():
        kind = kinds.all_kinds().get(name)
        if kind is not None and kind.prepare is not None and len(together) > 1:
            try:
                kind.prepare(together)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                # Then each loads for itself, and the broken one stands alone.
                log.exception("messages of kind %s could not be prepared together", kind.name)


def _after_crash(claim: Claim) -> Outcome | None:
    """What a worker that died in the middle leaves behind; None = send (again)."""
    if claim.state != State.sending:
        return None
    kind = kinds.all_kinds().get(claim.kind)
    if kind is None or kind.guarantee == Guarantee.at_most_once:
        return Outcome(State.uncertain, "worker_died")
    if claim.attempts > len(LADDER):
        return Outcome(State.failed, "gave_up: worker_died")
    return None


def _hand_over(
    claim: Claim, letter: _Letter, begin: Callable[[], object], meanwhile: Callable[[], object]
) -> Outcome:  # fmt: skip
    """Speak to the mail server; no transaction is open. `claim` is the one that is sent once it has begun.

    Raises what `begin` raises; nothing was sent then.
    """
    try:
        answer = _transport().send(letter.content, current_app.config["MAIL_FROM"], letter.to, begin, meanwhile)
    except transport.NotSent as refusal:
        if refusal.permanent:
            return Outcome(State.failed, refusal.reason, gone=letter.owner if refusal.no_such_address else None)
        return _later(claim.attempts, refusal.reason)
    except transport.Unknown as cut:
        log.warning("message %s: %s, so nobody knows whether it arrived", claim.message_id, cut.reason)
        if letter.guarantee == Guarantee.at_most_once:
            return Outcome(State.uncertain, cut.reason, letter.lang, letter.subject, letter.text)
        return _later(claim.attempts, cut.reason)
    return Outcome(State.sent, answer, letter.lang, letter.subject, letter.text)


def recipients_of(person_ids: Iterable[int]) -> dict[int, Recipient]:
    """Address, language and whether they may be written to, by id, in one question."""
    rows = db.session.execute(
        select(_person, _account.c.suspended_at)
        .outerjoin(_account, _account.c.person_id == _person.c.id)
        .where(_person.c.id.in_(set(person_ids)))
    )
    return {
        row.id: Recipient(
            address=row.email,
            locale=row.locale,
            gone="erased" if row.erased_at is not None else "suspended" if row.suspended_at is not None else "",
            paused=row.mail_paused_at is not None,
        )
        for row in rows
    }


def _build(message: OutboxMessage, mail: Mail, to: str) -> bytes:
    site = site_settings()
    return mime.build(
        mail,
        to=to,
        sender_name=site.sender_name or site.platform_name or site.city_name or "Consult",
        reply_to=site.reply_to,
        ident=mime.message_id(message.id),
        now=clock.now(),
        site=site,
    )


def kept_copy(mail: Mail) -> tuple[str, str]:
    """Subject and text for the message centre. Whoever reads them later must not get in by a personal link."""
    subject, body = mime.header_text(mail.filled(mail.subject)), mail.filled(mime.whole_text(mail))
    for secret in sorted(mail.secrets, key=len, reverse=True):
        subject, body = subject.replace(secret, "[…]"), body.replace(secret, "[…]")
    return redact_links(subject)[:300], redact_links(body)


def _later(attempts: int, reason: str) -> Outcome:
    """The next rung of the ladder, or the end of it."""
    if attempts > len(LADDER):
        return Outcome(State.failed, f"gave_up: {reason}")
    return Outcome(State.retry, reason)


def _write_down(connection: Connection, outcomes: list[tuple[Claim, Outcome]]) -> None:
    """Record what became of them, each if it is still ours; the list is empty then."""
    for claim, outcome in outcomes:
        _record(connection, claim, outcome, clock.now())
    outcomes.clear()


def _note(outcome: Outcome) -> str | None:
    return mime.header_text(redact(outcome.note), 300) or None


def _record(connection: Connection, claim: Claim, outcome: Outcome, now: datetime) -> bool:
    attempts = claim.attempts if claim.state == State.sending else claim.attempts + 1
    new = {
        "new_state": outcome.state,
        "new_attempts": attempts,
        "new_note": _note(outcome),
        "new_due_at": now + LADDER[attempts - 1] if outcome.state == State.retry else None,
        "new_sent_at": now if outcome.state == State.sent else None,
        "new_lang": outcome.lang,
        "new_sent_subject": outcome.subject,
        "new_sent_text": outcome.text,
    }
    if not connection.execute(_RECORD, _found(claim) | new).rowcount:
        _lost(claim, outcome)
        return False
    if outcome.gone is not None:
        bounces.refused(connection, claim.message_id, outcome.gone, _note(outcome) or "", now)
    return True


def _lost(claim: Claim, outcome: Outcome) -> None:
    log.warning("message %s: it is not ours any more, %s is not recorded", claim.message_id, outcome.state)


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
