"""The trace: which words a contribution changed, and which contributions stand behind a change."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Person
from consult.concept.models import Change, Draft, Element, ElementHeir, Placement, Version, Wording
from consult.concept.queries import Placed, audiences_open_to, excerpt, names_of
from consult.contributions.models import ChangeSource, Contribution, DraftSource, State
from consult.extensions import db
from consult.processes.models import Process


def markable(title: str, markdown: str) -> str:
    """The text of a wording in which passages are marked: the Markdown, or the title of one that has no more."""
    return markdown or title


def find_passage(title: str, markdown: str, passage: str) -> tuple[int, int]:
    """Where these words stand in a wording, as half-open offsets into `markable`; lines may be broken elsewhere.

    Raises ValueError when they are not there.
    """
    words, text = passage.split(), markable(title, markdown)
    found = re.search(r"\s++".join(map(re.escape, words)), text) if words else None
    if found is None:
        raise ValueError("the passage is not part of the new wording")
    return found.span()


def add_source(
    change: Change, contribution: Contribution, passage: str = "", span: tuple[int, int] | None = None
) -> ChangeSource:
    """Say that `contribution` led to `change`.

    `passage`: the words of the new wording it changed, if some can be named; kept as offsets into its Markdown, or
    into its title when it has no other text; `span`: these offsets, where they are known. Naming a source twice
    changes nothing. Raises ValueError when the passage or the offsets are not in the new wording.
    """
    known = db.session.scalar(
        select(ChangeSource).where(ChangeSource.change_id == change.id, ChangeSource.contribution_id == contribution.id)
    )
    if known is not None:
        return known
    start, end = span or (None, None)
    if passage and span is None:
        wording = db.session.get(Wording, change.to_wording_id) if change.to_wording_id else None
        if wording is None:
            raise ValueError("this change has no new wording")
        start, end = find_passage(wording.title, wording.markdown, passage)
    source = ChangeSource(change_id=change.id, contribution_id=contribution.id, to_start=start, to_end=end)
    db.session.add(source)
    db.session.flush()
    return source


@dataclass(frozen=True)
class Source:
    """A contribution behind a change, as the change's reader sees it."""

    contribution_id: int
    number: int
    kind: str
    state: str
    #: Marked passage of the new wording, half-open offsets; None when the whole change is meant.
    span: tuple[int, int] | None


def sources_of(change_ids: Iterable[int]) -> dict[int, list[Source]]:
    """The contributions behind changes, by change id, in order of number. One query."""
    rows = db.session.execute(
        select(
            ChangeSource.change_id,
            Contribution.id,
            Contribution.number,
            Contribution.kind,
            Contribution.state,
            ChangeSource.to_start,
            ChangeSource.to_end,
        )
        .join(Contribution, Contribution.id == ChangeSource.contribution_id)
        .where(ChangeSource.change_id.in_(list(change_ids)))
        .order_by(Contribution.number)
    ).all()
    found: dict[int, list[Source]] = {}
    for change_id, ident, number, kind, state, start, end in rows:
        span = None if start is None or end is None else (start, end)
        found.setdefault(change_id, []).append(Source(ident, number or 0, kind, state, span))
    return found


@dataclass(frozen=True)
class TracedChange:
    """One change a contribution led to."""

    change_id: int
    element_key: str
    kind: str
    reason: str
    label: str
    name: str
    #: The words before and after; `passage` is the part the contribution changed, if marked.
    before: str
    after: str
    passage: str
    #: The first version that shows it; None while it is in the working text.
    version_number: int | None
    version_title: str
    version_date: datetime | None
    #: The version before that one; None when it is the first.
    version_before: int | None
    #: What took the element's place, as far as the reader may see it.
    heirs: list[Placed] = field(default_factory=list)


@dataclass(frozen=True)
class Trace:
    """What became of a contribution."""

    changes: list[TracedChange]


