"""The desk of those who answer: which contributions wait for a decision, page by page."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, case, func, select, tuple_

from consult import clock
from consult.accounts.models import Person
from consult.concept.queries import audiences_open_to, names_of
from consult.contributions.due import due_on, is_open_question, overdue
from consult.contributions.listing import narrowed
from consult.contributions.models import Contribution, Stance, State
from consult.contributions.shown import Shown, rows, show
from consult.contributions.threads import at, reader_of
from consult.extensions import db
from consult.moderation.models import Gathered
from consult.processes.models import Process
from consult.weighing.queries import LedTo, decided_ones, decisions_on, held_ones, is_own, led_to, open_ones

PAGE = 25
_CURSOR = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")


class Which(StrEnum):
    #: Nothing was decided yet.
    open = "open"
    #: Decided, and waiting for the next version.
    held = "held"
    decided = "decided"


class Order(StrEnum):
    oldest = "oldest"
    #: Overdue questions first, then those due, then what else was asked, then the rest; the oldest first in each.
    questions = "questions"
    supported = "supported"


@dataclass(frozen=True)
class Wanted:
    """What the desk's list is narrowed to; empty means all."""

    which: Which = Which.open
    order: Order = Order.oldest
    stance: str = ""
    lang: str = ""
    channel: str = ""
    #: On this element and on all it descends from.
    element_id: int | None = None
    #: Only contributions to the process as a whole.
    whole: bool = False


@dataclass
class Item:
    """A contribution on the desk, with what one has to know before deciding."""

    shown: Shown
    #: How many are gathered under it and get the same answer.
    gathered: int
    #: Whoever looks speaks for where it came from, or wrote it.
    own: bool
    #: Where it stands in the order of questions.
    rank: int = 0
    #: The last day for answering it; only while it is an open question and an answer is promised.
    due: date | None = None
    late: bool = False
    #: Changes of the text that name it as their source, with the name of the place.
    led: list[tuple[LedTo, str]] = field(default_factory=list)


@dataclass
class DeskPage:
    items: list[Item]
    next_cursor: str = ""


_CONDITIONS = {Which.open: open_ones, Which.held: held_ones, Which.decided: decided_ones}
OVERDUE, DUE, ASKED, OTHER = range(4)


def _rank(process: Process, now: datetime) -> Any:
    """The place of a contribution in the order of questions, as an expression."""
    asked = (Contribution.stance == Stance.question, ASKED)
    if process.answer_days is None:
        return case(asked, else_=OTHER)
    waits = is_open_question(process.id)
    return case((and_(waits, overdue(process, now)), OVERDUE), (waits, DUE), asked, else_=OTHER)


def _items(process: Process, person: Person, chosen: Any, by: Sequence[Any], now: datetime) -> list[Item]:
    """These contributions with all that stands beside them. Four queries."""
    reader = reader_of(process, person)
    gathered = select(func.count()).where(Gathered.head_id == Contribution.id).correlate(Contribution).scalar_subquery()
    found = db.session.execute(
        rows(reader.person_id, reader.lang)
        .add_columns(gathered.label("gathered"), is_own(person).label("own"), _rank(process, now).label("rank"))
        .where(Contribution.id.in_(chosen))
        .order_by(*by)
    ).all()
    items = [Item(show(process, row, reader), row.gathered, bool(row.own), row.rank) for row in found]
    ids = [item.shown.id for item in items]
    led = led_to(ids, audiences_open_to(person, process), unpublished=True)
    places = {item.shown.element_id for item in items if item.shown.element_id is not None}
    names = names_of(process, places | {one.element_id for each in led.values() for one in each}, person)
    decisions = decisions_on(ids, with_held=True)
    for item in items:
        one = item.shown
        one.disposition = decisions.get(one.id)
        if one.disposition is None and item.rank in (OVERDUE, DUE):
            item.due, item.late = due_on(process, one.published_at), item.rank == OVERDUE
        # Who works here decides about it, and needs no moderators told.
        one.may_report = False
        place = names.get(one.element_id or 0)
        if place is not None:
            one.target_label, one.target_key = place.heading, place.key
        item.led = [
            (change, names[change.element_id].heading if change.element_id in names else change.element_key)
            for change in led.get(one.id, [])
        ]
    return items


def _narrowed(process: Process, wanted: Wanted, column: Any) -> Any:
    query = select(column).where(*_CONDITIONS[wanted.which](process.id))
    query = narrowed(query, wanted.stance, wanted.lang, wanted.channel)
    if wanted.element_id is not None:
        query = query.where(at(wanted.element_id))
    if wanted.whole:
        query = query.where(Contribution.element_id.is_(None))
    return query


def numbers_of(process: Process, wanted: Wanted, most: int) -> list[int]:
    """The numbers of all in this list, the oldest first, at most so many."""
    query = _narrowed(process, wanted, Contribution.number).order_by(Contribution.number).limit(most)
    return list(db.session.scalars(query))


def desk(process: Process, person: Person, wanted: Wanted, before: str = "") -> DeskPage:
    """A page of the desk; `before` is where to go on, and one that is none begins at the start."""
    now = clock.now()
    query = _narrowed(process, wanted, Contribution.id)
    first: Any = {Order.supported: Contribution.agrees, Order.questions: _rank(process, now)}.get(wanted.order)
    falling = wanted.order == Order.supported
    by = [
        *([first.desc() if falling else first] if first is not None else []),
        Contribution.number.desc() if falling else Contribution.number,
    ]
    place = _CURSOR.fullmatch(before)
    if place is not None:
        rank, number = int(place[1]), int(place[2])
        if falling:
            query = query.where(tuple_(first, Contribution.number) < tuple_(rank, number))
        elif first is not None:
            query = query.where(tuple_(first, Contribution.number) > tuple_(rank, number))
        else:
            query = query.where(Contribution.number > number)
    chosen = query.order_by(*by).limit(PAGE + 1).subquery()
    items = _items(process, person, select(chosen.c.id), by, now)
    if len(items) <= PAGE:
        return DeskPage(items)
    last = items[PAGE - 1]
    ranks = {Order.supported: last.shown.agrees, Order.questions: last.rank}
    return DeskPage(items[:PAGE], f"{ranks.get(wanted.order, 0)}.{last.shown.number}")


def chosen_ones(process: Process, person: Person, numbers: Iterable[int]) -> list[Item]:
    """The contributions with these numbers that can be decided about: public ones, no replies; in order."""
    ids = select(Contribution.id).where(
        Contribution.process_id == process.id,
        Contribution.number.in_(list(numbers)),
        Contribution.state == State.published,
        Contribution.parent_id.is_(None),
    )
    return _items(process, person, ids, [Contribution.number], clock.now())
