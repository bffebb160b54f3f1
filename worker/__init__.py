"""The Celery application: `celery -A worker:celery worker -B -P threads -c 2`, or with prefork on Redis.

It imports the application; the application never imports it. Tasks are poked by name (consult/broker.py).
"""

import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from celery import Celery, Task, signals
from flask import Flask

import config
from consult import broker, create_app
from consult.extensions import db
from worker import watch
from worker.schedule import SCHEDULE


def _application() -> Flask:
    """The Flask application of this process; a wrong setting ends it with one sentence instead of a traceback."""
    try:
        app = create_app()
        folder = Path(app.config["DATA_DIR"])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise config.SettingsError(f"DATA_DIR={folder} cannot be written: {error.strerror}.") from None
    except config.SettingsError as error:
        sys.exit(str(error))
    return app


class ContextTask(Task):  # type: ignore[misc]  # Celery ships no types
    """A task that runs in an application context; the database session ends with it."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with flask_app.app_context():
            return self.run(*args, **kwargs)


def make_celery(app: Flask) -> Celery:
    """Celery with our settings; what each is for stands beside it."""
    made = Celery("consult", task_cls=ContextTask, include=["worker.tasks"])
    made.conf.update(
        broker.settings(app.config["BROKER_URL"], patience=10.0),
        # A task counts as done when it is done: a killed worker's task comes back.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        # Threads ignore these; with prefork they end what hangs.
        task_soft_time_limit=240,
        task_time_limit=300,
        broker_connection_retry_on_startup=True,
        # The worker outlives a broker that is away for however long, and one that refuses (read-only, full).
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        beat_schedule=SCHEDULE,
        beat_schedule_filename=os.path.join(app.config["DATA_DIR"], "schedule"),
    )
    return made


@signals.worker_process_init.connect
def _after_fork(**_: Any) -> None:
    # Connections of the parent must not be used by its children.
    with flask_app.app_context():
        db.engine.dispose(close=False)


@signals.setup_logging.connect
def _keep_our_logs(**_: Any) -> None:
    # Two lines per mail say nothing that the outbox does not know better.
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(name).setLevel(logging.WARNING)


flask_app = _application()
celery = make_celery(flask_app)
watch.install()
