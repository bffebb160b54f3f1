"""The door of the monthly mail, for the worker's tick. A door: it commits, batch by batch.

Safe to run at any time, twice, and by two workers: the outbox takes one mail per person and month.
"""

from datetime import datetime

from flask import current_app
from sqlalchemy import exists, select

from consult.accounts.models import Person
from consult.digests import monthly
from consult.digests.monthly_emails import MONTHLY
from consult.extensions import db
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue_many
from consult.weighing import stopping
from consult.weighing.stopping import Switch

BATCH = 500


def run_due(now: datetime) -> int:
    """Promise the mail of the last month to everybody who wants it and has not got it; returns how many.

    Nothing on other days than the first ones of a month, and nothing when nothing happened.
    """
    zone = current_app.config["TIMEZONE"]
    month = monthly.month_due(now, zone)
    if month is None:
        return 0
    period, promised = monthly.period_of(month), 0
    people = _without_it(period)
    if people and not monthly.of_month(month, zone, now):
        people = []
    while people:
        stopping.prepare(people, Switch.monthly)
        promised += queue_many(MONTHLY, [(ident, ident) for ident in people], period=period)
        db.session.commit()
        people = _without_it(period)
    db.session.rollback()
    return promised


def _without_it(period: str) -> list[int]:
    """The next of those who want the mail of this month and were not promised it yet."""
    told = exists().where(
        OutboxMessage.kind == MONTHLY, OutboxMessage.recipient_id == Person.id, OutboxMessage.period == period
    )
    return list(
        db.session.scalars(
            select(Person.id)
            .where(Person.tell_monthly, Person.email.is_not(None), Person.erased_at.is_(None), ~told)
            .order_by(Person.id)
            .limit(BATCH)
        )
    )