def trace(contribution: Contribution, process: Process, person: Person | None) -> Trace:
    """Every change the contribution led to that this person may see, in the order they were made.

    Five queries at most.
    """
    audiences = audiences_open_to(person, process)
    old, new = aliased(Wording), aliased(Wording)
    rows = db.session.execute(
        select(Change, Element.key, Element.concept_id, old, new, ChangeSource.to_start, ChangeSource.to_end)
        .select_from(ChangeSource)
        .join(Change, Change.id == ChangeSource.change_id)
        .join(Element, Element.id == Change.element_id)
        .outerjoin(old, old.id == Change.from_wording_id)
        .outerjoin(new, new.id == Change.to_wording_id)
        .where(ChangeSource.contribution_id == contribution.id)
        .order_by(Change.id)
    ).all()
    if not rows:
        return Trace([])
    versions = db.session.scalars(
        select(Version)
        .where(
            Version.concept_id.in_({row[2] for row in rows}),
            Version.number.is_not(None),
            Version.audience.in_(audiences),
        )
        .order_by(Version.number)
    ).all()
    element_ids = {row[0].element_id for row in rows}
    labels = {
        (version_id, element_id): label
        for version_id, element_id, label in db.session.execute(
            select(Placement.version_id, Placement.element_id, Placement.label).where(
                Placement.element_id.in_(element_ids), Placement.version_id.in_([v.id for v in versions])
            )
        )
    }
    went_on = db.session.execute(
        select(ElementHeir.element_id, ElementHeir.heir_id)
        .where(ElementHeir.element_id.in_(element_ids))
        .order_by(ElementHeir.heir_id)
    ).all()
    # Heirs may stand in a draft for the steering group only; even a key says something of the words.
    names = names_of(process, (heir_id for _element_id, heir_id in went_on), person)
    heirs: dict[int, list[Placed]] = {}
    for element_id, heir_id in went_on:
        if heir_id in names:
            heirs.setdefault(element_id, []).append(names[heir_id])
    found = []
    for change, key, concept_id, before, after, start, end in rows:
        version = next((v for v in versions if v.concept_id == concept_id and v.change_head >= change.id), None)
        if version is None:
            continue
        shown = after or before
        found.append(
            TracedChange(
                change_id=change.id,
                element_key=key,
                kind=change.kind,
                reason=change.reason,
                label=labels.get((version.id, change.element_id), ""),
                name=excerpt(shown.title, shown.markdown) if shown else "",
                before=markable(before.title, before.markdown) if before else "",
                after=markable(after.title, after.markdown) if after else "",
                passage=markable(after.title, after.markdown)[start:end] if after and start is not None else "",
                version_number=version.number,
                version_title=version.title,
                version_date=version.sealed_at,
                version_before=next(
                    (v.number for v in reversed(versions) if v.concept_id == concept_id and v.change_head < change.id),
                    None,
                ),
                heirs=heirs.get(change.element_id, []),
            )
        )
    return Trace(found)


def count_of(element_ids: Iterable[int]) -> int:
    """Published contributions (not replies) on any of these elements, each counted once."""
    return (
        db.session.scalar(
            select(func.count()).where(
                and_(
                    Contribution.element_id.in_(list(element_ids)),
                    Contribution.parent_id.is_(None),
                    Contribution.state == State.published,
                )
            )
        )
        or 0
    )


@dataclass(frozen=True)
class NamedSource:
    """A contribution a group names behind its draft."""

    contribution_id: int
    number: int
    state: str
    #: Words of the draft that come from it; empty when the whole draft is meant.
    passage: str


def draft_sources(draft_id: int) -> list[NamedSource]:
    """The contributions behind a draft, in order of number. One query."""
    rows = db.session.execute(
        select(Contribution.id, Contribution.number, Contribution.state, DraftSource.passage)
        .join(DraftSource, DraftSource.contribution_id == Contribution.id)
        .where(DraftSource.draft_id == draft_id)
        .order_by(Contribution.number)
    )
    return [NamedSource(ident, number or 0, state, passage) for ident, number, state, passage in rows]


def name_draft_sources(draft: Draft, named: Sequence[tuple[Contribution, str]]) -> None:
    """These contributions, each with its passage, stand behind the draft; replaces what was named before.

    Raises ValueError when a passage is not in the group's words.
    """
    wording = db.session.get_one(Wording, draft.wording_id)
    passages = {contribution.id: passage for contribution, passage in named}
    for passage in filter(None, passages.values()):
        find_passage(wording.title, wording.markdown, passage)
    db.session.execute(delete(DraftSource).where(DraftSource.draft_id == draft.id))
    db.session.add_all(
        DraftSource(draft_id=draft.id, contribution_id=ident, passage=passage) for ident, passage in passages.items()
    )
    db.session.flush()


def hand_over(draft: Draft, change: Change) -> list[ChangeSource]:
    """The sources of an adopted draft stand behind the change it led to.

    Where the editors wrote other words than the group, a passage that is no longer there means the whole change.
    """
    rows = db.session.execute(
        select(Contribution, DraftSource.passage)
        .join(DraftSource, DraftSource.contribution_id == Contribution.id)
        .where(DraftSource.draft_id == draft.id)
        .order_by(Contribution.number)
    ).all()
    handed = []
    for contribution, passage in rows:
        try:
            handed.append(add_source(change, contribution, passage))
        except ValueError:
            handed.append(add_source(change, contribution))
    return handed
