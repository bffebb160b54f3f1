"""Handing a finished message over: to a mail server, or as a file into a folder."""

import contextlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import config

#: For connecting and for each answer.
TIMEOUT = 30.0
#: For one whole conversation: a server that dribbles a byte a second must not outlive the lease of the message.
WHOLE_TIMEOUT = 30.0
#: An older connection has probably been closed by the other side.
IDLE = 20.0
_IDENT = re.compile(rb"(?mi)^message-id: *<?([^>\s]+)")
_NO_SUCH_ADDRESS = re.compile(r"smtp: 55\d 5\.1\.")
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class NotSent(Exception):
    """The message was certainly not taken. `permanent`: trying again is pointless."""

    def __init__(self, reason: str, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent

    @property
    def no_such_address(self) -> bool:
        """Refused because of the address (RFC 3463, 5.1.x): other mail to it will be refused as well."""
        return self.permanent and _NO_SUCH_ADDRESS.match(self.reason) is not None


class Unknown(Exception):
    """The message was handed over, and the connection broke before the answer: it may have been taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _nothing() -> None:
    pass


class Transport(Protocol):
    def send(
        self,
        content: bytes,
        sender: str,
        recipient: str,
        begin: Callable[[], object] = _nothing,
        meanwhile: Callable[[], object] = _nothing,
    ) -> str:
        """Hand over to exactly this recipient; returns the other side's answer. Raises `NotSent` or `Unknown`.

        `begin` is called once, before anything is waited for and anything handed over; what it raises comes out, and
        nothing was sent. `meanwhile` is called at most once, while the other side reads the message; it must
        not raise.
        """


@dataclass(frozen=True)
class FolderTransport:
    """Each message becomes an .eml file, named after its Message-ID: a repetition overwrites the first."""

    folder: Path

    def path(self, ident: str) -> Path:
        return self.folder / (re.sub(r"[^A-Za-z0-9]", "", ident.partition("@")[0])[:60] + ".eml")

    def send(
        self,
        content: bytes,
        sender: str,
        recipient: str,
        begin: Callable[[], object] = _nothing,
        meanwhile: Callable[[], object] = _nothing,
    ) -> str:
        begin()
        found = _IDENT.search(content)
        path = self.path(found[1].decode("ascii", "replace") if found else "unknown")
        partial = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:
            raise NotSent(f"folder: {error.strerror or type(error).__name__}") from error
        return f"kept as {path.name}"


class SmtpTransport:
    """One connection per thread, kept open between messages and renewed when idle or broken."""

    def __init__(self, scheme: str, host: str, port: int, user: str, password: str) -> None:
        self.scheme, self.host, self.port = scheme, host, port
        self._user, self._password = user, password
        self._mine = threading.local()

    def send(
        self,
        content: bytes,
        sender: str,
        recipient: str,
        begin: Callable[[], object] = _nothing,
        meanwhile: Callable[[], object] = _nothing,
    ) -> str:
        start = _once(begin)
        envelope = _envelope(sender, recipient)
        if not envelope:
            start()
            raise NotSent("smtp: 553 5.1.3 not an address", permanent=True)
        kept = self._kept()
        if kept is not None:
            try:
                return self._converse(kept, envelope, content, start, meanwhile)
            except NotSent as refusal:
                # A connection that the server had closed meanwhile says nothing about this message.
                if refusal.permanent or self._kept() is not None:
                    raise
        # Connecting may take long.
        start()
        return self._converse(self._connect(), envelope, content, start, meanwhile)

    def close(self) -> None:
        """End this thread's connection."""
        smtp: smtplib.SMTP | None = getattr(self._mine, "smtp", None)
        self._mine.smtp = None
        if smtp is not None:
            smtp.close()

    def _kept(self) -> smtplib.SMTP | None:
        smtp: smtplib.SMTP | None = getattr(self._mine, "smtp", None)
        if smtp is not None and time.monotonic() - self._mine.used > IDLE:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if smtp.sock is not None:
                    smtp.sock.settimeout(2)
                smtp.quit()
            self.close()
            return None
        return smtp

    def _connect(self) -> smtplib.SMTP:
        # Whatever goes wrong here is about the server or our settings, never about this message.
        try:
            smtp = self._open()
        except smtplib.SMTPAuthenticationError as error:
            raise NotSent(f"connect: sign-in refused ({error.smtp_code})") from None
        except ssl.SSLError as error:
            raise NotSent(f"connect: TLS {error.reason or type(error).__name__}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"connect: {getattr(error, 'strerror', None) or type(error).__name__}") from error
        self._mine.smtp, self._mine.used = smtp, time.monotonic()
        return smtp

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context() if self.scheme != "smtp" else None
        smtp: smtplib.SMTP
        if self.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(timeout=TIMEOUT, context=context)
        else:
            smtp = smtplib.SMTP(timeout=TIMEOUT)
        # Not by the constructor, which would read the greeting before the deadline counts; TLS asks for this name.
        smtp._host = self.host  # type: ignore[attr-defined]
        try:
            with _deadline(smtp):
                smtp.connect(self.host, self.port)
                smtp.ehlo_or_helo_if_needed()
                if self.scheme == "smtp+starttls":
                    smtp.starttls(context=context)
                    smtp.ehlo()
                if self._user:
                    smtp.login(self._user, self._password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _converse(
        self,
        smtp: smtplib.SMTP,
        envelope: tuple[bytes, ...],
        content: bytes,
        start: Callable[[], object],
        meanwhile: Callable[[], object],
    ) -> str:
        handed_over = False
        talk = _Talk(smtp)
        try:
            self._address(talk, envelope, start, together=smtp.has_extn("pipelining"))
            handed_over = True
            talk.say(_dot_stuffed(content))
            meanwhile()
            answer = talk.hear()
        except NotSent as refusal:
            if refusal.reason.startswith("smtp: 421"):
                self.close()
            else:
                self._reset(talk)
            raise
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            reason = getattr(error, "strerror", None) or type(error).__name__
            if handed_over:
                raise Unknown(f"cut off: {reason}") from error
            raise NotSent(f"connection: {reason}") from error
        except BaseException:
            # The server waits for the rest of an envelope.
            self.close()
            raise
        self._mine.used = time.monotonic()
        return answer

    def _address(
        self, talk: "_Talk", envelope: tuple[bytes, ...], start: Callable[[], object], *, together: bool
    ) -> None:
        """Say the envelope, at once to servers that take that (RFC 2920), and begin while they read the first of it."""
        said = len(envelope) if together else 1
        talk.say(b"".join(envelope[:said]))
        start()
        refused: NotSent | None = None
        for number, wanted in enumerate((250, 250, 354)):
            if number >= said:
                talk.say(envelope[number])
            try:
                talk.hear(wanted)
            except NotSent as refusal:
                # What was said at once is answered one by one all the same.
                refused = refused or refusal
                if not together or refused.reason.startswith("smtp: 421"):
                    raise refused from None
            else:
                if refused is not None and wanted == 354:
                    # It waits for a message to nobody.
                    self.close()
        if refused is not None:
            raise refused

    def _reset(self, talk: "_Talk") -> None:
        try:
            talk.ask(b"RSET")
        except (NotSent, OSError, smtplib.SMTPException):
            self.close()


class _Talk:
    """One message's conversation, with an end: smtplib's own reading waits anew for each byte."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        if smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        self._sock = smtp.sock
        self._until = time.monotonic() + WHOLE_TIMEOUT
        self._heard = b""

    def say(self, content: bytes) -> None:
        self._wait()
        self._sock.sendall(content)

    def ask(self, command: bytes, wanted: int = 250) -> None:
        self.say(command + b"\r\n")
        self.hear(wanted)

    def hear(self, wanted: int = 250) -> str:
        """The answer, which may have several lines. Raises `NotSent` for a refusal."""
        lines = [self._line()]
        while lines[-1][3:4] == b"-" and len(lines) < 100:
            lines.append(self._line())
        answer = b"\n".join(line[4:] for line in lines).decode("utf-8", "replace")
        code = int(lines[0][:3]) if lines[0][:3].isdigit() else 0
        if not 200 <= code < 600:
            raise smtplib.SMTPServerDisconnected("no answer that makes sense")
        if code != wanted and not (wanted == 250 and code in (251, 252)):
            raise NotSent(f"smtp: {code} {answer}", permanent=500 <= code < 600)
        return f"{code} {answer}"

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(min(left, TIMEOUT))

    def _line(self) -> bytes:
        while b"\n" not in self._heard:
            self._wait()
            heard = self._sock.recv(4096)
            if not heard or len(self._heard) > 8192:
                raise smtplib.SMTPServerDisconnected("closed")
            self._heard += heard
        line, _, self._heard = self._heard.partition(b"\n")
        return line.rstrip(b"\r")


@contextlib.contextmanager
def _deadline(smtp: smtplib.SMTP) -> Iterator[None]:
    """Cut the connection when opening it takes too long as a whole."""

    def cut() -> None:
        if smtp.sock is not None:
            with contextlib.suppress(OSError):
                smtp.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(WHOLE_TIMEOUT, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _envelope(sender: str, recipient: str) -> tuple[bytes, ...]:
    """The three commands before the message; none when an address would be more than that."""
    commands = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA")
    if not all(command.isascii() and command.isprintable() for command in commands):
        return ()
    return tuple(command.encode("ascii") + b"\r\n" for command in commands)


def _once(call: Callable[[], object]) -> Callable[[], None]:
    """Calls it the first time and never again."""
    left = [call]

    def called() -> None:
        if left:
            left.pop()()

    return called


def _dot_stuffed(content: bytes) -> bytes:
    """The message as DATA wants it: CR LF ends, leading dots doubled, a single dot at the end."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
    start = b"." if lines.startswith(b".") else b""
    return start + lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def folder_of(url: str) -> Path | None:
    """The folder of a `file:///folder` address, None for any other."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" and parts.path else None


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise config.SettingsError("MAIL_URL has a port that is not a number.") from None


def from_url(url: str) -> Transport:
    """The transport that MAIL_URL names. Raises `SettingsError` with a sentence, never showing the password."""
    folder = folder_of(url)
    if folder is not None:
        return FolderTransport(folder)
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise config.SettingsError(
            "MAIL_URL makes no sense: write smtp://host:25, smtps://user:password@host, "
            "smtp+starttls://user:password@host:587 or file:///folder."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return SmtpTransport(parts.scheme, parts.hostname, _port(parts), user, password)
