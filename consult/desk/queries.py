"""Figures for "My tasks" that no feature needs for itself."""

from datetime import datetime

from sqlalchemy import func, select

from consult import clock
from consult.extensions import db
from consult.invitations.models import Invitation, InvitationState
from consult.invitations.operations import INVITATION
from consult.meetings.models import Meeting, MeetingState
from consult.outbox.models import OutboxMessage, State
from consult.site.models import ContactMessage


def without_answer(process_id: int) -> list[tuple[Meeting, int, datetime]]:
    """Coming meetings to which invited people have not answered: how many, and since when the first waits.

    Who could not be reached is no one to wait for.
    """
    unreached = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.kind == INVITATION,
            OutboxMessage.subject_id == Invitation.id,
            OutboxMessage.state == State.failed,
        )
        .exists()
    )
    rows = db.session.execute(
        select(Meeting, func.count(Invitation.id), func.min(Invitation.created_at))
        .join(Invitation, Invitation.meeting_id == Meeting.id)
        .where(
            Meeting.process_id == process_id,
            Meeting.state == MeetingState.planned,
            Meeting.starts_at > clock.now(),
            Invitation.state == InvitationState.open,
            ~unreached,
        )
        .group_by(Meeting.id)
        .order_by(Meeting.starts_at)
    )
    return [(meeting, number, since) for meeting, number, since in rows]


def messages_to_answer() -> tuple[int, datetime | None]:
    """How many messages of visitors are not ticked off, and since when the first waits."""
    number, since = db.session.execute(
        select(func.count(), func.min(ContactMessage.created_at)).where(ContactMessage.answered_at.is_(None))
    ).one()
    return number, since
