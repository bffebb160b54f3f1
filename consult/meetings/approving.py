"""What organisers decide about a registration: yes, no with a reason, and putting its state right by hand."""

from datetime import datetime
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line
from consult.meetings import fields as questions
from consult.meetings import waiting
from consult.meetings.models import HOLDING_STATES, CheckIn, Meeting, Registration, RegistrationState
from consult.meetings.registering import ENDED, MAX_REASON, promise, settle
from consult.meetings.room import lock, room_of
from consult.meetings.words import Needs

#: What organisers can set by hand.
BY_HAND = (
    RegistrationState.coming,
    RegistrationState.waiting,
    RegistrationState.declined,
    RegistrationState.attended,
    RegistrationState.absent,
)


def approve(meeting: Meeting, registration: Registration, actor: Person, now: datetime | None = None) -> None:
    """The organisers say yes: a place, or one on the waiting list. Needs `registration.person` loaded.

    Raises `Refused` when there is nothing to decide any more.
    """
    now = now or clock.now()
    lock(meeting)
    db.session.refresh(registration)
    if registration.state != RegistrationState.asked:
        raise Refused(_("Somebody has decided about this registration already."))
    waiting.move_up(meeting, now)
    free = room_of(meeting).has_place(registration.organisation_kind)
    state = RegistrationState.coming if free else RegistrationState.waiting
    settle(meeting, registration, RegistrationState.asked, state, actor.id, now, registration.person)


def refuse(
    meeting: Meeting, registration: Registration, reason: str, actor: Person, now: datetime | None = None
) -> None:
    """The organisers say no, with a reason that goes into the mail. Needs `registration.person` loaded."""
    now = now or clock.now()
    lock(meeting)
    db.session.refresh(registration)
    if registration.state != RegistrationState.asked:
        raise Refused(_("Somebody has decided about this registration already."))
    if not reason.strip():
        raise Refused(_("Please say why. The person gets it by mail."))
    _turn_down(meeting, registration, RegistrationState.asked, reason, actor, now)


def _turn_down(
    meeting: Meeting, registration: Registration, before: RegistrationState, reason: str, actor: Person, now: datetime
) -> None:
    questions.forget([registration.id])
    # In the place of the needs: it is purged as they are, some time after the meeting.
    registration.needs = Needs(reason=clean_line(reason)[:MAX_REASON]).dump()
    settle(meeting, registration, before, RegistrationState.refused, actor.id, now, registration.person)


def set_state(
    meeting: Meeting,
    registration: Registration,
    state: RegistrationState,
    actor: Person,
    *,
    beyond: bool = False,
    now: datetime | None = None,
) -> None:
    """Organisers put it right by hand. Needs `registration.person` loaded.

    Raises `Refused` when all places are taken and it is not said that this one comes `beyond` them.
    """
    now = now or clock.now()
    if state not in BY_HAND:
        raise ValueError(state)
    lock(meeting)
    db.session.refresh(registration)
    before = RegistrationState(registration.state)
    if before == state:
        return
    if state == RegistrationState.coming and before not in HOLDING_STATES and not beyond:
        waiting.move_up(meeting, now)
        db.session.refresh(registration)
        before = RegistrationState(registration.state)
        if before not in HOLDING_STATES and not room_of(meeting).has_place(registration.organisation_kind):
            raise Refused(_("All places for this person are taken. Tick “also beyond the places” to let them in."))
    if before == RegistrationState.refused or state == RegistrationState.declined:
        # Of somebody who was refused the reason stands there.
        registration.needs = None
    if state == RegistrationState.declined:
        questions.forget([registration.id])
    told = registration.person if now < meeting.starts_at else None
    settle(meeting, registration, before, state, actor.id, now, told)
    if RegistrationState.attended in (before, state):
        _at_the_door(meeting, registration, state == RegistrationState.attended, actor, now)
    gone = before in HOLDING_STATES and state not in HOLDING_STATES
    if gone and state == RegistrationState.declined and told is not None and told.email:
        promise(ENDED, meeting, registration, now)
    if gone:
        waiting.move_up(meeting, now)


def _at_the_door(meeting: Meeting, registration: Registration, there: bool, actor: Person, now: datetime) -> None:
    """The list at the door and the presence say the same as the state."""
    known = db.session.scalar(select(CheckIn).where(CheckIn.registration_id == registration.id))
    if there == (known is not None):
        return
    if known is not None:
        db.session.delete(known)
    else:
        at = min(max(now, meeting.starts_at), meeting.ends_at)
        key = str(uuid4())
        db.session.add(
            CheckIn(
                meeting_id=meeting.id, registration_id=registration.id, client_key=key, at=at, received_at=now,
                actor_id=actor.id,
            )
        )  # fmt: skip
    if meeting.present is not None:
        meeting.present += 1 if there else -1
    db.session.flush()
