"""Questions about the outbox: how much is where, what went wrong, is the background work alive."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import column, func, select, table

from consult.audit.models import Heartbeat
from consult.db import UtcDateTime
from consult.extensions import db
from consult.outbox.models import OutboxMessage, State

#: States a person has to look at.
TROUBLE = (State.failed, State.uncertain, State.bounced)
#: Of these, what can be sent again.
AGAIN = (State.failed, State.uncertain)
#: The worker ticks every few seconds; after this long it counts as dead.
HEARTBEAT_SECONDS = 180
#: Mail that has been due for longer than this is stuck.
DUE_SECONDS = 900

_person = table(
    "person", column("id"), column("name"), column("email"), column("mail_paused_at", UtcDateTime()),
    column("mail_paused_why"),
)  # fmt: skip


@dataclass(frozen=True)
class Trouble:
    """A message that did not arrive, or nobody knows."""

    id: int
    kind: str
    state: str
    recipient: str
    note: str
    attempts: int
    queued_at: datetime


@dataclass(frozen=True)
class PausedAddress:
    """Somebody who gets no mail until a person has looked at the address."""

    person_id: int
    name: str
    address: str
    since: datetime
    why: str


@dataclass(frozen=True)
class Health:
    """Whether the background work does its duty; figures only, nothing about people."""

    #: Seconds since the clock of the worker last ticked; None when it never did.
    heartbeat: float | None
    #: For how many seconds the oldest waiting mail has been due; 0 when none is.
    oldest_due: float

    @property
    def ready(self) -> bool:
        return self.heartbeat is not None and self.heartbeat <= HEARTBEAT_SECONDS and self.oldest_due <= DUE_SECONDS


def counts_by_state() -> dict[State, int]:
    """How many messages are in each state, all states included, in the order of a message's life."""
    rows = db.session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state.value, 0) for state in State}


def troubled(before: int | None, limit: int) -> list[Trouble]:
    """Failed and uncertain messages, newest first, those with an id below `before`."""
    statement = (
        select(OutboxMessage, _person.c.name)
        .join(_person, _person.c.id == OutboxMessage.recipient_id)
        .where(OutboxMessage.state.in_(TROUBLE))
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(OutboxMessage.id < before)
    return [
        Trouble(row.id, row.kind, row.state, name, row.note or "", row.attempts, row.queued_at)
        for row, name in db.session.execute(statement)
    ]


def paused_addresses(before: int | None, limit: int) -> list[PausedAddress]:
    """People whose address is paused, those who came last first, those with an id below `before`."""
    statement = select(_person).where(_person.c.mail_paused_at.is_not(None)).order_by(_person.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_person.c.id < before)
    return [
        PausedAddress(row.id, row.name, row.email or "", row.mail_paused_at, row.mail_paused_why or "")
        for row in db.session.execute(statement)
    ]


def count_paused_addresses() -> int:
    return db.session.scalar(select(func.count()).where(_person.c.mail_paused_at.is_not(None))) or 0


def health(now: datetime) -> Health:
    """The figures of the background work. Raises what the database raises when it does not answer."""
    beat = db.session.scalar(select(func.max(Heartbeat.at)))
    due = db.session.scalar(
        select(func.min(OutboxMessage.due_at)).where(
            OutboxMessage.state.in_((State.queued, State.retry)), OutboxMessage.due_at <= now
        )
    )
    return Health(
        heartbeat=None if beat is None else max(0.0, (now - beat).total_seconds()),
        oldest_due=0.0 if due is None else (now - due).total_seconds(),
    )
