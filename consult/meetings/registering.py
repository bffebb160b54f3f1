"""The one door to a place: whoever comes, by an invitation, by registering, as a deputy or over the counter.

The meeting's row is locked while places are counted and given out, so that the last one is given once. Everything here
can be done twice and counts once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from consult import clock
from consult.accounts.affiliations import Source, affiliate
from consult.accounts.models import Organisation, OrganisationKind, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line
from consult.meetings import fields as questions
from consult.meetings import survey, waiting
from consult.meetings.deadlines import closes_at, may_change, stands, too_late
from consult.meetings.models import (
    HOLDING_STATES,
    Meeting,
    MeetingState,
    Origin,
    Registration,
    RegistrationMode,
    RegistrationState,
)
from consult.meetings.room import lock, room_of
from consult.meetings.words import Needs
from consult.outbox.operations import queue
from consult.signing import new_code

CONFIRMED = "registration_confirmed"
LISTED = "registration_listed"
REFUSED = "registration_refused"
ENDED = "registration_ended"
MAX_NAME = 200
MAX_REASON = 500
#: Who comes in by these is let in by somebody who stands there or organises it.
_BY_STAFF = (Origin.walk_in, Origin.staff)
_HAS_A_PLACE = (RegistrationState.coming, RegistrationState.attended)
#: Where we know somebody's organisation from; else from the registration.
_LEARNT = {Origin.invitation: Source.reply, Origin.deputy: Source.reply, Origin.staff: Source.staff}
#: Mails that tell what became of a registration.
_TELLS = {
    RegistrationState.coming: CONFIRMED,
    RegistrationState.waiting: LISTED,
    RegistrationState.asked: LISTED,
    RegistrationState.refused: REFUSED,
}


@dataclass(frozen=True)
class Given:
    """What comes with a registration; None leaves what is there."""

    organisation_id: int | None = None
    #: As typed in; matched to an organisation we know by exactly this name.
    organisation_name: str = ""
    needs: Needs | None = None
    named: bool | None = None
    #: Answers to the organisers' own questions, by question.
    answers: Mapping[int, str] | None = None
    deputy_for_id: int | None = None


def is_open(meeting: Meeting, now: datetime) -> bool:
    """Whether anybody may register now."""
    return (
        meeting.registration == RegistrationMode.everybody
        and meeting.state == MeetingState.planned
        and (meeting.registration_opens_at is None or meeting.registration_opens_at <= now)
        and now < closes_at(meeting)
    )


def of_person(meeting_id: int, person_id: int) -> Registration | None:
    """As the database has it now."""
    return db.session.scalar(
        select(Registration)
        .where(Registration.meeting_id == meeting_id, Registration.person_id == person_id)
        .execution_options(populate_existing=True)
    )


def refuse_when_over(meeting: Meeting, origin: str, now: datetime) -> None:
    """Raises `Refused` where nobody can come in this way any more, or not yet."""
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    # At the door people come in until it is over, and are typed in afterwards.
    if origin not in _BY_STAFF and now >= meeting.starts_at:
        raise Refused(_("This meeting has begun already; answers are no longer possible."))
    if origin == Origin.registration and not is_open(meeting, now):
        raise Refused(_("Registration is not open."))


def known_organisation(name: str) -> Organisation | None:
    """The organisation with exactly this name; of merged ones the one that stands for both."""
    found = db.session.scalar(select(Organisation).where(Organisation.name == clean_line(name))) if name else None
    if found is not None and found.merged_into_id is not None:
        return db.session.get(Organisation, found.merged_into_id)
    return found


def _put_organisation(registration: Registration, given: Given) -> None:
    """Whose place it is. Who has one keeps the kind it was counted to."""
    organisation = (
        db.session.get(Organisation, given.organisation_id)
        if given.organisation_id
        else known_organisation(given.organisation_name)
    )
    name = clean_line(given.organisation_name)[:MAX_NAME]
    if organisation is None and not name:
        return
    registration.organisation_name = name or (organisation.name if organisation else "")
    registration.organisation_id = organisation.id if organisation else None
    if registration.state not in HOLDING_STATES:
        registration.organisation_kind = OrganisationKind(organisation.kind) if organisation else None


def put(registration: Registration, meeting: Meeting, given: Given) -> None:
    """Write down what came with it."""
    _put_organisation(registration, given)
    if given.needs is not None:
        registration.needs = given.needs.dump()
    if given.named is not None:
        registration.named = given.named
    if given.deputy_for_id is not None:
        registration.deputy_for_id = given.deputy_for_id
    if given.answers is not None:
        db.session.flush()
        questions.save(registration, questions.fields_of(meeting.id), given.answers)


def _refuse_other_words(meeting: Meeting, registration: Registration, given: Given) -> None:
    """Raises `Refused` when something else was said than what stands there."""
    before = Needs.load(registration.needs)
    other = given.needs is not None and not given.needs.same_as(before)
    if given.named is not None:
        other |= given.named != registration.named
    if given.answers is not None and not other:
        stored = questions.answers_of([registration.id]).get(registration.id, {})
        other = questions.that_count(questions.fields_of(meeting.id), given.answers) != stored
    if other:
        raise Refused(too_late(meeting))


def register(
    meeting: Meeting,
    person: Person,
    given: Given = Given(),
    *,
    origin: Origin,
    actor_id: int | None = None,
    beyond: bool = False,
    tell: bool = True,
    now: datetime | None = None,
) -> Registration:
    """Give this person a place, or a place on the waiting list, or put them before the organisers.

    `beyond`: also when all places are taken; only for people who are responsible for the room.
    Locks the meeting until the commit; it is as in the database afterwards. Raises `Refused` when the meeting is
    cancelled or has begun, when registration is not open, when the organisers said no before, or when what somebody
    said is to be changed later than that is possible.
    """
    now = now or clock.now()
    lock(meeting)
    refuse_when_over(meeting, origin, now)
    registration = of_person(meeting.id, person.id)
    if registration is None:
        registration = Registration(
            meeting_id=meeting.id, person_id=person.id, state=RegistrationState.unconfirmed, origin=origin,
            organisation_name="", named=False, created_at=now, code=new_code(),
        )  # fmt: skip
        db.session.add(registration)
        before = None
    else:
        before = RegistrationState(registration.state)
    if before == RegistrationState.refused:
        if origin == Origin.registration:
            raise Refused(_("The organisers have declined this registration."))
        registration.needs = None
    if before is not None and origin not in _BY_STAFF and stands(meeting, registration, now):
        _refuse_other_words(meeting, registration, given)
        given = replace(given, needs=None, named=None, answers=None)
    put(registration, meeting, given)
    db.session.flush()
    if before != RegistrationState.attended:
        state = _decide(meeting, registration, before, origin, beyond, now)
        if before is None or before in (RegistrationState.unconfirmed, RegistrationState.declined):
            registration.origin = origin
        settle(meeting, registration, before, state, actor_id or person.id, now, person if tell else None)
    affiliate(person.id, registration.organisation_id, _LEARNT.get(origin, Source.registration), now=now)
    return registration


def _decide(
    meeting: Meeting,
    registration: Registration,
    before: RegistrationState | None,
    origin: Origin,
    beyond: bool,
    now: datetime,
) -> RegistrationState:
    if before in HOLDING_STATES:
        # Taking what was offered, or pressing twice.
        return RegistrationState.coming
    if meeting.approval and origin == Origin.registration and before != RegistrationState.waiting:
        return RegistrationState.asked
    if beyond:
        return RegistrationState.coming
    # Whoever waits comes first; it may be this very person.
    waiting.move_up(meeting, now)
    db.session.refresh(registration)
    if registration.state == RegistrationState.offered:
        return RegistrationState.coming
    if room_of(meeting).has_place(registration.organisation_kind):
        return RegistrationState.coming
    return RegistrationState.waiting


def settle(
    meeting: Meeting,
    registration: Registration,
    before: RegistrationState | None,
    state: RegistrationState,
    actor_id: int | None,
    now: datetime,
    told: Person | None,
) -> None:
    """Write the new state down with all that hangs on it; nothing when it is the old one."""
    if state == before:
        return
    registration.state, registration.updated_at = state, now
    registration.waiting_since = now if state == RegistrationState.waiting else None
    registration.offer_until = None
    db.session.flush()
    record(Action.registration_changed, actor_id, registration, process_id=meeting.process_id, state=state.value)
    mail = _TELLS.get(state)
    if told is not None and told.email and mail:
        promise(mail, meeting, registration, now)


def promise(mail: str, meeting: Meeting, registration: Registration, now: datetime) -> None:
    queue(
        mail, registration.id, registration.person_id, period=now.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        process_id=meeting.process_id,
    )  # fmt: skip


def step_back(
    meeting: Meeting,
    person: Person,
    *,
    state: RegistrationState = RegistrationState.declined,
    origin: Origin = Origin.registration,
    actor_id: int | None = None,
    needs: Needs | None = None,
    now: datetime | None = None,
) -> Registration:
    """Not coming (`declined`), or thinking about it (`maybe`): a place somebody held goes to the next one.

    Who is not coming needs nothing: needs and answers are deleted. Who thinks about it needs what they say, or what
    they said before (None).
    """
    now = now or clock.now()
    lock(meeting)
    registration = of_person(meeting.id, person.id)
    if registration is None:
        registration = Registration(
            meeting_id=meeting.id, person_id=person.id, state=RegistrationState.unconfirmed, origin=origin,
            organisation_name="", named=False, created_at=now, code=new_code(),
        )  # fmt: skip
        db.session.add(registration)
        db.session.flush()
    before = RegistrationState(registration.state)
    if before in (RegistrationState.attended, RegistrationState.refused):
        return registration
    if state != RegistrationState.maybe:
        registration.needs = None
    elif needs is not None:
        registration.needs = needs.dump()
    if state == RegistrationState.declined:
        questions.forget([registration.id])
    settle(meeting, registration, before, state, actor_id or person.id, now, None)
    if before in HOLDING_STATES:
        waiting.move_up(meeting, now)
    return registration


def take_offer(meeting: Meeting, registration: Registration, person: Person, now: datetime | None = None) -> None:
    """The place that was kept is theirs. A second time changes nothing.

    Raises `Refused` when the time to take it is over.
    """
    now = now or clock.now()
    lock(meeting)
    refuse_when_over(meeting, Origin.invitation, now)
    db.session.refresh(registration)
    if registration.state in _HAS_A_PLACE:
        return
    in_time = registration.offer_until is not None and now < registration.offer_until
    if registration.state != RegistrationState.offered or not in_time:
        raise Refused(_("This place is no longer kept for you. You can put yourself on the waiting list again."))
    settle(meeting, registration, RegistrationState.offered, RegistrationState.coming, person.id, now, person)


def change(
    meeting: Meeting, registration: Registration, given: Given, actor_id: int, now: datetime | None = None
) -> None:
    """Change what was given, not whether somebody comes. Raises `Refused` when that is no longer possible."""
    now = now or clock.now()
    lock(meeting)
    db.session.refresh(registration)
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if not may_change(meeting, now):
        raise Refused(too_late(meeting))
    put(registration, meeting, replace(given, organisation_id=None, organisation_name=""))
    registration.updated_at = now
    db.session.flush()
    record(
        Action.registration_changed, actor_id, registration, process_id=meeting.process_id,
        state=str(registration.state),
    )  # fmt: skip


def take_back_name(meeting: Meeting, registration: Registration, actor_id: int) -> bool:
    """Name this person no longer where guests are named: at any time, as freely as they agreed; whether they were."""
    lock(meeting)
    db.session.refresh(registration)
    if not registration.named:
        return False
    registration.named = False
    db.session.flush()
    record(
        Action.registration_changed, actor_id, registration, process_id=meeting.process_id,
        state=str(registration.state),
    )  # fmt: skip
    return True


def remove(meeting: Meeting, person_id: int, now: datetime | None = None) -> None:
    """Take somebody off the list altogether, as if they had never been asked; their place goes to the next one.

    Who was there stays on it.
    """
    lock(meeting)
    registration = of_person(meeting.id, person_id)
    if registration is None or registration.state in (RegistrationState.attended, RegistrationState.absent):
        return
    survey.forget_begun([registration.id])
    if registration.surveyed_at is not None:
        return
    questions.forget([registration.id])
    held = registration.state in HOLDING_STATES
    db.session.delete(registration)
    db.session.flush()
    if held:
        waiting.move_up(meeting, now or clock.now())


def places_left(meeting: Meeting, kind: str | None = None) -> int | None:
    """How many places people of this kind find now; None where there is no limit. For showing, not for deciding."""
    return room_of(meeting).free_for(kind)


def waiting_count(meeting_id: int) -> int:
    """How many people wait for a place."""
    return (
        db.session.scalar(
            select(func.count()).where(
                Registration.meeting_id == meeting_id, Registration.state == RegistrationState.waiting
            )
        )
        or 0
    )
