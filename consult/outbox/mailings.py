"""The mails of one campaign as a whole: pause, resume, stop, count. Nothing here knows what they say.

    queued, retry -> paused -> queued | dropped

What a worker has in its hands while somebody presses pause is sent to the end: it cannot be called back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from consult.extensions import db
from consult.outbox.models import OPEN_STATES, OutboxMessage, State
from consult.outbox.operations import poke

#: Written beside a mail that was never sent because its campaign was stopped.
STOPPED = "stopped"


@dataclass(frozen=True)
class Progress:
    """How many mails of a campaign are where."""

    waiting: int = 0
    sending: int = 0
    sent: int = 0
    failed: int = 0
    bounced: int = 0
    uncertain: int = 0
    dropped: int = 0
    paused: int = 0

    @property
    def total(self) -> int:
        gone = self.sent + self.failed + self.bounced + self.uncertain + self.dropped
        return gone + self.waiting + self.sending + self.paused

    @property
    def finished(self) -> int:
        """Nothing more happens to these."""
        return self.total - self.waiting - self.sending - self.paused

    @property
    def open(self) -> int:
        return self.waiting + self.sending


def spacing(per_hour: int | None) -> timedelta:
    """The time between two mails of a campaign that sends so many an hour; none without a limit."""
    return timedelta(hours=1) / per_hour if per_hour else timedelta(0)


def _changed(result: Any) -> int:
    return int(result.rowcount)


def pause_campaign(campaign_id: int) -> int:
    """Hold what has not been sent yet; returns how many mails. Safe to call again."""
    return _changed(
        db.session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.campaign_id == campaign_id, OutboxMessage.state.in_((State.queued, State.retry)))
            .values(state=State.paused)
            .execution_options(synchronize_session=False)
        )
    )


def resume_campaign(campaign_id: int, now: datetime, per_hour: int | None = None) -> int:
    """Let what was held go on from now, as far apart as `per_hour` says; returns how many mails."""
    ids = db.session.scalars(
        select(OutboxMessage.id)
        .where(OutboxMessage.campaign_id == campaign_id, OutboxMessage.state == State.paused)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
    ).all()
    if not ids:
        return 0
    apart = spacing(per_hour)
    table: Any = OutboxMessage.__table__
    # One statement for all, by the driver: each mail has a time of its own.
    db.session.connection().execute(
        update(table)
        .where(table.c.id == bindparam("which"), table.c.state == State.paused)
        .values(state=State.queued, due_at=bindparam("due"), claimed_until=None),
        [{"which": ident, "due": now + apart * place} for place, ident in enumerate(ids)],
    )
    poke(len(ids) if not apart else 1)
    return len(ids)


def stop_campaign(campaign_id: int) -> int:
    """Whatever has not been sent is never sent; returns how many mails."""
    return _changed(
        db.session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.campaign_id == campaign_id,
                OutboxMessage.state.in_((State.queued, State.retry, State.paused)),
            )
            .values(state=State.dropped, note=STOPPED)
            .execution_options(synchronize_session=False)
        )
    )


def progress_of_campaign(campaign_id: int, kind: str | None = None) -> Progress:
    """One question over all mails of the campaign, or those of one kind."""
    return progress_of_campaigns([campaign_id], kind).get(campaign_id, Progress())


def progress_of_campaigns(campaign_ids: Sequence[int], kind: str | None = None) -> dict[int, Progress]:
    """The same for several campaigns at once; those without mails are missing."""
    rows = db.session.execute(
        select(OutboxMessage.campaign_id, OutboxMessage.state, func.count())
        .where(OutboxMessage.campaign_id.in_(campaign_ids), *([OutboxMessage.kind == kind] if kind else []))
        .group_by(OutboxMessage.campaign_id, OutboxMessage.state)
    )
    found: dict[int, dict[str, int]] = {}
    for campaign_id, state, number in rows:
        name = "waiting" if state in (State.queued, State.retry) else str(state)
        counted = found.setdefault(campaign_id or 0, {})
        counted[name] = counted.get(name, 0) + number
    return {campaign_id: Progress(**counted) for campaign_id, counted in found.items()}


def still_open(campaign_id: int) -> bool:
    """Whether a mail of the campaign is still to be sent, held ones included."""
    return (
        db.session.scalar(
            select(OutboxMessage.id)
            .where(OutboxMessage.campaign_id == campaign_id, OutboxMessage.state.in_((*OPEN_STATES, State.paused)))
            .limit(1)
        )
        is not None
    )
