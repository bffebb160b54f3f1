"""Mail that comes back: which message it is about, what becomes of it, when an address is left alone."""

import imaplib
import io
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

import config
from consult.accounts import operations as accounts
from consult.accounts.models import LinkPurpose, Person
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.outbox import bounces, mime, returned
from consult.outbox.delivery import deliver
from consult.outbox.models import Bounce, State
from tests.conftest import MONDAY
from tests.factories import make_person
from tests.outbox.factories import queued, registered, row
from tests.sink import Sink


def report(ident: int | str, status: str = "5.1.1", action: str = "failed", **more: str) -> bytes:
    """A delivery report as mail servers write it (RFC 3464)."""
    message_id = ident if isinstance(ident, str) else mime.message_id(ident)
    diagnostic = more.get("diagnostic", "smtp; 550 5.1.1 <gone@example.org>: no such user")
    return f"""From: MAILER-DAEMON@mx.example.org
To: beteiligung@example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; gone@example.org
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Einladung
--b--
""".encode()


def sent_to(person: Person, number: int = 1) -> int:
    ident = queued(person, number)
    row(ident).state = State.sent
    db.session.commit()
    return ident


def paused(person: Person) -> bool:
    db.session.expire_all()
    return db.session.get_one(Person, person.id).mail_paused_at is not None


def test_a_report_finds_the_message_and_counts_once(session: Any) -> None:
    ident = sent_to(make_person())
    for _again in range(3):
        assert bounces.take_now(report(ident))
    assert row(ident).state == State.bounced
    assert session.scalar(select(func.count()).select_from(Bounce)) == 1
    assert "gone@example.org" not in (row(ident).note or "")
    assert (row(ident).note or "").startswith("bounced: 5.1.1")


def test_a_delay_changes_nothing_but_is_kept(session: Any) -> None:
    ident = sent_to(make_person())
    assert bounces.take_now(report(ident, "4.4.1", "delayed"))
    assert row(ident).state == State.sent
    assert [(found.hard, found.status) for found in session.scalars(select(Bounce))] == [(False, "4.4.1")]


def test_two_refusals_in_thirty_days_pause_an_address(session: Any, at: Any) -> None:
    moment = at(MONDAY)
    person = make_person()
    bounces.take_now(report(sent_to(person, 1)))
    at(moment + timedelta(days=31))
    bounces.take_now(report(sent_to(person, 2)))
    assert not paused(person), "the first one is long ago"
    at(moment + timedelta(days=32))
    bounces.take_now(report(sent_to(person, 3)))
    assert paused(person)


def test_a_mail_refused_for_another_reason_says_nothing_about_the_address(session: Any) -> None:
    person = make_person()
    for number, status in enumerate(("5.7.1", "5.3.4", "4.2.2", "5.7.1", "")):
        bounces.take_now(report(sent_to(person, number), status))
    assert not paused(person)


@pytest.mark.parametrize(
    "forged", ["<1.00000000000000000000000000000000@consult.test>", "<1@consult.test>", "", "<x>", "nothing"]
)
def test_a_report_about_a_message_nobody_sent_is_none(session: Any, forged: str) -> None:
    ident = sent_to(make_person())
    assert not bounces.take_now(report(forged.replace("<1.", f"<{ident}.")))
    assert row(ident).state == State.sent


def test_an_answer_that_quotes_a_mail_is_no_report(session: Any) -> None:
    ident = sent_to(make_person())
    answer = EmailMessage()
    answer["In-Reply-To"] = mime.message_id(ident)
    answer.set_content("Status: 5.1.1\nAction: failed")
    assert not bounces.take_now(answer.as_bytes())
    assert row(ident).state == State.sent


