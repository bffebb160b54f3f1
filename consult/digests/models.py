"""The feedback digest: what is new between two points of the record."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consult.db import Base, created, fk, id_pk, utc, word


class DigestKind(StrEnum):
    steering = "steering"


class Digest(Base):
    """The window (from_seq, to_seq] of the sealed record. Windows of one kind touch and never overlap."""

    __tablename__ = "digest"
    __table_args__ = (
        UniqueConstraint("process_id", "kind", "from_seq"),
        UniqueConstraint("process_id", "kind", "local_date"),
        CheckConstraint("to_seq >= from_seq", name="window_order"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    kind: Mapped[word] = mapped_column(default=DigestKind.steering)
    #: The day it was due, in the city's zone: one digest per day.
    local_date: Mapped[date]
    from_seq: Mapped[int]
    to_seq: Mapped[int]
    created_at: Mapped[created]
    #: Empty when nothing happened: the window is closed all the same.
    issued_at: Mapped[utc | None]
    #: The sitting it prepares.
    meeting_id: Mapped[int | None] = fk("meeting.id", nullable=True)
    #: The numbers and ids it showed, so that page, mail and a later reader see the same.
    content: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
