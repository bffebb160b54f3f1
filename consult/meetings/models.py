"""Meetings of all kinds, their agenda, who comes, and the minutes."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.accounts.models import Person
from consult.db import Base, created, fk, id_pk, line, text, utc, word


class MeetingKind(StrEnum):
    kickoff = "kickoff"
    public_dialogue = "public_dialogue"
    expert_talk = "expert_talk"
    group_session = "group_session"


class MeetingState(StrEnum):
    planned = "planned"
    cancelled = "cancelled"
    held = "held"


class Meeting(Base):
    """Stored in UTC and as local wall time with its zone: a meeting stays at 18:00 when the clocks change."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="order"),
        Index("ix_meeting_process_id_starts_at", "process_id", "starts_at"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    group_id: Mapped[int | None] = fk("groups.id", nullable=True)
    kind: Mapped[word]
    title: Mapped[line]
    description: Mapped[text] = mapped_column(default="")
    starts_at: Mapped[utc]
    ends_at: Mapped[utc]
    #: Local wall time as announced, ISO without zone.
    wall_start: Mapped[str] = mapped_column(String(19))
    zone: Mapped[word] = mapped_column(default="Europe/Berlin")
    #: False where only the day is known.
    time_known: Mapped[bool] = mapped_column(default=True)
    place: Mapped[line] = mapped_column(default="")
    languages: Mapped[line] = mapped_column(default="")
    capacity: Mapped[int | None]
    state: Mapped[word] = mapped_column(default=MeetingState.planned)
    #: SEQUENCE of its calendar entry: raised with every change that matters to guests.
    sequence: Mapped[int] = mapped_column(default=0)
    #: The field an expert talk is about.
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    #: How many were there, where it was counted.
    present: Mapped[int | None]
    source: Mapped[line | None]
    historic_on: Mapped[date | None]
    created_at: Mapped[created]

    def is_over(self, now: datetime) -> bool:
        return self.ends_at <= now


class AgendaItem(Base):
    __tablename__ = "agenda_item"
    __table_args__ = (UniqueConstraint("meeting_id", "position"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    position: Mapped[int]
    title: Mapped[line]
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    #: Not shown to the public.
    internal: Mapped[bool] = mapped_column(default=False)


class RegistrationState(StrEnum):
    coming = "coming"
    declined = "declined"
    attended = "attended"
    absent = "absent"


class Registration(Base):
    """One person and one meeting."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("meeting_id", "person_id"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    organisation_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    state: Mapped[word]
    #: Interpreter, childcare, wheelchair: for the organisers only, purged after the meeting.
    needs: Mapped[text | None]
    deputy_for_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]
    updated_at: Mapped[utc | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="raise_on_sql")


class MinutesState(StrEnum):
    draft = "draft"
    circulated = "circulated"
    approved = "approved"


class Minutes(Base):
    """The minutes of a meeting; approved ones never change."""

    __tablename__ = "minutes"

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    state: Mapped[word] = mapped_column(default=MinutesState.draft)
    revision: Mapped[int] = mapped_column(default=0)
    objections_until: Mapped[utc | None]
    approved_at: Mapped[utc | None]
    approved_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)

    __table_args__ = (UniqueConstraint("meeting_id"),)

    lines: Mapped[list["MinuteLine"]] = relationship(
        back_populates="minutes", lazy="raise_on_sql", order_by="MinuteLine.position"
    )


class MinutesRevision(Base):
    """Free text of the minutes, revision by revision."""

    __tablename__ = "minutes_revision"
    __table_args__ = (UniqueConstraint("minutes_id", "revision"),)

    id: Mapped[id_pk]
    minutes_id: Mapped[int] = fk("minutes.id", index=False)
    revision: Mapped[int]
    markdown: Mapped[text]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class LineKind(StrEnum):
    information = "information"
    result = "result"
    suggestion = "suggestion"
    task = "task"
    question = "question"
    dissent = "dissent"


#: Lines of these kinds become contributions when the minutes are approved.
SOURCE_LINES = (LineKind.result, LineKind.suggestion, LineKind.dissent, LineKind.question)


class MinuteLine(Base):
    """A typed line; results, suggestions, dissent and questions become contributions on approval."""

    __tablename__ = "minute_line"
    __table_args__ = (UniqueConstraint("minutes_id", "position"),)

    id: Mapped[id_pk]
    minutes_id: Mapped[int] = fk("minutes.id", index=False)
    agenda_item_id: Mapped[int | None] = fk("agenda_item.id", nullable=True)
    position: Mapped[int]
    kind: Mapped[word]
    text: Mapped[text]
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    #: Whose task it is and until when.
    owner_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    due_on: Mapped[date | None]
    contribution_id: Mapped[int | None] = fk("contribution.id", nullable=True)

    minutes: Mapped[Minutes] = relationship(back_populates="lines", lazy="raise_on_sql")
