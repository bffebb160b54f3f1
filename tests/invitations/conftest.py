"""A database of its own for tests that need real transactions side by side, and a mail server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade

from consult import create_app
from consult.extensions import db
from tests.conftest import database_url
from tests.sink import Sink, smtp_sink


@pytest.fixture
def sink(app: Flask) -> Iterator[Sink]:
    """A real mail server on this machine, set as the application's own."""
    before = app.config["MAIL_URL"]
    with smtp_sink() as running:
        app.config["MAIL_URL"] = running.url
        yield running
        app.config["MAIL_URL"] = before
        known = app.extensions.pop("consult_mail", None)
        if known is not None:
            known[1].close()


@pytest.fixture
def own_app(tmp_path: Path, worker_name: str) -> Iterator[Flask]:
    """An application on a fresh database, without the savepoint that keeps other tests apart."""
    application = create_app(
        {
            "CONSULT_ENV": "test",
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": "test-key-" + "0123456789abcdef" * 3,
            "PUBLIC_URL": "http://consult.test",
            "DATABASE_URL": database_url(tmp_path, f"consult_invitations_{worker_name}"),
            "BROKER_URL": "you-forgot-to-capture-jobs://",
            "MAIL_URL": f"file://{tmp_path}/mail",
            "DEMO": "0",
        }
    )
    with application.app_context():
        upgrade(directory=str(Path(__file__).parent.parent.parent / "migrations"))
        db.engine.dispose()
        yield application
        db.session.remove()
        db.engine.dispose()
