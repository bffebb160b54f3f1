"""Mail that is to be sent, is being sent, was sent."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consult.db import Base, created, fk, id_pk, lang_code, text, utc, word


class State(StrEnum):
    queued = "queued"
    sending = "sending"
    retry = "retry"
    sent = "sent"
    #: Refused for good by the other side, or broken on ours; a person looks at it.
    failed = "failed"
    #: The connection was lost after the text was handed over: nobody knows whether it arrived.
    uncertain = "uncertain"
    #: Its campaign was paused; goes on when that does.
    paused = "paused"
    #: Taken, and sent back by a server further on.
    bounced = "bounced"
    #: No longer wanted when its turn came (opted out, erased, no longer a member).
    dropped = "dropped"


OPEN_STATES = (State.queued, State.retry, State.sending)


class OutboxMessage(Base):
    """One mail to one person. Holds kind and ids; the text is rendered just before sending.

    The unique key makes pressing twice, restarting and two schedulers harmless.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "recipient_id", "period"),
        Index("ix_outbox_message_due", "state", "due_at"),
        Index("ix_outbox_message_campaign_id_state", "campaign_id", "state"),
        Index("ix_outbox_message_process_id_id", "process_id", "id"),
    )

    id: Mapped[id_pk]
    kind: Mapped[word]
    #: Id of the row the mail is about; its table is fixed by the kind.
    subject_id: Mapped[int]
    recipient_id: Mapped[int] = fk("person.id")
    #: Tells repeated mails about one subject apart (a date, a revision); usually empty.
    period: Mapped[str] = mapped_column(String(40), default="")
    process_id: Mapped[int | None] = fk("process.id", nullable=True, index=False)
    #: The mailing it belongs to, which can be paused and counted as a whole.
    campaign_id: Mapped[int | None] = fk("campaign.id", nullable=True, index=False)
    state: Mapped[word] = mapped_column(default=State.queued)
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[created]
    due_at: Mapped[created]
    #: End of the lease of the worker that is sending it.
    claimed_until: Mapped[utc | None]
    sent_at: Mapped[utc | None]
    #: Last answer of the mail server or the reason it was not sent, without addresses.
    note: Mapped[str | None] = mapped_column(String(300))
    #: What was sent, for the message centre, with personal links blanked; removed by retention.
    lang: Mapped[lang_code | None]
    sent_subject: Mapped[str | None] = mapped_column(String(300))
    sent_text: Mapped[text | None]

    def is_due(self, now: datetime) -> bool:
        return self.state in (State.queued, State.retry) and self.due_at <= now


class Bounce(Base):
    """A report that a mail did not arrive, as it came back. Read twice, it counts once."""

    __tablename__ = "bounce"

    id: Mapped[id_pk]
    #: Hash of the report.
    key: Mapped[str] = mapped_column(String(64), unique=True)
    message_id: Mapped[int | None] = fk("outbox_message.id", nullable=True)
    person_id: Mapped[int | None] = fk("person.id", nullable=True)
    #: For good (5.x.x), or for now (4.x.x).
    hard: Mapped[bool]
    #: Enhanced status code, RFC 3463.
    status: Mapped[str] = mapped_column(String(20), default="")
    #: What the other side said, without addresses.
    note: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[created]
