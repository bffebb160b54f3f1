"""Making a digest: claim the window, count, promise the mails."""

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from consult.audit.actions import Action
from consult.audit.operations import record
from consult.digests import queries
from consult.digests.figures import figures
from consult.digests.models import Digest, DigestKind
from consult.extensions import db
from consult.outbox.operations import queue
from consult.processes.models import Function, Process
from consult.processes.queries import people_with


def compile(process: Process, head: int, now: datetime, *, meeting_id: int | None = None) -> Digest | None:
    """Close the window (end of the last one, head] and, if anything happened in it, issue the digest.

    Returns None when somebody else has this window or day, or when `head` lies behind. When nothing happened the
    window is closed without `issued_at`, and no mail leaves. Everything is in the caller's one transaction: a worker
    that dies in the middle leaves nothing behind.
    """
    ident = _claim(process, head, queries.local_date(process, now), now)
    if ident is None:
        return None
    digest = db.session.scalars(
        select(Digest).where(Digest.id == ident).execution_options(populate_existing=True)
    ).one()
    happened = queries.activity(process, digest.from_seq, digest.to_seq)
    if not happened:
        return digest
    digest.content = dict(figures(process, happened, now))
    digest.meeting_id = meeting_id
    # Set together: an issued digest never changes again.
    digest.issued_at = now
    db.session.flush()
    record(
        Action.digest_issued,
        None,
        digest,
        process_id=process.id,
        from_seq=digest.from_seq,
        to_seq=digest.to_seq,
    )
    for person_id in people_with(process.id, Function.steering):
        queue("steering_digest", digest.id, person_id, process_id=process.id)
    return digest


def _claim(process: Process, head: int, day: date, now: datetime) -> int | None:
    """The id of the window row that is ours alone, or None. The unique keys decide, not what we saw before."""
    last = queries.last_window(process.id)
    start = last.to_seq if last is not None else 0
    if head < start or (last is not None and last.local_date == day):
        return None
    if last is not None and last.from_seq == last.to_seq and last.issued_at is None:
        return _carry_on(last, head, day, now)
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return db.session.execute(
        insert(Digest)
        .values(
            process_id=process.id,
            kind=DigestKind.steering,
            local_date=day,
            from_seq=start,
            to_seq=head,
            created_at=now,
            content={},
        )
        .on_conflict_do_nothing()
        .returning(Digest.id)
    ).scalar_one_or_none()


def _carry_on(last: Digest, head: int, day: date, now: datetime) -> int | None:
    """A window in which not even one entry was sealed has no width; the next one starts at the same place, so it is
    the same row, moved to the new day.
    """
    try:
        with db.session.begin_nested():
            return db.session.execute(
                update(Digest)
                .where(
                    Digest.id == last.id,
                    Digest.to_seq == last.to_seq,
                    Digest.local_date == last.local_date,
                    Digest.issued_at.is_(None),
                )
                .values(to_seq=head, local_date=day, created_at=now)
                .returning(Digest.id)
                .execution_options(synchronize_session=False)
            ).scalar_one_or_none()
    except IntegrityError:
        # The clock went back: this day has its digest already.
        return None
