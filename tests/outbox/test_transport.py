"""Handing over to mail servers that are slow, away, closed or insecure, and into a folder."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

import config
from consult.outbox import transport
from consult.outbox.transport import FolderTransport, NotSent, SmtpTransport, Unknown, from_url
from tests.services import free_port
from tests.sink import smtp_sink

pytestmark = pytest.mark.pure


def message(text: str = "Text\n") -> bytes:
    made = EmailMessage()
    made["Message-ID"] = "<0123abc@consult.test>"
    made["Subject"] = "x"
    made.set_content(text)
    return made.as_bytes()


def smtp(port: int, scheme: str = "smtp") -> SmtpTransport:
    return SmtpTransport(scheme, "127.0.0.1", port, "", "")


@contextmanager
def raw_server(*answers: bytes, pause: float = 0.0) -> Iterator[int]:
    """A server that sends these bytes one by one, whatever it hears, then stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            connection, _address = listening.accept()
            with connection:
                for answer in answers:
                    for byte in answer:
                        try:
                            connection.sendall(bytes((byte,)))
                        except OSError:
                            return
                        if ended.wait(pause):
                            return
                ended.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize("pipelining", [True, False])
def test_one_connection_serves_many_messages(pipelining: bool) -> None:
    with smtp_sink() as sink:
        sink.pipelining = pipelining
        sender = smtp(sink.port)
        for _ in range(5):
            sender.send(message(), "from@example.org", "to@example.org")
        sender.close()
        assert (len(sink.messages), sink.connections) == (5, 1)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("refusal", ["550 5.1.1 unknown", "451 4.7.1 greylisted"])
def test_a_refusal_leaves_the_connection_ready_for_the_next(pipelining: bool, refusal: str) -> None:
    with smtp_sink() as sink:
        sink.pipelining, sink.refuse = pipelining, {"gone@example.org": refusal}
        sender = smtp(sink.port)
        for _ in range(3):
            with pytest.raises(NotSent, match=refusal[:9]) as raised:
                sender.send(message(), "from@example.org", "gone@example.org")
            assert raised.value.permanent == refusal.startswith("5")
            sender.send(message(), "from@example.org", "to@example.org")
        sender.close()
        assert ([received.recipients for received in sink.messages], sink.connections) == ([["to@example.org"]] * 3, 1)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connected", [True, False])
def test_what_is_called_off_at_the_last_moment_is_not_sent(pipelining: bool, connected: bool) -> None:
    def off() -> None:
        raise LookupError("paused")

    with smtp_sink() as sink:
        sink.pipelining = pipelining
        sender = smtp(sink.port)
        if connected:
            sender.send(message(), "from@example.org", "to@example.org")
        with pytest.raises(LookupError):
            sender.send(message(), "from@example.org", "paused@example.org", off)
        sender.send(message(), "from@example.org", "to@example.org")
        sender.close()
        assert {received.recipients[0] for received in sink.messages} == {"to@example.org"}
        assert len(sink.messages) == 1 + connected


@pytest.mark.parametrize("pipelining", [True, False])
def test_each_message_begins_once_and_before_it_is_handed_over(pipelining: bool) -> None:
    port, begun = free_port(), list[int]()
    sender = smtp(port)
    for turn in range(2):
        # The second time the kept connection is broken, and another one is opened.
        with smtp_sink(port) as sink:
            sink.pipelining = pipelining
            sink.on_message = lambda _received, turn=turn: begun.append(-turn - 1)
            sender.send(message(), "from@example.org", "to@example.org", lambda turn=turn: begun.append(turn + 1))
    with pytest.raises(NotSent, match="553"):
        sender.send(message(), "from@example.org", "to\r\nRCPT TO:<evil@example.org>", lambda: begun.append(3))
    sender.close()
    assert begun == [1, -1, 2, -2, 3]


