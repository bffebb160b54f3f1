"""The working text from the inside: its lock, its places, its words. The verbs are in `operations`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from flask_babel import gettext as _
from slugify import slugify
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import set_committed_value

from consult import clock
from consult.accounts.models import Person
from consult.concept import marks
from consult.concept.kinds import CHARTER_KINDS, may_stand
from consult.concept.models import (
    Change,
    ChangeKind,
    Concept,
    ConceptKind,
    Element,
    ElementKind,
    PlacedLink,
    Placement,
    ProcessConcept,
    Version,
    Wording,
)  # fmt: skip
from consult.concept.words import kind_names
from consult.errors import Refused, Sides
from consult.extensions import db
from consult.html import has_forbidden, render_markdown

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,78}")
_KEY_LENGTH = 60
MAX_TEXT = 200_000
MAX_LINE = 300
MAX_LABEL = 40


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
    """A new element: its permanent key (empty: one is made of its words), its words, and the number it shows."""

    key: str
    text: Text
    label: str = ""


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


def as_fields(text: Text | Wording) -> dict[str, str]:
    """Title, text and details by name, as they are compared and put together."""
    details = {name: value for name, value in text.details.items() if isinstance(value, str) and value}
    return {"title": text.title, "markdown": text.markdown, **details}


def sides_of(element: Element, base_wording_id: int, now: Wording, typed: Text) -> Sides:
    """Both sides of a stale edit; the base is empty when nobody can say which words were the beginning."""
    base = db.session.get(Wording, base_wording_id)
    known = base is not None and base.element_id == element.id
    return Sides(as_fields(base) if base and known else {}, as_fields(now), as_fields(typed))


def need_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Please give a reason: it is shown beside the change."))
    _storable(reason)


def _storable(*texts: str) -> None:
    if any(has_forbidden(text) for text in texts):
        raise Refused(_("This text holds characters that cannot be stored."))


def check_label(label: str) -> None:
    """Raises `Refused` for a number that is too long to be one."""
    _storable(label)
    if len(label) > MAX_LABEL:
        raise Refused(_("This number is too long: %(n)s characters at most.", n=MAX_LABEL))


def taken_keys(concept_id: int) -> Select[str]:
    """Addresses have no concept in them: a key is taken in all texts of a process at once."""
    here, there = aliased(ProcessConcept), aliased(ProcessConcept)
    together = (
        select(there.concept_id).join(here, here.process_id == there.process_id).where(here.concept_id == concept_id)
    )
    return select(Element.key).where((Element.concept_id == concept_id) | Element.concept_id.in_(together))


def _is_taken(concept_id: int, key: str) -> bool:
    return db.session.scalar(taken_keys(concept_id).where(Element.key == key).limit(1)) is not None


def keys_for(kind: ElementKind, text: Text, label: str) -> Iterator[str]:
    """Keys made of the kind and of what the element is called, the best one first; they never end."""
    words = text.title or " ".join(text.markdown.split()[:8]) or label
    stem = slugify(f"{kind} {words}", max_length=_KEY_LENGTH, word_boundary=True) or slugify(kind)
    return (stem if n == 1 else f"{stem}-{n}" for n in count(1))


def free_key(concept_id: int, kind: ElementKind, text: Text, label: str) -> str:
    """A key for a new element, free in all texts of the process."""
    return next(key for key in keys_for(kind, text, label) if not _is_taken(concept_id, key))


def new_element(concept_id: int, kind: ElementKind, part: Part, now: datetime | None) -> Element:
    key = part.key or free_key(concept_id, kind, part.text, part.label)
    if not _KEY.fullmatch(key):
        raise Refused(_("A key has small letters, digits and hyphens only."))
    if part.key and _is_taken(concept_id, key):
        raise Refused(_("The key %(key)s is taken.", key=key))
    element = Element(concept_id=concept_id, kind=kind, key=key, created_at=now or clock.now())
    db.session.add(element)
    db.session.flush()
    return element


def new_wording(
    element_id: int,
    text: Text,
    based_on_id: int | None,
    actor: Person | None,
    *,
    plain: bool = False,
    now: datetime | None = None,
) -> Wording:
    """New words for an element, checked and rendered, not yet stored. Raises `Refused` for what cannot be stored."""
    if not text.title.strip() and not text.markdown.strip():
        raise Refused(_("An element needs a title or a text."))
    if len(text.markdown) > MAX_TEXT:
        raise Refused(_("This text is too long: %(n)s characters at most.", n=MAX_TEXT))
    if len(text.title) > MAX_LINE:
        raise Refused(_("This title is too long: %(n)s characters at most.", n=MAX_LINE))
    _storable(text.title, text.markdown, *(str(value) for value in text.details.values()))
    html = render_markdown(text.markdown, pictures=True)
    marks.refuse_unknown(element_id, html)
    return Wording(
        element_id=element_id,
        lang=text.lang,
        plain=plain,
        title=text.title,
        markdown=text.markdown,
        html=html,
        based_on_id=based_on_id,
        details=text.details,
        source=text.source,
        actor_id=id_of(actor),
        created_at=now or clock.now(),
    )


def write(
    element_id: int,
    text: Text,
    based_on_id: int | None,
    actor: Person | None,
    *,
    plain: bool = False,
    now: datetime | None = None,
) -> Wording:
    wording = new_wording(element_id, text, based_on_id, actor, plain=plain, now=now)
    db.session.add(wording)
    db.session.flush()
    return wording


def placement_of(working: Version, element: Element) -> Placement:
    placement = db.session.scalar(
        select(Placement)
        .where(Placement.version_id == working.id, Placement.element_id == element.id)
        # As it stands now, under the lock: what this session read before may be out of date.
        .execution_options(populate_existing=True)
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


def need_place(working: Version, kind: str, parent: Element | None) -> None:
    """Raises `Refused` when nothing of this kind may stand there, or when the place itself is gone."""
    if parent is not None:
        placement_of(working, parent)
    concept = db.session.get_one(Concept, working.concept_id)
    if may_stand(kind, parent.kind if parent else None, concept.kind):
        return
    names = kind_names()
    if concept.kind == ConceptKind.charter and kind not in CHARTER_KINDS:
        raise Refused(_("The charter has chapters and paragraphs only."))
    if parent is None:
        raise Refused(_("This cannot stand at the top of the text: %(kind)s.", kind=names[kind]))
    raise Refused(_("This cannot stand below “%(parent)s”: %(kind)s.", parent=names[parent.kind], kind=names[kind]))


def place(
    working: Version,
    element_id: int,
    parent_id: int | None,
    label: str,
    wording_id: int,
    position: int | None,
) -> None:
    check_label(label)
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


def unplace(working: Version, placement: Placement, heirs: Sequence[int] = ()) -> None:
    """Take out of the working text; children go to the end of the first heir, links to all heirs."""
    element_id = placement.element_id
    if heirs:
        children = db.session.scalars(
            select(Placement)
            .where(Placement.version_id == working.id, Placement.parent_id == element_id)
            .order_by(Placement.position, Placement.element_id)
        ).all()
        last = free_position(working.id, heirs[0], None)
        for position, child in enumerate(children, start=last):
            child.parent_id, child.position = heirs[0], position
    hand_on_links(working, element_id, heirs)
    db.session.delete(placement)
    db.session.flush()


def hand_on_links(working: Version, element_id: int, heirs: Sequence[int]) -> None:
    """What the element served, and what served it, in every working text: now its heirs, or nobody.

    A goal points from the concept into the charter, so another text than `working` may hold such a link.
    """
    rows = db.session.execute(
        select(PlacedLink, Version)
        .join(Version, Version.id == PlacedLink.version_id)
        .where(
            Version.number.is_(None),
            (PlacedLink.from_element_id == element_id) | (PlacedLink.to_element_id == element_id),
        )
        .order_by(PlacedLink.id)
    ).all()
    for version in {row[1].id: row[1] for row in rows if row[1].id != working.id}.values():
        lock_working(version.concept_id).revision += 1
    for link, _version in rows:
        for heir in heirs:
            ends = [heir if end == element_id else end for end in (link.from_element_id, link.to_element_id)]
            add_link(link.version_id, ends[0], ends[1], link.kind)
        db.session.delete(link)
    db.session.flush()


def add_link(version_id: int, from_id: int, to_id: int, kind: str) -> bool:
    """Add a link unless it is there already. Says whether it was new."""
    known = select(PlacedLink.id).where(
        PlacedLink.version_id == version_id,
        PlacedLink.from_element_id == from_id,
        PlacedLink.to_element_id == to_id,
    )
    if db.session.scalar(known) is not None:
        return False
    db.session.add(PlacedLink(version_id=version_id, from_element_id=from_id, to_element_id=to_id, kind=kind))
    db.session.flush()
    return True


def parents_in(version_id: int) -> dict[int, int | None]:
    """Element -> what it stands below, for the whole version."""
    return dict(
        db.session.execute(
            select(Placement.element_id, Placement.parent_id).where(Placement.version_id == version_id)
        ).all()
    )


def above(parents: dict[int, int | None], element_id: int) -> Iterable[int]:
    """Everything an element stands below, nearest first."""
    current = parents.get(element_id)
    while current is not None:
        yield current
        current = parents.get(current)


def refuse_cycle(version_id: int, element_id: int, target_id: int) -> None:
    if element_id == target_id or element_id in above(parents_in(version_id), target_id):
        raise Refused(_("A part cannot stand below itself."))


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
