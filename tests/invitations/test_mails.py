"""The mails, compared with stored texts in both languages; asked again at sending; one recipient each."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations import answering, operations
from consult.invitations.models import Invitation
from consult.meetings import operations as meetings
from consult.meetings.models import Registration, RegistrationState
from consult.outbox import spoken
from consult.outbox.delivery import deliver
from consult.outbox.kinds import Mail, kind
from consult.outbox.models import OutboxMessage, State
from consult.outbox.operations import queue
from consult.site.models import Site
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import AFTER, BEFORE, Circle, make_circle, plan
from tests.sink import Sink

STORED = Path(__file__).parent / "mails"
NOTE = "Wir sprechen über *Räume* am Abend.\nBitte bringen Sie Beispiele mit.\n\n# Keine Überschrift"


@pytest.fixture
def invited(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    flushed(
        Site(
            id=1, city_name="Stadt Aachen", platform_name="Mitreden", sender_name="Integrationsbüro",
            reply_to="buero@example.org", contact_email="",
        )
    )  # fmt: skip
    circle = make_circle()
    circle.process.slug = "integration"
    circle.meeting.id = 4711
    circle.meeting.languages = "Deutsch, Arabisch"
    invite(circle, note=NOTE)
    session.commit()
    return circle


def message_to(address: str, name: str) -> OutboxMessage:
    db.session.expire_all()
    return db.session.scalars(
        select(OutboxMessage)
        .join(Person, Person.id == OutboxMessage.recipient_id)
        .where(Person.email == address, OutboxMessage.kind == name)
        .order_by(OutboxMessage.id.desc())
    ).first()  # type: ignore[return-value]


def cause(name: str, circle: Circle) -> OutboxMessage:
    """The mail of this kind to Amira, brought about as in real life."""
    if name == "meeting_cancelled":
        meetings.cancel(circle.meeting, circle.lead, BEFORE)
        operations.tell_cancelled(circle.meeting)
    if name == "meeting_changed":
        meetings.change(circle.meeting, plan(place="Rathaus, Saal 1", group_id=circle.group.id), circle.lead)
        operations.tell_changed(circle.meeting)
    db.session.commit()
    return message_to("amira@example.org", name)


def shown(mail: Mail) -> str:
    """Mail and calendar as one text, without what differs from run to run."""
    entry = (mail.calendar or b"").decode().replace("\r\n ", "")
    event = entry[entry.index("BEGIN:VEVENT") : entry.index("END:VEVENT")].splitlines()
    event = [f"METHOD:{mail.calendar_method}", *(line for line in event[1:] if not line.startswith("DTSTAMP"))]
    text = spoken.as_text(mail.filled(mail.body))
    for secret in sorted(mail.secrets, key=len, reverse=True):
        text = text.replace(secret, "(personal link)")
    return "\n".join([f"Subject: {mail.subject}", "", text, "", "--", mail.why, "", *sorted(event), ""])


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("name", ["invitation", "meeting_cancelled", "meeting_changed"])
def test_the_mail_reads_as_stored(invited: Circle, name: str, lang: str) -> None:
    message = cause(name, invited)
    with in_language(lang):
        text = shown(kind(name).render(message))
    path = STORED / f"{name}.{lang}.txt"
    assert text == path.read_text(encoding="utf-8"), f"compare with {path.name}; if the new text is meant, store it"


def test_an_invitation_is_one_message_to_one_person_and_names_no_other(invited: Circle, sink: Sink) -> None:
    invite(invited, "\n".join(f"Gast {n}; gast{n}@example.org" for n in range(10)))
    db.session.commit()
    for ident in db.session.scalars(select(OutboxMessage.id)).all():
        assert deliver(ident) == State.sent
    addresses = set(db.session.scalars(select(Person.email).join(Invitation, Invitation.person_id == Person.id)))
    names = {"Amira", *(f"Gast {n}" for n in range(10))}
    assert {received.recipients[0] for received in sink.messages} == addresses
    for received in sink.messages:
        own = received.recipients[0]
        assert len(received.recipients) == 1
        parts = "".join(
            part.get_payload(decode=True).decode() for part in received.message.walk() if not part.is_multipart()
        )  # type: ignore[union-attr]
        whole = parts + received.content.decode()
        assert not any(other in whole for other in addresses - {own} if other and other not in own)
        mine = db.session.scalar(select(Person.name).where(Person.email == own)) or ""
        assert not any(
            f"{name}," in whole or f"CN={name}" in whole for name in names if name not in mine and mine not in name
        )


def test_the_mail_carries_the_date_as_a_request_to_this_guest_alone(invited: Circle, sink: Sink) -> None:
    deliver(message_to("amira@example.org", "invitation").id)
    parts = {part.get_content_type(): part for part in sink.messages[0].message.walk()}
    assert parts["text/calendar"].get_param("method") == "REQUEST"
    payload = parts["text/calendar"].get_payload(decode=True)
    assert isinstance(payload, bytes)
    event = Calendar.from_ical(payload).walk("VEVENT")[0]
    assert (str(event["attendee"]), event["attendee"].params["RSVP"]) == ("mailto:amira@example.org", "FALSE")
    assert str(event["organizer"]) == "mailto:buero@example.org"
    assert b"/i/" not in payload


def test_from_the_mail_to_the_answer(invited: Circle, sink: Sink, browser: Browser) -> None:
    deliver(message_to("amira@example.org", "invitation").id)
    address = sink.messages[0].links[0].removeprefix("http://consult.test")
    page = browser.get(address)
    form = page.html.select("form.form")[0]["action"]
    browser.submit(str(form), form_at=address)
    assert invitation_of("amira@example.org").state == "accepted"


def test_the_kept_copy_has_no_personal_link(invited: Circle, sink: Sink) -> None:
    message = message_to("amira@example.org", "invitation")
    deliver(message.id)
    db.session.expire_all()
    kept = db.session.get_one(OutboxMessage, message.id).sent_text or ""
    assert "Räume" in kept
    assert link_of(invitation_of("amira@example.org")) not in kept
    assert f"/i/{invitation_of('amira@example.org').id}." not in kept


def _erase(circle: Circle, invitation: Invitation) -> None:
    person = db.session.get_one(Person, invitation.person_id)
    person.erased_at, person.email, person.name = clock.now(), None, ""


def _decline(circle: Circle, invitation: Invitation) -> None:
    db.session.get_one(Person, invitation.person_id)
    answering.answer(invitation, circle.meeting, answering.Answer(False), BEFORE)


def _move_to_the_past(circle: Circle, invitation: Invitation) -> None:
    circle.meeting.starts_at, circle.meeting.ends_at = BEFORE - timedelta(days=2), BEFORE - timedelta(days=1)


@pytest.mark.parametrize(
    "happens",
    [
        _erase,
        _decline,
        _move_to_the_past,
        lambda circle, invitation: operations.revoke(invitation, circle.lead),
        lambda circle, invitation: meetings.cancel(circle.meeting, circle.lead, BEFORE),
    ],
)
def test_what_happened_between_queueing_and_sending_counts(
    invited: Circle, sink: Sink, happens: Callable[[Circle, Invitation], Any]
) -> None:
    message = message_to("amira@example.org", "invitation")
    happens(invited, invitation_of("amira@example.org"))
    db.session.commit()
    assert deliver(message.id) == State.dropped
    assert sink.messages == []


def test_a_changed_address_gets_the_mail_and_the_old_one_none(invited: Circle, sink: Sink) -> None:
    message = message_to("amira@example.org", "invitation")
    db.session.get_one(Person, message.recipient_id).email = "neu@example.org"
    db.session.commit()
    assert deliver(message.id) == State.sent
    assert [received.recipients for received in sink.messages] == [["neu@example.org"]]
    assert b"amira@example.org" not in sink.messages[0].content


def test_only_the_newest_change_is_told_and_not_to_whom_has_declined(invited: Circle, sink: Sink) -> None:
    for place in ("Rathaus", "Schule"):
        meetings.change(invited.meeting, plan(place=place), invited.lead)
        operations.tell_changed(invited.meeting)
    _decline(invited, invitation_of("ben@example.org"))
    db.session.commit()
    rows = select(OutboxMessage.id).where(OutboxMessage.kind == "meeting_changed").order_by(OutboxMessage.id)
    states = [deliver(ident) for ident in db.session.scalars(rows).all()]
    assert states.count(State.sent) == 1
    assert "Schule" in sink.messages[0].text
    assert sink.messages[0].recipients == ["amira@example.org"]


def test_a_cancellation_reaches_those_who_hold_an_invitation_by_mail(
    invited: Circle, at: Callable[[datetime], Any]
) -> None:
    invite(invited, "P; papier@example.org; ; de; Brief\nc@example.org")
    operations.revoke(invitation_of("c@example.org"), invited.lead)
    _decline(invited, invitation_of("ben@example.org"))
    meetings.cancel(invited.meeting, invited.lead, BEFORE)
    assert operations.tell_cancelled(invited.meeting) == 1
    assert operations.tell_cancelled(invited.meeting) == 0
    at(AFTER)
    message = message_to("amira@example.org", "meeting_cancelled")
    assert kind("meeting_cancelled").wanted(message) is False


HOSTILE = [
    "A\r\nBcc: evil@example.org", "=?utf-8?q?a=0D=0ABcc:_evil@example.org?=", '"x" <evil@example.org>, y',
    "[klick](http://evil.example)", "<script>alert(1)</script>", "# Titel", "![x](http://evil.example/x.png)",
    "http://evil.example/ https://evil.example", "a\u202eb", "**fett** _kursiv_ `x`", "1. Eins\n2. Zwei", "&lt;b&gt;",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_nobody_writes_links_headers_or_markup_into_somebody_elses_mail(
    invited: Circle, sink: Sink, value: str
) -> None:
    meeting = invited.meeting
    meeting.title, meeting.place = value, value
    operations.invite(
        meeting, rows=[], members=[operations.Member(invited.citizen.id)], by=None, subject=value, note=value
    )
    invited.citizen.name = value
    db.session.commit()
    deliver(message_to(invited.citizen.email or "", "invitation").id)
    received = sink.messages[0]
    assert received.recipients == [invited.citizen.email]
    assert received.message["Bcc"] is None
    assert len(received.message["To"].addresses) == 1
    html = received.message.get_body(preferencelist=("html",))
    assert html is not None
    page = str(html.get_content())
    assert "<script" not in page
    assert 'href="http://evil' not in page
    assert "<img" not in page
    assert page.count("<h1") + page.count("<h3") == 0
    links = [link for link in received.links if "evil" not in link]
    assert len(links) == 1


def test_a_second_mail_for_the_same_minute_is_not_promised(invited: Circle) -> None:
    mine = invitation_of("amira@example.org")
    assert queue("invitation", mine.id, mine.person_id) is None


def test_a_cancellation_reaches_those_who_hope_for_a_place_and_those_who_think_about_it(
    session: Any, at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    invite(circle, "vielleicht@example.org\nnein@example.org")
    for address, state in (("vielleicht", "maybe"), ("nein", "declined")):
        invitation_of(f"{address}@example.org").state = state
    wanted = {invitation_of("vielleicht@example.org").person_id}
    for state in RegistrationState:
        person = make_person(f"Gast {state}")
        flushed(Registration(meeting_id=circle.meeting.id, person_id=person.id, state=state))
        if state in ("coming", "offered", "waiting", "asked", "maybe"):
            wanted.add(person.id)
    operations.tell_cancelled(circle.meeting)
    told = select(OutboxMessage.recipient_id).where(OutboxMessage.kind == operations.CANCELLATION)
    assert set(session.scalars(told)) == wanted
