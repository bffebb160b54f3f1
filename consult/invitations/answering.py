"""Answering an invitation: yes, no, perhaps, or somebody else comes. The answer is the invited person's own.

Whether there is a place is decided by `meetings.registering`, the one door to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from consult import clock
from consult.accounts.models import Person
from consult.accounts.operations import person_for
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.invitations.models import Invitation, InvitationState
from consult.meetings import handing_over, registering
from consult.meetings.models import Meeting, MeetingState, Origin, Registration, RegistrationState
from consult.meetings.registering import Given
from consult.meetings.room import lock
from consult.meetings.words import Needs
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue
from consult.signing import new_nonce

MAX_MESSAGE = 1000
#: The mail that goes to somebody's deputy is the invitation itself.
_INVITATION = "invitation"
DEPUTY_DECLINED = "deputy_declined"
#: To somebody who was named and is invited themselves already. Whoever named them sees no difference.
DEPUTY_INVITED = "deputy_invited"
#: What an invitation says when its person's registration changed elsewhere.
_FOLLOWS = {
    RegistrationState.coming: InvitationState.accepted,
    RegistrationState.waiting: InvitationState.accepted,
    RegistrationState.asked: InvitationState.accepted,
    RegistrationState.declined: InvitationState.declined,
    RegistrationState.maybe: InvitationState.maybe,
}


@dataclass(frozen=True)
class Answer:
    """What somebody answers. `name` only when they may correct it; `maybe` is for those who are not `coming` yet."""

    coming: bool
    message: str = ""
    #: None leaves what was said before, and so do `answers`.
    needs: Needs | None = Needs()
    name: str | None = None
    maybe: bool = False
    #: Answers to the organisers' own questions.
    answers: Mapping[int, str] | None = None

    def state(self) -> InvitationState:
        if self.coming:
            return InvitationState.accepted
        return InvitationState.maybe if self.maybe else InvitationState.declined


def _refuse_when_over(invitation: Invitation, meeting: Meeting, now: datetime) -> None:
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if not invitation.may_answer(meeting.starts_at, now):
        raise Refused(_("This meeting has begun already; answers are no longer possible."))


def _lock(invitation: Invitation, meeting: Meeting, now: datetime) -> None:
    """The meeting first, as everybody does who touches places; then the invitation as it is now."""
    lock(meeting)
    db.session.refresh(invitation, ["state", "nonce", "deputy_for_id"])
    _refuse_when_over(invitation, meeting, now)


def answer(invitation: Invitation, meeting: Meeting, given: Answer, now: datetime | None = None) -> Registration:
    """Accept, decline or think about it; may be changed until the meeting begins. When it is full, accepting leads to
    the waiting list.

    Raises `Refused` when the meeting is cancelled or has begun, while somebody else is named, and when who is coming
    says something else than before later than that is possible.
    """
    now = now or clock.now()
    _lock(invitation, meeting, now)
    if invitation.state == InvitationState.deputy_named:
        raise Refused(_("Somebody else comes in your place. Take that back first."))
    if given.name:
        db.session.get_one(Person, invitation.person_id).name = clean_line(given.name)[:200]
    invitation.state = given.state()
    invitation.answered_at = now
    invitation.opened_at = invitation.opened_at or now
    invitation.message = clean_text(given.message).strip()[:MAX_MESSAGE] or None
    db.session.flush()
    registration = _register(invitation, meeting, given, now)
    _record(invitation, meeting)
    if invitation.state == InvitationState.declined:
        _give_back(invitation, registration, meeting, now)
    return registration


def _record(invitation: Invitation, meeting: Meeting) -> None:
    record(
        Action.invitation_answered,
        invitation.person_id,
        invitation,
        process_id=meeting.process_id,
        state=str(invitation.state),
    )


def _register(invitation: Invitation, meeting: Meeting, given: Answer, now: datetime) -> Registration:
    origin = Origin.deputy if invitation.deputy_for_id is not None else Origin.invitation
    person = db.session.get_one(Person, invitation.person_id)
    if not given.coming:
        state = RegistrationState.maybe if given.maybe else RegistrationState.declined
        return registering.step_back(meeting, person, state=state, origin=origin, needs=given.needs, now=now)
    return registering.register(
        meeting,
        person,
        Given(
            organisation_id=invitation.organisation_id,
            needs=given.needs,
            answers=given.answers,
            deputy_for_id=invitation.deputy_for_id,
        ),
        origin=origin,
        tell=not invitation.by_letter,
        now=now,
    )


def follow(meeting: Meeting, registration: Registration, now: datetime | None = None) -> None:
    """Somebody who was invited changed their registration elsewhere: the invitation says the same."""
    invitation = of_person(meeting.id, registration.person_id)
    state = _FOLLOWS.get(RegistrationState(registration.state))
    if invitation is None or state is None or invitation.state in (InvitationState.revoked, state):
        return
    now = now or clock.now()
    invitation.state, invitation.answered_at = state, now
    db.session.flush()
    _record(invitation, meeting)
    if state == InvitationState.declined:
        _give_back(invitation, registration, meeting, now)


def follow_ended(meeting: Meeting, registration_ids: Sequence[int]) -> None:
    """Places that were offered and not taken in time: these invitations no longer say that somebody comes."""
    for registration in db.session.scalars(
        select(Registration)
        .where(Registration.id.in_(registration_ids))
        .order_by(Registration.person_id)
        .execution_options(populate_existing=True)
    ).all():
        follow(meeting, registration)


def refuse_while_deputy(meeting: Meeting, person_id: int) -> None:
    """Raises `Refused` while somebody else is named in this person's place: only one of the two comes."""
    invitation = of_person(meeting.id, person_id)
    if invitation is not None and invitation.state == InvitationState.deputy_named:
        raise Refused(_("Somebody else comes in your place. Take that back first."))


