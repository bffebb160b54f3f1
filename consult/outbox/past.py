"""Mails of the past, for demonstrations: they stand in the lists as if they had left then, and nobody gets them."""

from datetime import datetime

from flask import current_app
from sqlalchemy import select, update

from consult import clock, path
from consult.extensions import db
from consult.i18n import in_language, language
from consult.outbox import kinds
from consult.outbox.models import OutboxMessage, State
from consult.outbox.operations import KEEP_COPIES
from consult.outbox.rendering import kept_copy, recipients_of


def queued_since(message_id: int) -> list[int]:
    """Ids of the mails promised after this one that nobody has taken yet, in order."""
    return list(
        db.session.scalars(
            select(OutboxMessage.id)
            .where(OutboxMessage.id > message_id, OutboxMessage.state == State.queued)
            .order_by(OutboxMessage.id)
        )
    )


def settle(message_id: int, at: datetime, refused: str = "") -> None:
    """Write down that a mail left at `at`, or was refused for good with this answer, without sending anything.

    The text is kept as a sent one's would be, unless it would be purged already.
    """
    message = db.session.get_one(OutboxMessage, message_id)
    values: dict[str, object] = {
        "state": State.failed if refused else State.sent,
        "note": refused or None,
        "sent_at": None if refused else at,
        "attempts": 1,
        "queued_at": at,
        "due_at": at,
    }
    if not refused and clock.now() - at < KEEP_COPIES:
        with (
            current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]),
            in_language(
                recipients_of([message.recipient_id])[message.recipient_id].locale, of_path=message.kind in path.MAILS
            ),
        ):
            subject, text = kept_copy(kinds.kind(message.kind).render(message))
            values |= {"lang": language(), "sent_subject": subject, "sent_text": text}
    db.session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(values))
