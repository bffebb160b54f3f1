"""Changing the working text, and publishing it. Every change has a reason; nothing is overwritten."""

from collections.abc import Sequence
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, literal, select

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept import seal
from consult.concept.links import set_link, set_mandate
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
    PlacedLink,
    Placement,
    ProcessConcept,
    Version,
    VersionAudience,
    Wording,
)  # fmt: skip
from consult.concept.working import (
    Part,
    Text,
    above,
    as_text,
    check_label,
    free_position,
    id_of,
    lock_working,
    log_change,
    need_place,
    need_reason,
    new_element,
    parents_in,
    place,
    placement_of,
    refuse_cycle,
    same_number,
    sides_of,
    unplace,
    write,
)
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.processes.models import Process

__all__ = ["Part", "Text", "set_link", "set_mandate"]  # with the verbs below, what callers need


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
    record(Action.concept_created, id_of(actor), concept, process_id=process.id)
    return concept


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
    """Place a new element at the end of its parent, or at `position`.

    Refuses a key that is taken or malformed, and a place where nothing of this kind may stand.
    """
    need_reason(reason)
    working = lock_working(concept.id)
    need_place(working, kind, parent)
    element = new_element(concept.id, kind, part, now)
    wording = write(element.id, part.text, None, actor, now=now)
    place(working, element.id, parent.id if parent else None, part.label, wording.id, position)
    change = log_change(working, element.id, ChangeKind.create, reason, actor, now, to_wording_id=wording.id,
                        to_parent_id=parent.id if parent else None, to_label=part.label)  # fmt: skip
    record(Action.element_created, id_of(actor), element, process_id=process.id, change_id=change.id)
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

    Returns None when the text says this already, or when nothing differs from the words one began with. Raises
    `Conflict` with the texts of both sides when somebody else changed them meanwhile: nothing is saved then.
    """
    working = lock_working(element.concept_id)
    placement = placement_of(working, element)
    before = db.session.get_one(Wording, placement.wording_id)
    if (before.title, before.markdown, before.details) == (text.title, text.markdown, text.details):
        return None
    if before.id != base_wording_id:
        sides = sides_of(element, base_wording_id, before, text)
        if sides.yours == sides.base:
            return None
        # Words that were changed and changed back are the ones this editor saw.
        if sides.theirs != sides.base:
            raise Conflict(as_text(text), as_text(before), before.id, sides)
    need_reason(reason)
    wording = write(element.id, text, before.id, actor, now=now)
    placement.wording_id = wording.id
    change = log_change(working, element.id, ChangeKind.edit, reason, actor, now, from_wording_id=before.id,
                     to_wording_id=wording.id)  # fmt: skip
    record(Action.element_edited, id_of(actor), element, process_id=process.id, change_id=change.id)
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
    """Put an element below another one, at its end or at `position`. None when it stands there already.

    Refuses to put it below itself, and where nothing of its kind may stand.
    """
    working = lock_working(element.concept_id)
    placement = placement_of(working, element)
    target = parent.id if parent else None
    if target is not None:
        refuse_cycle(working.id, element.id, target)
    need_place(working, element.kind, parent)
    labels = (placement.label, placement.label if label is None else label)
    check_label(labels[1])
    if placement.parent_id == target and _stays(working, placement, position):
        return renumber(element, labels[1], reason=reason, actor=actor, process=process, now=now)
    need_reason(reason)
    before = placement.parent_id
    placement.parent_id, placement.label = target, labels[1]
    placement.position = free_position(working.id, target, position)
    db.session.flush()
    change = log_change(working, element.id, ChangeKind.move, reason, actor, now, from_wording_id=placement.wording_id,
                     to_wording_id=placement.wording_id, from_parent_id=before, to_parent_id=target,
                        from_label=labels[0], to_label=labels[1])  # fmt: skip
    record(Action.element_moved, id_of(actor), element, process_id=process.id, change_id=change.id)
    return change


def _stays(working: Version, placement: Placement, position: int | None) -> bool:
    """Whether this position among its siblings is the one it has."""
    if position is None:
        return True
    between = select(func.count()).where(
        Placement.version_id == working.id,
        Placement.parent_id.is_(None) if placement.parent_id is None else Placement.parent_id == placement.parent_id,
        Placement.element_id != placement.element_id,
        Placement.position >= min(placement.position, position),
        Placement.position < max(placement.position, position),
    )
    return not db.session.scalar(between)


def renumber(
    element: Element, label: str, *, reason: str, actor: Person | None, process: Process, now: datetime | None = None
) -> Change | None:
    """Show another number; identity and address stay. None when it has that number already."""
    working = lock_working(element.concept_id)
    placement = placement_of(working, element)
    if placement.label == label:
        return None
    need_reason(reason)
    check_label(label)
    before, placement.label = placement.label, label
    change = log_change(working, element.id, ChangeKind.renumber, reason, actor, now,
                        from_wording_id=placement.wording_id, to_wording_id=placement.wording_id,
                        from_parent_id=placement.parent_id, to_parent_id=placement.parent_id,
                        from_label=before, to_label=label)  # fmt: skip
    record(Action.element_renumbered, id_of(actor), element, process_id=process.id, change_id=change.id)
    return change


def split(
    element: Element,
    parts: Sequence[Part],
    *,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> list[Change]:
    """Replace an element by two or more new ones in its place; its children go to the first, its links to all.

    Returns one change per part. Contributions to the old element will show at all parts and count once.
    """
    if len(parts) < 2:
        raise Refused(_("Splitting needs at least two parts."))
    need_reason(reason)
    working = lock_working(element.concept_id)
    old = placement_of(working, element)
    changes = []
    for offset, part in enumerate(parts):
        heir = new_element(element.concept_id, ElementKind(element.kind), part, now)
        wording = write(heir.id, part.text, old.wording_id, actor, now=now)
        place(working, heir.id, old.parent_id, part.label, wording.id, old.position + offset)
        change = log_change(working, heir.id, ChangeKind.split_, reason, actor, now, from_wording_id=old.wording_id,
                         to_wording_id=wording.id, from_parent_id=old.parent_id,
                         to_parent_id=old.parent_id, from_label=old.label, to_label=part.label)  # fmt: skip
        db.session.add(
            Lineage(change_id=change.id, from_element_id=element.id, to_element_id=heir.id, kind=LineageKind.split_)
        )
        changes.append(change)
    unplace(working, old, [change.element_id for change in changes])
    record(Action.element_split, id_of(actor), element, process_id=process.id, change_id=changes[0].id,
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
    """Join two or more elements into a new one, or into one of them, with new words; children and links come along.

    Refuses elements of different kinds or texts, and those of which one stands below another.
    """
    elements = list({element.id: element for element in elements}.values())
    if len(elements) < 2:
        raise Refused(_("Merging needs at least two elements."))
    if len({(element.concept_id, element.kind) for element in elements}) > 1:
        raise Refused(_("Only parts of the same kind can be merged."))
    need_reason(reason)
    working = lock_working(elements[0].concept_id)
    placements = [placement_of(working, element) for element in elements]
    parents = parents_in(working.id)
    together = {element.id for element in elements}
    if any(together.intersection(above(parents, ident)) for ident in together):
        raise Refused(_("One of these parts stands below another one; they cannot be merged."))
    if isinstance(into, Element):
        if into.id not in together:
            raise Refused(_("The part that stays must be one of those that are merged."))
        kept = placement_of(working, into)
        wording = write(into.id, text, kept.wording_id, actor, now=now)
        before, kept.wording_id, heir_id = kept.wording_id, wording.id, into.id
        labels = (kept.label, kept.label)
    else:
        kept = placements[0]
        part = Part(into.key, text, into.label)
        heir = new_element(elements[0].concept_id, ElementKind(elements[0].kind), part, now)
        wording = write(heir.id, text, kept.wording_id, actor, now=now)
        before, heir_id = kept.wording_id, heir.id
        place(working, heir.id, kept.parent_id, part.label, wording.id, kept.position)
        labels = (kept.label, part.label)
    change = log_change(working, heir_id, ChangeKind.merge, reason, actor, now, from_wording_id=before,
                     to_wording_id=wording.id, from_parent_id=kept.parent_id, to_parent_id=kept.parent_id,
                        from_label=labels[0], to_label=labels[1])  # fmt: skip
    for placement in placements:
        if placement.element_id == heir_id:
            continue
        db.session.add(
            Lineage(change_id=change.id, from_element_id=placement.element_id, to_element_id=heir_id,
                    kind=LineageKind.merge)
        )  # fmt: skip
        unplace(working, placement, [heir_id])
    record(Action.elements_merged, id_of(actor), ("element", heir_id), process_id=process.id, change_id=change.id,
           into=heir_id)  # fmt: skip
    return change


def retire(
    element: Element, *, reason: str, actor: Person | None, process: Process, now: datetime | None = None
) -> Change:
    """Take an element out of the working text. It stays in all published versions. Refuses while parts stand below."""
    need_reason(reason)
    working = lock_working(element.concept_id)
    placement = placement_of(working, element)
    below = db.session.scalar(
        select(func.count())
        .select_from(Placement)
        .where(Placement.version_id == working.id, Placement.parent_id == element.id)
    )
    if below:
        raise Refused(_("Other parts still stand below this one. Please move or retire them first."))
    change = log_change(
        working,
        element.id,
        ChangeKind.retire,
        reason,
        actor,
        now,
        from_wording_id=placement.wording_id,
        from_parent_id=placement.parent_id,
        from_label=placement.label,
    )
    unplace(working, placement)
    record(Action.element_retired, id_of(actor), element, process_id=process.id, change_id=change.id)
    return change


def restore(
    element: Element,
    parent: Element | None,
    *,
    position: int | None = None,
    label: str | None = None,
    reason: str,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> Change:
    """Take a retired element in again, with the words it had last and, unless told otherwise, its last number.

    Refuses one that stands in the text, and one that lives on in other elements: its contributions show there.
    """
    need_reason(reason)
    working = lock_working(element.concept_id)
    stands = select(Placement.id).where(Placement.version_id == working.id, Placement.element_id == element.id)
    if db.session.scalar(stands) is not None:
        raise Refused(_("This part stands in the working text already."))
    if db.session.scalar(select(Lineage.id).where(Lineage.from_element_id == element.id).limit(1)) is not None:
        raise Refused(_("This part lives on in other parts; it cannot be taken in again beside them."))
    gone = db.session.scalar(
        select(Change)
        .where(Change.element_id == element.id, Change.kind == ChangeKind.retire)
        .order_by(Change.id.desc())
        .limit(1)
    )
    if gone is None or gone.from_wording_id is None:
        raise Refused(_("This part was never taken out."))
    need_place(working, element.kind, parent)
    shown = (gone.from_label or "") if label is None else label
    place(working, element.id, parent.id if parent else None, shown, gone.from_wording_id, position)
    change = log_change(working, element.id, ChangeKind.restore, reason, actor, now,
                        to_wording_id=gone.from_wording_id, to_parent_id=parent.id if parent else None,
                        to_label=shown)  # fmt: skip
    record(Action.element_restored, id_of(actor), element, process_id=process.id, change_id=change.id)
    return change


def translate(
    wording: Wording, text: Text, actor: Person | None, *, plain: bool = False, now: datetime | None = None
) -> Wording:
    """A plain-language or translated text that hangs on a wording, outside the seal."""
    row = write(wording.element_id, text, wording.id, actor, plain=plain, now=now)
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
    Refuses a text in which two parts of a kind show the same number: while editors renumber, that is allowed.
    """
    working = lock_working(concept.id)
    twice = same_number(working.id)
    if twice:
        raise Refused(_("Two parts show the same number: %(numbers)s.", numbers=", ".join(twice)))
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
        actor_id=id_of(actor),
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
    rebuild_heirs(concept.id)
    record(Action.version_published, id_of(actor), version, process_id=process.id, number=version.number,
           audience=str(audience), elements=elements)  # fmt: skip
    return version


def rebuild_heirs(concept_id: int) -> None:
    """Find for every replaced element all elements placed now that descend from it, over any number of steps.

    Now means: in the newest version of each audience. A draft for the steering group may merge again what the public
    still reads as two; contributions have to show at both.
    """
    elements = select(Element.id).where(Element.concept_id == concept_id)
    db.session.execute(delete(ElementHeir).where(ElementHeir.element_id.in_(elements)))
    steps: dict[int, set[int]] = {}
    for before, after in db.session.execute(
        select(Lineage.from_element_id, Lineage.to_element_id).where(Lineage.from_element_id.in_(elements))
    ):
        steps.setdefault(before, set()).add(after)
    newest = (
        select(func.max(Version.number))
        .where(Version.concept_id == concept_id, Version.number.is_not(None))
        .group_by(Version.audience)
    )
    read = select(Version.id).where(Version.concept_id == concept_id, Version.number.in_(newest))
    placed = set(db.session.scalars(select(Placement.element_id).where(Placement.version_id.in_(read))))
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
