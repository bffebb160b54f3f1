"""The waiting list: who comes next, offers that end, and places that go on to the next one.

Whatever frees a place calls `move_up`. What was forgotten is found by `run_due`, which the worker calls every minute;
it may run twice and at the same time.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update

from consult.accounts.models import OrganisationKind, Person
from consult.audit.actions import Action
from consult.audit.operations import record_many
from consult.extensions import db
from consult.meetings.models import FieldAnswer, Meeting, MeetingState, Registration, RegistrationState
from consult.meetings.room import Room, lock, room_of
from consult.outbox.operations import queue_many

OFFERED = "place_offered"
OFFER_ENDED = "place_offer_ended"
#: Read and offered at once.
BATCH = 500


def move_up(meeting: Meeting, now: datetime) -> int:
    """Offer every free place to those who wait, in their order; returns how many got an offer.

    A place that is kept for a kind goes to the first of that kind; whoever stands before them goes on waiting first.
    Only those are read whose kind finds a place: in a full house nobody, however long the queue is.
    """
    lock(meeting)
    if meeting.state != MeetingState.planned or now >= meeting.starts_at:
        return 0
    room = room_of(meeting)
    offered: list[tuple[int, int]] = []
    last: tuple[datetime | None, int] | None = None
    # A kind that finds no place finds none later either: each round closes a kind, fills the room or ends the queue.
    while (closed := _closed_to(room)) is not None:
        left = room.left()
        many = BATCH if left is None else min(left, BATCH)
        rows = _next_ones(meeting.id, closed, last, many)
        for row in rows:
            if room.has_place(row.organisation_kind):
                room.taken[row.organisation_kind] += 1
                offered.append((row.id, row.person_id))
        if len(rows) < many:
            break
        last = rows[-1].waiting_since, rows[-1].id
    until = min(now + timedelta(hours=meeting.offer_hours), meeting.starts_at)
    for start in range(0, len(offered), BATCH):
        _offer(meeting, offered[start : start + BATCH], until, now)
    return len(offered)


def _closed_to(room: Room) -> list[str | None] | None:
    """Kinds of organisations that find no place (None among them: people of none); None when nobody finds one."""
    kinds: list[str | None] = [None, *(kind.value for kind in OrganisationKind)]
    closed = [kind for kind in kinds if not room.has_place(kind)]
    return closed if len(closed) < len(kinds) else None


def _next_ones(
    meeting_id: int, closed: Sequence[str | None], last: tuple[datetime | None, int] | None, many: int
) -> Sequence[Any]:
    """The next of the queue after `last`, without those whose kind finds no place."""
    kind = Registration.organisation_kind
    named = kind.not_in([one for one in closed if one is not None])
    statement = select(Registration.id, Registration.person_id, kind, Registration.waiting_since).where(
        Registration.meeting_id == meeting_id,
        Registration.state == RegistrationState.waiting,
        and_(kind.is_not(None), named) if None in closed else or_(kind.is_(None), named),
    )
    if last is not None:
        since, ident = last
        statement = statement.where(
            or_(
                Registration.waiting_since > since,
                and_(Registration.waiting_since == since, Registration.id > ident),
            )
        )
    return db.session.execute(statement.order_by(Registration.waiting_since, Registration.id).limit(many)).all()


def _offer(meeting: Meeting, chosen: Sequence[tuple[int, int]], until: datetime, now: datetime) -> None:
    """A few statements for any number of people. Somebody who left the list meanwhile is not called back to it."""
    done = db.session.execute(
        update(Registration)
        .where(
            Registration.id.in_([ident for ident, _person in chosen]), Registration.state == RegistrationState.waiting
        )
        .values(state=RegistrationState.offered, offer_until=until, updated_at=now)
        .returning(Registration.id, Registration.person_id)
    ).all()
    _tell(meeting, [(row.id, row.person_id) for row in done], RegistrationState.offered, OFFERED, until)


def _tell(
    meeting: Meeting, changed: Sequence[tuple[int, int]], state: RegistrationState, mail: str, until: datetime
) -> None:
    """Into the record, and by mail to those who have an address. `changed`: registration and person."""
    record_many(
        Action.registration_changed,
        None,
        [(("registration", ident), {"state": state.value}) for ident, _person in sorted(changed)],
        process_id=meeting.process_id,
    )
    if not mail:
        return
    people = [person_id for _ident, person_id in changed]
    reached = set(db.session.scalars(select(Person.id).where(Person.id.in_(people), Person.email.is_not(None))))
    pairs = [pair for pair in changed if pair[1] in reached]
    queue_many(mail, pairs, period=stamp(until), process_id=meeting.process_id)


def stamp(moment: datetime) -> str:
    """Tells one offer to somebody from another."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def end_offers(meeting: Meeting, now: datetime) -> list[int]:
    """Offers nobody took in time are over: these people leave the list and are told; returns their registrations.

    They may register again and then stand at the end.
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
    db.session.execute(delete(FieldAnswer).where(FieldAnswer.registration_id.in_([row.id for row in ended])))
    told = OFFER_ENDED if now < meeting.starts_at and meeting.state == MeetingState.planned else ""
    ends: dict[datetime, list[tuple[int, int]]] = {}
    for ident, person_id, until in ended:
        ends.setdefault(until or now, []).append((ident, person_id))
    for until in sorted(ends):
        _tell(meeting, ends[until], RegistrationState.declined, told, until)
    return [row.id for row in ended]


def run_due(now: datetime, follow: Callable[[Meeting, Sequence[int]], None]) -> int:
    """End offers that ran out and offer what is free, meeting by meeting, a commit each; returns how many changed.

    `follow`: told of registrations whose offer ended, in the same transaction.
    """
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
            ended = end_offers(meeting, now)
            if ended:
                follow(meeting, ended)
            changed += len(ended) + move_up(meeting, now)
        db.session.commit()
    return changed


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