def test_each_thread_has_its_own_connection() -> None:
    with smtp_sink() as sink:
        sender = smtp(sink.port)

        def two() -> None:
            sender.send(message(), "from@example.org", "to@example.org")
            sender.send(message(), "from@example.org", "to@example.org")
            sender.close()

        threads = [threading.Thread(target=two) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(sink.messages), sink.connections) == (4, 2)


def test_a_connection_that_was_idle_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    with smtp_sink() as sink:
        sender = smtp(sink.port)
        sender.send(message(), "from@example.org", "to@example.org")
        monkeypatch.setattr(transport, "IDLE", -1.0)
        sender.send(message(), "from@example.org", "to@example.org")
        sender.close()
        assert (len(sink.messages), sink.connections) == (2, 2)


def test_a_server_that_was_restarted_is_found_again_at_once() -> None:
    port = free_port()
    sender = smtp(port)
    with smtp_sink(port):
        sender.send(message(), "from@example.org", "to@example.org")
    with smtp_sink(port) as sink:
        sender.send(message(), "from@example.org", "to@example.org")
        sender.close()
        assert len(sink.messages) == 1


def test_dots_and_line_ends_arrive_as_they_were() -> None:
    with smtp_sink() as sink:
        sender = smtp(sink.port)
        sender.send(message(".\n..two\n.\r\nend"), "from@example.org", "to@example.org")
        sender.close()
        assert sink.messages[0].text.splitlines() == [".", "..two", ".", "end"]


def test_nobody_listens() -> None:
    with pytest.raises(NotSent, match="connect") as refusal:
        smtp(free_port()).send(message(), "from@example.org", "to@example.org")
    assert not refusal.value.permanent


def test_a_server_that_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.3)
    with raw_server() as port, pytest.raises(NotSent, match="connect"):
        smtp(port).send(message(), "from@example.org", "to@example.org")


def test_a_server_that_dribbles_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "WHOLE_TIMEOUT", 0.5)
    started = time.monotonic()
    with raw_server(b"220 hi\r\n", b"250 ok\r\n" * 50, pause=0.02) as port:
        sender = smtp(port)
        with pytest.raises((NotSent, Unknown)):
            sender.send(message(), "from@example.org", "to@example.org")
        sender.close()
    assert time.monotonic() - started < 5


def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for() -> None:
    with smtp_sink() as sink:
        for scheme in ("smtp+starttls", "smtps"):
            with pytest.raises(NotSent, match="connect"):
                smtp(sink.port, scheme).send(message(), "from@example.org", "to@example.org")
        assert not sink.messages


def test_a_folder_keeps_one_file_per_message_id(tmp_path: Path) -> None:
    folder = FolderTransport(tmp_path / "mail")
    folder.send(message("first\n"), "from@example.org", "to@example.org")
    folder.send(message("second\n"), "from@example.org", "to@example.org")
    files = list((tmp_path / "mail").iterdir())
    assert [file.name for file in files] == ["0123abc.eml"]
    assert b"second" in files[0].read_bytes()


def test_a_folder_that_cannot_be_written_is_a_passing_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotSent, match="folder") as refusal:
        FolderTransport(tmp_path / "file" / "mail").send(message(), "from@example.org", "to@example.org")
    assert not refusal.value.permanent


@pytest.mark.parametrize("url", ["", "smtp", "smtp://", "http://host", "file:", "smtp://host:port"])
def test_an_address_that_makes_no_sense_is_named(url: str) -> None:
    with pytest.raises(config.SettingsError, match="MAIL_URL"):
        from_url(url)


def test_a_wrong_address_never_shows_its_password() -> None:
    with pytest.raises(config.SettingsError) as error:
        from_url("smpt://user:secret@host")
    assert "secret" not in str(error.value)


def test_user_and_password_may_hold_escaped_characters() -> None:
    made = from_url("smtp+starttls://user%40example.org:p%2Fw@mail.example.org")
    assert isinstance(made, SmtpTransport)
    assert (made.host, made.port, made._user, made._password) == (
        "mail.example.org",
        587,
        "user@example.org",
        "p/w",
    )
