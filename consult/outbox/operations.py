"""Queueing mail in the transaction that causes it, and looking after what was queued."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.jobs import Job, enqueue
from consult.outbox.claims import BATCH
from consult.outbox.models import OutboxMessage, State

#: The poke that left with the commit gets this long before the sweeper pokes again.
GRACE = timedelta(seconds=20)
#: How many workers at most send a heap at the same time; more would keep everything else waiting.
WORKERS = 4
#: How long the sent text is kept for the message centre.
KEEP_COPIES = timedelta(days=90)


def queue(
    kind: str, subject_id: int, recipient_id: int, *, period: str = "", process_id: int | None = None
) -> int | None:
    """Promise one mail; it leaves after the commit. Returns its id, or None when it was promised before.

    Whoever queues to many people does so in the order of their ids: two transactions at once then wait for each
    other instead of standing in each other's way.
    """
    now = clock.now()
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    ident = db.session.execute(
        insert(OutboxMessage)
        .values(
            kind=kind,
            subject_id=subject_id,
            recipient_id=recipient_id,
            period=period,
            process_id=process_id,
            state=State.queued,
            attempts=0,
            queued_at=now,
            due_at=now,
        )
        .on_conflict_do_nothing(index_elements=["kind", "subject_id", "recipient_id", "period"])
        .returning(OutboxMessage.id)
    ).scalar_one_or_none()
    if ident is not None:
        enqueue(db.session, Job.deliver, ident)
    return ident


def queue_many(
    kind: str,
    pairs: Iterable[tuple[int, int]],
    *,
    period: str = "",
    process_id: int | None = None,
    campaign_id: int | None = None,
    due_at: datetime | None = None,
    apart: timedelta = timedelta(0),
) -> int:
    """Promise the same kind of mail to many, as (subject id, recipient id); returns how many were not promised before.

    The first one is due at `due_at` (now), each further one `apart` later.

    A few statements for thousands of rows, in the order of the recipients' ids for the reason said at `queue`.
    """
    now = clock.now()
    first = due_at or now
    rows = [
        {
            "kind": kind,
            "subject_id": subject_id,
            "recipient_id": recipient_id,
            "period": period,
            "process_id": process_id,
            "campaign_id": campaign_id,
            "state": State.queued,
            "attempts": 0,
            "queued_at": now,
            "due_at": first + apart * place,
        }
        for place, (subject_id, recipient_id) in enumerate(sorted(pairs, key=lambda pair: (pair[1], pair[0])))
    ]
    if not rows:
        return 0
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    idents = db.session.scalars(
        insert(OutboxMessage)
        .on_conflict_do_nothing(index_elements=["kind", "subject_id", "recipient_id", "period"])
        .returning(OutboxMessage.id),
        rows,
    ).all()
    # What is due later is found by the sweeper in time.
    if first <= now:
        poke(len(idents) if not apart else min(1, len(idents)))
    return len(idents)


def poke(due: int) -> None:
    """Let workers begin with a heap of so many mails, after the commit; each goes on until nothing is due."""
    for _n in range(min(WORKERS, -(-due // BATCH))):
        enqueue(db.session, Job.deliver_due)


def sweep(now: datetime) -> int:
    """Poke again when something is due for longer than a moment and too few are busy with it; returns how much is due.

    A poke too many is harmless because every message is reserved before it is sent.
    """
    free = or_(OutboxMessage.claimed_until.is_(None), OutboxMessage.claimed_until <= now)
    found = db.session.execute(
        select(
            func.count().filter(free),
            # One reservation per busy worker.
            func.count(OutboxMessage.claimed_until.distinct()).filter(~free, OutboxMessage.state != State.sending),
        ).where(
            or_(
                and_(OutboxMessage.state == State.queued, OutboxMessage.due_at <= now - GRACE),
                and_(OutboxMessage.state == State.retry, OutboxMessage.due_at <= now),
                and_(OutboxMessage.state == State.sending, OutboxMessage.claimed_until <= now),
            )
        )
    ).one()
    due, busy = int(found[0]), int(found[1])
    poke(max(0, min(due, (WORKERS - busy) * BATCH)))
    return due


def retry(message_id: int, actor_id: int) -> bool:
    """An operator sends a failed or uncertain message again, with the same Message-ID; False when it is neither."""
    changed = db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state.in_((State.failed, State.uncertain)))
        .values(state=State.queued, attempts=0, due_at=clock.now(), claimed_until=None)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]  # a DML result has it
        return False
    record(Action.message_retried, actor_id, (OutboxMessage.__tablename__, message_id))
    enqueue(db.session, Job.deliver, message_id)
    return True


def forget_copies(kind: str, recipient_id: int, process_id: int) -> None:
    """Blank the kept texts of one kind of mail to somebody in a process: what they quoted is gone for good."""
    db.session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.recipient_id == recipient_id,
            OutboxMessage.process_id == process_id,
            OutboxMessage.kind == kind,
            OutboxMessage.sent_text.is_not(None),
        )
        .values(sent_subject=None, sent_text=None)
        .execution_options(synchronize_session=False)
    )


def purge_copies(now: datetime) -> int:
    """Blank the kept texts that are older than the retention; returns how many."""
    result = db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.queued_at < now - KEEP_COPIES, OutboxMessage.sent_text.is_not(None))
        .values(sent_subject=None, sent_text=None)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it