def of_person(meeting_id: int, person_id: int) -> Invitation | None:
    """The invitation of this person to this meeting, with the person."""
    return db.session.scalar(
        select(Invitation)
        .where(Invitation.meeting_id == meeting_id, Invitation.person_id == person_id)
        .options(joinedload(Invitation.person))
    )


def deputy_of(invitation: Invitation) -> Invitation | None:
    """The invitation of whoever was named in this person's place, not taken back, and still with us."""
    return db.session.scalar(
        select(Invitation)
        .where(
            Invitation.meeting_id == invitation.meeting_id,
            Invitation.deputy_for_id == invitation.person_id,
            Invitation.state != InvitationState.revoked,
            Invitation.person_id.not_in(select(Person.id).where(Person.erased_at.is_not(None))),
        )
        .options(joinedload(Invitation.person))
        .order_by(Invitation.id.desc())
        .limit(1)
    )


def name_deputy(
    invitation: Invitation, meeting: Meeting, name: str, email: str, lang: str, now: datetime | None = None
) -> Invitation:
    """Somebody else is asked to come in this person's place, by a mail and a link of their own. A place that was held
    is kept for them for a while. Returns the invitation of whoever was named.

    Whether they are invited already stands in the mail to them alone: for whoever names them it is the same, so that
    nobody learns by naming addresses who is invited.

    Raises `Refused` for deputies of deputies, for oneself, and when the meeting is cancelled or has begun.
    """
    now = now or clock.now()
    _lock(invitation, meeting, now)
    if invitation.deputy_for_id is not None:
        raise Refused(_("You were named by somebody yourself. Please write to the organisers if you cannot come."))
    if invitation.state == InvitationState.deputy_named:
        raise Refused(_("You have named somebody already. Take that back first."))
    person = person_for(email, name=clean_line(name)[:200], locale=lang)
    if person.id == invitation.person_id:
        raise Refused(_("This is your own address."))
    theirs = of_person(meeting.id, person.id)
    known = theirs is not None and (theirs.state != InvitationState.revoked or theirs.deputy_for_id is None)
    if theirs is None:
        theirs = Invitation(
            campaign_id=invitation.campaign_id, meeting_id=meeting.id, person_id=person.id,
            by_letter=False, created_at=now, nonce=new_nonce(),
        )  # fmt: skip
        db.session.add(theirs)
    if not known:
        theirs.state, theirs.nonce = InvitationState.open, new_nonce()
        theirs.deputy_for_id, theirs.organisation_id = invitation.person_id, invitation.organisation_id
    elif theirs.state == InvitationState.declined:
        # Asked again, by somebody who knows them.
        theirs.state = InvitationState.open
    invitation.state, invitation.answered_at = InvitationState.deputy_named, now
    invitation.opened_at = invitation.opened_at or now
    db.session.flush()
    if theirs.state == InvitationState.revoked:
        # The organisers' no stands.
        handing_over.give_up(meeting, invitation.person_id, now)
    else:
        handing_over.hand_over(meeting, invitation.person_id, person.id, Origin.deputy, now)
    if known:
        queue(DEPUTY_INVITED, invitation.id, person.id, period=_naming(now), process_id=meeting.process_id)
    else:
        queue(_INVITATION, theirs.id, person.id, period=now.strftime("%Y-%m-%dT%H:%M"), process_id=meeting.process_id)
    _record(invitation, meeting)
    return theirs


