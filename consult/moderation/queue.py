"""The lists of the moderators' desk: what waits, what was reported, what somebody looks after, what is overdue.

Two statements per page, whatever is in the lists: one counts all of them, one brings a page with everything in it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, distinct, func, literal, or_, select, tuple_, union, union_all
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import Element, ProcessConcept
from consult.concept.queries import Placed, names_of
from consult.contributions.models import (
    Channel,
    Contribution,
    ContributionText,
    ModerationAct,
    ModerationKind,
    RuleEffect,
    RuleHit,
    ScreeningRule,
    State,
)
from consult.contributions.shown import Shown, rows, show
from consult.contributions.threads import reader_of, wordings_now
from consult.extensions import db
from consult.moderation.beside import Author, Past, authors_of, past_of
from consult.moderation.models import Assignment, Gathered, Report
from consult.moderation.promise import is_late, late_before
from consult.processes.models import Process

SIZES = (20, 50, 200)
#: Among so many of the newest published ones those not looked at are counted: they may be most of a process.
NEWEST = 2000
#: So many places are offered to narrow a list down to.
PLACES = 60
#: Chosen for what is about no part of the text.
WHOLE = "*"


class DeskList(StrEnum):
    """Which list of the desk."""

    #: Waits to appear.
    pending = "pending"
    #: Somebody thinks it should not stand there.
    reported = "reported"
    mine = "mine"
    #: Somebody of the team looks after it.
    assigned = "assigned"
    #: Waits longer than was promised.
    overdue = "overdue"
    #: Appeared at once; nobody has looked at it since it was written or changed.
    unseen = "unseen"
    #: Others are gathered under it.
    heads = "heads"
    decided = "decided"


@dataclass(frozen=True)
class Narrowed:
    """What a list is narrowed down to."""

    place: str = ""
    lang: str = ""
    channel: str = ""
    new_author: bool = False
    #: This one alone, in whatever list it is.
    number: int | None = None

    def __bool__(self) -> bool:
        return bool(self.place or self.lang or self.channel or self.new_author or self.number is not None)


@dataclass
class QueueItem:
    """One decision to take, with what it needs: the text it is about, what it answers, and what was said before."""

    shown: Shown
    place: Placed | None
    parent_body: str | None
    since: datetime
    overdue: bool
    past: Past
    author: Author
    holder_id: int | None = None
    holder: str = ""
    #: Number of the entry it is gathered with.
    head_number: int | None = None
    can_approve: bool = False
    can_hide: bool = False

    @property
    def seen(self) -> str:
        """State and revision on the page: a decision is about these."""
        return f"{self.shown.state}-{self.shown.revision}"


@dataclass
class Queue:
    items: list[QueueItem]
    #: (rank, number) of the last one; None on the last page.
    next_cursor: str | None
    #: Where most of the list is about, for the filter.
    places: list[Placed]


def _standing(of: Any) -> Select[int]:
    """Decisions that stand for a contribution and are newer than its text."""
    undoing = aliased(ModerationAct)
    undone = select(undoing.id).where(undoing.undoes_id == ModerationAct.id).exists()
    return select(ModerationAct.id).where(
        ModerationAct.contribution_id == of.id,
        ModerationAct.kind != ModerationKind.undo,
        or_(of.edited_at.is_(None), ModerationAct.created_at >= of.edited_at),
        ~undone,
    )


def _reported(process: Process) -> Select[int]:
    return select(Report.contribution_id).where(Report.process_id == process.id, Report.closed_at.is_(None))


def _unseen(of: Any = Contribution) -> Any:
    return and_(
        of.state == State.published,
        of.channel.in_((Channel.web, Channel.guest)),
        # What waited first was looked at before it appeared. This spares a look at the decisions about nearly all.
        # Not so what appeared when its author proved an address.
        or_(of.published_at <= of.created_at, of.edited_at.is_not(None), of.channel == Channel.guest),
        # What staff typed in has been looked at by whoever typed it.
        of.author_id.is_not(None),
        of.entered_by_id.is_(None),
        ~_standing(of).exists(),
    )


def _of_list(process: Process, person: Person, which: DeskList, now: datetime) -> Any:
    """The condition that makes up a list."""
    if which == DeskList.reported:
        return Contribution.id.in_(_reported(process))
    if which == DeskList.mine:
        return Contribution.id.in_(select(Assignment.contribution_id).where(Assignment.person_id == person.id))
    if which == DeskList.assigned:
        return Contribution.id.in_(select(Assignment.contribution_id))
    if which == DeskList.overdue:
        return is_late(process, now)
    if which == DeskList.unseen:
        return _unseen()
    if which == DeskList.heads:
        return Contribution.id.in_(select(Gathered.head_id))
    return Contribution.state == State.pending


def _narrowed(process: Process, by: Narrowed) -> list[Any]:
    where: list[Any] = []
    if by.place == WHOLE:
        where.append(Contribution.element_id.is_(None))
    elif by.place:
        concepts = select(ProcessConcept.concept_id).where(ProcessConcept.process_id == process.id)
        here = select(Element.id).where(Element.key == by.place, Element.concept_id.in_(concepts))
        where.append(Contribution.element_id.in_(here))
    if by.lang:
        where.append(Contribution.lang == by.lang)
    if by.channel:
        where.append(Contribution.channel == by.channel)
    if by.new_author:
        other = aliased(Contribution)
        known = (
            select(other.id)
            .where(
                other.author_id == Contribution.author_id,
                other.process_id == process.id,
                other.state == State.published,
                other.id != Contribution.id,
            )
            .exists()
        )
        where.append(~known)
    return where


def _first(process: Process) -> Any:
    """What comes first in every list: pointed out by a rule, or reported."""
    pointed_out = (
        select(RuleHit.contribution_id)
        .join(ScreeningRule, ScreeningRule.id == RuleHit.rule_id)
        .where(ScreeningRule.process_id == process.id, ScreeningRule.effect == RuleEffect.point_out)
    )
    return union(pointed_out, _reported(process))


def _page(process: Process, base: list[Any], size: int, after: tuple[int, int] | None) -> Any:
    """Ids and ranks of a page. Two walks along the index, each as long as the page, instead of sorting the list."""
    first = select(_first(process).subquery().c.contribution_id)
    oldest_first = (Contribution.created_at, Contribution.id)
    parts = []
    for rank in (0, 1):
        if after is not None and rank < after[0]:
            continue
        is_first = Contribution.id.in_(first) if rank == 0 else Contribution.id.not_in(first)
        part = select(Contribution.id, Contribution.created_at, literal(rank).label("rank")).where(*base, is_first)
        if after is not None and rank == after[0]:
            last = aliased(Contribution)
            place = select(last.created_at, last.id).where(last.process_id == process.id, last.number == after[1])
            part = part.where(tuple_(*oldest_first) > place.scalar_subquery())
        walk = part.order_by(*oldest_first).limit(size + 1).subquery()
        parts.append(select(walk.c.id, walk.c.created_at, walk.c.rank))
    both = union_all(*parts).subquery()
    return select(both.c.id, both.c.rank).order_by(both.c.rank, both.c.created_at, both.c.id).limit(size + 1).subquery()


def _beside(statement: Select[Any]) -> Select[Any]:
    """The columns that only the desk needs. No further joins: PostgreSQL would not see any more how short a page is."""
    holder, head, parent = aliased(Person), aliased(Contribution), aliased(Contribution)
    here = Assignment.contribution_id == Contribution.id
    holder_name = select(holder.name).join(Assignment, Assignment.person_id == holder.id).where(here).scalar_subquery()
    head_number = (
        select(head.number)
        .join(Gathered, Gathered.head_id == head.id)
        .where(Gathered.contribution_id == Contribution.id)
        .scalar_subquery()
    )
    parent_body = (
        select(ContributionText.body)
        .join(
            parent,
            and_(ContributionText.contribution_id == parent.id, ContributionText.revision == parent.revision),
        )
        .where(parent.id == Contribution.parent_id)
        .correlate(Contribution)
        .scalar_subquery()
    )
    return statement.add_columns(
        select(Assignment.person_id).where(here).scalar_subquery().label("holder_id"),
        holder_name.label("holder"),
        head_number.label("head_number"),
        parent_body.label("parent_body"),
    )


def queue(
    process: Process,
    person: Person,
    which: DeskList = DeskList.pending,
    *,
    by: Narrowed | None = None,
    size: int = SIZES[0],
    after: tuple[int, int] | None = None,
) -> Queue:
    """A page of a list: pointed out and reported ones first, then the oldest; `after`: rank and number of the last."""
    now = clock.now()
    by = by or Narrowed()
    reader = reader_of(process, person, reveal=True)
    base: list[Any] = [Contribution.process_id == process.id]
    if by.number is not None:
        base.append(Contribution.number == by.number)
    else:
        base += [_of_list(process, person, which, now), *_narrowed(process, by)]
    page = _page(process, base, size, after)
    found = db.session.execute(
        _beside(rows(reader.person_id, reader.lang))
        .join(page, page.c.id == Contribution.id)
        .add_columns(page.c.rank)
        .order_by(page.c.rank, Contribution.created_at, Contribution.id)
    ).all()
    # Of an empty list that was not narrowed down there is nothing to choose.
    offered = _places_in(base) if by.number is None and (found or by) else []
    shown = [(show(process, row, reader), row) for row in found[:size]]
    for item, _row in shown:
        # Who decides about it does not report it.
        item.may_report = False
    ids = {item.element_id for item, _row in shown if item.element_id is not None}
    placed = names_of(process, ids | set(offered), person)
    items = _with_context(process, shown, placed, now)
    last = found[size - 1] if len(found) > size else None
    return Queue(
        items,
        f"{last.rank}-{last.number}" if last is not None else None,
        [placed[element_id] for element_id in offered if element_id in placed],
    )


def _places_in(base: list[Any]) -> list[int]:
    """The elements that most of a list is about; a list that is very long is not counted to its end."""
    begin = select(Contribution.element_id).where(*base).limit(NEWEST).subquery()
    found = db.session.scalars(
        select(begin.c.element_id)
        .where(begin.c.element_id.is_not(None))
        .group_by(begin.c.element_id)
        .order_by(func.count().desc(), begin.c.element_id)
        .limit(PLACES)
    )
    return list(found)


def _with_context(
    process: Process, shown: list[tuple[Shown, Any]], placed: dict[int, Placed], now: datetime
) -> list[QueueItem]:
    element_ids = {item.element_id for item, _row in shown if item.element_id is not None}
    placed_now = wordings_now(process.id, element_ids) if element_ids else {}
    past = past_of([item.id for item, _row in shown])
    authors = authors_of(process.id, {item.author_id for item, _row in shown if item.author_id is not None})
    promised = late_before(process, now)
    result = []
    for item, row in shown:
        place = placed.get(item.element_id or 0)
        if place is not None:
            item.target_label, item.target_key = place.heading, place.key
        item.changed_since = item.wording_id is not None and item.wording_id != placed_now.get(item.element_id or 0)
        since = item.edited_at or item.created_at
        before = past.get(item.id) or Past()
        looked_at = before.looked_at(item.edited_at)
        result.append(
            QueueItem(
                item,
                place,
                row.parent_body,
                since,
                item.state == State.pending and since < promised,
                before,
                authors.get(item.author_id or 0, Author()),
                holder_id=row.holder_id,
                holder=row.holder or "",
                head_number=row.head_number,
                can_approve=item.state == State.pending or (item.state == State.published and not looked_at),
                can_hide=item.state in (State.pending, State.published),
            )
        )
    return result


@dataclass(frozen=True)
class Counts:
    """How long each list is, and since when the oldest waits."""

    pending: int
    overdue: int
    reported: int
    mine: int
    assigned: int
    heads: int
    #: Among the newest published ones.
    unseen: int
    #: Whether there are older published ones.
    unseen_and_more: bool
    oldest: datetime | None


def counts(process: Process, person: Person, *, unseen: bool = True) -> Counts:
    """All lists counted in one statement; without `unseen` that one is left out."""
    of_process = Contribution.process_id == process.id
    waiting = select(func.count()).where(of_process, Contribution.state == State.pending)
    oldest = select(func.min(Contribution.created_at)).where(of_process, Contribution.state == State.pending)
    late = select(func.count()).where(of_process, is_late(process, clock.now()))
    open_reports = _reported(process).subquery()
    reported = select(func.count(distinct(open_reports.c.contribution_id)))
    held = (
        select(func.count())
        .select_from(Assignment)
        .join(Contribution, Contribution.id == Assignment.contribution_id)
        .where(of_process)
    )
    heads = (
        select(func.count(distinct(Gathered.head_id)))
        .select_from(Gathered)
        .join(Contribution, Contribution.id == Gathered.head_id)
        .where(of_process)
    )
    newest = (
        select(Contribution)
        .where(of_process, Contribution.state == State.published)
        .order_by(Contribution.created_at.desc(), Contribution.id.desc())
        .limit(NEWEST + 1)
        .subquery()
    )
    not_seen = select(func.count()).where(_unseen(aliased(Contribution, newest)))
    looked_through = select(func.count() > NEWEST).select_from(newest)
    row = db.session.execute(
        select(
            waiting.scalar_subquery().label("pending"),
            late.scalar_subquery().label("overdue"),
            reported.scalar_subquery().label("reported"),
            held.where(Assignment.person_id == person.id).scalar_subquery().label("mine"),
            held.scalar_subquery().label("assigned"),
            heads.scalar_subquery().label("heads"),
            (not_seen.scalar_subquery() if unseen else literal(0)).label("unseen"),
            (looked_through.scalar_subquery() if unseen else literal(value=False)).label("unseen_and_more"),
            oldest.scalar_subquery().label("oldest"),
        )
    ).one()
    found = dict(row._mapping)
    return Counts(**{**found, "unseen_and_more": bool(found["unseen_and_more"] and found["unseen"])})
