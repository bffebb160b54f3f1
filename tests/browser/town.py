"""A whole instance for browsers: database, web server, worker, mail server, and the demonstration in it."""

import contextlib
import os
import signal
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
from tests.faults.stage import fresh_database
from tests.services import free_port, stop_group, wait_for
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


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/live", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


@contextlib.contextmanager
def _process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=config.ROOT, env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, process_group=0, preexec_fn=end_with_parent(signal.SIGKILL),
        )  # fmt: skip
    try:
        yield process
    finally:
        stop_group(process, signal.SIGTERM)


@contextlib.contextmanager
def web_server(environment: Mapping[str, str], folder: Path, port: int) -> Iterator[str]:
    """Gunicorn as `./run` starts it; yields its address."""
    url, log = f"http://127.0.0.1:{port}", folder / f"web-{port}.log"
    command = ["gunicorn", "wsgi:application", "-b", f"127.0.0.1:{port}", "-w1", "-k", "gthread", "--threads", "4"]
    with _process(command, environment, log) as process:
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
    port = free_port()
    settings["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
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
    try:
        with web_server(environment, folder, port) as url, worker(environment, folder):
            yield Town(folder, url, app, environment, sink)
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextlib.contextmanager
def mailbox_server(town: Town) -> Iterator[str]:
    """A second web server of the same instance, whose mail lies in a folder; one mail is there already."""
    folder = town.folder / "mail"
    folder.mkdir(exist_ok=True)
    (folder / f"{MAIL}.eml").write_text(
        "From: stadt@example.org\nTo: amira@example.org\nSubject: Einladung\nDate: Mon, 02 Mar 2026 09:00:00 +0000\n"
        "Content-Type: text/plain; charset=utf-8\n\nGuten Tag,\n\nbitte kommen Sie.\n"
    )
    port = free_port()
    told = {**town.environment, "MAIL_URL": f"file://{folder}", "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    with web_server(told, town.folder, port) as url:
        yield url
