"""Leading a process: setting it up, publishing it, its stages, the functions of its groups, preview links."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Group, Membership
from consult.processes.models import (
    Activity,
    Audience,
    Days,
    Function,
    Influence,
    Moderation,
    Process,
    ProcessCounter,
    ProcessGroup,
    ProcessState,
    Stage,
    StageActivity,
)
from consult.processes.presets import ACTIVITIES, Preset, usual_groups, usual_stages
from consult.processes.queries import forget_functions, people_with, stages_of


class Taken(Refused):
    """Another process has this address or this code; `field` says which."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@contextmanager
def _own_names(slug: str, ident: int) -> Iterator[None]:
    """Changes inside are flushed; a name that another process has becomes `Taken`, also when both take it at once."""
    try:
        # Begun before anything changes: a savepoint begins by flushing what was changed before it.
        with db.session.begin_nested():
            yield
    except IntegrityError:
        known = db.session.scalar(select(Process.id).where(Process.slug == slug, Process.id != ident))
        if known is not None:
            raise Taken("slug", _("Another process has this address already.")) from None
        raise Taken("code", _("Another process has this code already.")) from None


def create_process(actor: Person, title: str, code: str, slug: str, starts_on: date, zone: str) -> Process:
    """An unpublished process with the stages and groups of the usual course; the actor leads it.

    Raises `Taken` when another process has this code or address.
    """
    process = Process(title=title, code=code, slug=slug, zone=zone, state=ProcessState.draft)
    with _own_names(slug, 0):
        db.session.add(process)
    db.session.add(ProcessCounter(process_id=process.id, last_number=0))
    record(Action.process_created, actor.id, process, process_id=process.id)
    for pattern in usual_stages():
        first = starts_on + timedelta(weeks=pattern.week)
        last = None if pattern.weeks is None else first + timedelta(weeks=pattern.weeks, days=-1)
        stage = create_stage(process, actor.id, StagePlan(pattern.title, first, last, pattern.preset))
        if pattern.register is not None:
            db.session.add(StageActivity(stage_id=stage.id, activity=Activity.register, audience=pattern.register))
    for group_pattern in usual_groups():
        group = Group(name=group_pattern.name, kind=group_pattern.kind)
        db.session.add(group)
        db.session.flush()
        record(Action.group_created, actor.id, group, process_id=process.id)
        grant_function(process, group.id, group_pattern.function, actor.id)
        if group_pattern.function == Function.lead:
            membership = Membership(group_id=group.id, person_id=actor.id)
            db.session.add(membership)
            db.session.flush()
            record(Action.member_added, actor.id, membership, process_id=process.id, group_id=group.id)
    forget_functions(actor)
    db.session.flush()
    return process


#: What a lead may change at any time, and what only before anybody has seen the address.
BASICS = (
    "title", "motto", "intro", "influence", "moderation_hours", "answer_days", "offered_stances", "stance_words",
    "confirm_above",
)  # fmt: skip
BEFORE_PUBLISHING = ("slug", "code")


def change_process(process: Process, actor_id: int, values: dict[str, Any]) -> list[str]:
    """Take over the named basics; returns what changed. Raises `Taken` for a code or address of another process."""
    names: tuple[str, ...] = BASICS
    if process.state == ProcessState.draft:
        names += BEFORE_PUBLISHING
    changed = [name for name in names if name in values and getattr(process, name) != values[name]]
    if changed:
        with _own_names(values.get("slug", process.slug), process.id):
            for name in changed:
                setattr(process, name, values[name])
        record(Action.process_changed, actor_id, process, process_id=process.id, fields=sorted(changed))
    return changed


def missing_for_publishing(process: Process, *, reasons: int) -> list[str]:
    """What an unpublished process still lacks, one plain sentence each.

    `reasons`: how many reasons for holding something back are published; they are known before anybody writes.
    """
    missing = []
    stages = stages_of(process.id)
    if not process.intro.strip():
        missing.append(_("Say in a few sentences what the process is about."))
    if process.influence not in set(Influence):
        missing.append(_("Say how much the public's word counts."))
    if not stages:
        missing.append(_("Set up at least one stage."))
    writable = {Activity.comment.value, Activity.propose.value}
    if any(row.activity in writable for stage in stages for row in stage.activities):
        if not people_with(process.id, Function.moderation):
            missing.append(_("People can write in one of the stages, but nobody moderates yet."))
        if not reasons:
            missing.append(
                _("People can write in one of the stages, but no reason for holding something back is published yet.")
            )
    return missing


