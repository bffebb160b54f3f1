"""Who is asked to come, and what they answered."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.accounts.models import Organisation, Person
from consult.db import Base, created, fk, id_pk, lang_code, line, text, utc, word


class InvitationState(StrEnum):
    #: Invited, no answer yet.
    open = "open"
    accepted = "accepted"
    declined = "declined"
    #: Has to think about it.
    maybe = "maybe"
    #: Somebody else comes in their place.
    deputy_named = "deputy_named"
    revoked = "revoked"


class CampaignKind(StrEnum):
    invitation = "invitation"
    #: To everybody who subscribed to the process.
    newsletter = "newsletter"


class CampaignState(StrEnum):
    draft = "draft"
    #: Large: a second person has to agree.
    to_confirm = "to_confirm"
    #: Leaves at `send_at`.
    scheduled = "scheduled"
    running = "running"
    paused = "paused"
    stopped = "stopped"
    done = "done"


class Campaign(Base):
    """One act of inviting (this note, to these people, for this meeting or group), or one issue of a newsletter."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("kind <> 'invitation' OR (meeting_id IS NULL) <> (group_id IS NULL)", name="meeting_xor_group"),
        CheckConstraint("per_hour IS NULL OR per_hour > 0", name="throttle"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    meeting_id: Mapped[int | None] = fk("meeting.id", nullable=True)
    group_id: Mapped[int | None] = fk("groups.id", nullable=True)
    subject: Mapped[line]
    note: Mapped[text] = mapped_column(default="")
    kind: Mapped[word] = mapped_column(default=CampaignKind.invitation)
    state: Mapped[word] = mapped_column(default=CampaignState.draft)
    #: Whom it is for: segments as JSON (`invitations.audience`).
    audience: Mapped[text] = mapped_column(default="[]")
    #: The language that stands below the recipient's own in the first mail somebody ever gets.
    second_lang: Mapped[lang_code | None]
    #: Not before; empty: at once.
    send_at: Mapped[utc | None]
    #: At most so many mails an hour; empty: as fast as it goes.
    per_hour: Mapped[int | None]
    #: Raised by every change, so that two editors notice each other and only what was previewed is sent.
    revision: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[utc | None]
    ended_at: Mapped[utc | None]
    confirmed_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True)
    created_at: Mapped[created]


class LeftOut(StrEnum):
    """Why somebody of the audience gets nothing."""

    by_hand = "by_hand"
    invited_already = "invited_already"
    #: Refused, or taken back.
    said_no = "said_no"
    no_address = "no_address"
    mail_paused = "mail_paused"
    erased = "erased"


class CampaignRecipient(Base):
    """Somebody of the audience as it was counted: by which segment they are in, or why they are out."""

    __tablename__ = "campaign_recipient"
    __table_args__ = (UniqueConstraint("campaign_id", "person_id"),)

    id: Mapped[id_pk]
    campaign_id: Mapped[int] = fk("campaign.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    organisation_id: Mapped[int | None] = fk("organisation.id", nullable=True, index=False)
    #: "group 4", "list", "attended 12": the first segment that names them.
    segment: Mapped[str] = mapped_column(String(60))
    by_letter: Mapped[bool] = mapped_column(default=False)
    left_out: Mapped[word | None]


class ListState(StrEnum):
    #: Sent in, to be read.
    arrived = "arrived"
    #: Read; somebody looks at what would become of it.
    read = "read"
    #: On its way into the audience.
    taking = "taking"
    taken = "taken"
    #: No list at all, or far too long.
    refused = "refused"


class PeopleList(Base):
    """A long list of people somebody sent in; the worker reads it and takes it into the audience of a campaign."""

    __tablename__ = "people_list"

    id: Mapped[id_pk]
    campaign_id: Mapped[int] = fk("campaign.id")
    title: Mapped[line] = mapped_column(default="")
    state: Mapped[word] = mapped_column(default=ListState.arrived)
    #: As it was sent in; blank once it is taken.
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: What was found in it, as JSON: numbers, and lines that cannot be used with the reason.
    report: Mapped[text] = mapped_column(default="")
    #: People on it, and how many of them are in.
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
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
    #: Comes in the place of this person, who named them.
    deputy_for_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    #: When the last reminder to answer was promised.
    reminded_at: Mapped[utc | None]
    created_at: Mapped[created]
    opened_at: Mapped[utc | None]
    answered_at: Mapped[utc | None]
    #: What the person wrote with the answer; for the organisers only.
    message: Mapped[text | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="raise_on_sql")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise_on_sql")

    def may_answer(self, meeting_starts_at: datetime | None, now: datetime) -> bool:
        return self.state != InvitationState.revoked and (meeting_starts_at is None or now < meeting_starts_at)


class SubscriptionState(StrEnum):
    #: Asked for; the address is not proven yet.
    pending = "pending"
    confirmed = "confirmed"
    ended = "ended"


class Subscription(Base):
    """Somebody wants the newsletter of a process. The proof is the consent it points to; no account is needed."""

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("process_id", "person_id"),)

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    state: Mapped[word] = mapped_column(default=SubscriptionState.pending)
    lang: Mapped[lang_code] = mapped_column(default="de")
    consent_id: Mapped[int | None] = fk("consent.id", nullable=True)
    created_at: Mapped[created]
    confirmed_at: Mapped[utc | None]
    ended_at: Mapped[utc | None]
