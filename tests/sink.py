"""An SMTP server for tests, bench and drills that keeps what it gets and fails when told to.

    with smtp_sink() as sink:
        ...  # send to sink.url
        assert sink.messages[0].recipients == ["amira@example.org"]

It runs in a thread of the calling process, so a worker in another process can be killed at will.
"""

import asyncio
import contextlib
import email
import email.policy
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.services import free_port


@dataclass(frozen=True)
class Received:
    """One accepted message, as it came over the wire."""

    sender: str
    recipients: list[str]
    message_id: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        parsed = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """Its plain text."""
        body = self.message.get_body(preferencelist=("plain",))
        assert body is not None, "a mail without a plain text"
        return str(body.get_content())

    @property
    def links(self) -> list[str]:
        """All web addresses in its plain text, in order."""
        return [link.rstrip(".,)>") for link in re.findall(r"https?://\S+", self.text)]


@dataclass
class Sink:
    """What arrived, and the switches that make it fail. Switches may be changed at any time."""

    port: int
    #: Offer to take several commands at once, as nearly all mail servers do (RFC 2920).
    pipelining: bool = True
    #: Keep whole messages; False keeps only sender, recipients and Message-ID (for large campaigns).
    keep_content: bool = True
    #: Answer to every message instead of taking it, for example "451 4.3.0 try later".
    refuse_all: str | None = None
    #: Answer to single recipients, by address, for example {"gone@example.org": "550 5.1.1 unknown"}.
    refuse: dict[str, str] = field(default_factory=dict)
    #: Take the message, but close the connection instead of saying so: nobody knows whether it was sent.
    cut_after_data: bool = False
    #: Seconds before each message is answered.
    delay: float = 0.0
    #: Called with each message before it is answered, in the server's thread.
    on_message: Callable[[Received], None] | None = None
    messages: list[Received] = field(default_factory=list)
    connections: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """Its address as MAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def clear(self) -> None:
        """Forget all messages."""
        with self._changed:
            self.messages.clear()

    def wait(self, count: int = 1, seconds: float = 20) -> list[Received]:
        """All messages, once there are at least `count`; fails with what came when time is up."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.messages) >= count, timeout=seconds)
            came = [received.recipients for received in self.messages]
            assert enough, f"{len(came)} of {count} messages after {seconds} s: {came[:20]}"
            return list(self.messages)

    def to(self, address: str) -> list[Received]:
        """All messages to this address."""
        with self._changed:
            return [received for received in self.messages if address in received.recipients]

    def _keep(self, received: Received) -> None:
        with self._changed:
            self.messages.append(received)
            self._changed.notify_all()


class _Handler:
    """The hooks that aiosmtpd calls; their names and arguments are its own."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self._sink.connections += 1
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self._sink.pipelining else responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._sink.refuse.get(address)
        if refusal is not None:
            if refusal.startswith("421"):
                # Whoever says so hangs up (RFC 5321, 3.8), once the answer is on its way.
                assert isinstance(server.transport, asyncio.Transport)
                asyncio.get_running_loop().call_soon(server.transport.close)
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        sink = self._sink
        if sink.delay:
            # Blocks the only connection handler on purpose: a slow relay is slow for everybody.
            time.sleep(sink.delay)
        if sink.refuse_all is not None:
            return sink.refuse_all
        content = envelope.content
        assert isinstance(content, bytes)
        found = re.search(rb"^message-id:\s*(\S+)", content, re.IGNORECASE | re.MULTILINE)
        received = Received(
            sender=str(envelope.mail_from),
            recipients=list(envelope.rcpt_tos),
            message_id=found.group(1).decode() if found else "",
            content=content if sink.keep_content else b"",
        )
        sink._keep(received)
        if sink.on_message is not None:
            sink.on_message(received)
        if sink.cut_after_data:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 2.0.0 kept"


@contextlib.contextmanager
def smtp_sink(port: int | None = None, keep_content: bool = True) -> Iterator[Sink]:
    """A running sink on 127.0.0.1; a given `port` lets it come back at the same address after an outage."""
    sink = Sink(port or free_port(), keep_content=keep_content)
    controller = Controller(_Handler(sink), hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
