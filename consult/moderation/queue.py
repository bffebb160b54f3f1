"""What moderators have before them: what waits, what appeared unseen, what was decided lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, and_, or_, select, tuple_
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.concept.queries import Placed, names_of
from consult.contributions.models import (
    Channel,
    Contribution,
    ContributionText,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    State,
)
from consult.contributions.shown import Shown, rows, show
from consult.contributions.threads import reader_of, wordings_now
from consult.contributions.words import decision_name
from consult.extensions import db
from consult.processes.models import Process

PAGE = 25
RECENT = timedelta(days=7)


class Waiting(StrEnum):
    """Which list of the desk."""

    #: Waits to appear.
    pending = "pending"
    #: Appeared at once; nobody has looked at it since it was written or changed.
    unseen = "unseen"


@dataclass
class QueueItem:
    """One decision to take, with what it needs: the text it is about and what it answers."""

    shown: Shown
    place: Placed | None
    parent_body: str | None
    since: datetime
    overdue: bool
    #: The newest decision about it, if there was one: (reason, note) of a holding back.
    earlier_reason: str | None = None
    earlier_note: str = ""


@dataclass
class Queue:
    items: list[QueueItem]
    next_cursor: int | None


def _standing() -> Select[int]:
    """Decisions that stand for a contribution and are newer than its text."""
    undoing = aliased(ModerationAct)
    undone = select(undoing.id).where(undoing.undoes_id == ModerationAct.id).exists()
    return select(ModerationAct.id).where(
        ModerationAct.contribution_id == Contribution.id,
        ModerationAct.kind != ModerationKind.undo,
        or_(Contribution.edited_at.is_(None), ModerationAct.created_at >= Contribution.edited_at),
        ~undone,
    )


def queue(process: Process, person: Person, which: Waiting = Waiting.pending, *, after: int | None = None) -> Queue:
    """A page of what waits, oldest first; `after` is the number of the last one seen."""
    now = clock.now()
    reader = reader_of(process, person, reveal=True)
    # First the page, then everything about it: nothing is joined to thousands that wait.
    query = select(Contribution.id).where(Contribution.process_id == process.id)
    if which == Waiting.pending:
        query = query.where(Contribution.state == State.pending)
    else:
        query = query.where(
            Contribution.state == State.published,
            Contribution.channel.in_((Channel.web, Channel.guest)),
            # What staff typed in has been looked at by whoever typed it.
            Contribution.author_id.is_not(None),
            Contribution.entered_by_id.is_(None),
            ~_standing().exists(),
        )
    if after is not None:
        last = aliased(Contribution)
        place = select(last.created_at, last.id).where(last.process_id == process.id, last.number == after)
        query = query.where(tuple_(Contribution.created_at, Contribution.id) > place.scalar_subquery())
    oldest_first = (Contribution.created_at, Contribution.id)
    page = query.order_by(*oldest_first).limit(PAGE + 1).subquery()
    found = db.session.execute(
        rows(reader.person_id, reader.lang).where(Contribution.id.in_(select(page.c.id))).order_by(*oldest_first)
    ).all()
    shown = [show(process, row, reader) for row in found[:PAGE]]
    items = _with_context(process, person, shown, now)
    return Queue(items, found[PAGE - 1].number if len(found) > PAGE else None)


def _with_context(process: Process, person: Person, shown: Sequence[Shown], now: datetime) -> list[QueueItem]:
    element_ids = {item.element_id for item in shown if item.element_id is not None}
    places = names_of(process, element_ids, person)
    placed_now = wordings_now(process.id, element_ids) if element_ids else {}
    parents = _texts_of({item.parent_id for item in shown if item.parent_id is not None})
    earlier = _last_hidings([item.id for item in shown])
    promise = timedelta(hours=process.moderation_hours)
    result = []
    for item in shown:
        place = places.get(item.element_id or 0)
        if place is not None:
            item.target_label, item.target_key = place.heading, place.key
        item.changed_since = item.wording_id is not None and item.wording_id != placed_now.get(item.element_id or 0)
        since = item.edited_at or item.created_at
        reason, note = earlier.get(item.id, (None, ""))
        overdue = now - since > promise
        parent = parents.get(item.parent_id or 0)
        result.append(QueueItem(item, place, parent, since, overdue, reason, note))
    return result


def _texts_of(ids: set[int]) -> dict[int, str | None]:
    if not ids:
        return {}
    found = db.session.execute(
        select(Contribution.id, ContributionText.body)
        .join(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id,
                ContributionText.revision == Contribution.revision,
            ),
        )
        .where(Contribution.id.in_(ids))
    )
    return {row.id: row.body for row in found}


def _last_hidings(ids: list[int]) -> dict[int, tuple[str, str]]:
    """Reason and note of the last holding back of each, in whatever language the reason was published."""
    if not ids:
        return {}
    found = db.session.execute(
        select(ModerationAct.contribution_id, ModerationReason.text, ModerationAct.note)
        .join(ModerationReason, ModerationReason.id == ModerationAct.reason_id)
        .where(ModerationAct.contribution_id.in_(ids), ModerationAct.kind == ModerationKind.hide)
        .order_by(ModerationAct.id)
    )
    return {row.contribution_id: (row.text, row.note) for row in found}


@dataclass(frozen=True)
class Decided:
    """A decision taken lately."""

    act_id: int
    number: int
    number_label: str
    decision: str
    reason: str | None
    moderator: str
    at: datetime
    can_undo: bool


def recently_decided(process: Process, limit: int = 20) -> list[Decided]:
    """The last decisions, newest first; the last about a contribution can be undone."""
    newer = aliased(ModerationAct)
    is_last = (
        ~select(newer.id)
        .where(newer.contribution_id == ModerationAct.contribution_id, newer.id > ModerationAct.id)
        .exists()
    )
    found = db.session.execute(
        select(
            ModerationAct.id,
            ModerationAct.kind,
            ModerationAct.state_before,
            ModerationAct.state_after,
            ModerationAct.created_at,
            Contribution.number,
            Contribution.state,
            ModerationReason.text,
            Person.name,
            is_last.label("is_last"),
        )
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .join(Person, Person.id == ModerationAct.actor_id)
        .outerjoin(ModerationReason, ModerationReason.id == ModerationAct.reason_id)
        .where(Contribution.process_id == process.id, ModerationAct.created_at > clock.now() - RECENT)
        .order_by(ModerationAct.id.desc())
        .limit(limit)
    )
    return [
        Decided(
            act_id=row.id,
            number=row.number or 0,
            number_label=f"{process.code}-{row.number}",
            decision=decision_name(row.kind, row.state_before, row.state_after),
            reason=row.text,
            moderator=row.name,
            at=row.created_at,
            can_undo=bool(row.is_last) and row.kind != ModerationKind.undo and row.state == row.state_after,
        )
        for row in found
    ]


def act_of(process: Process, number: int, act_id: int) -> ModerationAct | None:
    """This decision about this contribution."""
    return db.session.scalar(
        select(ModerationAct)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(Contribution.process_id == process.id, Contribution.number == number, ModerationAct.id == act_id)
    )
