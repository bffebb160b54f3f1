"""What trips of mails have in common: people with addresses, events, the mail of somebody, the link in it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.meetings import registering, registrations
from consult.meetings.models import Meeting, MeetingKind, Origin, Registration, RegistrationMode
from consult.processes.models import Function
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import press, text_of
from tests.browser.town import Town
from tests.meetings.factories import make_meeting
from tests.sink import Received

#: The worker has other mail as well, and the machine other work.
SECONDS = 120
PASSWORD = "viele bunte Lampions"

_n = count(1)
Visit = Callable[..., Visitor]


def new_address() -> str:
    return f"post-{next(_n)}@example.org"


def new_person(here: Town, **fields: Any) -> tuple[int, str]:
    """Somebody with an account: id and address."""
    with here.inside():
        person = factories.make_person("Amira Beispiel", email=new_address(), **fields)
        return person.id, str(person.email)


def mail_to(here: Town, address: str, number: int = 1) -> Received:
    """The n-th mail to this address, as soon as it has come over the wire."""
    deadline = time.monotonic() + SECONDS
    while len(here.sink.to(address)) < number:
        assert time.monotonic() < deadline, f"{len(here.sink.to(address))} of {number} mails to {address}"
        time.sleep(0.05)
    return here.sink.to(address)[number - 1]


def link_in(here: Town, mail: Received, path: str) -> str:
    """The link of the mail that leads to an address beginning like this; all its links are ours."""
    assert mail.links, "a mail without a link"
    assert {f"{urlsplit(link).scheme}://{urlsplit(link).netloc}" for link in mail.links} == {here.url}
    found = [link for link in mail.links if urlsplit(link).path.startswith(path)]
    assert found, f"no link to {path} among {mail.links}"
    return found[0]


def calendar_in(mail: Received) -> str:
    """What the mail carries for calendars."""
    parts = [part for part in mail.message.walk() if part.get_content_type() == "text/calendar"]
    return "".join(bytes(part.get_payload(decode=True)).decode() for part in parts)  # type: ignore[arg-type]


def signed_in_as(visitor: Visitor) -> str:
    """The account page of whoever this browser belongs to."""
    visitor.go("/account")
    assert urlsplit(visitor.page.url).path == "/account", "not signed in"
    return text_of(visitor.page)


def zone_where_it_is(hour: int) -> str:
    """A time zone in which the clock shows about this hour now."""
    offset = (hour - clock.now().hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}" if offset else "UTC"


# -- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """A meeting in a process of its own, and who leads that."""

    slug: str
    meeting_id: int
    lead: int
    lead_address: str

    @property
    def base(self) -> str:
        return f"/p/{self.slug}/meetings/{self.meeting_id}"


def _wall(moment: datetime) -> str:
    """As the clock at the place shows it."""
    return moment.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%dT%H:%M:%S")


def new_event(here: Town, **fields: Any) -> Event:
    """An evening in twenty days to which everybody may register."""
    n = next(_n)
    with here.inside():
        process = factories.make_process(slug=f"reise-{n}", code=f"R{n}", title=f"Reise {n}")
        lead = factories.make_person("Lea Leitung", email=new_address())
        factories.make_group(process, Function.lead, lead)
        # At a fixed hour: what a test sees must not depend on when it runs.
        starts = clock.now().replace(hour=16, minute=0, second=0, microsecond=0) + timedelta(days=20)
        fields.setdefault("registration", RegistrationMode.everybody)
        meeting = make_meeting(
            process, kind=MeetingKind.public_dialogue, title=f"Abend {n}", starts_at=starts,
            ends_at=starts + timedelta(hours=2), wall_start=_wall(starts), **fields,
        )  # fmt: skip
        return Event(process.slug, meeting.id, lead.id, str(lead.email))


def let_it_begin(here: Town, event: Event, ahead: timedelta) -> None:
    """Move the event to a time so far from now, as if it had always been then."""
    with here.inside():
        meeting = db.session.get_one(Meeting, event.meeting_id)
        meeting.starts_at = clock.now() + ahead
        meeting.ends_at = meeting.starts_at + timedelta(hours=2)
        meeting.wall_start = _wall(meeting.starts_at)


def guest_of(here: Town, event: Event, name: str = "Gerda Gast", **fields: Any) -> tuple[str, str]:
    """Somebody registered some time ago, and has read that mail: their address and the path of their registration."""
    with here.inside():
        meeting = db.session.get_one(Meeting, event.meeting_id)
        person = factories.make_person(name, email=new_address(), account=False)
        row = registering.register(meeting, person, origin=Origin.registration, tell=False)
        for field, value in fields.items():
            setattr(row, field, value)
        return str(person.email), f"/registration/{registrations.link_to(row)}"


def state_of(here: Town, event: Event, address: str) -> str:
    """How this person stands with the event; nothing for somebody who is not on its list."""
    with here.inside():
        found = db.session.scalar(
            select(Registration.state)
            .join(Person, Person.id == Registration.person_id)
            .where(Registration.meeting_id == event.meeting_id, Person.email == address)
        )
        return found or ""


def confirm_and_press(visitor: Visitor, action: str) -> None:
    """The button behind a question that opens first."""
    page = visitor.page
    form = page.locator(f"form[action$='{action}']")
    page.locator("details.confirm", has=form).locator("summary").click()
    press(page, form.locator("button"))
