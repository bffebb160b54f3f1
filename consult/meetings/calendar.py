"""Calendar entries: one event with its zone, the same UID for good, a higher SEQUENCE with each change."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress

from consult import clock
from consult.html import clean_line, clean_text
from consult.meetings.models import Meeting, MeetingState

PUBLISH, REQUEST, CANCEL = "PUBLISH", "REQUEST", "CANCEL"


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


def zone_component(name: str, year: int) -> Timezone:
    """VTIMEZONE for one year and a month around it: short, and with the switches at their true hours."""
    zone = ZoneInfo(name)
    component = Timezone()
    component.add("tzid", name)
    first, last = datetime(year - 1, 12, 1, tzinfo=UTC), datetime(year + 1, 2, 1, tzinfo=UTC)
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
def _zone_lines(name: str, year: int) -> bytes:
    """The same as text; kept, because every mail of a campaign carries the same."""
    return bytes(zone_component(name, year).to_ical())


def _days(meeting: Meeting) -> tuple[date, date]:
    zone = ZoneInfo(meeting.zone)
    first = meeting.starts_at.astimezone(zone).date()
    last = (meeting.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return first, last + timedelta(days=1)


def entry(
    meeting: Meeting,
    *,
    public_url: str,
    page_url: str,
    description: str = "",
    method: str = PUBLISH,
    organiser: tuple[str, str] | None = None,
    attendee: tuple[str, str] | None = None,
) -> bytes:
    """The .ics of one meeting. `organiser` and `attendee` are (address, name); nobody else is ever named in it."""
    calendar = Calendar()
    calendar.add("prodid", "-//Consult//Consult//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    zone_lines = b""
    event = Event()
    event.add("uid", uid_of(meeting, public_url))
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", clock.now().replace(microsecond=0))
    event.add("summary", clean_line(meeting.title))
    if meeting.time_known:
        zone = ZoneInfo(meeting.zone)
        event.add("dtstart", meeting.starts_at.astimezone(zone))
        event.add("dtend", meeting.ends_at.astimezone(zone))
        zone_lines = _zone_lines(meeting.zone, meeting.starts_at.astimezone(zone).year)
    else:
        first, after_last = _days(meeting)
        event.add("dtstart", first)
        event.add("dtend", after_last)
    if meeting.place:
        event.add("location", clean_line(meeting.place))
    if description.strip():
        event.add("description", clean_text(description).strip())
    event.add("url", page_url)
    cancelled = method == CANCEL or meeting.state == MeetingState.cancelled
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    if organiser:
        event.add("organizer", _address(*organiser))
    if attendee:
        guest = _address(*attendee)
        guest.params["ROLE"] = "REQ-PARTICIPANT"
        guest.params["PARTSTAT"] = "NEEDS-ACTION"
        # Answers come through the personal link: no calendar should mail one to a box nobody reads.
        guest.params["RSVP"] = "FALSE"
        event.add("attendee", guest)
    calendar.add_component(event)
    # Before the event stand only our own three lines, so its beginning is the first such line.
    return bytes(calendar.to_ical()).replace(b"BEGIN:VEVENT", zone_lines + b"BEGIN:VEVENT", 1)
