"""The way of a job to the worker. Web processes and the worker share these settings; only the worker runs tasks."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery
from flask import Flask
from kombu.transport import resolve_transport
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import config
from consult import jobs

_SQLITE = "sqla+sqlite:///"


def check(url: str) -> None:
    """Raise `SettingsError` when no transport of this kind exists; whether somebody answers is not asked."""
    scheme = url.partition("://")[0]
    try:
        resolve_transport(scheme.partition("+")[0])
    except (KeyError, ImportError):
        raise config.SettingsError(
            f"BROKER_URL begins with {scheme[:20]!r}, which is no broker: write redis://host:6379/0, or leave it out."
        ) from None


def settings(url: str, *, patience: float) -> dict[str, Any]:
    """What both sides need to find the broker. `patience`: seconds until it counts as not answering."""
    options: dict[str, Any] = {}
    if url.startswith("redis"):
        options = {
            # Longer than any task; what a killed worker held comes back by the sweeper long before.
            "visibility_timeout": 3600,
            "socket_connect_timeout": patience,
            "socket_timeout": patience,
            "socket_keepalive": True,
        }
    elif url.startswith("sqla+sqlite"):
        # Everything that is unknown here goes to create_engine.
        options = {"connect_args": {"timeout": 30}}
    return {
        "broker_url": url,
        "broker_connection_timeout": patience,
        "broker_transport_options": options,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_default_queue": "celery",
        "enable_utc": True,
        "timezone": "UTC",
    }


def sender(url: str) -> Callable[[str, tuple[int, ...]], None]:
    """A function that pokes a task by name. It may take a few seconds and raise: call it from a thread."""
    producer = Celery("consult-web", set_as_current=False)
    producer.conf.update(settings(url, patience=3.0), broker_connection_retry=False)

    def send(name: str, ids: tuple[int, ...]) -> None:
        producer.send_task(name, args=ids, retry=False, ignore_result=True)

    return send


def prepare(url: str) -> None:
    """Make the folder of an embedded broker's file and set it up for several processes."""
    if not url.startswith(_SQLITE):
        return
    path = Path(url.removeprefix(_SQLITE))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as database:
            database.execute("PRAGMA journal_mode=WAL")
    except (OSError, sqlite3.Error) as error:
        raise config.SettingsError(f"The broker's file {path} cannot be written ({error}).") from None


def purge_consumed(url: str, now: datetime) -> int:
    """Remove messages that an SQL broker keeps invisibly after they were consumed a day ago; returns how many."""
    if not url.startswith("sqla+"):
        return 0
    # kombu stamps consumed messages with the local wall time of the machine.
    before = (now - timedelta(days=1)).astimezone().replace(tzinfo=None)
    engine = create_engine(make_url(url.removeprefix("sqla+")))
    try:
        with engine.begin() as connection:
            gone = connection.execute(
                text("DELETE FROM kombu_message WHERE visible = :no AND timestamp < :before"),
                {"no": False, "before": before.isoformat(sep=" ")},
            )
            return int(gone.rowcount)
    finally:
        engine.dispose()


def init_app(app: Flask) -> None:
    """Let jobs of this process leave for the broker. Tests capture them instead."""
    if app.config["TESTING"]:
        return
    check(app.config["BROKER_URL"])
    prepare(app.config["BROKER_URL"])
    jobs.set_publisher(jobs.ThreadPublisher(sender(app.config["BROKER_URL"])))
