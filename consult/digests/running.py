"""The door of the nightly digest, for the worker's tick and for the command. A door: it commits.

The order makes it safe to be killed anywhere and to run three times a night: the seal is committed first, so that
every entry has its place; then each process's digest, with its mails, in one transaction of its own.
"""

import logging
from datetime import datetime

from consult.audit import operations as audit
from consult.digests import operations, queries
from consult.extensions import db
from consult.processes.models import Process

log = logging.getLogger(__name__)


def run_due(now: datetime) -> list[int]:
    """Make every digest that is due at `now`; returns the ids of those that were issued.

    One process whose digest cannot be made does not stop the others: it is logged and tried again at the next tick.
    """
    process_ids = [process.id for process in queries.due(now)]
    db.session.rollback()
    if not process_ids:
        return []
    seal_all()
    head = audit.head()
    issued: list[int] = []
    for process_id in process_ids:
        try:
            digest = operations.compile(db.session.get_one(Process, process_id), head, now)
            done = digest.id if digest is not None and digest.issued_at is not None else None
            db.session.commit()
        except Exception:
            db.session.rollback()
            log.exception("the digest of process %s could not be made", process_id)
            continue
        if done is not None:
            issued.append(done)
    return issued


def seal_all() -> None:
    """Give every committed entry its place, batch by batch."""
    while audit.seal():
        db.session.commit()
    db.session.commit()
