"""A whole instance for browsers: database, web server, worker, mail server, and the demonstration in it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select

import config
from consult import create_app
from consult.accounts import sessions
from consult.accounts.models import Person
from consult.extensions import db
from consult.outbox import mime
from consult.outbox.models import OutboxMessage
from deploy.children import end_with_parent
from tests.faults.stage import copy_of, fresh_database
from tests.services import stop_group, wait_for
from tests.sink import Received, Sink

KEY = "browser-key-" + "0123456789abcdef" * 3
#: The process of the demonstration.
DEMO = "integrationskonzept-demo"
#: A mail in the folder of an instance without a mail server.
MAIL = "einladung"


@dataclass
class Town:
    """The instance, seen from outside by `url` and from inside by `app`."""

    folder: Path
    url: str
    app: Flask
    environment: dict[str, str]
    sink: Sink
    #: What the instance was told, and a copy of its database as it was in the beginning.
    settings: dict[str, str]
    beginning: str
    #: Filled by `tests.browser.scenery`: what the tests look for.
    things: dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def inside(self) -> Iterator[Any]:
        """A database session, committed at the end."""
        with self.app.app_context():
            yield db.session
            db.session.commit()

    def cookie_of(self, person_id: int, second_factor: bool = True) -> Any:
        """The cookie of a fresh sign-in of this person, as browsers take it."""
        with self.inside():
            secret = sessions.open_sign_in(person_id, device="Test", second_factor=second_factor)
        return self.cookie(_user_id=secret, _fresh=True)

    def cookie(self, **values: Any) -> Any:
        """A cookie with a session of this content."""
        client = self.app.test_client()
        with client.session_transaction() as session:
            session.update(values)
        made = client.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        assert made is not None
        return {"name": made.key, "value": SimpleCookie(f"{made.key}={made.value}")[made.key].value, "url": self.url}

    def kinds_of(self, mails: Sequence[Received]) -> set[str]:
        """Which kinds of mail these are, as their own Message-IDs say."""
        with self.inside() as session:
            rows = {row for mail in mails if (row := mime.row_of(mail.message_id))}
            return set(session.scalars(select(OutboxMessage.kind).where(OutboxMessage.id.in_(rows))))

    def person(self, email: str) -> int:
        """The id of the person with this address."""
        with self.app.app_context():
            return int(db.session.query(Person.id).filter_by(email=email).one()[0])


def listening() -> socket.socket:
    """A door at a port of its own, which nobody can take any more until a server stands behind it."""
    return socket.create_server(("127.0.0.1", 0))


def address_of(door: socket.socket) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{door.getsockname()[1]}"


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/live", timeout=30) as answer:
        return bool(answer.status == 200)
    return False


@contextlib.contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], log: Path, files: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=config.ROOT, env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, process_group=0, preexec_fn=end_with_parent(signal.SIGKILL), pass_fds=files,
        )  # fmt: skip
    try:
        yield process
    finally:
        stop_group(process, signal.SIGTERM)


@contextlib.contextmanager
def web_server(environment: Mapping[str, str], folder: Path, door: socket.socket) -> Iterator[str]:
    """Gunicorn as `./run` starts it, behind a door that listens already; yields its address."""
    url, log = address_of(door), folder / f"web-{door.getsockname()[1]}.log"
    command = ["gunicorn", "wsgi:application", "-b", f"fd://{door.fileno()}", "-w1", "-k", "gthread", "--threads", "4"]
    with _process(command, environment, log, (door.fileno(),)) as process:
        # From now on it is the server's alone.
        door.close()
        wait_for(lambda: _answers(url), "the web server", process, log)
        yield url


@contextlib.contextmanager
def worker(environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Celery with its clock, as in production, with a quick clock."""
    command = ["celery", "-A", "tests.browser.entry:celery", "worker", "-B", "-P", "threads", "-c", "2"]
    command += ["-s", str(folder / "schedule"), "--without-gossip", "--without-mingle", "-l", "INFO"]
    with _process(command, environment, folder / "worker.log") as process:
        yield process


@contextlib.contextmanager
def town(folder: Path, sink: Sink, *, server: str | None, broker: str) -> Iterator[Town]:
    """A running instance with the demonstration in it; all its processes are gone at the end."""
    with listening() as door, _behind(door, folder, sink, server=server, broker=broker) as made:
        yield made


@contextlib.contextmanager
def _behind(door: socket.socket, folder: Path, sink: Sink, *, server: str | None, broker: str) -> Iterator[Town]:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "CONSULT_ENV": "embedded",
        "DATA_DIR": str(folder),
        "SECRET_KEY": KEY,
        "DATABASE_URL": fresh_database(server, folder),
        "BROKER_URL": broker,
        "MAIL_URL": sink.url,
        "DEMO": "1",
        # Each visitor of these tests comes from an address of its own, as behind a proxy: limits count visitors.
        "TRUSTED_PROXIES": "1",
        # Rows are written behind the server's back here.
        "KEEP_PAGES": "0",
    }
    settings["PUBLIC_URL"] = address_of(door)
    app = create_app({**settings, "CONSULT_ENV": "test"})
    app.config["SERVER_NAME"] = None
    with app.app_context():
        upgrade(directory=str(config.ROOT / "migrations"))
        db.engine.dispose()
    environment = {**os.environ, **settings, "PYTHONUNBUFFERED": "1"}
    loaded = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "load"],
        cwd=config.ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    beginning = copy_of(settings["DATABASE_URL"]) if server else ""
    with contextlib.ExitStack() as stack:
        stack.callback(_let_go, app)
        url = stack.enter_context(web_server(environment, folder, door))
        stack.enter_context(worker(environment, folder))
        yield Town(folder, url, app, environment, sink, settings, beginning)


def _let_go(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextlib.contextmanager
def twin(town: Town) -> Iterator[Town]:
    """The same town as it was in the beginning, and without a worker: whatever is done there, `town` stays as it is."""
    folder = town.folder / "twin"
    folder.mkdir(exist_ok=True)
    with listening() as door, contextlib.ExitStack() as stack:
        settings = {**town.settings, "DATABASE_URL": town.beginning, "PUBLIC_URL": address_of(door)}
        # The other worker has nothing to do with its jobs.
        settings["BROKER_URL"] = f"sqla+sqlite:///{folder}/broker.sqlite"
        app = create_app({**settings, "CONSULT_ENV": "test"})
        app.config["SERVER_NAME"] = None
        stack.callback(_let_go, app)
        environment = {**town.environment, **settings}
        url = stack.enter_context(web_server(environment, folder, door))
        yield Town(folder, url, app, environment, town.sink, settings, town.beginning)


@contextlib.contextmanager
def mailbox_server(town: Town) -> Iterator[str]:
    """A second web server of the same instance, whose mail lies in a folder; one mail is there already."""
    folder = town.folder / "mail"
    folder.mkdir(exist_ok=True)
    (folder / f"{MAIL}.eml").write_text(
        "From: stadt@example.org\nTo: amira@example.org\nSubject: Einladung\nDate: Mon, 02 Mar 2026 09:00:00 +0000\n"
        "Content-Type: text/plain; charset=utf-8\n\nGuten Tag,\n\nbitte kommen Sie.\n"
    )
    with listening() as door:
        told = {**town.environment, "MAIL_URL": f"file://{folder}", "PUBLIC_URL": address_of(door)}
        with web_server(told, town.folder, door) as url:
            yield url
