"""Changing the working text, and publishing it. Every change has a reason; nothing is overwritten."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.orm.attributes import set_committed_value

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept import seal
from consult.concept.models import (
    Change,
    ChangeKind,
    Concept,
    ConceptKind,
    Element,
    ElementHeir,
    ElementKind,
    Lineage,
    LineageKind,
    LinkKind,
    Mandate,
    PlacedLink,
    Placement,
    ProcessConcept,
    Version,
    VersionAudience,
    Wording,
)  # fmt: skip
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.html import render_markdown
from consult.processes.models import Process

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


def create_concept(
    process: Process, kind: ConceptKind, title: str, actor: Person | None, source: str | None = None
) -> Concept:
    """A concept with an empty working text, worked on in this process."""
    concept = Concept(kind=kind, title=title, source=source)
    db.session.add(concept)
    db.session.flush()
    position = 0 if kind == ConceptKind.charter else 1
    db.session.add(ProcessConcept(process_id=process.id, concept_id=concept.id, position=position))
    db.session.add(Version(concept_id=concept.id, number=None, title=title))
    db.session.flush()
    record(Action.concept_created, _id(actor), concept, process_id=process.id)
    return concept


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


def add(
    concept: Concept,
    kind: ElementKind,
    part: Part,
    *,
    parent: Element | None,
    reason: str,
    actor: Person | None,
    process: Process,
    position: int | None = None,
    now: datetime | None = None,
) -> Change:
    """Place a new element at the end of its parent, or at `position`. Refuses a key that is taken or malformed."""
    working = lock_working(concept.id)
    element = _new_element(concept.id, kind, part.key, now)
    wording = _write(element.id, part.text, None, actor, now=now)
    _place(working, element.id, parent.id if parent else None, part.label, wording.id, position)
    change = _change(working, element.id, ChangeKind.create, reason, actor, now, to_wording_id=wording.id,
                     to_parent_id=parent.id if parent else None)  # fmt: skip
    record(Action.element_created, _id(actor), element, process_id=process.id, change_id=change.id)
    return change


def edit(
    element: Element,
    base_wording_id: int,
    text: Text,
    *,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> Change | None:
    """Give an element new words in the working text.

    Returns None when nothing changed. Raises `Conflict` with both texts when somebody else edited meanwhile.
    """
    working = lock_working(element.concept_id)
    placement = _placement(working, element)
    before = db.session.get_one(Wording, placement.wording_id)
    if (before.title, before.markdown, before.details) == (text.title, text.markdown, text.details):
        return None
    if before.id != base_wording_id:
        raise Conflict(yours=_as_text(text), theirs=_as_text(before), current_id=before.id)
    _need_reason(reason)
    wording = _write(element.id, text, before.id, actor, now=now)
    placement.wording_id = wording.id
    change = _change(working, element.id, ChangeKind.edit, reason, actor, now, from_wording_id=before.id,
                     to_wording_id=wording.id)  # fmt: skip
    record(Action.element_edited, _id(actor), element, process_id=process.id, change_id=change.id)
    return change


def move(
    element: Element,
    parent: Element | None,
    *,
    position: int | None = None,
    label: str | None = None,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> Change | None:
    """Put an element below another one. Refuses to put it below itself. None when it stood there already."""
    working = lock_working(element.concept_id)
    placement = _placement(working, element)
    target = parent.id if parent else None
    if target is not None:
        _refuse_cycle(working.id, element.id, target)
        _placement(working, parent)  # type: ignore[arg-type]  # not None here
    if label is not None:
        placement.label = label
    if placement.parent_id == target and position is None:
        db.session.flush()
        return None
    _need_reason(reason)
    before = placement.parent_id
    placement.parent_id = target
    placement.position = _free_position(working.id, target, position)
    db.session.flush()
    change = _change(working, element.id, ChangeKind.move, reason, actor, now, from_wording_id=placement.wording_id,
                     to_wording_id=placement.wording_id, from_parent_id=before, to_parent_id=target)  # fmt: skip
    record(Action.element_moved, _id(actor), element, process_id=process.id, change_id=change.id)
    return change


def set_label(element: Element, label: str) -> None:
    """Show another number; identity and address stay."""
    placement = _placement(lock_working(element.concept_id), element)
    placement.label = label
    db.session.flush()


def split(
    element: Element,
    parts: Sequence[Part],
    *,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> list[Change]:
    """Replace an element by two or more new ones in its place; its children go to the first.

    Returns one change per part. Contributions to the old element will show at all parts and count once.
    """
    if len(parts) < 2:
        raise Refused(_("Splitting needs at least two parts."))
    _need_reason(reason)
    working = lock_working(element.concept_id)
    old = _placement(working, element)
    changes = []
    for offset, part in enumerate(parts):
        heir = _new_element(element.concept_id, part.kind or ElementKind(element.kind), part.key, now)
        wording = _write(heir.id, part.text, old.wording_id, actor, now=now)
        _place(working, heir.id, old.parent_id, part.label, wording.id, old.position + offset)
        change = _change(working, heir.id, ChangeKind.split_, reason, actor, now, from_wording_id=old.wording_id,
                         to_wording_id=wording.id, from_parent_id=old.parent_id,
                         to_parent_id=old.parent_id)  # fmt: skip
        db.session.add(
            Lineage(change_id=change.id, from_element_id=element.id, to_element_id=heir.id, kind=LineageKind.split_)
        )
        changes.append(change)
    _unplace(working, old, children_to=changes[0].element_id)
    db.session.flush()
    record(Action.element_split, _id(actor), element, process_id=process.id, change_id=changes[0].id,
           into=[change.element_id for change in changes])  # fmt: skip
    return changes


def merge(
    elements: Sequence[Element],
    into: Part | Element,
    text: Text,
    *,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> Change:
    """Join two or more elements into a new one, or into one of them, with new words; children come along."""
    if len({element.id for element in elements}) < 2:
        raise Refused(_("Merging needs at least two elements."))
    _need_reason(reason)
    working = lock_working(elements[0].concept_id)
    placements = [_placement(working, element) for element in elements]
    first = placements[0]
    if isinstance(into, Element):
        keep = _placement(working, into)
        wording = _write(into.id, text, keep.wording_id, actor, now=now)
        before, keep.wording_id, heir_id = keep.wording_id, wording.id, into.id
    else:
        heir = _new_element(elements[0].concept_id, into.kind or ElementKind(elements[0].kind), into.key, now)
        wording = _write(heir.id, text, first.wording_id, actor, now=now)
        before, heir_id = first.wording_id, heir.id
        _place(working, heir.id, first.parent_id, into.label, wording.id, first.position)
    change = _change(working, heir_id, ChangeKind.merge, reason, actor, now, from_wording_id=before,
                     to_wording_id=wording.id)  # fmt: skip
    for placement in placements:
        if placement.element_id == heir_id:
            continue
        db.session.add(
            Lineage(change_id=change.id, from_element_id=placement.element_id, to_element_id=heir_id,
                    kind=LineageKind.merge)
        )  # fmt: skip
        _unplace(working, placement, children_to=heir_id)
    db.session.flush()
    record(Action.elements_merged, _id(actor), ("element", heir_id), process_id=process.id, change_id=change.id,
           into=heir_id)  # fmt: skip
    return change


def retire(
    element: Element, *, reason: str, actor: Person | None, process: Process, now: datetime | None = None
) -> Change:
    """Take an element out of the working text. It stays in all published versions. Refuses while parts stand below."""
    _need_reason(reason)
    working = lock_working(element.concept_id)
    placement = _placement(working, element)
    below = db.session.scalar(
        select(func.count())
        .select_from(Placement)
        .where(Placement.version_id == working.id, Placement.parent_id == element.id)
    )
    if below:
        raise Refused(_("Other parts still stand below this one. Please move or retire them first."))
    change = _change(working, element.id, ChangeKind.retire, reason, actor, now, from_wording_id=placement.wording_id,
                     from_parent_id=placement.parent_id)  # fmt: skip
    _unplace(working, placement, children_to=None)
    db.session.flush()
    record(Action.element_retired, _id(actor), element, process_id=process.id, change_id=change.id)
    return change


def set_link(source: Element, target: Element, *, present: bool, actor: Person | None, process: Process) -> None:
    """Say (or unsay) in the working text that `source` serves `target`. Doing it twice changes nothing."""
    working = lock_working(source.concept_id)
    known = db.session.scalar(
        select(PlacedLink).where(
            PlacedLink.version_id == working.id,
            PlacedLink.from_element_id == source.id,
            PlacedLink.to_element_id == target.id,
        )
    )
    if (known is not None) == present:
        return
    if known is None:
        db.session.add(PlacedLink(version_id=working.id, from_element_id=source.id, to_element_id=target.id,
                                  kind=LinkKind.serves))  # fmt: skip
    else:
        db.session.delete(known)
    working.revision += 1
    db.session.flush()
    record(Action.link_changed, _id(actor), source, process_id=process.id, to=target.id, present=present)


def set_mandate(group_id: int, element_ids: Iterable[int], *, actor: Person | None, process: Process) -> None:
    """The parts a group works on; replaces the former mandate."""
    wanted = sorted(set(element_ids))
    db.session.execute(delete(Mandate).where(Mandate.group_id == group_id))
    if wanted:
        db.session.execute(insert(Mandate), [{"group_id": group_id, "element_id": ident} for ident in wanted])
    record(Action.mandate_changed, _id(actor), ("groups", group_id), process_id=process.id, element_ids=wanted)


def translate(
    wording: Wording, text: Text, actor: Person | None, *, plain: bool = False, now: datetime | None = None
) -> Wording:
    """A plain-language or translated text that hangs on a wording, outside the seal."""
    row = _write(wording.element_id, text, wording.id, actor, plain=plain, now=now)
    return row


def publish(
    concept: Concept,
    *,
    title: str,
    audience: VersionAudience,
    actor: Person | None,
    process: Process,
    note: str = "",
    source: str | None = None,
    historic_on: date | None = None,
    now: datetime | None = None,
) -> Version:
    """Freeze the working text as the next numbered version and seal it. Refuses an empty text.

    Two publishers at once take turns by the lock; the second one is refused when nothing changed in between.
    """
    working = lock_working(concept.id)
    last = db.session.scalar(
        select(Version)
        .where(Version.concept_id == concept.id, Version.number.is_not(None))
        .order_by(Version.number.desc())
        .limit(1)
    )
    if last is not None and last.revision == working.revision and last.audience == audience:
        raise Refused(_("Nothing has changed since version %(number)s.", number=last.number))
    version = Version(
        concept_id=concept.id,
        number=(last.number or 0) + 1 if last else 1,
        title=title,
        note=note,
        audience=audience,
        revision=working.revision,
        change_head=working.change_head,
        actor_id=_id(actor),
        source=source,
        historic_on=historic_on,
        created_at=now or clock.now(),
    )
    db.session.add(version)
    db.session.flush()
    copied = db.session.execute(
        insert(Placement).from_select(
            ["version_id", "element_id", "parent_id", "position", "label", "wording_id"],
            select(literal(version.id), Placement.element_id, Placement.parent_id, Placement.position,
                   Placement.label, Placement.wording_id).where(Placement.version_id == working.id),
        )
    )  # fmt: skip
    elements = int(copied.rowcount)  # type: ignore[attr-defined]  # a DML result has it
    if not elements:
        raise Refused(_("There is no text to publish yet."))
    db.session.execute(
        insert(PlacedLink).from_select(
            ["version_id", "from_element_id", "to_element_id", "kind"],
            select(literal(version.id), PlacedLink.from_element_id, PlacedLink.to_element_id, PlacedLink.kind).where(
                PlacedLink.version_id == working.id
            ),
        )
    )
    version.checksum = seal.checksum(version)
    version.sealed_at = now or clock.now()
    db.session.flush()
    rebuild_heirs(concept.id, version.id)
    record(Action.version_published, _id(actor), version, process_id=process.id, number=version.number,
           audience=str(audience), elements=elements)  # fmt: skip
    return version


def rebuild_heirs(concept_id: int, version_id: int) -> None:
    """Find for every replaced element all elements placed now that descend from it, over any number of steps."""
    elements = select(Element.id).where(Element.concept_id == concept_id)
    db.session.execute(delete(ElementHeir).where(ElementHeir.element_id.in_(elements)))
    steps: dict[int, set[int]] = {}
    for before, after in db.session.execute(
        select(Lineage.from_element_id, Lineage.to_element_id).where(Lineage.from_element_id.in_(elements))
    ):
        steps.setdefault(before, set()).add(after)
    placed = set(db.session.scalars(select(Placement.element_id).where(Placement.version_id == version_id)))
    rows = []
    for start in steps:
        seen: set[int] = set()
        ahead = list(steps[start])
        while ahead:
            current = ahead.pop()
            if current not in seen:
                seen.add(current)
                ahead.extend(steps.get(current, ()))
        rows += [{"element_id": start, "heir_id": heir} for heir in sorted(seen & placed - {start})]
    if rows:
        db.session.execute(insert(ElementHeir), rows)


# -- parts of the verbs above ---------------------------------------------------------------------------------


def _id(actor: Person | None) -> int | None:
    return actor.id if actor else None


def _as_text(text: Text | Wording) -> str:
    return f"{text.title}\n\n{text.markdown}".strip()


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Please give a reason: it is shown beside the change."))


def _new_element(concept_id: int, kind: ElementKind, key: str, now: datetime | None) -> Element:
    if not _KEY.fullmatch(key):
        raise Refused(_("A key has small letters, digits and hyphens only."))
    taken = db.session.scalar(select(Element.id).where(Element.concept_id == concept_id, Element.key == key))
    if taken is not None:
        raise Refused(_("The key %(key)s is taken.", key=key))
    element = Element(concept_id=concept_id, kind=kind, key=key, created_at=now or clock.now())
    db.session.add(element)
    db.session.flush()
    return element


def _write(
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
        actor_id=_id(actor),
        created_at=now or clock.now(),
    )
    db.session.add(wording)
    db.session.flush()
    return wording


def _placement(working: Version, element: Element) -> Placement:
    placement = db.session.scalar(
        select(Placement).where(Placement.version_id == working.id, Placement.element_id == element.id)
    )
    if placement is None:
        raise Refused(_("This part is no longer in the working text."))
    return placement


def _free_position(version_id: int, parent_id: int | None, wanted: int | None) -> int:
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


def _place(
    working: Version,
    element_id: int,
    parent_id: int | None,
    label: str,
    wording_id: int,
    position: int | None,
) -> None:
    position = _free_position(working.id, parent_id, position)
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


def _unplace(working: Version, placement: Placement, children_to: int | None) -> None:
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


def _refuse_cycle(version_id: int, element_id: int, target_id: int) -> None:
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


def _change(
    working: Version,
    element_id: int,
    kind: ChangeKind,
    reason: str,
    actor: Person | None,
    now: datetime | None,
    **places: int | None,
) -> Change:
    change = Change(
        element_id=element_id, kind=kind, reason=reason, actor_id=_id(actor), created_at=now or clock.now(), **places
    )
    db.session.add(change)
    db.session.flush()
    set_committed_value(change, "element", db.session.get_one(Element, element_id))
    # Editors hold the lock on the working text, so ids of changes follow its order.
    working.change_head = change.id
    working.revision += 1
    db.session.flush()
    return change
