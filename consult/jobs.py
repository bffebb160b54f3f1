"""Background work: the row is the truth, a job is only a poke.

`enqueue(Job.x, id)` remembers on the session and publishes after the outermost commit, from a daemon thread:
a half-open broker hangs a publisher for many seconds, and no visitor waits for that. A failed poke is logged;
the sweeper finds the row within a minute.
"""

import logging
import queue
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session

log = logging.getLogger(__name__)


class Job(StrEnum):
    """Every background job by its task name. Arguments are ids, never text or addresses."""

    deliver = "consult.deliver"
    deliver_due = "consult.deliver_due"
    sweep = "consult.sweep"
    seal = "consult.seal"
    digests = "consult.digests"
    monthly = "consult.monthly"
    mornings = "consult.mornings"
    #: Mails before and after meetings.
    reminders = "consult.reminders"
    #: Offered places nobody took, and free ones nobody was offered.
    waiting_lists = "consult.waiting_lists"
    #: Mail that came back.
    bounces = "consult.bounces"
    purge = "consult.purge"
    #: One campaign: from its audience to promised mails.
    campaign = "consult.campaign"
    #: Campaigns whose time has come, or that were left behind.
    campaigns = "consult.campaigns"
    #: One issue of a newsletter: from its subscribers to promised mails.
    newsletter = "consult.newsletter"
    #: Issues whose time has come, or that were left behind.
    newsletters = "consult.newsletters"
    #: A long list of people: read it, or take it into its campaign.
    people_list = "consult.people_list"
    #: The letters of one campaign as one file.
    letters = "consult.letters"
    heartbeat = "consult.heartbeat"


Publisher = Callable[[Job, tuple[int, ...]], None]
_KEY = "consult_jobs"
_publisher: Publisher | None = None


def set_publisher(publisher: Publisher | None) -> Publisher | None:
    """Say how jobs leave (worker/__init__.py, tests); returns the one before."""
    global _publisher
    before, _publisher = _publisher, publisher
    return before


def enqueue(session: Session | scoped_session[Any], job: Job, *ids: int) -> None:
    """Poke `job` after the commit of `session`'s present transaction; a rollback forgets it."""
    info: dict[str, Any] = session.info
    info.setdefault(_KEY, []).append((job, ids))


def _after_commit(session: Session) -> None:
    # Also fires when a savepoint is released: then the outer transaction may still roll back.
    if session.in_nested_transaction():
        return
    for job, ids in session.info.pop(_KEY, []):
        if _publisher is not None:
            _publisher(job, ids)


def _after_soft_rollback(session: Session, previous: Any) -> None:
    # A savepoint that rolls back keeps the jobs of the outer transaction: too many pokes are harmless.
    if not session.in_nested_transaction() and not previous.nested:
        session.info.pop(_KEY, None)


def install(session: Any) -> None:
    """Attach the listeners to a session factory; safe to call twice."""
    if not event.contains(session, "after_commit", _after_commit):
        event.listen(session, "after_commit", _after_commit)
        event.listen(session, "after_soft_rollback", _after_soft_rollback)


class ThreadPublisher:
    """Publishes through one daemon thread with a bounded queue; drops (and logs) when the broker cannot keep up."""

    def __init__(self, send: Callable[[str, tuple[int, ...]], None], size: int = 10_000) -> None:
        self._send = send
        self._queue: queue.Queue[tuple[Job, tuple[int, ...]]] = queue.Queue(size)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._overflowing = False

    def __call__(self, job: Job, ids: tuple[int, ...]) -> None:
        # The thread starts with the first job, so that it lives in the forked web process and not in its parent.
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="publish-jobs", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait((job, ids))
            self._overflowing = False
        except queue.Full:
            # Once per overflow: a large campaign would fill the log as well.
            if not self._overflowing:
                log.warning("job queue full, %s and what follows left to the sweeper", job.value)
            self._overflowing = True

    def _run(self) -> None:
        while True:
            job, ids = self._queue.get()
            try:
                self._send(job.value, ids)
            except Exception as error:
                log.warning("could not poke %s (%s); the sweeper will find it", job.value, type(error).__name__)
