"""The desk of those who moderate: who looks after what, what was reported, objected to, noted and gathered."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from consult.db import Base, created, fk, id_pk, text, utc, word


class ReportOutcome(StrEnum):
    hidden = "hidden"
    kept = "kept"
    #: Withdrawn by its author, erased, or hidden already when somebody looked.
    settled = "settled"


class Report(Base):
    """Somebody thinks that a published contribution should not stand there. Closed with an outcome they are told."""

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("contribution_id", "reporter_id"),
        Index("ix_report_open", "process_id", "closed_at", "created_at"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    contribution_id: Mapped[int] = fk("contribution.id")
    #: Empty for somebody without an account, who finds the outcome under the receipt code.
    reporter_id: Mapped[int | None] = fk("person.id", nullable=True)
    receipt_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    reason_id: Mapped[int | None] = fk("moderation_reason.id", nullable=True, index=False)
    #: In the reporter's words; for the moderators only.
    note: Mapped[text] = mapped_column(default="")
    created_at: Mapped[created]
    outcome: Mapped[word | None]
    #: One sentence to the reporter beside the outcome.
    answer: Mapped[text] = mapped_column(default="")
    closed_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    closed_at: Mapped[utc | None]


class Assignment(Base):
    """Who looks after a contribution on the desk; one person at a time."""

    __tablename__ = "assignment"

    contribution_id: Mapped[int] = fk("contribution.id", primary_key=True)
    person_id: Mapped[int] = fk("person.id")
    by_id: Mapped[int] = fk("person.id", index=False)
    created_at: Mapped[created]


class Duty(Base):
    """Whose turn it is to moderate, day by day in the zone of the process; with a substitute."""

    __tablename__ = "duty"
    __table_args__ = (
        Index("ix_duty_days", "process_id", "starts_on"),
        CheckConstraint("ends_on > starts_on", name="days_in_order"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    substitute_id: Mapped[int | None] = fk("person.id", nullable=True)
    #: First day.
    starts_on: Mapped[date]
    #: The day after the last one: half-open, as everywhere.
    ends_on: Mapped[date]
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class Appeal(Base):
    """An author asks for another look at a decision; one appeal per decision."""

    __tablename__ = "appeal"

    id: Mapped[id_pk]
    act_id: Mapped[int] = fk("moderation_act.id", index=False)
    #: Empty for somebody who came with a receipt code.
    person_id: Mapped[int | None] = fk("person.id", nullable=True)
    body: Mapped[text]
    created_at: Mapped[created]
    granted: Mapped[bool | None]
    answer: Mapped[text] = mapped_column(default="")
    decided_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    decided_at: Mapped[utc | None]

    __table_args__ = (UniqueConstraint("act_id"),)


class ErasureRequest(Base):
    """Words are to go for good: one moderator asks, another one confirms (alone only in teams under three)."""

    __tablename__ = "erasure_request"
    __table_args__ = (
        # At most one open request for a contribution.
        Index(
            "uq_erasure_request_open",
            "contribution_id",
            unique=True,
            sqlite_where=sql("decided_at IS NULL"),
            postgresql_where=sql("decided_at IS NULL"),
        ),
    )

    id: Mapped[id_pk]
    contribution_id: Mapped[int] = fk("contribution.id")
    reason_id: Mapped[int] = fk("moderation_reason.id", index=False)
    note: Mapped[text] = mapped_column(default="")
    requested_by_id: Mapped[int] = fk("person.id", index=False)
    created_at: Mapped[created]
    confirmed: Mapped[bool | None]
    decided_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    decided_at: Mapped[utc | None]


class ModeratorNote(Base):
    """A remark among the moderators; never leaves the desk."""

    __tablename__ = "moderator_note"

    id: Mapped[id_pk]
    contribution_id: Mapped[int] = fk("contribution.id")
    author_id: Mapped[int] = fk("person.id", index=False)
    body: Mapped[text]
    created_at: Mapped[created]


class Gathered(Base):
    """Says nearly the same as the head entry: answered together, each author still gets the answer."""

    __tablename__ = "gathered"
    __table_args__ = (CheckConstraint("contribution_id <> head_id", name="not_itself"),)

    contribution_id: Mapped[int] = fk("contribution.id", primary_key=True)
    head_id: Mapped[int] = fk("contribution.id")
    by_id: Mapped[int] = fk("person.id", index=False)
    created_at: Mapped[created]
