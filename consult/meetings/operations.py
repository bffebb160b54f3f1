"""Arranging meetings: create, change, cancel, agenda. Minutes are in `meetings.minutes`, repetitions in `series`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.meetings import attendees, waiting
from consult.meetings.models import (
    AgendaItem,
    AttendeeList,
    Meeting,
    MeetingKind,
    MeetingState,
    MinuteLine,
    RegistrationMode,
    Reminder,
)
from consult.processes.models import Process

#: A change of one of these matters to guests: their calendars are told by a higher SEQUENCE.
_MATTERS = ("title", "starts_at", "ends_at", "time_known", "place", "zone", "online_url", "accessibility")


def utc_of(wall: datetime, zone: str) -> datetime:
    """UTC for a wall time. An hour that comes twice in autumn means its first coming.

    Raises `Refused` for a time that does not exist, in the night the clocks go forward.
    """
    moment = clock.from_local(wall, zone)
    if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall:
        raise Refused(_("This time does not exist: in that night the clocks go forward by an hour."))
    return moment


@dataclass(frozen=True)
class Arrangement:
    """What a meeting's form says. Wall times are naive, in `zone`."""

    kind: str
    title: str
    wall_start: datetime
    wall_end: datetime
    zone: str
    time_known: bool = True
    place: str = ""
    description: str = ""
    languages: str = ""
    capacity: int | None = None
    group_id: int | None = None
    element_id: int | None = None
    online_url: str = ""
    accessibility: str = ""
    registration: str = RegistrationMode.invited
    registration_opens_at: datetime | None = None
    registration_closes_at: datetime | None = None
    changes_until: datetime | None = None
    approval: bool = False
    offer_hours: int = 48
    attendee_list: str = AttendeeList.organisations
    photo_notice: str = ""


def plan_of(meeting: Meeting) -> Arrangement:
    """What the form would say of this meeting as it stands."""
    zone = ZoneInfo(meeting.zone)
    return Arrangement(
        kind=meeting.kind,
        title=meeting.title,
        wall_start=meeting.starts_at.astimezone(zone).replace(tzinfo=None),
        wall_end=meeting.ends_at.astimezone(zone).replace(tzinfo=None),
        zone=meeting.zone,
        time_known=meeting.time_known,
        place=meeting.place,
        description=meeting.description,
        languages=meeting.languages,
        capacity=meeting.capacity,
        group_id=meeting.group_id,
        element_id=meeting.element_id,
        online_url=meeting.online_url,
        accessibility=meeting.accessibility,
        registration=meeting.registration,
        registration_opens_at=meeting.registration_opens_at,
        registration_closes_at=meeting.registration_closes_at,
        changes_until=meeting.changes_until,
        approval=meeting.approval,
        offer_hours=meeting.offer_hours,
        attendee_list=meeting.attendee_list,
        photo_notice=meeting.photo_notice,
    )


def web_address(text: str) -> str:
    """An address of the web as it was typed in, or nothing. Raises `Refused` for anything else."""
    cleaned = clean_line(text).strip()
    if not cleaned:
        return ""
    try:
        parts = urlsplit(cleaned)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or " " in cleaned or '"' in cleaned or len(cleaned) > 300:
        raise Refused(_("Please give the whole address of a web page, beginning with https://"))
    return cleaned


def _check_changes(until: datetime | None, opens: datetime | None, starts_at: datetime) -> None:
    if until is None:
        return
    if opens is not None and until <= opens:
        raise Refused(_("The last day for changes lies before registration opens."))
    if until > starts_at:
        raise Refused(_("The last day for changes lies after the beginning of the meeting."))


def _values(plan: Arrangement) -> dict[str, object]:
    """Columns of the meeting. Raises `Refused` for times in the wrong order and for what is no web address."""
    starts_at, ends_at = utc_of(plan.wall_start, plan.zone), utc_of(plan.wall_end, plan.zone)
    if ends_at <= starts_at:
        raise Refused(_("The end must come after the beginning."))
    opens, closes = plan.registration_opens_at, plan.registration_closes_at
    if opens is not None and closes is not None and closes <= opens:
        raise Refused(_("Registration must open before it closes."))
    _check_changes(plan.changes_until, opens, starts_at)
    return {
        "kind": MeetingKind(plan.kind),
        "title": clean_line(plan.title)[:300],
        "description": clean_text(plan.description).strip(),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "wall_start": plan.wall_start.isoformat(timespec="seconds"),
        "zone": plan.zone,
        "time_known": plan.time_known,
        "place": clean_line(plan.place)[:300],
        "languages": clean_line(plan.languages)[:300],
        "capacity": plan.capacity,
        "group_id": plan.group_id,
        "element_id": plan.element_id,
        "online_url": web_address(plan.online_url),
        "accessibility": clean_text(plan.accessibility).strip(),
        "registration": RegistrationMode(plan.registration),
        "registration_opens_at": opens,
        "registration_closes_at": closes,
        "changes_until": plan.changes_until,
        "approval": plan.approval,
        "offer_hours": plan.offer_hours,
        "attendee_list": AttendeeList(plan.attendee_list),
        "photo_notice": clean_text(plan.photo_notice).strip(),
    }


