"""Pages of contributions: the thread of an element, the list of a process, one with its replies.

A page costs one query per kind of thing, however many contributions there are; no entity is loaded for reading.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, func, literal, or_, select, true, union_all
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import ElementHeir, Placement, ProcessConcept, Version, VersionAudience
from consult.concept.queries import names_of
from consult.contributions.models import Contribution, State
from consult.contributions.openness import may_use
from consult.contributions.policy import can_see_text
from consult.contributions.shown import Reader, Shown, nest, rows, show, tell_outcomes
from consult.extensions import db
from consult.i18n import language
from consult.processes.models import Activity, Process, ProcessState
from consult.processes.queries import Opening, openings

PAGE = 20
#: Replies shown below one contribution; its own page has the rest.
REPLIES = 30
_ONCE_PUBLIC = (State.hidden, State.withdrawn, State.pending)


@dataclass
class Thread:
    """A page of contributions with their replies."""

    items: list[Shown]
    #: Number to go on from; None on the last page.
    next_cursor: int | str | None = None
    #: The reader's own ones that wait for a moderator; None where the page has no place for them.
    waiting: list[Shown] | None = None

    def ids(self) -> list[int]:
        return [one.id for item in self.everything() for one in item.everything()]

    def everything(self) -> Iterator[Shown]:
        yield from self.items
        yield from self.waiting or ()

    def tell(self, outcomes: Mapping[int, Any]) -> None:
        """Put beside each contribution what became of it: the answer of `weighing.queries.decisions_on(page.ids())`."""
        tell_outcomes(self.everything(), outcomes)


def reader_of(
    process: Process,
    person: Person | None,
    *,
    may_reply: bool = False,
    may_react: bool = False,
    reveal: bool = False,
) -> Reader:
    """How this person sees contributions of the process."""
    living = process.state != ProcessState.archived
    return Reader(
        person_id=person.id if person else None,
        now=clock.now(),
        lang=language(),
        may_reply=may_reply and living,
        may_react=may_react and living and person is not None,
        reveal=reveal,
    )


def openings_for(process: Process, person: Person | None) -> tuple[Opening | None, Opening | None]:
    """What is open to this person now: (commenting, agreeing). A guest counts as the public. One query."""
    found = openings(process.id)
    comment, react = found.get(Activity.comment), found.get(Activity.react)
    return (
        comment if comment and may_use(person, process.id, comment) else None,
        react if react and may_use(person, process.id, react) else None,
    )


def _newest_first(query: Any) -> Any:
    """By number, in the very order of the index: all parents are NULL here, but PostgreSQL does not know that."""
    if db.session.get_bind().dialect.name == "postgresql":
        return query.order_by(Contribution.parent_id.desc().nulls_first(), Contribution.number.desc())
    return query.order_by(Contribution.number.desc())


def _origins(element_id: int) -> Any:
    """What an element descends from, as a subquery."""
    return select(ElementHeir.element_id).where(ElementHeir.heir_id == element_id)


def at(element_id: int) -> Any:
    """On this element, or on one it descends from. As one set: with OR no database walks its index."""
    return Contribution.element_id.in_(union_all(select(literal(element_id)), _origins(element_id)))


def _root_ids(process_id: int, element_id: int, before: int | None) -> Any:
    """Ids of the next page's roots: public ones, and others only where a public reply hangs on them."""
    answer = aliased(Contribution)
    hanging = select(answer.id).where(answer.root_id == Contribution.id, answer.state == State.published).exists()
    roots = select(Contribution.id).where(Contribution.parent_id.is_(None), Contribution.process_id == process_id)
    if before is not None:
        roots = roots.where(Contribution.number < before)
    public = roots.where(Contribution.state == State.published)
    kept = roots.where(Contribution.state.in_(_ONCE_PUBLIC), Contribution.published_at.is_not(None), hanging)
    here = Contribution.element_id == element_id
    inherited = Contribution.element_id.in_(_origins(element_id))
    pages = [
        _newest_first(public.where(here)).limit(PAGE + 1).subquery(),
        kept.where(here).subquery(),
        kept.where(inherited).subquery(),
    ]
    if db.session.get_bind().dialect.name == "postgresql":
        # One walk of the index per origin; left to itself the planner walks through all contributions of the process.
        origin = ElementHeir.__table__.alias()
        page = _newest_first(public.where(Contribution.element_id == origin.c.element_id)).limit(PAGE + 1).lateral()
        pages.append(
            select(page.c.id).select_from(origin.join(page, true())).where(origin.c.heir_id == element_id).subquery()
        )
    else:
        pages.append(_newest_first(public.where(inherited)).limit(PAGE + 1).subquery())
    return union_all(*(select(page.c.id) for page in pages)).subquery()


