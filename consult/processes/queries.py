"""Questions about processes: which are visible, who has which function, what is open now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import abort
from sqlalchemy import Select, String, and_, bindparam, cast, func, or_, select
from sqlalchemy.orm import selectinload

from consult import clock
from consult.accounts import sessions, tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.processes.models import (
    Activity,
    Function,
    Moderation,
    Process,
    ProcessGroup,
    ProcessState,
    Stage,
    StageActivity,
)


def _functions(person_id: Any, *columns: Any) -> Select[Any]:
    """What somebody may act as through current memberships and seats."""
    now: Any = bindparam("now")
    seated = (
        select(SeatHolder.membership_id)
        .where(
            SeatHolder.person_id == person_id,
            SeatHolder.starts_at <= now,
            or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
        )
        .correlate(Person)
        .scalar_subquery()
    )
    return (
        select(*columns)
        .join_from(ProcessGroup, Membership, Membership.group_id == ProcessGroup.group_id)
        .where(
            Membership.starts_at <= now,
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            or_(Membership.person_id == person_id, Membership.id.in_(seated)),
        )
    )


@cache
def _functions_query() -> Select[Any]:
    """Made once, as all that nearly every request asks: putting a statement together costs more than asking it."""
    return _functions(bindparam("person_id"), ProcessGroup.process_id, ProcessGroup.function)


def _functions_column() -> Any:
    """The same as one value: `1:lead,2:moderation`."""
    one = cast(ProcessGroup.process_id, String) + ":" + ProcessGroup.function
    return _functions(Person.id, func.aggregate_strings(one, ",")).correlate(Person).scalar_subquery()


def _keep_functions(person: Person, found: Iterable[tuple[int, str]]) -> dict[int, frozenset[str]]:
    gathered: dict[int, set[str]] = {}
    for process_id, function in found:
        gathered.setdefault(process_id, set()).add(function)
    result = {process_id: frozenset(functions) for process_id, functions in gathered.items()}
    person.__dict__["_functions"] = result
    return result


def _take_functions(person: Person, answer: str | None) -> None:
    pairs = (one.split(":") for one in (answer or "").split(",") if one)
    _keep_functions(person, ((int(process_id), function) for process_id, function in pairs))


sessions.ask_along(_functions_column, _take_functions)


def functions_of(person: Person | None) -> dict[int, frozenset[str]]:
    """What a person may act as, per process id, through current memberships and seats.

    Comes with the sign-in; about others it is one query.
    """
    if person is None:
        return {}
    cached: dict[int, frozenset[str]] | None = person.__dict__.get("_functions")
    if cached is not None:
        return cached
    rows = db.session.execute(_functions_query(), {"person_id": person.id, "now": clock.now()}).all()
    return _keep_functions(person, ((row.process_id, row.function) for row in rows))


def forget_functions(person: Person) -> None:
    """After a change of memberships within the same request."""
    person.__dict__.pop("_functions", None)


def _at_address() -> Any:
    return Process.slug == bindparam("slug")


def _take_process(person: Person, found: Process | None) -> None:
    person.__dict__["_process_at"] = found


sessions.ask_along(lambda: Process, _take_process, on=_at_address)


@cache
def _process_query() -> Select[Process]:
    return select(Process).where(_at_address())


def process_or_404(person: Person | None, slug: str, preview_of: int | None = None) -> Process:
    """The process if this person may know of it; staff and holders of a preview see unpublished ones.

    That of the page's address comes with the sign-in.
    """
    process: Process | None = person.__dict__.get("_process_at") if person is not None else None
    if process is None or process.slug != slug:
        process = db.session.scalar(_process_query(), {"slug": slug})
    if process is None:
        abort(404)
    if process.state == ProcessState.draft and not functions_of(person).get(process.id) and preview_of != process.id:
        abort(404)
    return process


def processes_visible_to(person: Person | None) -> list[Process]:
    """Published and archived ones, and drafts the person works in; newest first."""
    mine = list(functions_of(person))
    return list(
        db.session.scalars(
            select(Process)
            .where(or_(Process.state != ProcessState.draft, Process.id.in_(mine)))
            .order_by(Process.published_at.desc(), Process.id.desc())
            .limit(100)
        )
    )


def stages_of(process_id: int) -> list[Stage]:
    """All stages with their activities, in order of time."""
    return list(
        db.session.scalars(
            select(Stage)
            .where(Stage.process_id == process_id)
            .options(selectinload(Stage.activities))
            .order_by(Stage.starts_at, Stage.id)
        )
    )


def stages_by_process(process_ids: Iterable[int]) -> dict[int, list[Stage]]:
    """The same for several processes at once."""
    found: dict[int, list[Stage]] = {ident: [] for ident in process_ids}
    for stage in db.session.scalars(
        select(Stage)
        .where(Stage.process_id.in_(found))
        .options(selectinload(Stage.activities))
        .order_by(Stage.starts_at, Stage.id)
    ):
        found[stage.process_id].append(stage)
    return found


def stages_in_order(process_id: int) -> list[Stage]:
    """All stages in order of time, without their activities."""
    return list(
        db.session.scalars(select(Stage).where(Stage.process_id == process_id).order_by(Stage.starts_at, Stage.id))
    )


@dataclass(frozen=True)
class Opening:
    """An activity is open now: for whom, with which moderation, and until when (None: no end)."""

    activity: str
    audiences: frozenset[str]
    moderation: str
    ends_at: datetime | None


#: Activity, audience, moderation, end of the stage.
OpenRow = tuple[str, str, str, datetime | None]


def merged(rows: Iterable[OpenRow]) -> dict[str, Opening]:
    """What several open stages allow together: any stage allows, the stricter moderation wins."""
    found: dict[str, Opening] = {}
    for activity, audience, moderation, ends_at in rows:
        before = found.get(activity)
        if before is None:
            found[activity] = Opening(activity, frozenset({audience}), moderation, ends_at)
            continue
        strict = Moderation.pre if Moderation.pre in (moderation, before.moderation) else Moderation.post
        end = None if None in (ends_at, before.ends_at) else max(e for e in (ends_at, before.ends_at) if e)
        found[activity] = Opening(activity, before.audiences | {audience}, strict, end)
    return found


def open_in(stages: Iterable[Stage], now: datetime) -> dict[str, Opening]:
    """As `openings`, from stages loaded with their activities."""
    return merged(
        (row.activity, row.audience, row.moderation, stage.ends_at)
        for stage in stages
        if stage.is_open(now)
        for row in stage.activities
    )


@cache
def openings_query() -> Select[str, str, str, datetime | None]:
    """The open activities of `process_id` at `now`; made once, for whoever asks more in the same question."""
    now: Any = bindparam("now")
    return (
        select(StageActivity.activity, StageActivity.audience, StageActivity.moderation, Stage.ends_at)
        .join(Stage, Stage.id == StageActivity.stage_id)
        .join(Process, Process.id == Stage.process_id)
        .where(
            Stage.process_id == bindparam("process_id"),
            Process.state == ProcessState.published,
            Stage.starts_at <= now,
            or_(Stage.ends_at.is_(None), Stage.ends_at > now),
        )
    )


def openings(process_id: int, now: datetime | None = None) -> dict[str, Opening]:
    """Everything open at `now`: any stage allows, the stricter moderation wins. Only published processes are open."""
    rows = db.session.execute(openings_query(), {"process_id": process_id, "now": now or clock.now()})
    return merged((row.activity, row.audience, row.moderation, row.ends_at) for row in rows)


def next_opening(process_id: int, activity: Activity, now: datetime | None = None) -> datetime | None:
    """When the activity opens next, so that a closed door says when to come back."""
    return db.session.scalar(
        select(Stage.starts_at)
        .join(StageActivity, StageActivity.stage_id == Stage.id)
        .where(
            Stage.process_id == process_id,
            StageActivity.activity == activity,
            Stage.starts_at > (now or clock.now()),
        )
        .order_by(Stage.starts_at)
        .limit(1)
    )


def people_with(process_id: int, *functions: Function, at: datetime | None = None) -> list[int]:
    """Ids of those who hold one of these functions, directly or by a seat (deputies included), in order of id.

    Now, or as far as it is settled today, at another moment.
    """
    now = at or clock.now()
    groups = select(ProcessGroup.group_id).where(
        ProcessGroup.process_id == process_id, ProcessGroup.function.in_(functions)
    )
    current = and_(
        Membership.group_id.in_(groups),
        Membership.starts_at <= now,
        or_(Membership.ends_at.is_(None), Membership.ends_at > now),
    )
    direct = select(Membership.person_id.label("id")).where(current, Membership.person_id.is_not(None))
    seated = (
        select(SeatHolder.person_id.label("id"))
        .join(Membership, Membership.id == SeatHolder.membership_id)
        .where(
            current,
            SeatHolder.starts_at <= now,
            or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
        )
    )
    return sorted(set(db.session.scalars(direct.union(seated))))


def stage_or_404(process_id: int, stage_id: int) -> Stage:
    """A stage of this process, with its activities."""
    stage = db.session.scalar(
        select(Stage)
        .where(Stage.id == stage_id, Stage.process_id == process_id)
        .options(selectinload(Stage.activities))
    )
    if stage is None:
        abort(404)
    return stage


def previews_of(process_id: int) -> list[LinkToken]:
    """The preview links of a process that were given out, newest first."""
    return list(
        db.session.scalars(
            select(LinkToken)
            .where(LinkToken.purpose == LinkPurpose.preview, LinkToken.subject_id == process_id)
            .order_by(LinkToken.id.desc())
            .limit(50)
        )
    )


def preview_or_404(process_id: int, token_id: int) -> LinkToken:
    """A preview link of this process."""
    token = db.session.scalar(
        select(LinkToken).where(
            LinkToken.id == token_id,
            LinkToken.purpose == LinkPurpose.preview,
            LinkToken.subject_id == process_id,
        )
    )
    if token is None:
        abort(404)
    return token


def previewed_process(link: str) -> int | None:
    """Id of the process this preview link opens now, or None: forged, expired, revoked."""
    token = tokens.find(link, LinkPurpose.preview)
    return token.subject_id if token is not None else None


@dataclass(frozen=True)
class GroupAtWork:
    """A group and what it does in a process."""

    group: Group
    functions: tuple[str, ...]
    #: Persons and organisations that belong to it now.
    members: int


def groups_at_work(process_id: int) -> list[GroupAtWork]:
    """The groups of a process by what they do, leading ones first."""
    now = clock.now()
    counted = (
        select(func.count())
        .where(
            Membership.group_id == Group.id,
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
        )
        .correlate(Group)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Group, ProcessGroup.function, counted)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(ProcessGroup.process_id == process_id)
    ).all()
    order = {function.value: place for place, function in enumerate(Function)}
    found: dict[int, tuple[Group, list[str], int]] = {}
    for group, function, members in rows:
        found.setdefault(group.id, (group, [], members))[1].append(function)
    working = [
        GroupAtWork(group, tuple(sorted(functions, key=lambda f: order.get(f, 99))), members)
        for group, functions, members in found.values()
    ]
    return sorted(working, key=lambda w: (order.get(w.functions[0], 99), w.group.name, w.group.id))


def group_at_work_or_404(process_id: int, group_id: int) -> Group:
    """A group that does something in this process."""
    group = db.session.scalar(
        select(Group)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(Group.id == group_id, ProcessGroup.process_id == process_id)
        .limit(1)
    )
    if group is None:
        abort(404)
    return group


def processes_of_group(group_id: int) -> frozenset[int]:
    """Ids of all processes in which the group has a function."""
    return frozenset(
        db.session.scalars(select(ProcessGroup.process_id).where(ProcessGroup.group_id == group_id).distinct())
    )


def functions_of_group(process_id: int, group_id: int) -> frozenset[str]:
    return frozenset(
        db.session.scalars(
            select(ProcessGroup.function).where(
                ProcessGroup.process_id == process_id, ProcessGroup.group_id == group_id
            )
        )
    )