def test_hostile_reports_raise_nothing(session: Any) -> None:
    ident = sent_to(make_person())
    good = report(ident)
    dice = random.Random(5)
    hostile = [b"", b"\x00" * 1000, b"\xff\xfe" * 500, good * 40, b"Content-Type: " + b"multipart/" * 40_000]
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000))
    hostile += [nested + good, report(ident, "9" * 5000), report(ident, diagnostic="=?utf-8?b?" + "A" * 3000)]
    for _turn in range(150):
        broken = bytearray(good)
        for _change in range(dice.randint(1, 40)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        hostile.append(bytes(broken))
    for raw in hostile:
        bounces.read_report(raw)


def test_addresses_the_mail_server_refuses_get_nothing_after_the_second_time(
    session: Any, sink: Sink, letter: str
) -> None:
    person = make_person(email="gone@example.org")
    sink.refuse = {"gone@example.org": "550 5.1.1 <gone@example.org> unknown"}
    assert [deliver(queued(person, number)) for number in range(4)] == [
        State.failed, State.failed, State.dropped, State.dropped,
    ]  # fmt: skip
    assert paused(person)
    with registered("tests.urgent", urgent=True) as kind:
        sink.refuse = {}
        assert deliver(queued(person, kind=kind)) == State.sent, "who asks for a link gets it"


@pytest.mark.parametrize("refusal", ["552 5.2.2 mailbox full", "550 5.7.1 looks like spam", "451 4.1.1 later"])
def test_other_refusals_pause_nobody(session: Any, sink: Sink, letter: str, refusal: str) -> None:
    person = make_person(email="gone@example.org")
    sink.refuse = {"gone@example.org": refusal}
    for number in range(3):
        deliver(queued(person, number))
    assert not paused(person)


def test_a_new_address_begins_anew(session: Any) -> None:
    person = make_person(email="old@example.org")
    for number in range(2):
        bounces.take_now(report(sent_to(person, number)))
    assert paused(person)
    token = accounts.tokens.issue(LinkPurpose.change_email, person.id, new_email="new@example.org")
    session.flush()
    assert accounts.change_email(token, session.get_one(Person, person.id))
    session.commit()
    assert not paused(person)
    bounces.take_now(report(sent_to(person, 9)))
    assert not paused(person), "the refusals of the old address do not count"


def test_an_operator_sees_paused_addresses_and_sets_them_going(
    session: Any, browser_of: Any, count_queries: Any
) -> None:
    person, operator = make_person("Amira Haddad", email="gone@example.org"), make_person(operator=True)
    for number in range(2):
        bounces.take_now(report(sent_to(person, number)))
    visitor = browser_of(operator)
    assert "/messages/paused" in str(visitor.get("/messages").html)
    with count_queries() as queries:
        page = visitor.get("/messages/paused")
    assert len(queries) <= 15
    assert "Amira Haddad" in page.text
    assert "gone@example.org" in page.text
    assert "/messages/paused" in str(visitor.get(f"/people/{person.id}").html)
    visitor.submit(f"/messages/paused/{person.id}/resume", form_at="/messages/paused")
    assert not paused(person)
    entry = session.scalar(select(AuditEntry).where(AuditEntry.action == "outbox.address.resumed"))
    assert (entry.actor_id, entry.subject_id) == (operator.id, person.id)
    browser_of(make_person()).get("/messages/paused", status=403)


def maildir(folder: Path, *mails: bytes) -> Path:
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    for number, raw in enumerate(mails):
        (folder / "new" / f"{number}.host").write_bytes(raw)
    return folder


def test_a_maildir_is_read_once_and_only_reports_are_removed(session: Any, tmp_path: Path) -> None:
    ident = sent_to(make_person())
    box = maildir(tmp_path / "box", report(ident), b"Subject: A question\n\nHow do I take part?", report("<x@y>"))
    url = f"file://{box}"
    assert returned.read(url, bounces.take_now) == (1, 2)
    assert returned.read(url, bounces.take_now) == (0, 0)
    assert row(ident).state == State.bounced
    assert sorted(path.name for path in (box / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S"]
    assert not list((box / "new").iterdir())


@contextmanager
def imap_server(mails: dict[int, bytes], flags: dict[int, str]) -> Iterator[int]:
    """As much of an IMAP server as is asked for here."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _address = listening.accept()
            with connection, connection.makefile("rwb") as file:
                file.write(b"* OK ready\r\n")
                file.flush()
                for raw in file:
                    tag, command, *rest = raw.decode().strip().split(" ", 2)
                    words, lines = rest[0].split(" ") if rest else [""], b""
                    if command == "CAPABILITY":
                        lines = b"* CAPABILITY IMAP4rev1\r\n"
                    elif command == "SEARCH":
                        unseen = [str(n) for n in mails if "Seen" not in flags.get(n, "")]
                        lines = f"* SEARCH {' '.join(unseen)}\r\n".encode()
                    elif command == "FETCH":
                        mail = mails[int(words[0])]
                        lines = b"* %s FETCH (BODY[]<0> {%d}\r\n" % (words[0].encode(), len(mail)) + mail + b")\r\n"
                    elif command == "STORE":
                        flags[int(words[0])] = rest[0]
                    elif command == "EXPUNGE":
                        for number in [n for n, flag in flags.items() if "Deleted" in flag]:
                            mails.pop(number, None)
                    refused = command == "LOGIN" and "secret" not in rest[0]
                    file.write(lines + f"{tag} {'NO' if refused else 'OK'} done\r\n".encode())
                    file.flush()
                    if command == "LOGOUT":
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def test_a_mailbox_on_a_server_is_read_the_same_way(session: Any) -> None:
    ident = sent_to(make_person())
    mails, flags = {1: b"Subject: hello\r\n\r\nhello", 2: report(ident)}, dict[int, str]()
    with imap_server(mails, flags) as port:
        assert returned.read(f"imap://clerk:secret@127.0.0.1:{port}/INBOX", bounces.take_now) == (1, 1)
    assert row(ident).state == State.bounced
    assert list(mails) == [1]
    assert "Deleted" not in flags[1]
    with imap_server(mails, flags) as port, pytest.raises(imaplib.IMAP4.error):
        returned.read(f"imap://clerk:wrong@127.0.0.1:{port}/INBOX", bounces.take_now)


@pytest.mark.parametrize("url", ["imap", "imaps://", "http://host", "file:", "imaps://user:s3cret@host:port/x"])
def test_a_box_that_makes_no_sense_is_named_without_its_password(url: str) -> None:
    with pytest.raises(config.SettingsError, match="BOUNCE_MAILBOX") as error:
        returned.check(url)
    assert "s3cret" not in str(error.value)


def test_a_mail_server_may_hand_reports_to_a_program(app: Flask, session: Any) -> None:
    ident = sent_to(make_person())
    ran = app.test_cli_runner().invoke(args=["take-bounce"], input=io.BytesIO(report(ident)))
    assert (ran.exit_code, ran.output) == (0, "report\n")
    assert row(ident).state == State.bounced
    ran = app.test_cli_runner().invoke(args=["take-bounce"], input=io.BytesIO(b"no mail at all"))
    assert (ran.exit_code, ran.output) == (0, "no report about our mail\n")


def test_reading_the_box_by_hand_says_what_it_found(app: Flask, session: Any, tmp_path: Path, monkeypatch: Any) -> None:
    runner = app.test_cli_runner()
    assert "BOUNCE_MAILBOX is not set" in runner.invoke(args=["read-bounces"]).output
    box = maildir(tmp_path / "box", report(sent_to(make_person())))
    monkeypatch.setitem(app.config, "BOUNCE_MAILBOX", f"file://{box}")
    assert "reports 1, other mails left for a person 0" in runner.invoke(args=["read-bounces"]).output
    monkeypatch.setitem(app.config, "BOUNCE_MAILBOX", f"file://{tmp_path}/nowhere")
    assert runner.invoke(args=["read-bounces"]).exit_code == 1


@pytest.mark.parametrize("kind", ["change_email", "email_changed_notice"])
def test_what_comes_back_from_another_address_says_nothing_about_ones_own(session: Any, kind: str) -> None:
    person = make_person()
    for number in range(3):
        ident = sent_to(person, number)
        row(ident).kind = kind
        db.session.commit()
        assert bounces.take_now(report(ident))
        assert row(ident).state == State.bounced
    assert not paused(person)
