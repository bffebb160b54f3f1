"""Mail that comes back: what a delivery report says, which message it is about, when an address is left alone.

A report names our message by its Message-ID, which proves itself (`mime.row_of`): nobody can make one up for mail
they did not get. Reports are written by strangers, so reading one raises nothing, whatever stands in it.
"""

import email
import email.policy
import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message
from typing import Any

from sqlalchemy import Connection, column, func, or_, select, table, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.logs import redact
from consult.outbox import mime
from consult.outbox.kinds import all_kinds
from consult.outbox.models import Bounce, OutboxMessage, State

log = logging.getLogger(__name__)

#: So many refusals of an address within so long, and it gets no more mail until somebody has looked at it.
LIMIT = 2
WITHIN = timedelta(days=30)
#: A report is short; what follows after this is not read.
MAX_REPORT = 256 * 1024
MAX_PARTS = 30

_bounce: Any = Bounce.__table__
_message: Any = OutboxMessage.__table__
# By name, because the outbox stands below the accounts.
_person = table("person", column("id"), column("mail_paused_at"), column("mail_paused_why"))
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_IDENT = re.compile(rb"<([1-9][0-9]{0,8}\.[0-9a-f]{32}@)")


@dataclass(frozen=True)
class Report:
    """What a delivery report says about one of our messages."""

    message_id: int
    #: It will not arrive any more; else it is only late.
    failed: bool
    #: RFC 3463, for example 5.1.1; empty when none is named.
    status: str
    note: str

    @property
    def hard(self) -> bool:
        return self.failed and not self.status.startswith("4")

    @property
    def key(self) -> str:
        """The same for the same news, by whichever way and however often it comes."""
        return hashlib.sha256(f"{self.message_id}|{self.failed}|{self.status}".encode()).hexdigest()


def read_report(raw: bytes) -> Report | None:
    """The report in this mail (RFC 3464); None when it is none, not about a message of ours, or makes no sense."""
    try:
        return _read(raw[:MAX_REPORT])
    except Exception as error:
        # Hostile nesting ends in RecursionError; the parsers know a dozen more.
        log.warning("a mail in the box for reports could not be read: %s", type(error).__name__)
        return None


def _read(raw: bytes) -> Report | None:
    message_id = next((row for found in _IDENT.findall(raw) if (row := mime.row_of(found.decode()))), None)
    if message_id is None:
        return None
    for part in _parts(email.message_from_bytes(raw, policy=email.policy.compat32)):
        blocks = part.get_payload()
        if part.get_content_type() != "message/delivery-status" or not isinstance(blocks, list):
            continue
        for block in blocks[:MAX_PARTS]:
            if isinstance(block, str):
                continue
            action = str(block.get("Action", "")).strip().lower()
            if action in ("failed", "delayed"):
                status = _STATUS.search(str(block.get("Status", ""))[:100])
                said = mime.header_text(redact(str(block.get("Diagnostic-Code", ""))[:1000]), 300)
                return Report(message_id, action == "failed", status[1] if status else "", said)
    return None


def _parts(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    for number, part in enumerate(message.walk()):
        if number == MAX_PARTS:
            return
        yield part


def take(raw: bytes, now: datetime) -> bool:
    """Write down a report that came back; False when it is none about our mail. Taken twice, it counts once."""
    report = read_report(raw)
    if report is None:
        return False
    connection = db.session.connection()
    found = connection.execute(
        select(_message.c.recipient_id, _message.c.kind).where(_message.c.id == report.message_id)
    ).first()
    if found is None:
        return False
    kind = all_kinds().get(found.kind)
    # A new address with a mistake in it, or an old one that is gone, is not the one this person reads.
    person_id = None if kind is not None and kind.elsewhere else found.recipient_id
    _remember(connection, report.key, report.message_id, person_id, report.hard, report.status, report.note, now)
    if report.failed:
        connection.execute(
            update(_message)
            .where(_message.c.id == report.message_id, _message.c.state.in_((State.sent, State.uncertain)))
            .values(state=State.bounced, note=f"bounced: {report.status} {report.note}"[:300])
        )
    return True


def take_now(raw: bytes) -> bool:
    """The same as a transaction of its own, for a box that is emptied while it is read."""
    try:
        ours = take(raw, clock.now())
        db.session.commit()
    finally:
        db.session.rollback()
    return ours


def refused(connection: Connection, message_id: int, person_id: int, note: str, now: datetime) -> None:
    """The mail server refused the address itself. Part of the transaction that records it."""
    status = _STATUS.search(note or "")
    key = hashlib.sha256(f"{message_id}|refused".encode()).hexdigest()
    _remember(connection, key, message_id, person_id, True, status[1] if status else "", note or "", now)


def _remember(
    connection: Connection, key: str, message_id: int, person_id: int | None, hard: bool, status: str, note: str,
    now: datetime,
) -> None:  # fmt: skip
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = connection.scalar(
        insert(_bounce)
        .values(
            key=key, message_id=message_id, person_id=person_id, hard=hard, status=status[:20], note=note[:300], at=now
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(_bounce.c.id)
    )  # fmt: skip
    if new is None or not hard or person_id is None:
        return
    gone = connection.scalar(
        select(func.count())
        .select_from(_bounce)
        .where(
            _bounce.c.person_id == person_id,
            _bounce.c.hard,
            _bounce.c.at > now - WITHIN,
            # Only what speaks of the address: a mail refused for its size or its sender says nothing about it.
            or_(_bounce.c.status.like("5.1.%"), _bounce.c.status == "5.2.1"),
        )
    )
    if gone is not None and gone >= LIMIT:
        connection.execute(
            update(_person)
            .where(_person.c.id == person_id, _person.c.mail_paused_at.is_(None))
            .values(mail_paused_at=now, mail_paused_why=f"bounced: {status} {note}"[:200])
        )


def set_going_again(person_id: int, actor_id: int) -> bool:
    """Somebody has looked at the address: it gets mail again, and earlier refusals no longer count. False when it was
    not paused.
    """
    connection = db.session.connection()
    if not connection.execute(
        update(_person)
        .where(_person.c.id == person_id, _person.c.mail_paused_at.is_not(None))
        .values(mail_paused_at=None, mail_paused_why=None)
    ).rowcount:
        return False
    forget(person_id)
    record(Action.address_resumed, actor_id, ("person", person_id))
    return True


def forget(person_id: int) -> None:
    """Earlier refusals speak of another address, or are settled: they stay with their messages and count no more."""
    db.session.connection().execute(update(_bounce).where(_bounce.c.person_id == person_id).values(person_id=None))
    db.session.connection().execute(
        update(_person).where(_person.c.id == person_id).values(mail_paused_at=None, mail_paused_why=None)
    )
