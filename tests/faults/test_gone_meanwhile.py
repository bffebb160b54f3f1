"""REL-A10: people who are gone, or elsewhere, between the promise of a mail and its sending. With the real kinds."""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from consult import clock, personal
from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import campaigns
from consult.invitations import operations as inviting
from consult.invitations.campaigns import Texts
from consult.invitations.lists import Row
from consult.invitations.models import Campaign, Invitation
from consult.newsletters import issues, subscribing
from consult.outbox import bounces
from consult.outbox.delivery import deliver_due
from consult.outbox.models import OutboxMessage, State
from tests.meetings.factories import BEFORE, Circle, make_circle, make_meeting
from tests.outbox.conftest import sink
from tests.outbox.test_bounces import report
from tests.sink import Sink

pytestmark = pytest.mark.faults
__all__ = ["sink"]

COUNT = 600 if os.environ.get("CONSULT_FAULTS") == "full" else 30
#: Every third is gone or elsewhere when the mails leave.
EVERY = 3


def people() -> list[Person]:
    made = [Person(name=f"P {n}", email=f"p{n}@example.org", locale="de") for n in range(COUNT)]
    db.session.add_all(made)
    db.session.commit()
    return made


def bounced(person: Person) -> None:
    """Two mails of earlier days come back."""
    before = [OutboxMessage(kind=issues.ISSUE, subject_id=10**6 + n, recipient_id=person.id) for n in range(2)]
    for message in before:
        message.state, message.due_at = State.sent, clock.now()
    db.session.add_all(before)
    db.session.commit()
    for message in before:
        bounces.take_now(report(message.id))


def moved(person: Person) -> None:
    person.email = f"new-{person.email}"


def erased(person: Person) -> None:
    personal.erase(person, person)


#: What happens to anybody, whatever mail waits for them.
EVERYBODY: dict[str, Callable[[Person], None]] = {"bounced": bounced, "moved": moved, "erased": erased}


def send_all() -> None:
    while deliver_due():
        pass


def check(sink: Sink, what: str, kept: set[str], gone: set[str], record_property: Any) -> None:
    """Who stayed got one mail each, who is gone none; who moved at the new address."""
    reached = [received.recipients[0] for received in sink.messages]
    record_property("trials", COUNT)
    record_property(what, f"{len(gone)} of {COUNT}, mails to them {len(gone & set(reached))}")
    wanted = kept | ({f"new-{address}" for address in gone} if what.endswith("moved") else set())
    assert sorted(reached) == sorted(wanted)


def divided(made: list[Person]) -> tuple[list[Person], set[str], set[str]]:
    """Who is meant, and the addresses of those who are not and of those who are."""
    chosen = made[::EVERY]
    gone = {person.email or "" for person in chosen}
    return chosen, {person.email or "" for person in made} - gone, gone


@pytest.mark.parametrize("what", [*EVERYBODY, "taken back", "paused", "stopped"])
def test_an_invitation_reaches_nobody_who_is_gone(
    session: Any, sink: Sink, at: Callable[[datetime], Any], what: str, record_property: Any
) -> None:
    at(BEFORE)
    circle = make_circle()
    made = people()
    chosen, kept, gone = divided(made)
    # Pausing and stopping are about a whole mailing: those who are meant have one of their own.
    second = make_meeting(circle.process, group_id=circle.group.id)
    ids = {person.id for person in chosen}
    rows = {person.id: Row(n + 1, person.name, person.email or "") for n, person in enumerate(made)}
    theirs = inviting.invite(second, rows=[row for ident, row in rows.items() if ident in ids], by=circle.moderator)
    inviting.invite(circle.meeting, rows=[row for ident, row in rows.items() if ident not in ids], by=circle.moderator)
    session.commit()
    campaign = session.get_one(Campaign, theirs.campaign_id)
    if what == "paused":
        campaigns.pause(campaign, circle.moderator)
    elif what == "stopped":
        campaigns.stop(campaign, circle.moderator)
    elif what == "taken back":
        for invitation in session.scalars(select(Invitation).where(Invitation.campaign_id == campaign.id)).all():
            inviting.revoke(invitation, circle.moderator)
    else:
        for person in chosen:
            EVERYBODY[what](person)
    session.commit()
    send_all()
    check(sink, f"invitation, {what}", kept, gone, record_property)


def readers(circle: Circle) -> list[Person]:
    made = people()
    for person in made:
        subscribing.subscribe(circle.process, person, "de")
    return made


@pytest.mark.parametrize("what", [*EVERYBODY, "unsubscribed"])
def test_a_newsletter_reaches_nobody_who_is_gone(session: Any, sink: Sink, what: str, record_property: Any) -> None:
    circle = make_circle()
    circle.process.confirm_above = COUNT
    chosen, kept, gone = divided(readers(circle))
    issue = issues.draft(circle.process, circle.moderator)
    campaigns.change_texts(issue, Texts("Neues", "Der Entwurf ist da."), 0, circle.moderator)
    assert issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    assert issues.run(issue.id) == COUNT
    for person in chosen:
        if what == "unsubscribed":
            subscription = subscribing.of_person(circle.process, person.id)
            assert subscription is not None
            subscribing.end(subscription)
        else:
            EVERYBODY[what](person)
    session.commit()
    send_all()
    check(sink, f"newsletter, {what}", kept, gone, record_property)
