"""The waiting list: who comes next, offers that end, and places that go on to the next one.

Whatever frees a place calls `move_up`. What was forgotten is found by `run_due`, which the worker calls every minute;
it may run twice and at the same time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, or_, select, update

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.meetings.models import FieldAnswer, Meeting, MeetingState, Registration, RegistrationState
from consult.meetings.room import lock, room_of
from consult.outbox.operations import queue

OFFERED = "place_offered"
OFFER_ENDED = "place_offer_ended"


def move_up(meeting: Meeting, now: datetime) -> int:
    """Offer every free place to those who wait, in their order; returns how many got an offer.

    A place that is kept for a kind goes to the first of that kind; whoever stands before them goes on waiting first.
    """
    lock(meeting)
    if meeting.state != MeetingState.planned or now >= meeting.starts_at:
        return 0
    queue_of = db.session.execute(
        select(Registration.id, Registration.person_id, Registration.organisation_kind)
        .where(Registration.meeting_id == meeting.id, Registration.state == RegistrationState.waiting)
        .order_by(Registration.waiting_since, Registration.id)
    ).all()
    if not queue_of:
        return 0
    room = room_of(meeting)
    until = min(now + timedelta(hours=meeting.offer_hours), meeting.starts_at)
    offered: list[tuple[int, int]] = []
    for ident, person_id, kind in queue_of:
        if room.left() == 0:
            break
        if room.has_place(kind):
            room.taken[kind] += 1
            offered.append((ident, person_id))
    # Somebody who left the list meanwhile is not called back to it.
    _offer(meeting, offered, until, now)
    return len(offered)


def _offer(meeting: Meeting, chosen: Sequence[tuple[int, int]], until: datetime, now: datetime) -> None:
    for ident, person_id in sorted(chosen, key=lambda pair: pair[1]):
        done = db.session.scalar(
            update(Registration)
            .where(Registration.id == ident, Registration.state == RegistrationState.waiting)
            .values(state=RegistrationState.offered, offer_until=until, updated_at=now)
            .returning(Registration.id)
        )
        if done is None:
            continue
        record(
            Action.registration_changed, None, ("registration", ident), process_id=meeting.process_id,
            state=RegistrationState.offered.value,
        )  # fmt: skip
        if _reads_mail(person_id):
            queue(OFFERED, ident, person_id, period=stamp(until), process_id=meeting.process_id)


def _reads_mail(person_id: int) -> bool:
    return bool(db.session.scalar(select(Person.id).where(Person.id == person_id, Person.email.is_not(None))))


def stamp(moment: datetime) -> str:
    """Tells one offer to somebody from another."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def end_offers(meeting: Meeting, now: datetime) -> int:
    """Offers nobody took in time are over: these people leave the list and are told; returns how many.

    They may register again and then stand at the end. The next ones are offered what became free.
    """
    lock(meeting)
    ended = db.session.execute(
        update(Registration)
        .where(
            Registration.meeting_id == meeting.id,
            Registration.state == RegistrationState.offered,
            Registration.offer_until <= now,
        )
        .values(state=RegistrationState.declined, waiting_since=None, needs=None, updated_at=now)
        .returning(Registration.id, Registration.person_id, Registration.offer_until)
    ).all()
    # Who does not come needs nothing.
    db.session.execute(delete(FieldAnswer).where(FieldAnswer.registration_id.in_([row[0] for row in ended])))
    for ident, person_id, until in sorted(ended, key=lambda row: row[1]):
        record(
            Action.registration_changed, None, ("registration", ident), process_id=meeting.process_id,
            state=RegistrationState.declined.value,
        )  # fmt: skip
        if now < meeting.starts_at and meeting.state == MeetingState.planned and _reads_mail(person_id):
            queue(OFFER_ENDED, ident, person_id, period=stamp(until or now), process_id=meeting.process_id)
    move_up(meeting, now)
    return len(ended)


def run_due(now: datetime) -> int:
    """End offers that ran out and offer what is free, meeting by meeting, a commit each; returns how many changed."""
    due = select(Registration.meeting_id).where(
        or_(
            and_(Registration.state == RegistrationState.offered, Registration.offer_until <= now),
            # Places may have become free by more capacity, or because somebody was forgotten.
            Registration.state == RegistrationState.waiting,
        )
    )
    meetings = db.session.scalars(
        select(Meeting.id)
        .where(Meeting.id.in_(due), Meeting.state == MeetingState.planned, Meeting.ends_at > now)
        .order_by(Meeting.id)
    ).all()
    db.session.rollback()
    changed = 0
    for ident in meetings:
        meeting = db.session.get(Meeting, ident)
        if meeting is not None:
            before = _waiting(ident)
            changed += end_offers(meeting, now) + before - _waiting(ident)
        db.session.commit()
    return changed


def _waiting(meeting_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).where(
                Registration.meeting_id == meeting_id, Registration.state == RegistrationState.waiting
            )
        )
        or 0
    )


def place_in_queue(registration: Registration) -> int:
    """1 for whoever is next. Only for people who wait."""
    before = db.session.scalar(
        select(func.count()).where(
            Registration.meeting_id == registration.meeting_id,
            Registration.state == RegistrationState.waiting,
            or_(
                Registration.waiting_since < registration.waiting_since,
                and_(Registration.waiting_since == registration.waiting_since, Registration.id < registration.id),
            ),
        )
    )
    return (before or 0) + 1