def thread(
    process: Process,
    element_id: int,
    person: Person | None,
    *,
    before: int | None = None,
    wording_id: int | None = None,
    key: str = "",
    may_reply: bool = False,
    may_react: bool = False,
) -> Thread:
    """The contributions on an element and on all it descends from, newest first, each once, with replies.

    `wording_id`, placed in the newest public version, saves a query when the caller knows it. `before` is the number
    to go on from; `key` that of the element, for links to what changed in it.
    """
    reader = reader_of(process, person, may_reply=may_reply, may_react=may_react)
    ids = _root_ids(process.id, element_id, before)
    found = db.session.execute(
        rows(reader.person_id, reader.lang)
        .where(Contribution.id.in_(select(ids.c.id)))
        .order_by(Contribution.number.desc())
        .limit(PAGE + 1)
    ).all()
    page = Thread(
        [show(process, row, reader) for row in found[:PAGE]], found[PAGE - 1].number if len(found) > PAGE else None
    )
    return filled(process, element_id, page, reader, wording_id=wording_id, key=key, first=before is None)


def filled(
    process: Process, element_id: int, result: Thread, reader: Reader, *, wording_id: int | None, key: str, first: bool
) -> Thread:
    """The page of an element with everything beside its contributions: replies, one's own that wait, what changed."""
    _add_replies(process, result.items, reader)
    if first:
        result.waiting = _own_waiting(process, element_id, reader) if reader.person_id is not None else []
    _compare(process.id, result.everything(), element_id, wording_id, key)
    return result


@cache
def _these() -> Any:
    """Made once. By their ids, which a plan that is made once serves as well as one made each time."""
    return (
        rows(bindparam("reader_id"), bindparam("reader_lang"))
        .where(Contribution.id.in_(bindparam("ids", expanding=True)))
        .order_by(Contribution.number.desc())
        .limit(PAGE)
    )


def waiting_for(
    process: Process, element_id: int, person: Person, ids: list[int], *, wording_id: int | None, key: str
) -> list[Shown]:
    """What `thread` shows this person of their own that waits (`ids`), without the rest of the page."""
    reader = reader_of(process, person)
    found = db.session.execute(_these(), {"reader_id": person.id, "reader_lang": reader.lang, "ids": ids}).all()
    items = [show(process, row, reader) for row in found]
    _compare(process.id, items, element_id, wording_id, key)
    return items


def _compare(process_id: int, items: Iterable[Shown], element_id: int, wording_id: int | None, key: str) -> None:
    """Say of each whether the text has changed since."""
    now_placed = {element_id: wording_id} if wording_id is not None else wordings_now(process_id, [element_id])
    for item in items:
        for one in item.everything():
            one.changed_since = one.wording_id is not None and one.wording_id != now_placed.get(element_id)
            one.shown_at = key


def _own_waiting(process: Process, element_id: int, reader: Reader) -> list[Shown]:
    """What this reader wrote here and nobody has looked at yet; replies among them stand below what they answer."""
    found = db.session.execute(
        rows(reader.person_id, reader.lang)
        .where(
            at(element_id),
            Contribution.process_id == process.id,
            Contribution.state == State.pending,
            Contribution.author_id == reader.person_id,
            Contribution.parent_id.is_(None),
        )
        .order_by(Contribution.number.desc())
        .limit(PAGE)
    ).all()
    return [show(process, row, reader) for row in found]


