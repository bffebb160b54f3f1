"""What W7 sends, and its floor: mails of the same size through one reused connection."""

import smtplib
import time
from datetime import timedelta

from sqlalchemy import func, select

from consult import clock
from consult.extensions import db
from consult.invitations import operations as invitations
from consult.invitations.lists import Row
from consult.meetings.models import Meeting, MeetingKind
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process

#: The floor's mails are as heavy as PERFORMANCE's: 12.9 kB.
RAW = b"Subject: Einladung\r\nFrom: a@example.org\r\nTo: b@example.org\r\n\r\n" + (b"x" * 76 + b"\r\n") * 165


def queue_campaign(size: int) -> tuple[int, int]:
    """Invite `size` people by the operation; returns the first and last id of the promised mails."""
    process = db.session.scalars(select(Process).where(Process.slug == "bench")).one()
    starts = clock.now() + timedelta(days=30)
    meeting = Meeting(
        process_id=process.id, kind=MeetingKind.kickoff, title="Auftakt", starts_at=starts,
        ends_at=starts + timedelta(hours=2), wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"), place="Rathaus",
    )  # fmt: skip
    db.session.add(meeting)
    db.session.flush()
    before = db.session.scalar(select(func.max(OutboxMessage.id))) or 0
    rows = [Row(number=n, address=f"guest{n}@example.org", name=f"Gast {n}") for n in range(1, size + 1)]
    invitations.invite(meeting, rows=rows, by=None, note="Wir freuen uns auf Sie. " * 20)
    db.session.commit()
    return before + 1, db.session.scalar(select(func.max(OutboxMessage.id))) or 0


def raw_mails(port: int, number: int) -> float:
    """Mails per second of `smtplib` alone: one connection, nothing rendered."""
    with smtplib.SMTP("127.0.0.1", port) as connection:
        started = time.perf_counter()
        for _n in range(number):
            connection.sendmail("a@example.org", ["b@example.org"], RAW)
        return number / (time.perf_counter() - started)
