"""Meetings somebody is invited to, for their own calendar."""

from sqlalchemy import select

from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations.models import Invitation, InvitationState

#: Not refused, not taken back, nobody named instead.
_STANDING = (InvitationState.open, InvitationState.maybe, InvitationState.accepted)


def invited_to(person: Person) -> list[int]:
    """Ids of the meetings; the latest ones where there are very many."""
    return [
        ident
        for ident in db.session.scalars(
            select(Invitation.meeting_id)
            .where(
                Invitation.person_id == person.id,
                Invitation.meeting_id.is_not(None),
                Invitation.state.in_(_STANDING),
            )
            .order_by(Invitation.id.desc())
            .limit(500)
        )
        if ident is not None
    ]


def is_invited(person_id: int, meeting_id: int) -> bool:
    """Whether an invitation to this meeting still stands."""
    found = db.session.scalar(
        select(Invitation.id).where(
            Invitation.meeting_id == meeting_id, Invitation.person_id == person_id, Invitation.state.in_(_STANDING)
        )
    )
    return found is not None


def on_paper(meeting_id: int) -> set[int]:
    """Who is written to on paper: they get no mails about this meeting."""
    return set(
        db.session.scalars(
            select(Invitation.person_id).where(Invitation.meeting_id == meeting_id, Invitation.by_letter.is_(True))
        )
    )
