"""The drill's worker: the one of the fault tests, with one protection removed when the drill asks for it.

Only this module knows how to remove a protection; production imports nothing from here.
"""

import os
import secrets
from datetime import datetime
from typing import Any

from celery import Celery
from sqlalchemy import Connection, select, update

from consult.extensions import own_transaction
from consult.outbox import claims, mime
from consult.outbox.models import OutboxMessage
from tests.faults.entry import celery as _celery

#: What can be taken away, and what must go wrong then.
REMOVALS = {
    "sweeper": "nobody looks for what a killed worker left behind: mail is lost",
    "claim": "every poke sends, whatever the state of the row: mail is doubled",
    "message_id": "every attempt has another Message-ID: nobody can recognise a repetition",
}
celery: Celery = _celery


def _without_sweeper() -> None:
    celery.conf.beat_schedule = {
        name: entry for name, entry in celery.conf.beat_schedule.items() if name != "consult.sweep"
    }


def _without_claim() -> None:
    table: Any = OutboxMessage.__table__

    def grab(now: datetime, message_id: int | None = None) -> list[claims.Claim]:
        chosen = table.c.id == message_id if message_id is not None else table.c.state == "queued"
        with own_transaction() as session:
            rows = session.execute(select(table).where(chosen).limit(claims.BATCH)).all()
        return [claims.Claim(row.id, row.kind, "queued", row.attempts, now) for row in rows]

    def write(connection: Connection, claim: claims.Claim, outcome: claims.Outcome, now: object) -> bool:
        connection.execute(update(table).where(table.c.id == claim.message_id).values(state=outcome.state))
        return True

    def take(connection: Connection, last: list[Any], _claim: object, _mine: object) -> bool:
        claims.write_down(connection, last)
        return True

    claims.reserve, claims.record, claims.take = grab, write, take


def _without_message_id() -> None:
    mime.message_id = lambda *_key: f"<{secrets.token_hex(16)}@consult.test>"


match os.environ.get("CONSULT_DRILL_WITHOUT", ""):
    case "sweeper":
        _without_sweeper()
    case "claim":
        _without_claim()
    case "message_id":
        _without_message_id()
