"""Answering an invitation: the answer is the invited person's own."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.invitations.models import Invitation, InvitationState
from consult.meetings.models import Meeting, MeetingState, Registration, RegistrationState
from consult.meetings.words import Needs

MAX_MESSAGE = 1000


def _insert() -> type[sqlite.Insert] | type[postgresql.Insert]:
    return postgresql.Insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.Insert


@dataclass(frozen=True)
class Answer:
    """What somebody answers. `name` only when they may correct it."""

    coming: bool
    message: str = ""
    needs: Needs = Needs()
    name: str | None = None


def answer(invitation: Invitation, meeting: Meeting, given: Answer, now: datetime | None = None) -> Registration:
    """Accept or decline; may be changed until the meeting begins. The answer is the invited person's own.

    Needs `invitation.person` loaded. Raises `Refused` when the meeting is cancelled, has begun or is full.
    """
    now = now or clock.now()
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if not invitation.may_answer(meeting.starts_at, now):
        raise Refused(_("This meeting has begun already; answers are no longer possible."))
    # Held until the commit: the last place is given once.
    db.session.execute(select(Meeting.id).where(Meeting.id == meeting.id).with_for_update())
    if given.coming and meeting.capacity is not None and _taken(meeting.id, invitation.person_id) >= meeting.capacity:
        raise Refused(_("All places are taken. Please write to the organisers if you would like to come."))
    if given.name:
        invitation.person.name = clean_line(given.name)[:200]
    invitation.state = InvitationState.accepted if given.coming else InvitationState.declined
    invitation.answered_at = now
    invitation.opened_at = invitation.opened_at or now
    invitation.message = clean_text(given.message).strip()[:MAX_MESSAGE] or None
    db.session.flush()
    registration = _register(invitation, meeting, given, now)
    record(
        Action.invitation_answered,
        invitation.person_id,
        invitation,
        process_id=meeting.process_id,
        state=str(invitation.state),
    )
    return registration


def _taken(meeting_id: int, but: int) -> int:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Registration)
            .where(
                Registration.meeting_id == meeting_id,
                Registration.person_id != but,
                Registration.state.in_((RegistrationState.coming, RegistrationState.attended)),
            )
        )
        or 0
    )


def _register(invitation: Invitation, meeting: Meeting, given: Answer, now: datetime) -> Registration:
    values = {
        "state": RegistrationState.coming if given.coming else RegistrationState.declined,
        # Who does not come needs nothing.
        "needs": given.needs.dump() if given.coming else None,
        "organisation_id": invitation.organisation_id,
        "updated_at": now,
    }
    statement = (
        _insert()(Registration)
        .values(meeting_id=meeting.id, person_id=invitation.person_id, created_at=now, **values)
        .on_conflict_do_update(index_elements=["meeting_id", "person_id"], set_=values)
        .returning(Registration)
    )
    return db.session.scalars(statement, execution_options={"populate_existing": True}).one()


def free_place(invitation: Invitation) -> None:
    """Take away the place somebody had by this invitation."""
    db.session.execute(
        delete(Registration).where(
            Registration.meeting_id == invitation.meeting_id,
            Registration.person_id == invitation.person_id,
            Registration.state.in_((RegistrationState.coming, RegistrationState.declined)),
        )
    )
