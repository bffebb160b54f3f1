"""Handing a finished message over: to a mail server, or as a file into a folder."""

import contextlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import config

#: For connecting and for each answer.
TIMEOUT = 30.0
#: For one whole conversation: a server that dribbles a byte a second must not outlive the lease of the message.
WHOLE_TIMEOUT = 75.0
#: An older connection has probably been closed by the other side.
IDLE = 20.0
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class NotSent(Exception):
    """The message was certainly not taken. `permanent`: trying again is pointless."""

    def __init__(self, reason: str, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


class Unknown(Exception):
    """The message was handed over, and the connection broke before the answer: it may have been taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transport(Protocol):
    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """Hand over to exactly this recipient; returns the other side's answer. Raises `NotSent` or `Unknown`."""


@dataclass(frozen=True)
class FolderTransport:
    """Each message becomes an .eml file, named after its Message-ID: a repetition overwrites the first."""

    folder: Path

    def path(self, ident: str) -> Path:
        return self.folder / (re.sub(r"[^A-Za-z0-9]", "", ident.partition("@")[0])[:60] + ".eml")

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        path = self.path(str(message["Message-ID"]))
        partial = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(message.as_bytes())
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

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        content = message.as_bytes()
        kept = self._kept()
        if kept is not None:
            try:
                return self._converse(kept, content, sender, recipient)
            except NotSent as refusal:
                # A connection that the server had closed meanwhile says nothing about this message.
                if refusal.permanent or self._kept() is not None:
                    raise
        return self._converse(self._connect(), content, sender, recipient)

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
            smtp = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        else:
            smtp = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        try:
            with _deadline(smtp):
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

    def _converse(self, smtp: smtplib.SMTP, content: bytes, sender: str, recipient: str) -> str:
        handed_over = False
        try:
            with _deadline(smtp):
                self._expect(smtp.mail(sender))
                self._expect(smtp.rcpt(recipient))
                self._expect(smtp.docmd("DATA"), 354)
                smtp.send(_dot_stuffed(content))
                handed_over = True
                code, answer = smtp.getreply()
                if not 200 <= code < 600:
                    raise smtplib.SMTPServerDisconnected("no answer that makes sense")
                self._expect((code, answer))
        except NotSent as refusal:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.rset()
            if smtp.sock is None or refusal.reason.startswith("smtp: 421"):
                self.close()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            reason = getattr(error, "strerror", None) or type(error).__name__
            if handed_over:
                raise Unknown(f"cut off: {reason}") from error
            raise NotSent(f"connection: {reason}") from error
        self._mine.used = time.monotonic()
        return f"{code} {answer.decode('utf-8', 'replace')}"

    @staticmethod
    def _expect(reply: tuple[int, bytes], wanted: int = 250) -> None:
        code, answer = reply
        if code == wanted or (wanted == 250 and 250 <= code <= 252):
            return
        raise NotSent(f"smtp: {code} {answer.decode('utf-8', 'replace')}", permanent=500 <= code < 600)


@contextlib.contextmanager
def _deadline(smtp: smtplib.SMTP) -> Iterator[None]:
    """Cut the connection when the block takes too long as a whole; smtplib's timeout starts anew with each byte."""

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


def _dot_stuffed(content: bytes) -> bytes:
    """The message as DATA wants it: CR LF ends, leading dots doubled, a single dot at the end."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


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
