"""The most important of a month, over all published processes: what the public may read, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, func, select

from consult import clock
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.concept.models import Concept, ProcessConcept, Version, VersionAudience
from consult.contributions.models import Contribution, State
from consult.extensions import db
from consult.meetings.models import Meeting, MeetingState
from consult.processes.models import Process, ProcessState, Stage
from consult.processes.queries import Opening, open_in, stages_by_process
from consult.weighing.models import Disposition, DispositionRelease

#: On the first of a month it is due from this time of the city's day on; no zone moves its clocks at this hour.
DUE_FROM = time(8)
#: After an outage it is still sent this long; then the month is left out.
CATCH_UP = timedelta(days=5)
#: What begins or ends within this time is close.
SOON = timedelta(days=31)
EXAMPLES = 3


def month_due(now: datetime, zone: str) -> date | None:
    """The first day of the month that is to be told of at `now`; None at other times."""
    first = now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    due = clock.from_local(datetime.combine(first, DUE_FROM), zone)
    return (first - timedelta(days=1)).replace(day=1) if due <= now < due + CATCH_UP else None


def period_of(month: date) -> str:
    """How the month is called in the outbox: at most one mail per person and period."""
    return f"{month:%Y-%m}"


def month_of(period: str) -> date:
    return date.fromisoformat(period + "-01")


@dataclass
class News:
    """What happened in one process in a month, and what is ahead."""

    process: Process
    #: (number, title, "charter" or "concept")
    versions: list[tuple[int, str, str]] = field(default_factory=list)
    opened: list[Stage] = field(default_factory=list)
    #: Stages to come or running that have other days than before the month, since the process is public.
    moved: list[Stage] = field(default_factory=list)
    closing: list[Stage] = field(default_factory=list)
    #: How many decisions became public, and some of them: (number of the contribution, kind).
    decisions: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    #: What is open now; alone it is no news.
    open_now: dict[str, Opening] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.versions or self.opened or self.moved or self.closing or self.decisions or self.meetings)


def of_month(month: date, zone: str, now: datetime) -> list[News]:
    """The news of each published process that has some. Eight queries."""
    begin = clock.start_of_day(month, zone)
    end = clock.start_of_day((month + timedelta(days=31)).replace(day=1), zone)
    processes = db.session.scalars(
        select(Process)
        .where(Process.state == ProcessState.published)
        .order_by(Process.published_at.desc(), Process.id.desc())
    ).all()
    found = {process.id: News(process) for process in processes}
    if not found:
        return []
    stood = _stood(found, begin, end)
    for process_id, stages in stages_by_process(found).items():
        news = found[process_id]
        news.moved = [
            stage for stage in stages
            if stood.get(stage.id, _days(stage)) != _days(stage) and (stage.ends_at is None or stage.ends_at > now)
        ]  # fmt: skip
        news.opened = [stage for stage in stages if begin <= stage.starts_at < end and stage.is_open(now)]
        news.closing = [
            stage for stage in stages
            if stage.ends_at is not None and stage.is_open(now) and stage.ends_at <= now + SOON and stage.activities
        ]  # fmt: skip
        news.open_now = open_in(stages, now)
    for row in _versions(found, begin, end):
        found[row[0]].versions.append((row[1], row[2], row[3]))
    for process_id, number in _counted(found, begin, end):
        found[process_id].decisions = number
    for process_id, number, kind in _examples(found, begin, end):
        found[process_id].examples.append((number, kind))
    for meeting in db.session.scalars(
        select(Meeting)
        .where(
            Meeting.process_id.in_(found),
            Meeting.state == MeetingState.planned,
            Meeting.starts_at > now,
            Meeting.starts_at <= now + SOON,
        )
        .order_by(Meeting.starts_at, Meeting.id)
    ):
        found[meeting.process_id].meetings.append(meeting)
    return [news for news in found.values() if news]


def _days(stage: Stage) -> tuple[datetime, datetime | None]:
    return stage.starts_at, stage.ends_at


def _stood(
    processes: Mapping[int, News], begin: datetime, end: datetime
) -> dict[int, tuple[datetime, datetime | None]]:
    """The days that stages had before they were moved in the month for the first time; while nobody could read of them
    they do not count."""
    found: dict[int, tuple[datetime, datetime | None]] = {}
    for entry in db.session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.action == Action.stage_moved,
            AuditEntry.process_id.in_(processes),
            AuditEntry.at >= begin,
            AuditEntry.at < end,
        )
        .order_by(AuditEntry.id)
    ):
        public_since = processes[entry.process_id or 0].process.published_at
        if public_since is None or entry.at < public_since:
            continue
        began, ended = entry.facts["starts_at"], entry.facts["ends_at"]
        days = datetime.fromisoformat(began), datetime.fromisoformat(ended) if ended else None
        found.setdefault(entry.subject_id, days)
    return found


def _versions(process_ids: Iterable[int], begin: datetime, end: datetime) -> Any:
    return db.session.execute(
        select(ProcessConcept.process_id, Version.number, Version.title, Concept.kind)
        .join(Concept, Concept.id == ProcessConcept.concept_id)
        .join(Version, Version.concept_id == Concept.id)
        .where(
            ProcessConcept.process_id.in_(list(process_ids)),
            Version.number.is_not(None),
            Version.audience == VersionAudience.public,
            Version.sealed_at >= begin,
            Version.sealed_at < end,
        )
        .order_by(Version.sealed_at, Version.id)
    )


def _released(process_ids: Iterable[int], begin: datetime, end: datetime) -> Any:
    """Decisions that became public in the month about what still is public; replaced ones are left out."""
    later, again = Disposition.__table__.alias(), DispositionRelease.__table__.alias()
    replaced = exists().where(
        and_(
            later.c.contribution_id == Disposition.contribution_id,
            later.c.id > Disposition.id,
            again.c.disposition_id == later.c.id,
        )
    )
    return (
        select(Contribution.process_id, Contribution.number, Disposition.kind, Disposition.id)
        .join(Disposition, Disposition.contribution_id == Contribution.id)
        .join(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        .where(
            Contribution.process_id.in_(list(process_ids)),
            Contribution.state == State.published,
            DispositionRelease.released_at >= begin,
            DispositionRelease.released_at < end,
            ~replaced,
        )
    )


def _counted(process_ids: Iterable[int], begin: datetime, end: datetime) -> Any:
    released = _released(process_ids, begin, end).subquery()
    return db.session.execute(select(released.c.process_id, func.count()).group_by(released.c.process_id))


def _examples(process_ids: Iterable[int], begin: datetime, end: datetime) -> Any:
    """The newest ones of each process."""
    released = _released(process_ids, begin, end).subquery()
    place = func.row_number().over(partition_by=released.c.process_id, order_by=released.c.id.desc())
    ranked = select(released, place.label("place")).subquery()
    return db.session.execute(
        select(ranked.c.process_id, ranked.c.number, ranked.c.kind)
        .where(ranked.c.place <= EXAMPLES)
        .order_by(ranked.c.process_id, ranked.c.place)
    )
