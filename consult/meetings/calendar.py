"""Calendar entries: one event with its zone, the same UID for good, a higher SEQUENCE with each change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vDuration
from icalendar.parser import Contentline

from consult import clock
from consult.html import clean_line, clean_text
from consult.meetings.models import Meeting, MeetingState

PUBLISH, REQUEST, CANCEL = "PUBLISH", "REQUEST", "CANCEL"
#: How often programs that follow a calendar should ask.
REFRESH = timedelta(hours=4)


def uid_of(meeting: Meeting, public_url: str) -> str:
    """The same for the whole life of a meeting on this instance."""
    return f"meeting-{meeting.id}@{urlsplit(public_url).hostname}"


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{clean_line(email)}")
    # Quotes would be encoded in a way (RFC 6868) many calendars do not read.
    address.params["CN"] = clean_line(name).replace('"', "'") or clean_line(email)
    return address


def _switches(zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    """The moments between `first` and `last` at which the offset changes, to the minute."""
    found = []
    moment = first
    while moment < last:
        later = moment + timedelta(days=1)
        if moment.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            low, high = moment, later
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(second=0, microsecond=0))
        moment = later
    return found


def zone_component(name: str, year: int, last_year: int | None = None) -> Timezone:
    """VTIMEZONE for these years and a month around them: short, and with the switches at their true hours."""
    zone = ZoneInfo(name)
    component = Timezone()
    component.add("tzid", name)
    first, last = datetime(year - 1, 12, 1, tzinfo=UTC), datetime((last_year or year) + 1, 2, 1, tzinfo=UTC)
    for moment in [first, *_switches(zone, first, last)]:
        before = (moment - timedelta(minutes=1)).astimezone(zone)
        after = moment.astimezone(zone)
        offset_before, offset_after = before.utcoffset(), after.utcoffset()
        part = TimezoneDaylight() if after.dst() else TimezoneStandard()
        # By the letter: the local time of the switch as the clock showed it before.
        part.add("dtstart", (moment + (offset_before or timedelta())).replace(tzinfo=None))
        part.add("tzoffsetfrom", offset_before)
        part.add("tzoffsetto", offset_after)
        part.add("tzname", after.tzname() or name)
        component.add_component(part)
    return component


@lru_cache(maxsize=64)
def _zone_lines(name: str, year: int, last_year: int | None = None) -> bytes:
    """The same as text; kept, because every mail of a campaign carries the same."""
    return bytes(zone_component(name, year, last_year).to_ical())


def _days(meeting: Meeting) -> tuple[date, date]:
    zone = ZoneInfo(meeting.zone)
    first = meeting.starts_at.astimezone(zone).date()
    last = (meeting.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return first, last + timedelta(days=1)


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Consult//Consult//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _event_of(
    meeting: Meeting,
    *,
    public_url: str,
    page_url: str,
    description: str,
    stamp: datetime,
    cancelled: bool,
    online: bool,
) -> Event:
    event = Event()
    event.add("uid", uid_of(meeting, public_url))
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
    event.add("summary", clean_line(meeting.title))
    if meeting.time_known:
        zone = ZoneInfo(meeting.zone)
        event.add("dtstart", meeting.starts_at.astimezone(zone))
        event.add("dtend", meeting.ends_at.astimezone(zone))
    else:
        first, after_last = _days(meeting)
        event.add("dtstart", first)
        event.add("dtend", after_last)
    link = clean_line(meeting.online_url) if online else ""
    place = clean_line(meeting.place) or link
    if place:
        event.add("location", place)
    words = "\n\n".join(part for part in (clean_text(description).strip(), link) if part)
    if words:
        event.add("description", words)
    event.add("url", page_url)
    event.add("status", "CANCELLED" if cancelled or meeting.state == MeetingState.cancelled else "CONFIRMED")
    return event


def entry(
    meeting: Meeting,
    *,
    public_url: str,
    page_url: str,
    description: str = "",
    method: str = PUBLISH,
    organiser: tuple[str, str] | None = None,
    attendee: tuple[str, str] | None = None,
    online: bool = False,
) -> bytes:
    """The .ics of one meeting. `organiser` and `attendee` are (address, name); nobody else is ever named in it.

    `online` puts the link for taking part from home into it: for those who come.
    """
    calendar = _calendar(method)
    event = _event_of(
        meeting,
        public_url=public_url,
        page_url=page_url,
        description=description,
        stamp=clock.now(),
        cancelled=method == CANCEL,
        online=online,
    )
    if organiser:
        event.add("organizer", _address(*organiser))
    calendar.add_component(event)
    made = _with_zones(calendar, [meeting])
    return with_attendee(made, *attendee) if attendee else made


def with_attendee(made: bytes, email: str, name: str) -> bytes:
    """The entry of one meeting for one guest, made of one that names nobody."""
    name, email = clean_line(name), clean_line(email)
    # Answers come through the personal link: no calendar should mail one to a box nobody reads.
    more = {"PARTSTAT": "NEEDS-ACTION", "ROLE": "REQ-PARTICIPANT", "RSVP": "FALSE"}
    if _ODD.search(name + email):
        guest = _address(email, name)
        guest.params.update(more)
        line = bytes(Contentline.from_parts("ATTENDEE", guest.params, guest).to_ical())
    else:
        # The same, written down: a campaign makes thousands of them.
        params = "".join(f";{key}={value}" for key, value in more.items())
        line = _folded(f'ATTENDEE;CN="{name or email}"{params}:mailto:{email}')
    return made.replace(b"\r\nEND:VEVENT", b"\r\n" + line + b"\r\nEND:VEVENT", 1)


#: What means something in a line of a calendar.
_ODD = re.compile(r"[^\w @.,()'+-]")


def _folded(line: str) -> bytes:
    """In pieces of at most 75 octets (RFC 5545, 3.1), no letter cut in two."""
    pieces, rest = [], line.encode("utf-8")
    while len(rest) > 74:
        end = 74
        while rest[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(rest[:end])
        rest = rest[end:]
    return b"\r\n ".join([*pieces, rest])


def _with_zones(calendar: Calendar, meetings: Sequence[Meeting]) -> bytes:
    """As text, with the zones in front of the first event: that is a line of its own, which no title can be."""
    years: dict[str, list[int]] = {}
    for meeting in meetings:
        if meeting.time_known:
            years.setdefault(meeting.zone, []).append(meeting.starts_at.astimezone(ZoneInfo(meeting.zone)).year)
    zone_lines = b"".join(_zone_lines(name, min(found), max(found)) for name, found in sorted(years.items()))
    return bytes(calendar.to_ical()).replace(b"\r\nBEGIN:VEVENT", b"\r\n" + zone_lines + b"BEGIN:VEVENT", 1)


@dataclass(frozen=True)
class Dated:
    """A meeting in a calendar to subscribe to."""

    meeting: Meeting
    page_url: str
    description: str
    #: When it was changed last: the same answer until something changes.
    stamp: datetime
    #: With the link for taking part from home.
    online: bool = False
    #: Struck through in the subscriber's own calendar: they do not come.
    declined: bool = False


@dataclass(frozen=True)
class Span:
    """Days without an hour: a stage of the process."""

    uid: str
    title: str
    first: date
    after_last: date
    page_url: str
    description: str
    stamp: datetime
    #: How often its days or title changed.
    sequence: int = 0


def _span_event(span: Span) -> Event:
    event = Event()
    event.add("uid", span.uid)
    event.add("sequence", span.sequence)
    event.add("dtstamp", span.stamp.astimezone(UTC).replace(microsecond=0))
    event.add("summary", clean_line(span.title))
    event.add("dtstart", span.first)
    event.add("dtend", span.after_last)
    if span.description.strip():
        event.add("description", clean_text(span.description).strip())
    event.add("url", span.page_url)
    # A stage takes nobody's time: calendars show it without calling the days busy.
    event.add("transp", "TRANSPARENT")
    return event


def span_entry(span: Span) -> bytes:
    """The .ics of one stage, for everybody."""
    calendar = _calendar(PUBLISH)
    calendar.add_component(_span_event(span))
    return bytes(calendar.to_ical())


def feed(name: str, dates: Sequence[Dated], spans: Sequence[Span] = (), *, public_url: str) -> bytes:
    """A calendar that programs fetch again and again; with cancelled meetings, so that they vanish there as well."""
    calendar = _calendar(PUBLISH)
    title = clean_line(name)
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for span in spans:
        calendar.add_component(_span_event(span))
    for dated in dates:
        calendar.add_component(
            _event_of(
                dated.meeting,
                public_url=public_url,
                page_url=dated.page_url,
                description=dated.description,
                stamp=dated.stamp,
                cancelled=dated.declined,
                online=dated.online,
            )
        )
    return _with_zones(calendar, [dated.meeting for dated in dates])
