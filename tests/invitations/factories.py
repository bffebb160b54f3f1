"""Scenery for tests of invitations: a circle with a meeting, and guests on a list."""

from typing import Any

from sqlalchemy import select

from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import operations
from consult.invitations.lists import parse_text
from consult.invitations.models import Invitation
from consult.invitations.operations import Invited
from consult.signing import sign
from tests.meetings.factories import Circle

LIST = "Amira Beispiel; amira@example.org; Frauentreff\nben@example.org"


def invite(circle: Circle, text: str = LIST, **fields: Any) -> Invited:
    """Invite everybody on a pasted list, as the moderator."""
    return operations.invite(circle.meeting, rows=parse_text(text).rows, by=circle.moderator, **fields)


def invitation_of(address: str) -> Invitation:
    found = db.session.scalar(select(Invitation).join(Invitation.person).where(Person.email == address))
    assert found is not None
    return found


def link_of(invitation: Invitation, rest: str = "") -> str:
    """Where the personal link in the mail leads."""
    return f"/i/{sign('respond', invitation.id, invitation.nonce)}{rest}"
