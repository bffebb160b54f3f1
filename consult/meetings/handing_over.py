"""Somebody comes in the place of somebody else: deputies, and who takes their own place back."""

from datetime import datetime, timedelta

from sqlalchemy import select

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.meetings import fields as questions
from consult.meetings import waiting
from consult.meetings.models import Meeting, Origin, Registration, RegistrationState
from consult.meetings.registering import of_person, settle
from consult.meetings.room import lock, room_of
from consult.signing import new_code

#: What can be handed over to somebody else.
_CAN_PASS = (RegistrationState.coming, RegistrationState.offered, RegistrationState.waiting)


def hand_over(meeting: Meeting, from_id: int, to_id: int, origin: Origin, now: datetime) -> None:
    """Somebody else may come in this person's place: a place that was held is kept for them as an offer, one in the
    queue is theirs as it was."""
    lock(meeting)
    mine, theirs = of_person(meeting.id, from_id), of_person(meeting.id, to_id)
    if mine is None or mine.state not in _CAN_PASS:
        return
    before = mine.state
    if theirs is None or theirs.state in (RegistrationState.unconfirmed, RegistrationState.declined):
        if theirs is None:
            theirs = Registration(
                meeting_id=meeting.id, person_id=to_id, organisation_name="", named=False, created_at=now,
                code=new_code(),
            )  # fmt: skip
            db.session.add(theirs)
        theirs.origin, theirs.updated_at = origin, now
        theirs.deputy_for_id = from_id if origin == Origin.deputy else None
        theirs.organisation_id, theirs.organisation_name = mine.organisation_id, mine.organisation_name
        theirs.organisation_kind = mine.organisation_kind
        if before == RegistrationState.waiting:
            theirs.state, theirs.waiting_since = RegistrationState.waiting, mine.waiting_since
        else:
            theirs.state = RegistrationState.offered
            theirs.offer_until = min(now + timedelta(hours=meeting.offer_hours), meeting.starts_at)
        db.session.flush()
        _record(meeting, theirs, from_id)
    # Where the other one was on the list already, a place is free now.
    _step_out(meeting, mine, now)


def _step_out(meeting: Meeting, mine: Registration, now: datetime) -> None:
    mine.state, mine.needs, mine.waiting_since, mine.offer_until = RegistrationState.declined, None, None, None
    mine.updated_at = now
    questions.forget([mine.id])
    db.session.flush()
    _record(meeting, mine, mine.person_id)
    waiting.move_up(meeting, now)


def give_up(meeting: Meeting, person_id: int, now: datetime) -> None:
    """Somebody sends somebody else who may not come: what they held goes to the next one."""
    lock(meeting)
    mine = of_person(meeting.id, person_id)
    if mine is not None and mine.state in _CAN_PASS:
        _step_out(meeting, mine, now)


def deputy_in_place_of(meeting_id: int, person_id: int) -> Registration | None:
    """Who holds the place, or the place in the queue, that this person handed over."""
    return db.session.scalar(
        select(Registration)
        .where(
            Registration.meeting_id == meeting_id,
            Registration.deputy_for_id == person_id,
            Registration.state.in_(_CAN_PASS),
            Registration.person_id.not_in(select(Person.id).where(Person.erased_at.is_not(None))),
        )
        .order_by(Registration.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def offer_again(meeting: Meeting, mine: Registration, now: datetime) -> None:
    """Somebody who gave up a place wants it back: a free one is kept for them for a while, else they wait."""
    lock(meeting)
    waiting.move_up(meeting, now)
    free = room_of(meeting).has_place(mine.organisation_kind)
    state = RegistrationState.offered if free else RegistrationState.waiting
    settle(meeting, mine, RegistrationState(mine.state), state, mine.person_id, now, None)
    if free:
        mine.offer_until = min(now + timedelta(hours=meeting.offer_hours), meeting.starts_at)
        db.session.flush()


def _record(meeting: Meeting, registration: Registration, actor_id: int | None) -> None:
    record(
        Action.registration_changed, actor_id, registration, process_id=meeting.process_id,
        state=str(registration.state),
    )  # fmt: skip
