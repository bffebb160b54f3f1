"""The SMTP sink keeps what it takes, and fails as told."""

import smtplib
from collections.abc import Iterator

import pytest

from tests.sink import Sink, smtp_sink

pytestmark = pytest.mark.pure

MAIL = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <one@test>\r\n\r\nSee https://a.example/x?y=z, please.\r\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink() as running:
        yield running


@pytest.fixture
def client(sink: Sink) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP("127.0.0.1", sink.port, timeout=10)
    yield client
    client.close()


def test_it_keeps_what_it_takes(sink: Sink, client: smtplib.SMTP) -> None:
    client.sendmail("from@a.example", ["to@b.example", "cc@b.example"], MAIL)
    (received,) = sink.wait()
    assert received.sender == "from@a.example"
    assert received.recipients == ["to@b.example", "cc@b.example"]
    assert received.message_id == "<one@test>"
    assert received.message["subject"] == "Grüße"
    assert received.links == ["https://a.example/x?y=z"]
    assert sink.to("cc@b.example") == [received]
    assert sink.to("nobody@b.example") == []


def test_it_refuses_everything_or_single_recipients(sink: Sink, client: smtplib.SMTP) -> None:
    sink.refuse["gone@b.example"] = "550 5.1.1 unknown"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("from@a.example", ["gone@b.example"], MAIL)
    sink.refuse_all = "451 4.3.0 later"
    with pytest.raises(smtplib.SMTPDataError):
        client.sendmail("from@a.example", ["to@b.example"], MAIL)
    assert sink.messages == []


def test_it_takes_a_message_and_says_nothing(sink: Sink, client: smtplib.SMTP) -> None:
    sink.cut_after_data = True
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.sendmail("from@a.example", ["to@b.example"], MAIL)
    assert len(sink.wait()) == 1


def test_it_comes_back_at_the_same_address() -> None:
    with smtp_sink() as first:
        port = first.port
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", port, timeout=5)
    with smtp_sink(port), smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        assert client.noop()[0] == 250
