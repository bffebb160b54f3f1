"""The right to deal with a message, and what is written down of it: reserved, begun, recorded, given back.

    queued, retry -> (reserved) -> sending -> sent | retry | failed | uncertain | dropped

A reservation is a lease that leaves the state alone, so that what is paused or stopped meanwhile does not leave. Every
statement here changes a row only while it is as it was found: a worker that comes back late changes nothing.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from consult import clock
from consult.extensions import db, own_transaction
from consult.logs import redact
from consult.outbox import bounces, kinds, mime
from consult.outbox.kinds import Guarantee
from consult.outbox.models import OutboxMessage, State

log = logging.getLogger(__name__)

#: How long a worker may be busy with one message before it counts as dead: `transport.WHOLE_TIMEOUT` for connecting and
#: for sending, and something over.
LEASE = timedelta(minutes=3)
#: How many messages are reserved at once, and for how long.
BATCH = 100
RESERVED = timedelta(seconds=30)
#: When to try again after the first, second ... failure; after the last one, about 48 hours in, we give up.
LADDER = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 8, 8, 8, 8)),
)

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


@dataclass(frozen=True)
class Claim:
    """The right to deal with one message; every step checks that it still is as it was found."""

    message_id: int
    kind: str
    state: str
    #: How often it was tried before.
    attempts: int
    until: datetime


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


@contextmanager
def one_by_one(*, durable: bool) -> Iterator[Connection]:
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


def step(connection: Connection) -> AbstractContextManager[object]:
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return nullcontext()
    return connection.begin_nested() if connection.in_transaction() else connection.begin()


def reserve(now: datetime, message_id: int | None = None) -> list[Claim]:
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


def begun(claim: Claim) -> Claim:
    """The right to hand it over now, once it is taken."""
    return replace(claim, state=State.sending, attempts=claim.attempts + 1, until=clock.now() + LEASE)


def _found(claim: Claim) -> dict[str, Any]:
    return {
        "found_id": claim.message_id,
        "found_state": claim.state,
        "found_attempts": claim.attempts,
        "found_until": claim.until,
    }


def take(connection: Connection, last: list[tuple[Claim, Outcome]], claim: Claim, mine: Claim) -> bool:
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
        write_down(connection, last)
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


def give_back(connection: Connection, claims: Sequence[Claim]) -> None:
    # Not to nothing: what a dead worker had in the air is found by a lease that is over.
    connection.execute(
        update(_message)
        .where(_message.c.id.in_([claim.message_id for claim in claims]), _message.c.claimed_until == claims[0].until)
        .values(claimed_until=clock.now())
    )


def later(attempts: int, reason: str) -> Outcome:
    """The next rung of the ladder, or the end of it."""
    if attempts > len(LADDER):
        return Outcome(State.failed, f"gave_up: {reason}")
    return Outcome(State.retry, reason)


def after_crash(claim: Claim) -> Outcome | None:
    """What a worker that died in the middle leaves behind; None = send (again)."""
    if claim.state != State.sending:
        return None
    kind = kinds.all_kinds().get(claim.kind)
    if kind is None or kind.guarantee == Guarantee.at_most_once:
        return Outcome(State.uncertain, "worker_died")
    if claim.attempts > len(LADDER):
        return Outcome(State.failed, "gave_up: worker_died")
    return None


def write_down(connection: Connection, outcomes: list[tuple[Claim, Outcome]]) -> None:
    """Record what became of them, each if it is still ours; the list is empty then."""
    for claim, outcome in outcomes:
        record(connection, claim, outcome, clock.now())
    outcomes.clear()


def _note(outcome: Outcome) -> str | None:
    return mime.header_text(redact(outcome.note), 300) or None


def record(connection: Connection, claim: Claim, outcome: Outcome, now: datetime) -> bool:
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
