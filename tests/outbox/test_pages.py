"""Messages for operators, health, and the mailbox of the demonstration."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from consult import clock
from consult.audit import operations as audit
from consult.audit.models import AuditEntry
from consult.jobs import Job
from consult.outbox import queries
from consult.outbox.delivery import deliver
from consult.outbox.mailbox import with_links
from consult.outbox.models import State
from tests.client import Browser
from tests.factories import make_person
from tests.outbox.factories import queued, row


def troubled(session: Any, state: State = State.failed, note: str = "smtp: 550 5.1.1 unknown") -> int:
    ident = queued(make_person("Amira Haddad"), subject_id=len(session.identity_map) + 1)
    message = row(ident)
    message.state, message.note, message.attempts = state, note, 4
    session.commit()
    return ident


def test_only_operators_see_the_messages(session: Any, browser: Browser, browser_of: Any) -> None:
    assert "/sign-in" in browser.get("/messages", status=303).location
    browser_of(make_person()).get("/messages", status=403)


def test_an_operator_sees_what_did_not_arrive_and_why(session: Any, browser_of: Any) -> None:
    troubled(session)
    troubled(session, State.uncertain, "worker_died")
    queued(make_person("Waiting Person"), 99)
    page = browser_of(make_person(operator=True)).get("/messages")
    assert "Amira Haddad" in page.text
    assert "550 5.1.1 unknown" in page.text
    assert "Waiting Person" not in page.text


def test_an_operator_sends_a_failed_message_again(session: Any, browser_of: Any, poked: list[Any]) -> None:
    ident = troubled(session)
    operator = make_person(operator=True)
    poked.clear()
    browser_of(operator).submit(f"/messages/{ident}/retry", form_at="/messages")
    stored = row(ident)
    assert (stored.state, stored.attempts) == (State.queued, 0)
    assert poked == [(Job.deliver, (ident,))]
    entry = session.scalar(select(AuditEntry).where(AuditEntry.action == "outbox.message.retried"))
    assert (entry.actor_id, entry.subject_id) == (operator.id, ident)


def test_what_is_on_its_way_cannot_be_sent_again(session: Any, browser_of: Any) -> None:
    ident = troubled(session)
    visitor = browser_of(make_person(operator=True))
    fields = visitor.get("/messages").form_fields(f"/messages/{ident}/retry")
    row(ident).state = State.sent
    session.commit()
    visitor.post(f"/messages/{ident}/retry", fields, status=409)
    assert row(ident).state == State.sent


def test_nobody_else_can_send_a_message_again(session: Any, browser_of: Any) -> None:
    ident = troubled(session)
    visitor = browser_of(make_person())
    with visitor.client.session_transaction() as cookie:
        cookie["csrf_token"] = "x"
    visitor.post(f"/messages/{ident}/retry", {}, status=400)
    assert row(ident).state == State.failed


def test_many_messages_come_in_pages(session: Any, browser_of: Any) -> None:
    idents = [troubled(session) for _ in range(30)]
    visitor = browser_of(make_person(operator=True))
    first = visitor.get("/messages")
    following: Any = first.html.find("a", rel="next")
    second = visitor.get(following["href"])
    forms = [f["action"] for page in (first, second) for f in page.html.find_all("form", method="post")]
    assert [f"/messages/{ident}/retry" for ident in reversed(idents)] == [f for f in forms if "retry" in f]


def test_live_says_only_that_the_process_answers(browser: Browser) -> None:
    assert browser.client.get("/health/live").json == {"status": "ok"}


def test_ready_while_the_worker_ticks_and_mail_flows(session: Any, browser: Browser) -> None:
    audit.beat("heartbeat", clock.now() - timedelta(seconds=20))
    session.commit()
    answer: Any = browser.client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json["ready"] is True
    assert set(answer.json) == {"ready", "database", "heartbeat_seconds", "oldest_due_mail_seconds"}


def test_not_ready_without_a_worker(session: Any, browser: Browser) -> None:
    assert browser.client.get("/health/ready").status_code == 503
    audit.beat("heartbeat", clock.now() - timedelta(seconds=queries.HEARTBEAT_SECONDS + 5))
    session.commit()
    answer: Any = browser.client.get("/health/ready")
    assert (answer.status_code, answer.json["ready"]) == (503, False)


def test_not_ready_when_mail_is_stuck(session: Any, browser: Browser) -> None:
    audit.beat("heartbeat", clock.now())
    ident = queued(make_person())
    row(ident).due_at = clock.now() - timedelta(seconds=queries.DUE_SECONDS + 5)
    session.commit()
    answer: Any = browser.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json["oldest_due_mail_seconds"] >= queries.DUE_SECONDS


def test_not_ready_without_a_database(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(now: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(queries, "health", gone)
    answer: Any = browser.client.get("/health/ready")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "database": False})


@pytest.fixture
def demo(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """The application as a demonstration whose mail lands in this folder."""
    before = {name: app.config[name] for name in ("DEMO", "MAIL_URL")}
    app.config.update(DEMO=True, MAIL_URL=f"file://{tmp_path}/mail")
    yield tmp_path / "mail"
    app.config.update(before)


def test_mail_of_the_demonstration_can_be_read_in_the_browser(
    session: Any, browser: Browser, demo: Path, letter: str
) -> None:
    browser.get("/mailbox")
    deliver(queued(make_person(email="amira@example.org")))
    overview = browser.get("/mailbox")
    link: Any = overview.html.find("a", string="Einladung 1")
    page = browser.get(link["href"])
    assert page.h1 == "Einladung 1"
    assert "amira@example.org" in page.text
    address = "http://consult.test/i/12.abcdefghijklmnopqrstuvwx"
    assert page.html.find("a", href=address)


def test_the_mailbox_shows_the_newest_first_and_in_pages(
    session: Any, browser: Browser, demo: Path, letter: str
) -> None:
    person = make_person()
    for number in range(30):
        deliver(queued(person, number))
    first = browser.get("/mailbox")
    following: Any = first.html.find("a", rel="next")
    second = browser.get(following["href"])
    titles = [tag.get_text(strip=True) for page in (first, second) for tag in page.html.select("article h2")]
    assert titles == [f"Einladung {number}" for number in reversed(range(30))]


@pytest.mark.parametrize("name", ["x", "..", "..%2Fsecret", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a.eml", "a" * 200])
def test_no_other_file_can_be_read(browser: Browser, demo: Path, name: str) -> None:
    demo.mkdir()
    (demo.parent / "secret.eml").write_text("Subject: x\n\nsecret")
    browser.get(f"/mailbox/{name}", status=404)


@pytest.mark.parametrize(("demonstration", "url"), [(False, "file:///tmp/none"), (True, "smtp://127.0.0.1:1")])
def test_there_is_no_mailbox_outside_of_a_demonstration_without_mail_server(
    app: Flask, browser: Browser, demo: Path, demonstration: bool, url: str
) -> None:
    app.config.update(DEMO=demonstration, MAIL_URL=url)
    browser.get("/mailbox", status=404)
    browser.get("/mailbox/abc", status=404)


def test_only_our_own_addresses_become_links() -> None:
    html = with_links("a http://consult.test/i/1.\nhttp://consult.test.evil.org/ <b>", "http://consult.test")
    assert html == (
        '<p>a <a href="http://consult.test/i/1">http://consult.test/i/1</a>.'
        "<br>http://consult.test.evil.org/ &lt;b&gt;</p>"
    )


def test_the_command_counts_by_state(app: Flask, session: Any) -> None:
    troubled(session)
    audit.beat("heartbeat", clock.now() - timedelta(seconds=20))
    session.commit()
    said = app.test_cli_runner().invoke(args=["outbox"]).output
    assert "failed            1" in said
    assert "last tick of the worker: 20 s ago" in said
