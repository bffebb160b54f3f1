"""The box into which undelivered mail comes back: a Maildir folder on this machine, or a mailbox on a server (IMAP).

What is a report about our mail is written down and removed. Everything else stays, marked as seen, for a person.
"""

import contextlib
import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import config
from consult.outbox.bounces import MAX_REPORT

#: Mails looked at in one round, and seconds until a server counts as not answering.
ROUND = 200
TIMEOUT = 30.0
_PORTS = {"imaps": 993, "imap": 143}


def read(url: str, take: Callable[[bytes], bool]) -> tuple[int, int]:
    """Offer new mails to `take`, which says whether it was a report and has stored it; returns (reports, others).

    Raises `OSError` or `imaplib.IMAP4.error` when the box cannot be reached, `SettingsError` for an address of no box.
    """
    check(url)
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _counted(_from_folder(Path(unquote(parts.path)), take))
    return _counted(_from_server(url, take))


def check(url: str) -> None:
    """Raise `SettingsError` for an address that is none; its password is never shown."""
    parts = urlsplit(url)
    try:
        usable = parts.scheme == "file" and parts.path or parts.scheme in _PORTS and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable:
        raise config.SettingsError(
            "BOUNCE_MAILBOX makes no sense: write imaps://user:password@host/INBOX or file:///path/Maildir."
        )


def _counted(results: Iterator[bool]) -> tuple[int, int]:
    found = list(results)
    return sum(found), len(found) - sum(found)


def _from_folder(folder: Path, take: Callable[[bytes], bool]) -> Iterator[bool]:
    # Read as files: flags stand in the names, and a hostile mail need not be parsed to be moved.
    if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
        raise OSError(f"{folder} is no Maildir")
    found = [path for part in ("new", "cur") for path in (folder / part).iterdir() if path.is_file()]
    unseen = [path for path in sorted(found) if "S" not in path.name.partition(":2,")[2]]
    for path in unseen[:ROUND]:
        try:
            with path.open("rb") as file:
                ours = take(file.read(MAX_REPORT))
            if ours:
                path.unlink()
            else:
                name, _mark, flags = path.name.partition(":2,")
                path.rename(folder / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")
        except FileNotFoundError:
            # Another reader was quicker.
            continue
        yield ours


def _from_server(url: str, take: Callable[[bytes], bool]) -> Iterator[bool]:
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    box: imaplib.IMAP4
    if parts.scheme == "imaps":
        box = imaplib.IMAP4_SSL(host, port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT)
    else:
        box = imaplib.IMAP4(host, port, timeout=TIMEOUT)
    try:
        box.login(unquote(parts.username or ""), unquote(parts.password or ""))
        # A name with spaces or quotes has to be quoted, and a quoted one is always right.
        folder = unquote(parts.path).strip("/") or "INBOX"
        answer, said = box.select('"' + re.sub(r'(["\\])', r"\\\1", re.sub(r"[\x00-\x1f]", "", folder)) + '"')
        if answer != "OK":
            raise imaplib.IMAP4.error(f"no folder: {said[0]!r}")
        _answer, numbers = box.search(None, "UNSEEN")
        for number in (numbers[0] or b"").split()[:ROUND]:
            _answer, parts_found = box.fetch(number.decode("ascii"), f"(BODY.PEEK[]<0.{MAX_REPORT}>)")
            raw = next((part[1] for part in parts_found if isinstance(part, tuple)), b"")
            ours = take(raw)
            box.store(number.decode("ascii"), "+FLAGS", r"(\Seen \Deleted)" if ours else r"(\Seen)")
            yield ours
        box.expunge()
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            box.logout()
