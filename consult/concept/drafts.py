"""Group drafts: a group writes candidate words for a part of its mandate, the editors answer.

open --submit--> submitted --adopt--> adopted (its words) or adapted (other words)
submitted --return--> returned --submit--> submitted;  submitted --take back--> open
open, returned --withdraw--> withdrawn
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept import operations
from consult.concept.draft_queries import ALIVE, readable_wording, working_wording
from consult.concept.models import (
    Change,
    Draft,
    DraftAct,
    DraftActKind,
    DraftState,
    Element,
    Mandate,
    ProcessConcept,
    Wording,
)  # fmt: skip
from consult.concept.working import Text, as_text, id_of, lock_working, need_reason, placement_of, write
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.groups.models import Group
from consult.processes.models import Process

#: The states in which the group may write.
WRITABLE = (DraftState.open, DraftState.returned)


def _filled(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value}


def same_words(one: Text | Wording, other: Text | Wording) -> bool:
    """Whether both say the same, fields of a measure included."""
    return (one.title, one.markdown, _filled(one.details)) == (other.title, other.markdown, _filled(other.details))


def words_of(wording: Wording) -> Text:
    return Text(wording.title, wording.markdown, dict(wording.details), wording.lang)


def _lock(draft: Draft) -> Draft:
    """The draft as it is now; whoever else answers or saves it waits."""
    return db.session.scalars(
        select(Draft).where(Draft.id == draft.id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _act(draft: Draft, kind: DraftActKind, note: str, actor: Person | None, now: datetime | None) -> DraftAct:
    act = DraftAct(
        draft_id=draft.id,
        kind=kind,
        wording_id=draft.wording_id,
        note=note,
        actor_id=id_of(actor),
        created_at=now or clock.now(),
    )
    db.session.add(act)
    db.session.flush()
    return act


def _must_stand(element: Element) -> None:
    if working_wording(element) is None:
        raise Refused(_("This part is no longer in the text the editors work on. A draft for it leads nowhere."))


def alive(group_id: int, element_id: int) -> Draft | None:
    """The draft the group has for this element now."""
    return db.session.scalar(
        select(Draft).where(Draft.group_id == group_id, Draft.element_id == element_id, Draft.state.in_(ALIVE))
    )


def begin(
    group: Group, element: Element, *, actor: Person | None, process: Process, now: datetime | None = None
) -> tuple[Draft, bool]:
    """The group's draft for this element, and whether it was begun just now: a group has one at a time.

    It starts from the newest words the group may read. Refuses an element that was replaced or is not published yet.
    """
    base = readable_wording(element)
    if base is None:
        raise Refused(_("This part is not in the newest version. A draft needs a text to start from."))
    _must_stand(element)
    draft = Draft(
        process_id=process.id,
        group_id=group.id,
        element_id=element.id,
        base_wording_id=base.id,
        wording_id=base.id,
        actor_id=id_of(actor),
        created_at=now or clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(draft)
    except IntegrityError:
        known = alive(group.id, element.id)
        if known is None:
            raise
        return known, False
    record(Action.draft_begun, id_of(actor), draft, process_id=process.id)
    return draft, True


def save(
    draft: Draft,
    seen_wording_id: int,
    text: Text,
    *,
    reason: str,
    dissent: str,
    actor: Person | None,
    process: Process,
    caught_up_with: int | None = None,
    now: datetime | None = None,
) -> Wording:
    """The group's words from now on. `caught_up_with`: the newer wording of the text that they take into account.

    Raises `Conflict` when somebody of the group saved since `seen_wording_id`, so that no word is lost.
    """
    draft = _lock(draft)
    if draft.state == DraftState.submitted:
        raise Refused(_("The draft is with the editors. Take it back to go on writing."))
    if draft.state not in WRITABLE:
        raise Refused(_("This draft is closed. You can begin another one."))
    before = db.session.get_one(Wording, draft.wording_id)
    if before.id != seen_wording_id:
        raise Conflict(yours=as_text(text), theirs=as_text(before), current_id=before.id)
    wording = write(draft.element_id, text, before.id, actor, now=now)
    draft.wording_id, draft.reason, draft.dissent = wording.id, reason, dissent
    if caught_up_with is not None:
        newest = readable_wording(db.session.get_one(Element, draft.element_id))
        if newest is not None and newest.id == caught_up_with:
            draft.base_wording_id = newest.id
    db.session.flush()
    record(Action.draft_saved, id_of(actor), draft, process_id=process.id)
    return wording


def submit(
    draft: Draft, *, note: str = "", actor: Person | None, process: Process, now: datetime | None = None
) -> DraftAct:
    """Hand the draft to the editors. Refuses one that says nothing new, or not why."""
    draft = _lock(draft)
    if draft.state not in WRITABLE:
        raise Refused(_("The draft was handed in or closed already."))
    base, candidate = (db.session.get_one(Wording, ident) for ident in (draft.base_wording_id, draft.wording_id))
    if same_words(base, candidate):
        raise Refused(_("The draft still says what the text says. Please write your wording first."))
    need_reason(draft.reason)
    _must_stand(db.session.get_one(Element, draft.element_id))
    draft.state = DraftState.submitted
    act = _act(draft, DraftActKind.submit, note, actor, now)
    record(Action.draft_submitted, id_of(actor), draft, process_id=process.id, act_id=act.id)
    return act


def _leave(draft: Draft, state: DraftState, actor: Person | None, process: Process, now: datetime | None) -> DraftAct:
    draft.state = state
    act = _act(draft, DraftActKind.withdraw, "", actor, now)
    record(Action.draft_withdrawn, id_of(actor), draft, process_id=process.id, act_id=act.id)
    return act


def take_back(draft: Draft, *, actor: Person | None, process: Process, now: datetime | None = None) -> DraftAct:
    """The group goes on writing what it had handed in; refused once the editors have answered."""
    draft = _lock(draft)
    if draft.state != DraftState.submitted:
        raise Refused(_("The editors have answered meanwhile. Please look at their answer."))
    return _leave(draft, DraftState.open, actor, process, now)


def withdraw(draft: Draft, *, actor: Person | None, process: Process, now: datetime | None = None) -> DraftAct:
    """Give the draft up for good; the group may begin another one."""
    draft = _lock(draft)
    if draft.state not in WRITABLE:
        raise Refused(_("The draft was handed in or closed already."))
    return _leave(draft, DraftState.withdrawn, actor, process, now)


def _unanswered(draft: Draft) -> Draft:
    draft = _lock(draft)
    if draft.state != DraftState.submitted:
        raise Refused(_("This draft does not wait for an answer any more. Please look at its present state."))
    return draft


def give_back(
    draft: Draft, note: str, *, actor: Person | None, process: Process, now: datetime | None = None
) -> DraftAct:
    """Return the draft to its group, with what should change in it."""
    draft = _unanswered(draft)
    if not note.strip():
        raise Refused(_("Please tell the group why the draft comes back."))
    draft.state = DraftState.returned
    act = _act(draft, DraftActKind.give_back, note, actor, now)
    record(Action.draft_returned, id_of(actor), draft, process_id=process.id, act_id=act.id)
    return act


def adopt(
    draft: Draft,
    seen_wording_id: int,
    *,
    reason: str,
    actor: Person | None,
    process: Process,
    text: Text | None = None,
    now: datetime | None = None,
) -> Change:
    """Put the group's words into the working text, or the editor's own `text` made from them.

    Without `text` the words of the working text must still be those the group began with: else an editor has to look
    at both. Raises `Conflict` when the working text changed since the editor saw it as `seen_wording_id`. The first
    answer counts; a second one is refused.
    """
    draft = _unanswered(draft)
    element = db.session.get_one(Element, draft.element_id)
    working = lock_working(element.concept_id)
    placed = db.session.get_one(Wording, placement_of(working, element).wording_id)
    candidate = db.session.get_one(Wording, draft.wording_id)
    if text is None:
        if not same_words(placed, db.session.get_one(Wording, draft.base_wording_id)):
            raise Refused(_("The text has changed since the group began. Please look at both and adopt it changed."))
        text = words_of(candidate)
    change = operations.edit(
        element, seen_wording_id, text, reason=reason, actor=actor, process=process, now=now
    )  # fmt: skip
    if change is None:
        raise Refused(_("The working text says this already."))
    unchanged = same_words(text, candidate)
    draft.state = DraftState.adopted if unchanged else DraftState.adapted
    draft.change_id = change.id
    act = _act(draft, DraftActKind.adopt if unchanged else DraftActKind.adapt, "", actor, now)
    record(Action.draft_adopted, id_of(actor), draft, process_id=process.id, act_id=act.id, change_id=change.id)
    return change


def change_mandate(group: Group, element_ids: Iterable[int], *, actor: Person | None, process: Process) -> bool:
    """What the group works on in the concepts of this process; its mandates elsewhere stay. False when nothing changed.

    `element_ids` are elements of this process. Drafts that were begun under the former mandate are finished.
    """
    # Two leads take turns: the mandate is replaced as a whole.
    db.session.execute(select(Group.id).where(Group.id == group.id).with_for_update())
    here = set(
        db.session.scalars(
            select(Element.id)
            .join(ProcessConcept, ProcessConcept.concept_id == Element.concept_id)
            .where(ProcessConcept.process_id == process.id)
        )
    )
    known = set(db.session.scalars(select(Mandate.element_id).where(Mandate.group_id == group.id)))
    wanted = (known - here) | (set(element_ids) & here)
    if wanted == known:
        return False
    operations.set_mandate(group.id, wanted, actor=actor, process=process)
    return True
