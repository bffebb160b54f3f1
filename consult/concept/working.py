"""The working text from the inside: its lock, its places, its words. The verbs are in `operations`."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm.attributes import set_committed_value

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import Change, ChangeKind, Element, ElementKind, PlacedLink, Placement, Version, Wording
from consult.errors import Refused
from consult.extensions import db
from consult.html import render_markdown

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,78}")
MAX_TEXT = 200_000


@dataclass(frozen=True)
class Text:
    """What an element says. `title` is one line; `markdown` the text below it."""

    title: str = ""
    markdown: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    lang: str = "de"
    source: str | None = None


@dataclass(frozen=True)
class Part:
    """A new element: its permanent key, its words, and the number it shows."""

    key: str
    text: Text
    label: str = ""
    kind: ElementKind | None = None


def lock_working(concept_id: int) -> Version:
    """The working text of a concept, locked until the end of the transaction: editors take turns."""
    version = db.session.scalar(
        select(Version)
        .where(Version.concept_id == concept_id, Version.number.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if version is None:
        raise LookupError(f"concept {concept_id} has no working text")
    return version


def id_of(actor: Person | None) -> int | None:
    return actor.id if actor else None


def as_text(text: Text | Wording) -> str:
    return f"{text.title}\n\n{text.markdown}".strip()


def need_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Please give a reason: it is shown beside the change."))


def new_element(concept_id: int, kind: ElementKind, key: str, now: datetime | None) -> Element:
    if not _KEY.fullmatch(key):
        raise Refused(_("A key has small letters, digits and hyphens only."))
    taken = db.session.scalar(select(Element.id).where(Element.concept_id == concept_id, Element.key == key))
    if taken is not None:
        raise Refused(_("The key %(key)s is taken.", key=key))
    element = Element(concept_id=concept_id, kind=kind, key=key, created_at=now or clock.now())
    db.session.add(element)
    db.session.flush()
    return element


def write(
    element_id: int,
    text: Text,
    based_on_id: int | None,
    actor: Person | None,
    *,
    plain: bool = False,
    now: datetime | None = None,
) -> Wording:
    if not text.title.strip() and not text.markdown.strip():
        raise Refused(_("An element needs a title or a text."))
    if len(text.markdown) > MAX_TEXT:
        raise Refused(_("This text is too long: %(n)s characters at most.", n=MAX_TEXT))
    wording = Wording(
        element_id=element_id,
        lang=text.lang,
        plain=plain,
        title=text.title,
        markdown=text.markdown,
        html=render_markdown(text.markdown),
        based_on_id=based_on_id,
        details=text.details,
        source=text.source,
        actor_id=id_of(actor),
        created_at=now or clock.now(),
    )
    db.session.add(wording)
    db.session.flush()
    return wording


def placement_of(working: Version, element: Element) -> Placement:
    placement = db.session.scalar(
        select(Placement).where(Placement.version_id == working.id, Placement.element_id == element.id)
    )
    if placement is None:
        raise Refused(_("This part is no longer in the working text."))
    return placement


def free_position(version_id: int, parent_id: int | None, wanted: int | None) -> int:
    siblings = Placement.version_id == version_id
    siblings &= Placement.parent_id.is_(None) if parent_id is None else Placement.parent_id == parent_id
    if wanted is None:
        last = db.session.scalar(select(func.max(Placement.position)).where(siblings))
        return 0 if last is None else last + 1
    db.session.execute(
        update(Placement)
        .where(siblings, Placement.position >= wanted)
        .values(position=Placement.position + 1)
        .execution_options(synchronize_session="evaluate")
    )
    return wanted


def place(
    working: Version,
    element_id: int,
    parent_id: int | None,
    label: str,
    wording_id: int,
    position: int | None,
) -> None:
    position = free_position(working.id, parent_id, position)
    db.session.add(
        Placement(
            version_id=working.id,
            element_id=element_id,
            parent_id=parent_id,
            position=position,
            label=label,
            wording_id=wording_id,
        )
    )
    db.session.flush()


def unplace(working: Version, placement: Placement, children_to: int | None) -> None:
    """Take out of the working text; children and links move to `children_to`."""
    element_id = placement.element_id
    if children_to is not None:
        children = db.session.scalars(
            select(Placement).where(Placement.version_id == working.id, Placement.parent_id == element_id)
        )
        for child in list(children):
            child.parent_id = children_to
    db.session.execute(
        delete(PlacedLink).where(
            PlacedLink.version_id == working.id,
            (PlacedLink.from_element_id == element_id) | (PlacedLink.to_element_id == element_id),
        )
    )
    db.session.delete(placement)
    db.session.flush()


def refuse_cycle(version_id: int, element_id: int, target_id: int) -> None:
    parents = dict(
        db.session.execute(
            select(Placement.element_id, Placement.parent_id).where(Placement.version_id == version_id)
        ).all()
    )
    current: int | None = target_id
    while current is not None:
        if current == element_id:
            raise Refused(_("A part cannot stand below itself."))
        current = parents.get(current)


def same_number(version_id: int) -> list[str]:
    """Numbers that two or more elements of one kind show in this version, in order."""
    rows = db.session.execute(
        select(Placement.label)
        .join(Element, Element.id == Placement.element_id)
        .where(Placement.version_id == version_id, Placement.label != "")
        .group_by(Element.kind, Placement.label)
        .having(func.count() > 1)
        .order_by(Placement.label)
    )
    return sorted(set(rows.scalars()))


def log_change(
    working: Version,
    element_id: int,
    kind: ChangeKind,
    reason: str,
    actor: Person | None,
    now: datetime | None,
    **places: Any,
) -> Change:
    change = Change(
        element_id=element_id, kind=kind, reason=reason, actor_id=id_of(actor), created_at=now or clock.now(), **places
    )
    db.session.add(change)
    db.session.flush()
    set_committed_value(change, "element", db.session.get_one(Element, element_id))
    # Editors hold the lock on the working text, so ids of changes follow its order.
    working.change_head = change.id
    working.revision += 1
    db.session.flush()
    return change
