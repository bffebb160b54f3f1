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
    )

    id: Mapped[id_pk]
    kind: Mapped[word]
    #: Id of the row the mail is about; its table is fixed by the kind.
    subject_id: Mapped[int]
    recipient_id: Mapped[int] = fk("person.id")
    #: Tells repeated mails about one subject apart (a date, a revision); usually empty.
    period: Mapped[str] = mapped_column(String(40), default="")
    process_id: Mapped[int | None] = fk("process.id", nullable=True)
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
