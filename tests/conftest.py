"""The test bench: a database made by the migrations per process, a savepoint per test, a named cast."""

import gc
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from consult import create_app, jobs
from consult.extensions import db
from consult.jobs import Job
from deploy.catalogues import compile_changed
from tests import factories
from tests.client import Browser
from tests.services import NotAvailable, chromium_program

DATABASE = os.environ.get("CONSULT_TEST_DB", "sqlite")
#: Chromium as root, quiet, and without any way out of this machine.
CHROMIUM = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip


def spare_the_collector() -> None:
    """What is there now stays until the end: Python's collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    spare_the_collector()


def database_url(folder: Path, name: str) -> str:
    """An empty database of the wanted kind."""
    if DATABASE == "sqlite":
        return f"sqlite:///{folder}/{name}.sqlite"
    server = os.environ.get("CONSULT_TEST_PG_URL")
    if not server:
        pytest.exit("CONSULT_TEST_DB=postgres needs CONSULT_TEST_PG_URL; ./test starts a server and sets it.", 2)
    admin = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    return make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(False)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> Iterator[Flask]:
    """One application per test process, its schema made by the migrations."""
    compile_changed()
    folder = tmp_path_factory.mktemp("instance")
    application = create_app(
        {
            "CONSULT_ENV": "test",
            "DATA_DIR": str(folder),
            "SECRET_KEY": "test-key-" + "0123456789abcdef" * 3,
            "PUBLIC_URL": "http://consult.test",
            "DATABASE_URL": database_url(folder, f"consult_{worker_name}_{os.getpid()}"),
            "BROKER_URL": "you-forgot-to-capture-jobs://",
            "MAIL_URL": f"file://{folder}/mail",
            "DEMO": "0",
        }
    )
    application.config["SERVER_NAME"] = None
    with application.app_context():
        upgrade(directory=str(Path(__file__).parent.parent / "migrations"))
        db.engine.dispose()
    spare_the_collector()
    yield application
    with application.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """gw0, gw1 ... under xdist, else main."""
    config: Any = request.config
    return config.workerinput["workerid"] if hasattr(config, "workerinput") else "main"


@contextmanager
def savepoint(app: Flask) -> Iterator[Any]:
    """An app context with one outer transaction that is thrown away; commits inside are savepoints.

    `db.session` is the test's own session; each request of the client has another one on the same connection.
    """
    with app.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        transaction = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]  # the session takes its bind from here
        db.session.remove()
        db.session.configure(join_transaction_mode="create_savepoint")
        try:
            yield db.session
        finally:
            db.session.remove()
            transaction.rollback()
            connection.close()
            db.engines[None] = engine


@pytest.fixture
def session(app: Flask) -> Iterator[Any]:
    """The database, as it was made by the migrations; whatever the test does to it is undone."""
    with savepoint(app) as own:
        yield own


@pytest.fixture
def browser(app: Flask, session: Any) -> Browser:
    """A visitor who is nobody yet."""
    return Browser(app)


@pytest.fixture
def browser_of(app: Flask, session: Any) -> Callable[..., Browser]:
    """`browser_of(person)`: a visitor signed in as this person (second factor given)."""

    def make(person: Any, **kwargs: Any) -> Browser:
        visitor = Browser(app)
        factories.sign_in(visitor.client, person, **kwargs)
        return visitor

    return make


@pytest.fixture(autouse=True)
def poked() -> Iterator[list[tuple[Job, tuple[int, ...]]]]:
    """Jobs that left after a commit, in order. Nothing reaches a broker."""
    left: list[tuple[Job, tuple[int, ...]]] = []
    before = jobs.set_publisher(lambda job, ids: left.append((job, ids)))
    yield left
    jobs.set_publisher(before)


def _nothing_is_asked(*_: Any) -> None:
    raise AssertionError("a test marked `pure` asks a database; without the mark it runs on both")


@pytest.fixture(autouse=True)
def _pure_means_pure(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is marked as touching no database, and so runs once, touches none."""
    if request.node.get_closest_marker("pure") is None:
        yield
        return
    event.listen(Engine, "before_cursor_execute", _nothing_is_asked)
    yield
    event.remove(Engine, "before_cursor_execute", _nothing_is_asked)


@pytest.fixture
def at() -> Iterator[Callable[[datetime], Any]]:
    """`at(moment)`: the clock stands there until the next call or the end of the test."""
    travellers: list[Any] = []

    def travel(moment: datetime) -> Any:
        while travellers:
            travellers.pop().stop()
        traveller = time_machine.travel(moment, tick=False)
        traveller.start()
        travellers.append(traveller)
        return moment

    yield travel
    while travellers:
        travellers.pop().stop()


#: A Monday morning on which nothing special happens to clocks.
MONDAY = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)


@pytest.fixture
def count_queries(session: Any) -> Callable[[], Any]:
    """`with count_queries() as queries: ...` then `len(queries)`: the statements sent meanwhile."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def remember(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA", "BEGIN")):
                statements.append(statement)

        bind = db.engines[None]
        event.listen(bind, "before_cursor_execute", remember)
        try:
            yield statements
        finally:
            event.remove(bind, "before_cursor_execute", remember)

    return counting


_connect = socket.socket.connect


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Tests talk to this machine only."""

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise AssertionError(f"a test tried to reach {address[0]}")
        _connect(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The one browser of this test process: a second one beside it would not start."""
    sync_api = pytest.importorskip("playwright.sync_api")
    try:
        program = chromium_program()
    except NotAvailable as reason:
        pytest.skip(str(reason))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()
