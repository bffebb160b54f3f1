"""Who is asked to come, and what they answered."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.accounts.models import Organisation, Person
from consult.db import Base, created, fk, id_pk, line, text, utc, word


class InvitationState(StrEnum):
    #: Invited, no answer yet.
    open = "open"
    accepted = "accepted"
    declined = "declined"
    #: Somebody else comes in their place.
    deputy_named = "deputy_named"
    revoked = "revoked"


class Campaign(Base):
    """One act of inviting: this note, to these people, for this meeting or group."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("(meeting_id IS NULL) <> (group_id IS NULL)", name="meeting_xor_group"),)

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    meeting_id: Mapped[int | None] = fk("meeting.id", nullable=True)
    group_id: Mapped[int | None] = fk("groups.id", nullable=True)
    subject: Mapped[line]
    note: Mapped[text] = mapped_column(default="")
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True)
    created_at: Mapped[created]


class Invitation(Base):
    """One person, one meeting (or group): pressing twice harms nobody."""

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        UniqueConstraint("group_id", "person_id"),
        CheckConstraint("(meeting_id IS NULL) <> (group_id IS NULL)", name="meeting_xor_group"),
        Index("ix_invitation_campaign_id_id", "campaign_id", "id"),
    )

    id: Mapped[id_pk]
    campaign_id: Mapped[int] = fk("campaign.id", index=False)
    meeting_id: Mapped[int | None] = fk("meeting.id", nullable=True, index=False)
    group_id: Mapped[int | None] = fk("groups.id", nullable=True, index=False)
    person_id: Mapped[int] = fk("person.id")
    organisation_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    state: Mapped[word] = mapped_column(default=InvitationState.open)
    #: Part of the personal link; a new one makes the old link dead.
    nonce: Mapped[str] = mapped_column(String(32))
    #: Goes out by letter: no address for mail.
    by_letter: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[created]
    opened_at: Mapped[utc | None]
    answered_at: Mapped[utc | None]
    #: What the person wrote with the answer; for the organisers only.
    message: Mapped[text | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="raise_on_sql")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise_on_sql")

    def may_answer(self, meeting_starts_at: datetime | None, now: datetime) -> bool:
        return self.state != InvitationState.revoked and (meeting_starts_at is None or now < meeting_starts_at)
