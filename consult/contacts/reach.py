"""Whom somebody finds among the contacts: operators everybody, leads those they have to do with."""

from sqlalchemy import ColumnElement, exists, or_, select, true

from consult.accounts.models import Affiliation, Person, Representation
from consult.groups.models import Membership, SeatHolder
from consult.invitations.models import Campaign, CampaignRecipient, Invitation
from consult.meetings.models import Meeting, Registration
from consult.processes.models import Function, ProcessGroup
from consult.processes.policy import is_operator
from consult.processes.queries import functions_of


def within(actor: Person) -> ColumnElement[bool]:
    """The condition on a person: people of organisations are contacts of the whole city; guests and members belong to
    the processes they were invited to, registered in or work in, and those who lead these see them."""
    if is_operator(actor):
        return true()
    led = [ident for ident, functions in functions_of(actor).items() if Function.lead in functions]
    mailings = select(Campaign.id).where(Campaign.process_id.in_(led))
    meetings = select(Meeting.id).where(Meeting.process_id.in_(led))
    groups = select(ProcessGroup.group_id).where(ProcessGroup.process_id.in_(led))
    return or_(
        Person.id == actor.id,
        exists().where(Affiliation.person_id == Person.id),
        exists().where(Representation.person_id == Person.id),
        exists().where(SeatHolder.person_id == Person.id),
        exists().where(Invitation.person_id == Person.id, Invitation.campaign_id.in_(mailings)),
        exists().where(CampaignRecipient.person_id == Person.id, CampaignRecipient.campaign_id.in_(mailings)),
        exists().where(Registration.person_id == Person.id, Registration.meeting_id.in_(meetings)),
        exists().where(Membership.person_id == Person.id, Membership.group_id.in_(groups)),
    )
