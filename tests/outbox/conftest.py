from collections.abc import Iterator

import pytest
from flask import Flask

from tests.outbox import factories
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
def letter() -> Iterator[str]:
    """A mail kind that is sent at least once."""
    with factories.registered() as name:
        yield name
