"""The folder of sent mail, read again: the mailbox of the demonstration."""

import email
import email.policy
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

_NAME = re.compile(r"[A-Za-z0-9]{1,60}")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class KeptMail:
    """One mail of the folder. `name` is what its address in the browser ends with."""

    name: str
    sender: str
    recipient: str
    subject: str
    sent_at: datetime | None
    cursor: str
    text: str = ""


def page(folder: Path, after: str | None, limit: int) -> tuple[list[KeptMail], str | None]:
    """The newest mails after the cursor, and the cursor of the next page when there is one."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (f"{entry.stat().st_mtime_ns:020d}-{entry.name[:-4]}" for entry in entries if _is_mail(entry)),
                reverse=True,
            )
    except OSError:
        return [], None
    if after is not None:
        found = [cursor for cursor in found if cursor < after]
    shown = [mail for cursor in found[:limit] if (mail := _read(folder, cursor.partition("-")[2], cursor)) is not None]
    return shown, found[limit - 1] if len(found) > limit else None


def read(folder: Path, name: str) -> KeptMail | None:
    """One mail with its text, or None when there is no such file."""
    return _read(folder, name, "", with_text=True) if _NAME.fullmatch(name) else None


def _is_mail(entry: "os.DirEntry[str]") -> bool:
    return entry.name.endswith(".eml") and _NAME.fullmatch(entry.name[:-4]) is not None


def _read(folder: Path, name: str, cursor: str, with_text: bool = False) -> KeptMail | None:
    try:
        with (folder / f"{name}.eml").open("rb") as file:
            message: Any = email.message_from_binary_file(file, policy=email.policy.default)
    except OSError:
        return None
    date = message["Date"]
    return KeptMail(
        name=name,
        sender=str(message["From"] or ""),
        recipient=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        sent_at=date.datetime.astimezone(UTC) if date is not None and date.datetime is not None else None,
        cursor=cursor,
        text=_text(message) if with_text else "",
    )


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain",))
    return str(body.get_content()) if body is not None else ""


def with_links(text: str, own: str) -> Markup:
    """The text for a page: line breaks kept, addresses of our own (beginning with `own`) made clickable."""

    def linked(line: str) -> Markup:
        parts, at = [], 0
        for found in _ADDRESS.finditer(line):
            url = found.group().rstrip(".,;:!?)")
            if url != own and not url.startswith((f"{own}/", f"{own}?")):
                continue
            parts += [escape(line[at : found.start()]), Markup('<a href="{0}">{0}</a>').format(url)]
            at = found.start() + len(url)
        return Markup("").join([*parts, escape(line[at:])])

    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    return Markup("\n").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(linked(line) for line in block.splitlines())) for block in blocks
    )
