"""The people of the demonstration: networks, who works where, who gets letters or was reminded, who reads the news."""

from sqlalchemy import func, select

from consult.accounts.models import Affiliation, Consent, NetworkMember, Person
from consult.demo.source import content
from consult.invitations.models import Campaign, CampaignKind, Invitation, Subscription
from consult.outbox.models import OutboxMessage

TEXTS = content()


def test_networks_have_their_members_and_people_their_work(demo):
    wanted = sum(len(row["organisations"]) for row in TEXTS["network_members"])
    assert demo.scalar(select(func.count()).select_from(NetworkMember)) == wanted
    assert demo.scalar(select(func.count()).where(Affiliation.position != "")) >= 8
    worked_at = demo.scalar(select(func.count(Affiliation.organisation_id.distinct())))
    assert worked_at >= 14


def test_some_have_no_address_for_mail_and_get_letters(demo):
    on_paper = demo.scalars(select(Person).where(Person.email.is_(None), Person.postal_address.is_not(None))).all()
    assert len(on_paper) == TEXTS["campaign"]["by_letter"]
    invited = select(Invitation.person_id).where(Invitation.by_letter)
    assert {person.id for person in on_paper} == set(demo.scalars(invited))


def test_only_the_silent_were_reminded_and_some_looked_without_answering(demo):
    asked = demo.scalars(
        select(Invitation)
        .join(OutboxMessage, OutboxMessage.subject_id == Invitation.id)
        .where(OutboxMessage.kind == "invitation_reminder")
    ).all()
    assert asked
    assert all(one.answered_at is None or one.answered_at > one.reminded_at for one in asked)
    looked = [row for row in TEXTS["invitees"] if row.get("opened")]
    silent = [one for one in asked if one.state == "open" and one.opened_at is not None]
    assert len(silent) == len(looked)
    paused = demo.scalars(select(Person.id).where(Person.mail_paused_at.is_not(None))).all()
    assert len(paused) == TEXTS["campaign"]["states"]["bounced"]
    assert not set(paused) & {one.person_id for one in asked}


def test_a_newsletter_went_to_its_readers_with_their_consent(demo):
    readers = TEXTS["newsletter"]["readers"]
    staying = [row for row in readers if "ended" not in row]
    issue = demo.scalars(select(Campaign).where(Campaign.kind == CampaignKind.newsletter)).one()
    assert (issue.state, "{" in issue.note) == ("done", False)
    sent = demo.scalars(select(OutboxMessage.state).where(OutboxMessage.campaign_id == issue.id)).all()
    assert sent == ["sent"] * len(staying)
    assert demo.scalar(select(func.count()).where(Subscription.state == "confirmed")) == len(staying)
    withdrawn = demo.scalars(select(Consent.withdrawn_at)).all()
    assert len(withdrawn) == len(readers)
    assert sum(moment is not None for moment in withdrawn) == len(readers) - len(staying)
