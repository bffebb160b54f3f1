"""What of a thread looks different for one reader: their own contributions, and those they agree or disagree with."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from flask import current_app, g, request
from markupsafe import Markup
from sqlalchemy import and_, bindparam, case, or_, select, union_all

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import ElementHeir
from consult.contributions.models import EDIT_TIME, Contribution, Reaction, State
from consult.contributions.shown import Shown
from consult.contributions.threads import Thread, waiting_for
from consult.extensions import db
from consult.filled import Layout, again
from consult.pages import fingerprint, fragments
from consult.processes.models import Process

#: In the place of a kind of reaction: something of this person waits for a moderator, and others see nothing of it.
WAITS = "waits"
#: What of a contribution looks different for one reader.
Looks = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class InThread:
    """A thread as it looks to somebody signed in who has nothing of their own in it."""

    process_id: int
    zone: str
    element_id: int
    #: Of the element: its key, and its words where the page knows that they are the public ones.
    key: str
    wording_id: int | None
    items: dict[int, Shown]
    #: Of each item.
    fingerprints: dict[int, bytes]
    #: Whether the page has a place for what waits.
    has_waiting: bool

    @classmethod
    def of(cls, process: Process, element_id: int, thread: Thread, *, key: str, wording_id: int | None) -> "InThread":
        items = {one.id: replace(one, replies=[]) for item in thread.everything() for one in item.everything()}
        fingerprints = {ident: fingerprint(item) for ident, item in items.items()}
        has_waiting = thread.waiting is not None
        return cls(process.id, process.zone, element_id, key, wording_id, items, fingerprints, has_waiting)


@cache
def _question() -> Any:
    """Reactions to the contributions shown, and what is for the author alone, in the place of a kind: `WAITS`, or
    nothing where it stands among what others see.
    """
    person: Any = bindparam("person_id")
    element: Any = bindparam("element_id")
    reactions = select(Reaction.contribution_id, Reaction.kind).where(
        Reaction.person_id == person, Reaction.contribution_id.in_(bindparam("shown", expanding=True))
    )
    origins = select(ElementHeir.element_id).where(ElementHeir.heir_id == element)
    once_public = Contribution.published_at.is_not(None)
    waits = and_(Contribution.parent_id.is_(None), ~once_public)
    alone = select(Contribution.id, case((waits, WAITS))).where(
        Contribution.author_id == person,
        Contribution.process_id == bindparam("process_id"),
        Contribution.state != State.published,
        # What was held back before anybody saw it stands on no page.
        or_(Contribution.state == State.pending, once_public),
        or_(Contribution.element_id == element, Contribution.element_id.in_(origins)),
    )
    return union_all(reactions, alone)


def own_parts(person: Person, layout: Layout) -> dict[int, Markup] | None:
    """The contributions that look different for this person. One query, one more where something of theirs waits.

    None when something of theirs stands among what others see and only they read it: a reply that waits, what was
    public once and is not now. And where nothing but what waits would be on the page, which says so.
    """
    thread: InThread = layout.facts
    found = db.session.execute(
        _question(),
        {"person_id": person.id, "element_id": thread.element_id, "process_id": thread.process_id,
         "shown": list(thread.items)},
    ).all()  # fmt: skip
    kinds: dict[int, str | None] = {row[0]: row[1] for row in found}
    waiting = [ident for ident, kind in kinds.items() if kind == WAITS] if thread.has_waiting else []
    if None in kinds.values() or (waiting and not thread.items):
        return None
    g.zone = thread.zone
    now = clock.now()
    own = {}
    for ident, item in thread.items.items():
        if item.author_id == person.id:
            editable = item.body is not None and now < item.created_at + EDIT_TIME
            own[ident] = _looks(mine=True, reveal=True, editable=editable, may_react=False, may_report=False)
        elif ident in kinds:
            own[ident] = _looks(reacted=kinds[ident])
    if not own and not waiting:
        return {}
    macros: Any = current_app.jinja_env.get_template("contributions/_thread.html").module
    beside = (request.full_path, thread.zone)
    parts = {
        ident: fragments.once(
            _holed(macros.one, ident, looks),
            thread.items[ident],
            beside=(*beside, looks),
            known_as=thread.fingerprints[ident],
            **layout.parts[ident],
        )
        for ident, looks in own.items()
    }
    if waiting:
        process = db.session.get_one(Process, thread.process_id)
        items = waiting_for(process, thread.element_id, person, waiting, wording_id=thread.wording_id, key=thread.key)
        parts[0] = fragments.once(_holed(macros.waiting, 0), items, beside=beside, **layout.parts[0])
    return parts


def _looks(**different: Any) -> Looks:
    return tuple(different.items())


def _holed(macro: Any, ident: int, looks: Looks = ()) -> Any:
    def made(item: Any, **options: Any) -> Markup:
        return again(macro, ident, replace(item, **dict(looks)) if looks else item, **options)

    made.name = f"{macro.name}-{ident}"  # type: ignore[attr-defined]  # as a macro has it
    return made