def publish_process(process: Process, actor_id: int, now: datetime | None = None, *, reasons: int) -> None:
    """Open the process to everybody; `reasons` as for `missing_for_publishing`.

    Raises `Refused` with all that is missing, or when it is public already.
    """
    if process.state != ProcessState.draft:
        raise Refused(_("This process is published already."))
    missing = missing_for_publishing(process, reasons=reasons)
    if missing:
        raise Refused(_("The process cannot be published yet.") + " " + " ".join(missing))
    process.state = ProcessState.published
    process.published_at = now or clock.now()
    db.session.flush()
    record(Action.process_published, actor_id, process, process_id=process.id)


def archive_process(process: Process, actor_id: int) -> None:
    """Close the process for good; everything stays readable. Raises `Refused` when it is not public."""
    if process.state != ProcessState.published:
        raise Refused(_("Only a published process can be archived."))
    process.state = ProcessState.archived
    db.session.flush()
    record(Action.process_archived, actor_id, process, process_id=process.id)


@dataclass(frozen=True)
class StagePlan:
    """What a lead decides about a stage; days are whole days in the zone of the process."""

    title: str
    first_day: date
    #: None: the end is open.
    last_day: date | None
    preset: Preset
    moderation: Moderation = Moderation.pre
    audience: Audience = Audience.public
    description: str = ""


def _set_activities(stage: Stage, plan: StagePlan) -> None:
    """Replace what is open; registering for meetings stays as it is. `own` changes the moderation alone."""
    own = plan.preset == Preset.own
    kept = [row for row in stage.activities if own or row.activity == Activity.register]
    stage.activities = kept
    # The rows that go must be gone before rows with the same key come.
    db.session.flush()
    if own:
        for row in kept:
            row.moderation = plan.moderation
        return
    for activity in ACTIVITIES[plan.preset]:
        stage.activities.append(StageActivity(activity=activity, audience=plan.audience, moderation=plan.moderation))


def create_stage(process: Process, actor_id: int, plan: StagePlan) -> Stage:
    """A stage from the beginning of its first to the end of its last day.

    Raises `Refused` when the last day lies before the first.
    """
    stage = Stage(process_id=process.id, activities=[])
    _set_stage(process, stage, plan)
    db.session.add(stage)
    db.session.flush()
    # SQLite gives the id of a removed stage once more: calendars know it, and take only what is newer.
    stage.sequence = _acts_on(stage.id)
    _set_activities(stage, plan)
    db.session.flush()
    record(Action.stage_created, actor_id, stage, process_id=process.id)
    return stage


def _acts_on(stage_id: int) -> int:
    """How often the record names a stage of this id: never fewer times than it was changed."""
    named = select(func.count()).where(
        AuditEntry.subject_type == Stage.__tablename__, AuditEntry.subject_id == stage_id
    )
    return db.session.scalar(named) or 0


def change_stage(process: Process, stage: Stage, actor_id: int, plan: StagePlan) -> Days | None:
    """The same for a stage that exists (loaded with its activities); returns its former days where they are others now.

    What the public has seen of it raises its number when it changes: calendars take the newer one.
    """
    # One lead after the other: each change has a number of its own, and says truly what was before it.
    db.session.refresh(stage, ["title", "starts_at", "ends_at", "sequence"], with_for_update=True)
    before, title = Days(stage.starts_at, stage.ends_at), stage.title
    _set_stage(process, stage, plan)
    moved = Days(stage.starts_at, stage.ends_at) != before
    if process.state != ProcessState.draft and (moved or stage.title != title):
        stage.sequence += 1
    _set_activities(stage, plan)
    db.session.flush()
    record(Action.stage_changed, actor_id, stage, process_id=process.id)
    if not moved:
        return None
    record(
        Action.stage_moved,
        actor_id,
        stage,
        process_id=process.id,
        starts_at=before.starts_at.isoformat(),
        ends_at=before.ends_at.isoformat() if before.ends_at else None,
    )
    return before


