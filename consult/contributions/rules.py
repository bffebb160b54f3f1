"""The published reasons for holding something back."""

import secrets

from flask_babel import gettext as _
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import ModerationReason
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line
from consult.processes.models import Process, ProcessState


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
        _retire(reason, actor)
        return _add(reason.process_id, actor, text, position)
    if position != reason.position:
        reason.position = position
        record(Action.moderation_reason_changed, actor.id, reason, process_id=reason.process_id)
    return reason


def retire_reason(reason: ModerationReason, actor: Person) -> None:
    """No longer offer it; where it was used it stays. Nothing happens when it is retired already.

    Raises `Refused` when it is the last one of a published process: without any, nothing can be held back.
    """
    # One after the other: of the last two, each would still count the other.
    process = db.session.scalars(select(Process).where(Process.id == reason.process_id).with_for_update()).one()
    offered = db.session.scalars(
        select(ModerationReason.id).where(
            ModerationReason.process_id == process.id, ModerationReason.retired_at.is_(None)
        )
    ).all()
    if reason.id not in offered:
        return
    if len(offered) == 1 and process.state == ProcessState.published:
        raise Refused(_("One reason has to stay: without one, nothing can be held back. Add another reason first."))
    _retire(reason, actor)


def _retire(reason: ModerationReason, actor: Person) -> None:
    reason.retired_at = clock.now()
    record(Action.moderation_reason_changed, actor.id, reason, process_id=reason.process_id)
