"""What serves what in the working text, and which group works on which part."""

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.kinds import SERVES
from consult.concept.models import Concept, Element, LinkKind, Mandate, PlacedLink, Placement, Version
from consult.concept.working import add_link, id_of, lock_working, placement_of
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process


def set_link(source: Element, target: Element, *, present: bool, actor: Person | None, process: Process) -> None:
    """Say (or unsay) in the working text that `source` serves `target`. Doing it twice changes nothing.

    Refuses links other than charter <- goal <- measure, and to parts that stand in no working text. The link belongs
    to the text of `source`: a goal's link into the charter is published with the concept.
    """
    working = lock_working(source.concept_id)
    if present:
        _need_link(working, source, target)
        if not add_link(working.id, source.id, target.id, LinkKind.serves):
            return
    else:
        known = db.session.scalar(
            select(PlacedLink).where(
                PlacedLink.version_id == working.id,
                PlacedLink.from_element_id == source.id,
                PlacedLink.to_element_id == target.id,
            )
        )
        if known is None:
            return
        db.session.delete(known)
    working.revision += 1
    db.session.flush()
    record(Action.link_changed, id_of(actor), source, process_id=process.id, to=target.id, present=present)


def _need_link(working: Version, source: Element, target: Element) -> None:
    placement_of(working, source)
    where, kinds = SERVES.get(source.kind, (None, ()))
    if target.kind not in kinds or db.session.get_one(Concept, target.concept_id).kind != where:
        raise Refused(_("Goals serve the charter, measures serve goals; other links there are none."))
    stands = (
        select(Placement.id)
        .join(Version, Version.id == Placement.version_id)
        .where(Version.number.is_(None), Placement.element_id == target.id)
    )
    if db.session.scalar(stands.limit(1)) is None:
        raise Refused(_("This part is no longer in the working text."))


def set_mandate(group_id: int, element_ids: Iterable[int], *, actor: Person | None, process: Process) -> None:
    """The parts a group works on; replaces the former mandate."""
    wanted = sorted(set(element_ids))
    db.session.execute(delete(Mandate).where(Mandate.group_id == group_id))
    if wanted:
        db.session.execute(insert(Mandate), [{"group_id": group_id, "element_id": ident} for ident in wanted])
    record(Action.mandate_changed, id_of(actor), ("groups", group_id), process_id=process.id, element_ids=wanted)
