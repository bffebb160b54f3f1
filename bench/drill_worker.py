"""The drill's worker: the one of the fault tests, with one protection removed when the drill asks for it.

Only this module knows how to remove a protection; production imports nothing from here.
"""

import os
import secrets

from celery import Celery

from consult import clock
from consult.extensions import own_transaction
from consult.outbox import delivery, mime
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
    def grab(message_id: int, now: object) -> tuple[delivery.Claim, str]:
        with own_transaction() as session:
            row = session.get_one(OutboxMessage, message_id)
            row.state, row.attempts, row.claimed_until = "sending", 1, clock.now() + delivery.LEASE
            return delivery.Claim(message_id, 1, row.claimed_until), row.state

    def write(claim: delivery.Claim, outcome: delivery.Outcome, now: object) -> str:
        with own_transaction() as session:
            session.get_one(OutboxMessage, claim.message_id).state = outcome.state
            return outcome.state

    delivery._claim, delivery._record = grab, write


def _without_message_id() -> None:
    mime.message_id = lambda *_key: f"<{secrets.token_hex(16)}@consult.test>"


match os.environ.get("CONSULT_DRILL_WITHOUT", ""):
    case "sweeper":
        _without_sweeper()
    case "claim":
        _without_claim()
    case "message_id":
        _without_message_id()