def _naming(moment: datetime | None) -> str:
    """Tells one naming by somebody from another."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") if moment else ""


def named_address(invitation: Invitation) -> str:
    """The address of whoever was named in this person's place, as it was given; empty when they are gone."""
    theirs = deputy_of(invitation)
    if theirs is not None:
        return theirs.person.email or theirs.person.name
    return (
        db.session.scalar(
            select(Person.email)
            .join(OutboxMessage, OutboxMessage.recipient_id == Person.id)
            .where(
                OutboxMessage.kind == DEPUTY_INVITED,
                OutboxMessage.subject_id == invitation.id,
                OutboxMessage.period == _naming(invitation.answered_at),
            )
        )
        or ""
    )


def take_back_deputy(invitation: Invitation, meeting: Meeting, now: datetime | None = None) -> None:
    """The person wants to answer themselves again; the deputy's link is dead. A kept place comes back.

    Raises `Refused` when the deputy has answered.
    """
    now = now or clock.now()
    _lock(invitation, meeting, now)
    theirs = deputy_of(invitation)
    if invitation.state != InvitationState.deputy_named:
        return
    if theirs is None:
        # Invited themselves; or taken off by the organisers, or erased: nobody comes in this place any more.
        _take_place_back(invitation, meeting, now)
        invitation.state = InvitationState.open
        db.session.flush()
        _record(invitation, meeting)
        return
    db.session.refresh(theirs, ["state"])
    if theirs.state not in (InvitationState.open, InvitationState.maybe):
        raise Refused(_("They have answered already. Please talk to them."))
    theirs.state, theirs.nonce = InvitationState.revoked, new_nonce()
    invitation.state = InvitationState.open
    db.session.flush()
    handing_over.hand_over(meeting, theirs.person_id, invitation.person_id, Origin.invitation, now)
    registering.remove(meeting, theirs.person_id, now)
    record(Action.invitation_revoked, invitation.person_id, theirs, process_id=meeting.process_id)


def _take_place_back(invitation: Invitation, meeting: Meeting, now: datetime) -> None:
    """The place that went to somebody who is invited themselves, or to the next one in the queue."""
    holder = handing_over.deputy_in_place_of(meeting.id, invitation.person_id)
    if holder is not None and holder.state == RegistrationState.coming:
        raise Refused(_("They have answered already. Please talk to them."))
    if holder is not None:
        handing_over.hand_over(meeting, holder.person_id, invitation.person_id, Origin.invitation, now)
        registering.remove(meeting, holder.person_id, now)
        return
    mine = registering.of_person(meeting.id, invitation.person_id)
    # Given up in the same moment in which they named somebody.
    if mine is not None and mine.state == RegistrationState.declined and mine.updated_at == invitation.answered_at:
        handing_over.offer_again(meeting, mine, now)


def _give_back(theirs: Invitation, registration: Registration | None, meeting: Meeting, now: datetime) -> None:
    """A deputy cannot come: who named them is asked again, and told by mail."""
    by_place = registration.deputy_for_id if registration is not None else None
    named_by = of_person(meeting.id, theirs.deputy_for_id or by_place or 0)
    if named_by is None or named_by.state != InvitationState.deputy_named:
        return
    named_by.state = InvitationState.open
    db.session.flush()
    if named_by.person.email and not named_by.by_letter:
        queue(DEPUTY_DECLINED, named_by.id, named_by.person_id, period=str(theirs.id), process_id=meeting.process_id)


def free_place(invitation: Invitation) -> None:
    """Take away the place somebody had by this invitation; who registered by themselves keeps theirs. Whoever named
    this person is asked again."""
    meeting = db.session.get(Meeting, invitation.meeting_id) if invitation.meeting_id else None
    if meeting is None:
        return
    lock(meeting)
    registration = registering.of_person(meeting.id, invitation.person_id)
    if registration is not None and registration.origin in (Origin.invitation, Origin.deputy):
        registering.remove(meeting, invitation.person_id)
    if invitation.deputy_for_id is not None or (registration is not None and registration.deputy_for_id is not None):
        _give_back(invitation, registration, meeting, clock.now())


def name_of(person_id: int | None) -> str:
    """For \"in the place of ...\"."""
    return (db.session.scalar(select(Person.name).where(Person.id == person_id)) or "") if person_id else ""
