"""Questions about contributions: how many, which one, what waits for whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import abort
from sqlalchemy import Select, bindparam, func, literal, select, true, union_all
from sqlalchemy.orm import load_only

from consult import clock
from consult.accounts.models import Person
from consult.concept.models import Concept, Element, ElementHeir, Placement, Version, Wording
from consult.concept.queries import audiences_open_to
from consult.contributions.due import is_open_question
from consult.contributions.listing import Filter, chosen_thread, listing
from consult.contributions.models import (
    Contribution,
    ContributionTally,
    ContributionText,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    State,
)
from consult.contributions.openness import may_use, written_query
from consult.contributions.policy import can_see
from consult.contributions.threads import Thread, openings_for, shown_alone, thread
from consult.extensions import db
from consult.processes.models import Activity, Process, StageActivity
from consult.processes.queries import Opening, merged, openings_query

__all__ = ["Filter", "Thread", "chosen_thread", "listing", "openings_for", "shown_alone", "thread"]


def counts(process_id: int, element_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Published contributions by stance for each element, those of its origins included. One query."""
    ids = list(set(element_ids))
    if not ids:
        return {}
    itself = select(Element.id.label("shown_at"), Element.id.label("origin")).where(Element.id.in_(ids))
    heirs = select(ElementHeir.heir_id, ElementHeir.element_id).where(ElementHeir.heir_id.in_(ids))
    places = union_all(itself, heirs).subquery()
    found = db.session.execute(
        select(places.c.shown_at, ContributionTally.stance, func.sum(ContributionTally.published))
        .join(ContributionTally, ContributionTally.element_id == places.c.origin)
        .where(ContributionTally.process_id == process_id)
        .group_by(places.c.shown_at, ContributionTally.stance)
    )
    result: dict[int, dict[str, int]] = {}
    for element_id, stance, number in found:
        if number:
            result.setdefault(element_id, {})[stance] = int(number)
    return result


def totals_of_process(process_id: int) -> tuple[dict[str, int], int]:
    """(Published contributions by stance in the whole process, how many are held back at present). One query.

    Each is counted once; "" stands for those without a stance.
    """
    kept = select(ContributionTally.stance.label("stance"), ContributionTally.published.label("number")).where(
        ContributionTally.process_id == process_id
    )
    to_the_whole = (
        select(func.coalesce(Contribution.stance, ""), func.count())
        .where(
            Contribution.element_id.is_(None),
            Contribution.process_id == process_id,
            Contribution.state == State.published,
            Contribution.parent_id.is_(None),
        )
        .group_by(Contribution.stance)
    )
    held_back = select(literal(State.hidden.value), func.count()).where(
        Contribution.process_id == process_id, Contribution.state == State.hidden
    )
    counted = union_all(kept, to_the_whole, held_back).subquery()
    found = db.session.execute(select(counted.c.stance, func.sum(counted.c.number)).group_by(counted.c.stance))
    totals = {stance: int(number) for stance, number in found if number}
    # No stance has the name of a state.
    return totals, totals.pop(State.hidden, 0)


def counts_of_process(process_id: int) -> dict[str, int]:
    """Published contributions by stance in the whole process, each counted once; "" for those without a stance."""
    return totals_of_process(process_id)[0]


@cache
def _by_number() -> Select[Contribution]:
    return select(Contribution).where(
        Contribution.process_id == bindparam("process_id"), Contribution.number == bindparam("number")
    )


def visible_or_404(process: Process, number: int, person: Person | None) -> Contribution:
    """The contribution with this number if this person may know of it; hidden ones answer like missing ones."""
    contribution = db.session.scalar(_by_number(), {"process_id": process.id, "number": number})
    if contribution is None or not can_see(person, process, contribution):
        abort(404)
    return contribution


by_number = visible_or_404


@cache
def _to_react_query() -> Any:
    """Made once, and with few columns: nothing is asked more often while many people react at once."""
    opened = openings_query().where(StageActivity.activity == Activity.react).subquery()
    needed = (Contribution.process_id, Contribution.author_id, Contribution.state, Contribution.published_at)
    return (
        select(Contribution, *opened.c)
        .outerjoin(opened, true())
        .where(Contribution.process_id == bindparam("process_id"), Contribution.number == bindparam("number"))
        .options(load_only(Contribution.id, *needed))
    )


def to_react_or_404(process: Process, number: int, person: Person) -> tuple[Contribution, Opening | None]:
    """As `visible_or_404`, with whether reactions are open to this person now. One query."""
    asked = {"process_id": process.id, "number": number, "now": clock.now()}
    rows = db.session.execute(_to_react_query(), asked).all()
    contribution = rows[0][0] if rows else None
    if contribution is None or not can_see(person, process, contribution):
        abort(404)
    found = merged((row.activity, row.audience, row.moderation, row.ends_at) for row in rows if row.activity)
    opening = found.get(Activity.react)
    return contribution, opening if opening is not None and may_use(person, process.id, opening) else None


