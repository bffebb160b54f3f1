"""Queueing mail in the transaction that causes it."""

from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.extensions import db
from consult.jobs import Job, enqueue
from consult.outbox.models import OutboxMessage, State


def queue(
    kind: str, subject_id: int, recipient_id: int, *, period: str = "", process_id: int | None = None
) -> int | None:
    """Promise one mail; it leaves after the commit. Returns its id, or None when it was promised before."""
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
