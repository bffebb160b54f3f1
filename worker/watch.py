"""A worker that hears nothing although the clock ticks all the time ends itself, and is started again.

After some faults of a broker a worker believes to be connected and gets no more tasks. Nothing is lost by it, but
nothing is sent either. The clock (worker/schedule.py) ticks several times a minute, and each worker gets its share.
"""

import logging
import os
import threading
import time
from typing import Any

from celery import signals
from celery.worker import state

log = logging.getLogger(__name__)

#: Seconds without any task, while none is being worked on, after which a worker counts as deaf.
DEAF = 300.0
#: Between two looks, and until it must have ended.
LOOK, END = 10.0, 60.0


class Watch:
    """Knows when a task came in last."""

    def __init__(self) -> None:
        self.heard = time.monotonic()
        #: Celery's consumer; it connects again by itself when it knows that the broker is gone.
        self.consumer: Any = None

    def hear(self, **_: Any) -> None:
        """A task has come in."""
        self.heard = time.monotonic()

    def is_deaf(self) -> bool:
        """Whether it should have heard something by now. Who is busy, or looks for the broker, is not deaf."""
        connection = getattr(self.consumer, "connection", None)
        if state.active_requests or (self.consumer is not None and not (connection and connection.connected)):
            self.heard = time.monotonic()
        return time.monotonic() - self.heard > DEAF

    def watch(self) -> None:
        """Look once in a while; return once the worker was told to end."""
        while not self.is_deaf():
            time.sleep(min(LOOK, DEAF))
        log.error("no task for %.0f seconds: this worker is deaf and ends, to be started again", DEAF)
        # Ends as by a signal: what is being worked on is finished. The exit code says that it was a failure.
        state.should_stop = 1

    def run(self) -> None:
        """Watch, and see to it that the end comes."""
        self.watch()
        time.sleep(END)
        os._exit(1)


def install() -> None:
    """Let the worker of this process watch itself, once it runs."""
    watch = Watch()

    def begin(sender: Any, **_: Any) -> None:
        watch.consumer = sender
        watch.hear()
        threading.Thread(target=watch.run, name="watch", daemon=True).start()

    signals.task_received.connect(watch.hear, weak=False)
    signals.worker_ready.connect(begin, weak=False)