def _set_stage(process: Process, stage: Stage, plan: StagePlan) -> None:
    if plan.last_day is not None and plan.last_day < plan.first_day:
        raise Refused(_("The last day lies before the first day."))
    stage.title, stage.description, stage.preset = plan.title, plan.description, plan.preset
    stage.starts_at = clock.start_of_day(plan.first_day, process.zone)
    stage.ends_at = None if plan.last_day is None else clock.end_of_day(plan.last_day, process.zone)


def remove_stage(process: Process, stage: Stage, actor_id: int) -> None:
    """Take a stage out of the timeline. What was written in it stays."""
    record(Action.stage_removed, actor_id, stage, process_id=process.id)
    db.session.delete(stage)
    db.session.flush()


def grant_function(process: Process, group_id: int, function: Function, actor_id: int) -> None:
    """Let a group do this in the process; nothing happens when it does so already."""
    known = select(ProcessGroup.id).where(
        ProcessGroup.process_id == process.id,
        ProcessGroup.group_id == group_id,
        ProcessGroup.function == function,
    )
    if db.session.scalar(known) is not None:
        return
    try:
        with db.session.begin_nested():
            db.session.add(ProcessGroup(process_id=process.id, group_id=group_id, function=function))
            db.session.flush()
    except IntegrityError:
        return
    record(
        Action.function_granted,
        actor_id,
        process,
        process_id=process.id,
        group_id=group_id,
        function=function.value,
    )


def revoke_function(process: Process, group_id: int, function: Function, actor_id: int) -> None:
    """The group no longer does this. Raises `Refused` when nobody would lead the process afterwards."""
    row = db.session.scalar(
        select(ProcessGroup).where(
            ProcessGroup.process_id == process.id,
            ProcessGroup.group_id == group_id,
            ProcessGroup.function == function,
        )
    )
    if row is None:
        return
    db.session.execute(delete(ProcessGroup).where(ProcessGroup.id == row.id))
    db.session.expunge(row)
    must_have_lead(process)
    record(
        Action.function_revoked,
        actor_id,
        process,
        process_id=process.id,
        group_id=group_id,
        function=function.value,
    )


def must_have_lead(process: Process, at: datetime | None = None) -> None:
    """Raises `Refused` when nobody leads the process now, or at a later moment; call after taking something away."""
    db.session.flush()
    # One after the other: of two leads who remove each other, each would still count the other.
    db.session.execute(select(Process.id).where(Process.id == process.id).with_for_update())
    if not people_with(process.id, Function.lead, at=at):
        raise Refused(_("Somebody must lead the process. Add another person to a leading group first."))


#: How long a preview link works, in days.
PREVIEW_DAYS = 7
MAX_PREVIEW_DAYS = 30


def create_preview(process: Process, actor_id: int, days: int = PREVIEW_DAYS) -> LinkToken:
    """A link with which anybody can read the unpublished process until it expires or is revoked.

    Raises `Refused` for a process that is public and for a time that is not 1 to 30 days.
    """
    if process.state != ProcessState.draft:
        raise Refused(_("This process is public: everybody can read it without a preview link."))
    if not 1 <= days <= MAX_PREVIEW_DAYS:
        raise Refused(_("A preview link works for 1 to 30 days."))
    token = tokens.issue(
        LinkPurpose.preview,
        None,
        process.id,
        created_by_id=actor_id,
        expires_at=clock.now() + timedelta(days=days),
    )
    record(Action.preview_created, actor_id, token, process_id=process.id)
    return token


def revoke_preview(process: Process, token: LinkToken, actor_id: int) -> None:
    """End a preview link at once; a second time changes nothing."""
    if tokens.consume(token):
        record(Action.preview_revoked, actor_id, token, process_id=process.id)
