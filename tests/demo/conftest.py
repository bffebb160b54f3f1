"""The demonstration, loaded once for all tests of a file."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask

from consult.demo.loader import load
from consult.extensions import db
from consult.site.models import Site
from tests.demo.factories import NOW, an_app


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> Iterator[Flask]:
    """The demonstration, loaded on that Thursday; the city had given itself a name before."""
    with an_app(tmp_path_factory.mktemp("demo"), f"demo_{worker_name}") as app:
        with time_machine.travel(NOW, tick=False):
            db.session.add(Site(id=1, city_name="Prüfhausen"))
            db.session.commit()
            assert load() is True
            db.session.remove()
        yield app


@pytest.fixture
def demo(loaded: Flask, at: Any) -> Iterator[Any]:
    """A session that looks at it."""
    at(NOW)
    with loaded.app_context():
        yield db.session
