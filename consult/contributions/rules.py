"""The published reasons for holding something back."""

import secrets

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import ModerationReason
from consult.extensions import db
from consult.html import clean_line
from consult.processes.models import Process


def add_reason(process: Process, actor: Person, text: str, position: int = 0) -> ModerationReason:
    """Publish one more reason."""
    return _add(process.id, actor, text, position)


def _add(process_id: int, actor: Person, text: str, position: int) -> ModerationReason:
    reason = ModerationReason(
        process_id=process_id, key=f"r-{secrets.token_hex(6)}", text=clean_line(text), position=position
    )
    db.session.add(reason)
    db.session.flush()
    record(Action.moderation_reason_changed, actor.id, reason, process_id=process_id)
    return reason


def change_reason(reason: ModerationReason, actor: Person, text: str, position: int = 0) -> ModerationReason:
    """Put it better. Decisions keep the words they were taken with: new words are a new row."""
    if clean_line(text) != reason.text:
        retire_reason(reason, actor)
        return _add(reason.process_id, actor, text, position)
    if position != reason.position:
        reason.position = position
        record(Action.moderation_reason_changed, actor.id, reason, process_id=reason.process_id)
    return reason


def retire_reason(reason: ModerationReason, actor: Person) -> None:
    """No longer offer it; where it was used it stays."""
    reason.retired_at = clock.now()
    record(Action.moderation_reason_changed, actor.id, reason, process_id=reason.process_id)
