"""The minutes of a meeting: write, circulate, approve. Approved ones are frozen by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import selectinload

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record as record_audit
from consult.contributions.models import Channel, Kind, Stance
from consult.contributions.operations import capture
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.html import clean_text
from consult.meetings.models import (
    SOURCE_LINES,
    LineKind,
    Meeting,
    MeetingState,
    MinuteLine,
    Minutes,
    MinutesRevision,
    MinutesState,
)
from consult.meetings.queries import free_text, name_of_group
from consult.meetings.words import line_names
from consult.processes.models import Process

#: What a line says towards the text, when it becomes a contribution.
STANCE_OF_LINE: dict[str, Stance | None] = {
    LineKind.result: Stance.change,
    LineKind.suggestion: Stance.change,
    LineKind.dissent: Stance.concern,
    LineKind.question: Stance.question,
}
MAX_LINE = 4000


@dataclass(frozen=True)
class Line:
    """One line as the form says it."""

    kind: str
    text: str
    element_id: int | None = None
    agenda_item_id: int | None = None
    owner_id: int | None = None
    due_on: date | None = None


def as_text(lines: Sequence[Line | MinuteLine], markdown: str) -> str:
    """Minutes as plain text, for putting two states side by side."""
    names = line_names()
    return "\n".join([*(f"{names.get(line.kind, line.kind)}: {line.text}" for line in lines), "", markdown]).strip()


def _cleaned(lines: Sequence[Line]) -> list[Line]:
    """Without empty lines. Raises `Refused` for a line that is too long to become a contribution."""
    kept = []
    for line in lines:
        words = clean_text(line.text).strip()
        if not words:
            continue
        if len(words) > MAX_LINE:
            raise Refused(_("A line of the minutes has more than %(limit)s characters.", limit=MAX_LINE))
        task = line.kind == LineKind.task
        kept.append(
            Line(
                LineKind(line.kind),
                words,
                line.element_id,
                line.agenda_item_id,
                line.owner_id if task else None,
                line.due_on if task else None,
            )
        )
    return kept


def _locked(meeting: Meeting) -> Minutes:
    """The minutes, made when there are none, and held until the commit: two writers come one after the other."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(Minutes)
        .values(meeting_id=meeting.id, state=MinutesState.draft, revision=0)
        .on_conflict_do_nothing(index_elements=["meeting_id"])
    )
    return db.session.scalars(
        select(Minutes)
        .where(Minutes.meeting_id == meeting.id)
        .options(selectinload(Minutes.lines))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _as_line(line: MinuteLine) -> Line:
    return Line(line.kind, line.text, line.element_id, line.agenda_item_id, line.owner_id, line.due_on)


def record(
    meeting: Meeting,
    lines: Sequence[Line],
    markdown: str,
    base_revision: int,
    actor: Person,
    now: datetime | None = None,
) -> bool:
    """Save lines and free text as the next revision; returns False when nothing changed.

    Raises `Conflict` when somebody else saved since `base_revision`, `Refused` when the minutes are approved.
    """
    minutes = _locked(meeting)
    if minutes.state == MinutesState.approved:
        raise Refused(_("These minutes are approved and stay as they are."))
    wanted, markdown = _cleaned(lines), clean_text(markdown).strip()
    current = free_text(minutes)
    if base_revision != minutes.revision:
        raise Conflict(
            yours=as_text(wanted, markdown), theirs=as_text(minutes.lines, current), current_id=minutes.revision
        )
    if [_as_line(line) for line in minutes.lines] == wanted and current == markdown:
        return False
    minutes.revision += 1
    db.session.execute(delete(MinuteLine).where(MinuteLine.minutes_id == minutes.id))
    db.session.add_all(
        MinuteLine(
            minutes_id=minutes.id,
            position=position,
            kind=line.kind,
            text=line.text,
            element_id=line.element_id,
            agenda_item_id=line.agenda_item_id,
            owner_id=line.owner_id,
            due_on=line.due_on,
        )
        for position, line in enumerate(wanted)
    )
    db.session.add(
        MinutesRevision(
            minutes_id=minutes.id,
            revision=minutes.revision,
            markdown=markdown,
            actor_id=actor.id,
            created_at=now or clock.now(),
        )
    )
    db.session.flush()
    db.session.expire(minutes, ["lines"])
    record_audit(Action.minutes_recorded, actor.id, minutes, process_id=meeting.process_id, revision=minutes.revision)
    return True


def circulate(meeting: Meeting, base_revision: int, objections_until: datetime | None, actor: Person) -> Minutes:
    """Show them to the group for objections. Raises `Refused` when there is nothing, or not what was looked at."""
    minutes = _looked_at(meeting, base_revision)
    minutes.state, minutes.objections_until = MinutesState.circulated, objections_until
    db.session.flush()
    record_audit(Action.minutes_recorded, actor.id, minutes, process_id=meeting.process_id, revision=minutes.revision)
    return minutes


def approve(
    process: Process, meeting: Meeting, base_revision: int, actor: Person, now: datetime | None = None
) -> Minutes:
    """Make them final and public: results, suggestions, dissent and questions become contributions with numbers.

    Raises `Refused` when they are approved already, empty, or were changed since the actor looked at them.
    """
    now = now or clock.now()
    minutes = _looked_at(meeting, base_revision)
    name = name_of_group(meeting.group_id) or meeting.title
    spoken = [line for line in minutes.lines if line.kind in SOURCE_LINES and line.contribution_id is None]
    for line in spoken:
        contribution = capture(
            process,
            actor=actor,
            text=line.text,
            stance=STANCE_OF_LINE[line.kind],
            element_id=line.element_id,
            kind=Kind.minute_line,
            channel=Channel.minutes,
            author_name=name,
            created_at=min(meeting.starts_at, now),
        )
        line.contribution_id = contribution.id
    # The lines first: once the minutes are approved the database refuses any change to them.
    db.session.flush()
    minutes.state, minutes.approved_at, minutes.approved_by_id = MinutesState.approved, now, actor.id
    if meeting.state == MeetingState.planned and meeting.is_over(now):
        meeting.state = MeetingState.held
    db.session.flush()
    record_audit(Action.minutes_approved, actor.id, minutes, process_id=meeting.process_id, contributions=len(spoken))
    return minutes


def _looked_at(meeting: Meeting, base_revision: int) -> Minutes:
    """The minutes, held, if they are still those the actor saw."""
    minutes = _locked(meeting)
    if minutes.state == MinutesState.approved:
        raise Refused(_("These minutes are approved and stay as they are."))
    if minutes.revision == 0:
        raise Refused(_("There are no minutes yet."))
    if minutes.revision != base_revision:
        raise Refused(_("Somebody changed the minutes meanwhile. Please look at them once more."))
    return minutes
