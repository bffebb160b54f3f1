"""The record of what was done, chained so that a later change shows."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from consult.db import Base, created, fk, id_pk, utc, word


class AuditEntry(Base):
    """One privileged act. Written in the same transaction as the act; facts are ids and salted hashes only."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject_type", "subject_id"),)

    id: Mapped[id_pk]
    at: Mapped[created]
    #: Who did it; empty for the system itself and for guests.
    actor_id: Mapped[int | None] = fk("person.id", nullable=True)
    #: `feature.subject.verb`, one of `audit.actions.Action`.
    action: Mapped[str] = mapped_column(String(80), index=True)
    process_id: Mapped[int | None] = fk("process.id", nullable=True)
    #: Table name and id of the row the act was about.
    subject_type: Mapped[word]
    subject_id: Mapped[int]
    #: Exactly the keys its action declares.
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class AuditSeal(Base):
    """Gives each committed entry its place in the one order of commits, chained by hash.

    Digests take their windows from `seq`: a window by time loses what began before its end and committed after.
    """

    __tablename__ = "audit_seal"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = fk("audit_entry.id", index=False)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[created]

    __table_args__ = (Index("uq_audit_seal_entry_id", "entry_id", unique=True),)


class Heartbeat(Base):
    """When each background duty last ran, so that a silent worker is noticed."""

    __tablename__ = "heartbeat"

    name: Mapped[word] = mapped_column(primary_key=True)
    at: Mapped[utc]

    def age_seconds(self, now: datetime) -> float:
        return (now - self.at).total_seconds()


class Deletion(Base):
    """What the nightly purge removed, as proof: kinds and numbers, nothing of what was removed."""

    __tablename__ = "deletion"

    id: Mapped[id_pk]
    at: Mapped[created]
    #: Name of the step.
    what: Mapped[word]
    rows: Mapped[int]
