"""What of a thread looks different for one reader: their own contributions, and those they agree or disagree with."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from flask import current_app, g, request
from markupsafe import Markup
from sqlalchemy import bindparam, null, or_, select, union_all

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import ElementHeir
from consult.contributions.models import EDIT_TIME, Contribution, Reaction, State
from consult.contributions.shown import Shown
from consult.contributions.threads import Thread
from consult.extensions import db
from consult.filled import Layout, again
from consult.pages import fragments
from consult.processes.models import Process


@dataclass(frozen=True)
class InThread:
    """A thread as it looks to somebody signed in who has nothing of their own in it."""

    process_id: int
    zone: str
    element_id: int
    items: dict[int, Shown]

    @classmethod
    def of(cls, process: Process, element_id: int, thread: Thread) -> "InThread":
        items = {one.id: one for item in thread.everything() for one in item.everything()}
        return cls(process.id, process.zone, element_id, items)


@cache
def _question() -> Any:
    """Reactions to the contributions shown, and one row without a kind where something is for the author alone."""
    person: Any = bindparam("person_id")
    element: Any = bindparam("element_id")
    reactions = select(Reaction.contribution_id, Reaction.kind).where(
        Reaction.person_id == person, Reaction.contribution_id.in_(bindparam("shown", expanding=True))
    )
    origins = select(ElementHeir.element_id).where(ElementHeir.heir_id == element)
    alone = (
        select(Contribution.id, null())
        .where(
            Contribution.author_id == person,
            Contribution.process_id == bindparam("process_id"),
            Contribution.state != State.published,
            or_(Contribution.element_id == element, Contribution.element_id.in_(origins)),
        )
        .limit(1)
    )
    return union_all(reactions, select(alone.subquery()))


def own_parts(person: Person, layout: Layout) -> dict[int, Markup] | None:
    """The contributions that look different for this person. One query.

    None when something of theirs is not public here: it waits, was held back or withdrawn, and only they see it.
    """
    thread: InThread = layout.facts
    found = db.session.execute(
        _question(),
        {"person_id": person.id, "element_id": thread.element_id, "process_id": thread.process_id,
         "shown": list(thread.items)},
    ).all()  # fmt: skip
    reacted = {row[0]: row[1] for row in found}
    if None in reacted.values():
        return None
    g.zone = thread.zone
    now = clock.now()
    own = {}
    for ident, item in thread.items.items():
        if item.author_id == person.id:
            editable = item.body is not None and now < item.created_at + EDIT_TIME
            own[ident] = replace(
                item, mine=True, reveal=True, editable=editable, may_react=False, may_report=False, replies=[]
            )
        elif ident in reacted:
            own[ident] = replace(item, reacted=reacted[ident], replies=[])
    if not own:
        return {}
    one = current_app.jinja_env.get_template("contributions/_thread.html").module.one  # type: ignore[attr-defined]
    return {
        ident: fragments.once(_holed(one, ident), item, beside=(request.full_path, thread.zone), **layout.parts[ident])
        for ident, item in own.items()
    }


def _holed(macro: Any, ident: int) -> Any:
    def made(item: Shown, **options: Any) -> Markup:
        return again(macro, ident, item, **options)

    made.name = f"one-{ident}"  # type: ignore[attr-defined]  # as a macro has it
    return made
