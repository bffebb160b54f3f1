"""REL-E5: what people type as names, titles and subjects stays text, all the way to the mail server."""

import email
import os
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.invitations import operations as invitations
from consult.invitations.lists import Row
from consult.invitations.models import Campaign
from consult.meetings.models import Meeting
from consult.outbox.delivery import deliver_due
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Process
from consult.site.models import Site
from tests.factories import make_process
from tests.meetings.factories import make_meeting
from tests.outbox.test_mail_form import ALLOWED, payloads
from tests.sink import Sink

#: In the suite every thirtieth, in the drill all.
STEP = 1 if os.environ.get("CONSULT_FAULTS") == "full" else 30


def changed(session: Any, payload: str, meeting: Meeting, process: Process, person: Person, campaign: Campaign) -> None:
    """The payload in every place from which something of a mail's head or its calendar entry is made."""
    # What no form lets in is not in the database: PostgreSQL takes no NUL, neither takes half a character.
    text = payload.replace("\x00", "").encode("utf-8", "ignore").decode()[:250]
    meeting.title, meeting.place, process.title, person.name = text, text, text, text
    campaign.subject = text
    site = session.merge(Site(id=1))
    site.sender_name, site.platform_name, site.city_name = text[:100], text[:100], text[:100]
    site.reply_to = text[:200]


def check(message: EmailMessage, address: str) -> None:
    assert {name.lower() for name in message.keys()} <= ALLOWED
    for name in ("Subject", "From", "To", "Message-ID"):
        assert len(message.get_all(name, [])) == 1
    assert [found.addr_spec for found in message["To"].addresses] == [address]
    assert [found.addr_spec for found in message["From"].addresses] == ["beteiligung@localhost.invalid"]
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            (event,) = Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")
            assert str(event["ATTENDEE"]) == f"mailto:{address}"
            assert "X-EVIL" not in event


def test_no_payload_in_any_place_adds_a_header_or_a_recipient(session: Any, sink: Sink, record_property: Any) -> None:
    process = make_process()
    starts = clock.now() + timedelta(days=30)
    meeting = make_meeting(process, starts_at=starts, ends_at=starts + timedelta(hours=2))
    address = "amira@example.org"
    invitations.invite(meeting, rows=[Row(1, "Amira", address)], by=None)
    session.commit()
    (campaign,) = session.scalars(select(Campaign)).all()
    (person,) = session.scalars(select(Person).where(Person.email == address)).all()
    (promise,) = session.scalars(select(OutboxMessage)).all()
    tried = payloads()[::STEP]
    for payload in tried:
        changed(session, payload, meeting, process, person, campaign)
        promise.state, promise.due_at = State.queued, clock.now()
        session.commit()
        assert deliver_due() == 1
        session.expire_all()
        assert promise.state == State.sent, payload
    record_property("trials", len(tried))
    assert len(sink.messages) == len(tried)
    for received in sink.messages:
        assert received.recipients == [address]
        found = email.message_from_bytes(received.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        check(found, address)
