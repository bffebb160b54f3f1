"""All contributions of a process as one list: narrowed and ordered as its reader chooses, page by page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import column, select, table, tuple_
from sqlalchemy.orm import aliased

from consult.accounts.models import Person
from consult.contributions.models import Contribution, Order, State
from consult.contributions.policy import can_moderate
from consult.contributions.shown import Reader, rows, show
from consult.contributions.threads import PAGE, Thread, add_places, at, filled, reader_of, thread
from consult.contributions.translating import is_missing
from consult.extensions import db
from consult.processes.models import Process


@dataclass(frozen=True)
class Filter:
    """What the list of contributions is narrowed to; empty means all."""

    stance: str = ""
    kind: str = ""
    channel: str = ""
    lang: str = ""
    state: str = State.published
    #: On this element and on all it descends from.
    element_id: int | None = None
    #: Only contributions to the process as a whole.
    whole: bool = False
    author_id: int | None = None
    #: In another language than this one, and nobody translated the present text into it.
    needs: str = ""
    order: Order = Order.newest


#: Decisions stand to the right of contributions: the table is named, not imported.
_disposition = table("disposition", column("id"), column("contribution_id"))
_release = table("disposition_release", column("disposition_id"))
_gathered = table("gathered", column("contribution_id"), column("head_id"))
_COUNTS = {Order.supported: Contribution.agrees, Order.contested: Contribution.contested}
_CURSOR = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")


def _decided(contribution_id: Any) -> Any:
    """A public decision stands beside it; one that waits for the next version is nobody's business yet."""
    return (
        select(_disposition.c.id)
        .join(_release, _release.c.disposition_id == _disposition.c.id)
        .where(_disposition.c.contribution_id == contribution_id)
        .exists()
    )


def narrowed(query: Any, stance: str, lang: str, channel: str) -> Any:
    """Only contributions that are meant like this, in this language, and came this way; empty: all."""
    asked = ((Contribution.stance, stance), (Contribution.lang, lang), (Contribution.channel, channel))
    return query.where(*(part == value for part, value in asked if value))


def _order(order: Order) -> list[Any]:
    if order in _COUNTS:
        return [_COUNTS[order].desc(), Contribution.number.desc()]
    return [Contribution.number.asc() if order == Order.unanswered else Contribution.number.desc()]


def _going_on(query: Any, order: Order, before: str) -> Any:
    """The query from the place on that `before` tells; a cursor that is none begins at the start.

    A list by counts moves while it is read: somebody who agrees meanwhile may show a contribution twice or not.
    """
    place = _CURSOR.fullmatch(before)
    if order == Order.unanswered:
        reply = aliased(Contribution)
        query = query.where(
            Contribution.parent_id.is_(None),
            ~select(reply.id).where(reply.parent_id == Contribution.id, reply.state == State.published).exists(),
            ~_decided(Contribution.id),
            ~select(_gathered.c.head_id)
            .where(_gathered.c.contribution_id == Contribution.id, _decided(_gathered.c.head_id))
            .exists(),
        )
    if place is None:
        return query
    if order in _COUNTS:
        if place[2] is None:
            return query
        return query.where(tuple_(_COUNTS[order], Contribution.number) < tuple_(int(place[1]), int(place[2])))
    if order == Order.unanswered:
        return query.where(Contribution.number > int(place[1]))
    return query.where(Contribution.number < int(place[1]))


def _page(query: Any, order: Order, before: str, *, at_one_place: bool) -> Any:
    """Ids of a page of the contributions that `query` selects, as a subquery.

    At one part of the text they are found first and put in order then: left to itself PostgreSQL walks through the
    whole process in the order wanted until enough of the right ones came by.
    """
    query = _going_on(query, order, before)
    by = _order(order)
    if at_one_place:
        found = query.add_columns(Contribution.number, Contribution.agrees, Contribution.contested).cte()
        found = found.prefix_with("MATERIALIZED", dialect="postgresql")
        column_of = {Order.supported: found.c.agrees, Order.contested: found.c.contested}
        query = select(found.c.id)
        by = [column_of[order].desc()] if order in column_of else []
        by.append(found.c.number.asc() if order == Order.unanswered else found.c.number.desc())
    return query.order_by(*by).limit(PAGE + 1).subquery()


def _cursor(order: Order, row: Any) -> str:
    counts = {Order.supported: row.agrees, Order.contested: min(row.agrees, row.disagrees)}
    return f"{counts[order]}.{row.number}" if order in counts else str(row.number)


def _read(reader: Reader, order: Order, chosen: Any) -> Sequence[Any]:
    return db.session.execute(
        rows(reader.person_id, reader.lang).where(Contribution.id.in_(select(chosen.c.id))).order_by(*_order(order))
    ).all()


def listing(
    process: Process,
    person: Person | None,
    wanted: Filter,
    *,
    before: str = "",
    may_reply: bool = False,
    may_react: bool = False,
) -> Thread:
    """A page of all contributions of a process, replies on their own.

    Other states than "published" are for moderators, and for authors who list their own; else the page is empty.
    """
    own = person is not None and wanted.author_id == person.id
    moderates = can_moderate(person, process)
    if wanted.state != State.published and not (own or moderates):
        return Thread([])
    reader = reader_of(process, person, may_reply=may_reply, may_react=may_react, reveal=moderates)
    query = select(Contribution.id).where(Contribution.process_id == process.id)
    query = narrowed(query, wanted.stance, wanted.lang, wanted.channel)
    for part, value in (
        (Contribution.kind, wanted.kind),
        (Contribution.state, wanted.state),
        (Contribution.author_id, wanted.author_id),
    ):
        if value:
            query = query.where(part == value)
    if wanted.element_id is not None:
        query = query.where(at(wanted.element_id))
    if wanted.whole:
        query = query.where(Contribution.element_id.is_(None))
    if wanted.needs:
        query = query.where(is_missing(wanted.needs))
    chosen = _page(query, wanted.order, before, at_one_place=wanted.element_id is not None)
    found = _read(reader, wanted.order, chosen)
    here = found[:PAGE]
    items = [show(process, row, reader) for row in here]
    add_places(process, person, items)
    return Thread(items, _cursor(wanted.order, here[-1]) if len(found) > PAGE else None)


def chosen_thread(
    process: Process,
    element_id: int,
    person: Person | None,
    wanted: Filter,
    *,
    before: str = "",
    wording_id: int | None = None,
    key: str = "",
    may_reply: bool = False,
    may_react: bool = False,
) -> Thread:
    """The thread of an element as its reader chooses: by stance, language, channel, order.

    Replies stay below what they answer. Without a choice the very page that most people read, see `threads.thread`.
    """
    may = {"may_reply": may_reply, "may_react": may_react}
    place = _CURSOR.fullmatch(before)
    if wanted == Filter():
        number = int(place[1]) if place and place[2] is None else None
        return thread(process, element_id, person, before=number, wording_id=wording_id, key=key, **may)
    reader = reader_of(process, person, **may)
    query = select(Contribution.id).where(
        Contribution.process_id == process.id,
        at(element_id),
        Contribution.state == State.published,
        Contribution.parent_id.is_(None),
    )
    query = narrowed(query, wanted.stance, wanted.lang, wanted.channel)
    found = _read(reader, wanted.order, _page(query, wanted.order, before, at_one_place=True))
    here = found[:PAGE]
    page = Thread(
        [show(process, row, reader) for row in here], _cursor(wanted.order, here[-1]) if len(found) > PAGE else None
    )
    return filled(process, element_id, page, reader, wording_id=wording_id, key=key, first=place is None)
