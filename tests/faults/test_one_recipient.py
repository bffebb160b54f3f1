"""REL-A11: whoever writes to many people tells none of them about the others."""

import os
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from consult.accounts.models import Person
from consult.invitations import campaigns, operations
from consult.invitations.campaigns import Texts
from consult.meetings import operations as meetings
from consult.newsletters import issues, subscribing
from consult.outbox.delivery import deliver_due
from tests.invitations.factories import invite
from tests.meetings.factories import BEFORE, make_circle
from tests.outbox.conftest import sink
from tests.sink import Received, Sink

pytestmark = pytest.mark.faults
__all__ = ["sink"]

PEOPLE = 1000 if os.environ.get("CONSULT_FAULTS") == "full" else 60
_SOMEBODY = re.compile(rb"gast(\d+)@example\.org|Gast Nummer (\d+)|/(?:i|newsletter/stop)/([\w.-]+)")


def named_in(received: Received) -> set[str]:
    """Numbers of the guests whose name or address stands anywhere in the message, as sent or decoded."""
    parts = [received.content]
    for part in received.message.walk():
        payload = part.get_payload(decode=True)
        parts += [payload] if isinstance(payload, bytes) else []
    return {(found[1] or found[2]).decode() for text in parts for found in _SOMEBODY.finditer(text) if not found[3]}


def links_in(received: Received) -> set[str]:
    payloads = (part.get_payload(decode=True) for part in received.message.walk())
    return {
        found[3].decode()
        for text in payloads
        if isinstance(text, bytes)
        for found in _SOMEBODY.finditer(text)
        if found[3]
    }


def test_nobody_finds_anybody_else_in_their_mail(
    session: Any, sink: Sink, at: Callable[[datetime], Any], record_property: Any
) -> None:
    at(BEFORE)
    circle = make_circle()
    invite(circle, "\n".join(f"Gast Nummer {n}; gast{n}@example.org" for n in range(PEOPLE)))
    session.commit()
    while deliver_due():
        pass
    meetings.cancel(circle.meeting, circle.lead, BEFORE)
    operations.tell_cancelled(circle.meeting)
    session.commit()
    while deliver_due():
        pass
    circle.process.confirm_above = PEOPLE
    for person in session.scalars(select(Person).where(Person.email.like("gast%@example.org"))):
        subscribing.subscribe(circle.process, person, "de")
    issue = issues.draft(circle.process, circle.moderator)
    campaigns.change_texts(issue, Texts("Neues", "Der Entwurf ist da."), 0, circle.moderator)
    assert issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    assert issues.run(issue.id) == PEOPLE
    while deliver_due():
        pass
    mine = [received for received in sink.messages if received.recipients[0].startswith("gast")]
    links: dict[str, str] = {}
    foreign = shared = 0
    for received in mine:
        [address] = received.recipients
        found = received.message
        assert [one.addr_spec for one in found["To"].addresses] == [address]
        assert found["Cc"] is None
        assert found["Bcc"] is None
        assert len(found.get_all("To")) == 1
        foreign += len(named_in(received) - {address.removeprefix("gast").partition("@")[0]})
        for link in links_in(received):
            shared += links.setdefault(link, address) != address
    record_property("trials", len(mine))
    record_property("kinds", "invitation, cancellation, newsletter")
    record_property("people", len({received.recipients[0] for received in mine}))
    record_property("foreign names and addresses", foreign)
    record_property("links of others", shared)
    assert (foreign, shared) == (0, 0)
    assert len(mine) == 3 * PEOPLE
    assert len(links) == 2 * PEOPLE, "one to answer and one to stop the newsletter"