def create(
    process: Process,
    plan: Arrangement,
    actor: Person | None,
    *,
    source: str | None = None,
    historic_on: date | None = None,
    present: int | None = None,
    series_id: int | None = None,
    now: datetime | None = None,
) -> Meeting:
    """Announce a meeting. Raises `Refused` for times that cannot be."""
    meeting = Meeting(
        process_id=process.id,
        series_id=series_id,
        source=source,
        historic_on=historic_on,
        present=present,
        created_at=now or clock.now(),
        **_values(plan),
    )
    db.session.add(meeting)
    db.session.flush()
    record(Action.meeting_created, actor.id if actor else None, meeting, process_id=process.id)
    return meeting


def change(meeting: Meeting, plan: Arrangement, actor: Person) -> bool:
    """Change what was announced; returns whether it matters to guests (time, place, title, how to take part).

    A meeting to come that moves takes its reminders along: those that went out for the old day go out again.

    Raises `Refused` for a cancelled meeting and for times that cannot be.
    """
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting was cancelled. Please announce a new one."))
    values = _values(plan)
    changed = [name for name, value in values.items() if getattr(meeting, name) != value]
    if not changed:
        return False
    matters = any(name in _MATTERS for name in changed)
    if meeting.attendee_list == AttendeeList.guests and "attendee_list" in changed:
        attendees.forget_narrow_consents(meeting)
    fresh = {name: values[name] for name in changed}
    if "starts_at" in changed:
        # The door was opened for the old day.
        fresh["door_opened_at"] = None
    db.session.execute(
        update(Meeting)
        .where(Meeting.id == meeting.id)
        # In the database, so that two changes at once count as two.
        .values(**fresh, sequence=Meeting.sequence + int(matters))
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(meeting)
    # What happened already is thanked for once, even when somebody puts the hour right afterwards.
    if "starts_at" in changed and not meeting.is_over(clock.now()):
        db.session.execute(
            update(Reminder)
            .where(Reminder.meeting_id == meeting.id)
            .values(queued_at=None)
            .execution_options(synchronize_session=False)
        )
    record(Action.meeting_changed, actor.id, meeting, process_id=meeting.process_id)
    if "capacity" in changed:
        waiting.move_up(meeting, clock.now())
    return matters


def cancel(meeting: Meeting, actor: Person, now: datetime | None = None) -> None:
    """Call it off; whoever is to be told is the door's business (`invitations.operations.tell_cancelled`).

    Raises `Refused` when it is cancelled already or over.
    """
    if meeting.is_over(now or clock.now()):
        raise Refused(_("This meeting is over."))
    done = db.session.execute(
        update(Meeting)
        .where(Meeting.id == meeting.id, Meeting.state != MeetingState.cancelled)
        .values(state=MeetingState.cancelled, sequence=Meeting.sequence + 1)
        .returning(Meeting.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(meeting)
    if done is None:
        raise Refused(_("This meeting was cancelled already."))
    record(Action.meeting_cancelled, actor.id, meeting, process_id=meeting.process_id)


@dataclass(frozen=True)
class AgendaPoint:
    """One item as the form says it; `id` is that of a stored one."""

    title: str
    element_id: int | None = None
    internal: bool = False
    id: int | None = None


def set_agenda(meeting: Meeting, points: Sequence[AgendaPoint], actor: Person | None) -> None:
    """Put these items on the agenda, in this order. Items that minutes speak of are kept."""
    stored = {
        item.id: item for item in db.session.scalars(select(AgendaItem).where(AgendaItem.meeting_id == meeting.id))
    }
    kept = {point.id for point in points if point.id in stored}
    gone = [ident for ident in stored if ident not in kept]
    if gone:
        spoken_of = db.session.scalar(select(MinuteLine.id).where(MinuteLine.agenda_item_id.in_(gone)).limit(1))
        if spoken_of is not None:
            raise Refused(_("The minutes already speak of an item you took away. It must stay on the agenda."))
        db.session.execute(delete(AgendaItem).where(AgendaItem.id.in_(gone)))
    # Positions are unique: move everything out of the way first.
    for place, ident in enumerate(kept):
        db.session.execute(update(AgendaItem).where(AgendaItem.id == ident).values(position=-1 - place))
    for position, point in enumerate(points):
        item = stored.get(point.id) if point.id else None
        if item is None:
            item = AgendaItem(meeting_id=meeting.id)
            db.session.add(item)
        item.position, item.title = position, clean_line(point.title)[:300]
        item.element_id, item.internal = point.element_id, point.internal
    db.session.flush()
    record(Action.meeting_changed, actor.id if actor else None, meeting, process_id=meeting.process_id)
