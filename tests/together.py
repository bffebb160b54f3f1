"""Several at once, on real connections: an application with a database of its own, and threads released together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from consult import create_app
from consult.errors import Conflict, Refused
from consult.extensions import db
from tests.conftest import database_url

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@contextmanager
def own_application(folder: Path, database: str) -> Iterator[Flask]:
    """An application with a database of its own: what is committed here stays, and disturbs no other test."""
    application = create_app(
        {
            "CONSULT_ENV": "test",
            "DATA_DIR": str(folder),
            "SECRET_KEY": "test-key-" + "0123456789abcdef" * 3,
            "PUBLIC_URL": "http://consult.test",
            "DATABASE_URL": database_url(folder, database),
            "BROKER_URL": "you-forgot-to-capture-jobs://",
            "MAIL_URL": f"file://{folder}/mail",
            "DEMO": "0",
        }
    )
    with application.app_context():
        upgrade(directory=str(MIGRATIONS))
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


def each_with_gate(app: Flask, *verbs: Callable[[threading.Barrier], Any]) -> list[Any]:
    """Run each in a thread and a session of its own; they meet where each waits at the gate it is given.

    Returns what they returned; raises what one of them raised. Nothing is committed for them.
    """
    gate = threading.Barrier(len(verbs))
    results: list[Any] = [None] * len(verbs)

    def run(place: int, verb: Callable[[threading.Barrier], Any]) -> None:
        with app.app_context():
            try:
                results[place] = verb(gate)
            except BaseException as error:
                results[place] = error
                gate.abort()
            finally:
                db.session.rollback()
                db.session.remove()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Refused | Conflict):
            raise result
    return results


def at_once(app: Flask, *verbs: Callable[[], Any]) -> list[Any]:
    """Each in a transaction of its own, all released together and committed; what it returned, or its refusal."""

    def begin(verb: Callable[[], Any], gate: threading.Barrier) -> Any:
        gate.wait(10)
        try:
            result = verb()
            db.session.commit()
        except (Refused, Conflict) as refusal:
            return refusal
        return result

    return each_with_gate(app, *(partial(begin, verb) for verb in verbs))