@dataclass(frozen=True)
class Seen:
    """The version and the wording an author had in front of them."""

    version_number: int | None
    version_title: str
    #: "charter" or "concept": which text the version is of.
    concept_kind: str
    element_key: str
    label: str
    html: str
    lang: str


def seen_by_author(process: Process, contribution: Contribution, person: Person | None) -> Seen | None:
    """What it was written about; None before the first publication, or where that is not for this reader."""
    if contribution.version_id is None:
        return None
    row = db.session.execute(
        select(
            Version.number,
            Version.title,
            Concept.kind,
            Element.key,
            Placement.label,
            Wording.html,
            Wording.lang,
        )
        .join(Placement, Placement.version_id == Version.id)
        .join(Wording, Wording.id == Placement.wording_id)
        .join(Element, Element.id == Placement.element_id)
        .join(Concept, Concept.id == Version.concept_id)
        .where(
            Version.id == contribution.version_id,
            Placement.element_id == contribution.element_id,
            Version.audience.in_(audiences_open_to(person, process)),
        )
    ).first()
    return Seen(*row) if row is not None else None


def earlier_texts(contribution: Contribution) -> list[ContributionText]:
    """What was on record before, newest first. For the author and the moderators: it may have been held back."""
    return list(
        db.session.scalars(
            select(ContributionText)
            .where(
                ContributionText.contribution_id == contribution.id,
                ContributionText.revision < contribution.revision,
            )
            .order_by(ContributionText.revision.desc())
        )
    )


def written_since(person_id: int, since: datetime) -> int:
    """How many contributions somebody has sent since then, for the limit against flooding."""
    return db.session.scalar(written_query(), {"person_id": person_id, "since": since}) or 0


@dataclass(frozen=True)
class Question:
    """A question to the text that nobody answered yet."""

    contribution_id: int
    number: int
    element_id: int | None
    created_at: datetime
    published_at: datetime | None


def unanswered_questions(process_id: int) -> list[Question]:
    """Published questions without a public reply of anybody who works in the process; oldest first."""
    found = db.session.execute(
        select(
            Contribution.id,
            Contribution.number,
            Contribution.element_id,
            Contribution.created_at,
            Contribution.published_at,
        )
        .where(Contribution.process_id == process_id, is_open_question(process_id))
        .order_by(Contribution.created_at, Contribution.id)
    )
    return [Question(row.id, row.number or 0, row.element_id, row.created_at, row.published_at) for row in found]


def waiting(process_id: int) -> tuple[int, datetime | None]:
    """(how many wait for a moderator, since when the oldest does)."""
    number, oldest = db.session.execute(
        select(func.count(), func.min(Contribution.created_at)).where(
            Contribution.process_id == process_id, Contribution.state == State.pending
        )
    ).one()
    return number, oldest


def reasons_of(process_id: int, *, retired: bool = False) -> list[ModerationReason]:
    """The published reasons for holding back, in their order."""
    query = select(ModerationReason).where(ModerationReason.process_id == process_id)
    if not retired:
        query = query.where(ModerationReason.retired_at.is_(None))
    return list(db.session.scalars(query.order_by(ModerationReason.position, ModerationReason.id)))


def hidden_by_reason(process_id: int) -> dict[int, int]:
    """How many contributions are held back at present, by id of the reason of the last decision."""
    last = (
        select(func.max(ModerationAct.id))
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(Contribution.process_id == process_id, Contribution.state == State.hidden)
        .group_by(ModerationAct.contribution_id)
    )
    found = db.session.execute(
        select(ModerationAct.reason_id, func.count())
        .where(ModerationAct.id.in_(last), ModerationAct.reason_id.is_not(None))
        .group_by(ModerationAct.reason_id)
    )
    return {row[0] or 0: row[1] for row in found}


@dataclass(frozen=True)
class Notice:
    """What the author is told while a contribution is held back."""

    reason: str
    note: str
    at: datetime


def notice_for(contribution: Contribution) -> Notice | None:
    """The last holding back, for the author and the moderators; None when there was none."""
    row = db.session.execute(
        select(ModerationReason.text, ModerationAct.note, ModerationAct.created_at)
        .join(ModerationReason, ModerationReason.id == ModerationAct.reason_id)
        .where(
            ModerationAct.contribution_id == contribution.id,
            ModerationAct.kind.in_((ModerationKind.hide, ModerationKind.erase)),
        )
        .order_by(ModerationAct.id.desc())
        .limit(1)
    ).first()
    return Notice(row.text, row.note, row.created_at) if row else None