def _add_replies(process: Process, roots: list[Shown], reader: Reader, after: int = 0) -> None:
    """Load the first replies of each root, in order of arrival. One query."""
    if not roots:
        return
    visible = or_(
        Contribution.state == State.published,
        and_(Contribution.published_at.is_not(None), Contribution.state.in_(_ONCE_PUBLIC)),
    )
    if reader.person_id is not None:
        visible = or_(visible, and_(Contribution.author_id == reader.person_id, Contribution.state == State.pending))
    root = Contribution.root_id
    placed = (
        select(
            Contribution.id,
            func.row_number().over(partition_by=root, order_by=Contribution.number).label("place"),
            func.count().over(partition_by=root).label("total"),
        )
        .where(Contribution.root_id.in_([root.id for root in roots]), Contribution.number > after, visible)
        .subquery()
    )
    found = db.session.execute(
        rows(reader.person_id, reader.lang)
        .add_columns(placed.c.total)
        .join(placed, placed.c.id == Contribution.id)
        .where(placed.c.place <= REPLIES)
        .order_by(Contribution.number)
    ).all()
    by_id = {item.id: item for item in roots}
    for row in found:
        by_id[row.root_id].more_replies = max(0, row.total - REPLIES)
    nest(roots, [show(process, row, reader) for row in found])


def wordings_now(process_id: int, element_ids: Iterable[int]) -> dict[int, int]:
    """The wording of each element in the newest public version of its concept. Elements not in it are left out."""
    newest = (
        select(Version.concept_id, func.max(Version.number).label("number"))
        .join(ProcessConcept, ProcessConcept.concept_id == Version.concept_id)
        .where(
            ProcessConcept.process_id == process_id,
            Version.number.is_not(None),
            Version.audience == VersionAudience.public,
        )
        .group_by(Version.concept_id)
        .subquery()
    )
    found = db.session.execute(
        select(Placement.element_id, Placement.wording_id)
        .join(Version, Version.id == Placement.version_id)
        .join(newest, and_(newest.c.concept_id == Version.concept_id, newest.c.number == Version.number))
        .where(Placement.element_id.in_(set(element_ids)))
    )
    return {row.element_id: row.wording_id for row in found}


def add_places(process: Process, person: Person | None, items: Iterable[Shown]) -> None:
    """Say beside each contribution what it is about, and whether that text has changed since."""
    everything = list(items)
    ids = {item.element_id for item in everything if item.element_id is not None}
    if not ids:
        return
    names, now_placed = names_of(process, ids, person), wordings_now(process.id, ids)
    for item in everything:
        place = names.get(item.element_id or 0)
        if place is not None:
            item.target_label, item.target_key = place.heading, place.key
        item.changed_since = item.wording_id is not None and item.wording_id != now_placed.get(item.element_id or 0)


def shown_alone(
    process: Process,
    contribution: Contribution,
    person: Person | None,
    *,
    replies_after: int = 0,
    may_reply: bool = False,
    may_react: bool = False,
) -> Shown:
    """One contribution for its own page, with its place and its replies."""
    reveal = can_see_text(person, process, contribution)
    reader = reader_of(process, person, may_reply=may_reply, may_react=may_react, reveal=reveal)
    row = db.session.execute(rows(reader.person_id, reader.lang).where(Contribution.id == contribution.id)).one()
    item = show(process, row, reader)
    add_places(process, person, [item])
    in_thread = reader_of(process, person, may_reply=may_reply, may_react=may_react)
    if contribution.parent_id is None:
        _add_replies(process, [item], in_thread, replies_after)
    else:
        _add_replies_below(process, item, in_thread)
    return item


def _add_replies_below(process: Process, item: Shown, reader: Reader) -> None:
    """The direct replies to a reply."""
    found = db.session.execute(
        rows(reader.person_id, reader.lang)
        .where(Contribution.parent_id == item.id, Contribution.state == State.published)
        .order_by(Contribution.number)
        .limit(REPLIES)
    ).all()
    item.replies = [show(process, row, reader) for row in found]
