"""Arranging meetings: create, change, cancel, agenda. Minutes are in `meetings.minutes`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import Channel, Contribution, Kind, Stance
from consult.contributions.operations import capture
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.i18n import in_language
from consult.meetings.models import AgendaItem, Meeting, MeetingKind, MeetingState, MinuteLine
from consult.processes.models import Process

#: A change of one of these matters to guests: their calendars are told by a higher SEQUENCE.
_MATTERS = ("title", "starts_at", "ends_at", "time_known", "place", "zone")


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


def _values(plan: Arrangement) -> dict[str, object]:
    """Columns of the meeting. Raises `Refused` when the end does not come after the start."""
    starts_at, ends_at = utc_of(plan.wall_start, plan.zone), utc_of(plan.wall_end, plan.zone)
    if ends_at <= starts_at:
        raise Refused(_("The end must come after the beginning."))
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
    }


def create(
    process: Process,
    plan: Arrangement,
    actor: Person | None,
    *,
    source: str | None = None,
    historic_on: date | None = None,
    present: int | None = None,
    now: datetime | None = None,
) -> Meeting:
    """Announce a meeting. Raises `Refused` for times that cannot be."""
    meeting = Meeting(
        process_id=process.id,
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
    """Change what was announced; returns whether it matters to guests (time, place, title).

    Raises `Refused` for a cancelled meeting and for times that cannot be.
    """
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting was cancelled. Please announce a new one."))
    values = _values(plan)
    changed = [name for name, value in values.items() if getattr(meeting, name) != value]
    if not changed:
        return False
    matters = any(name in _MATTERS for name in changed)
    db.session.execute(
        update(Meeting)
        .where(Meeting.id == meeting.id)
        # In the database, so that two changes at once count as two.
        .values(**{name: values[name] for name in changed}, sequence=Meeting.sequence + int(matters))
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(meeting)
    record(Action.meeting_changed, actor.id, meeting, process_id=meeting.process_id)
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


def capture_card(
    process: Process,
    meeting: Meeting,
    actor: Person,
    *,
    table: str,
    text: str,
    stance: Stance | None,
    element_id: int | None,
    lang: str = "de",
    now: datetime | None = None,
) -> Contribution:
    """Type in a card of the pinboard: it gets its number at once. Raises `Refused` for an empty or too long text."""
    now = now or clock.now()
    # The name stands in public for good: in the city's language, whatever the one who types it in reads.
    with in_language(current_app.config["BABEL_DEFAULT_LOCALE"]):
        name = _("Card, table %(table)s", table=clean_line(table)) if table.strip() else _("Card")
    return capture(
        process,
        actor=actor,
        text=text,
        stance=stance,
        element_id=element_id,
        kind=Kind.card,
        channel=Channel.card,
        lang=lang,
        author_name=name,
        # Cards are written at the meeting, even when somebody types them in a week later.
        created_at=min(now, meeting.ends_at) if meeting.starts_at <= now else now,
    )
