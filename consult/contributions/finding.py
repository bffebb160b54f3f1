"""Which contributions a change of the text may be based on: named by number, found by their words, or still waiting."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from consult.contributions.models import ChangeSource, Contribution, ContributionText, State
from consult.contributions.words import stance_name
from consult.extensions import db
from consult.html import clean_line
from consult.processes.models import Process

#: Contributions shown for one search, and words of it that count.
FOUND = 20
WORDS = 8
#: Newest ones that are looked at word by word; the database has sorted out most of the others before.
LOOKED_AT = 2000
_NUMBERS = re.compile(r"(?:[^\W\d_]{1,12}[-\s]?)?(\d{1,9})")


@dataclass(frozen=True)
class Found:
    """A contribution an editor may name."""

    id: int
    number: int
    kind: str
    stance: str | None
    #: What it is called in this process.
    stance_label: str
    created_at: datetime
    #: What it says; None when that is not public.
    body: str | None


def as_numbers(typed: str) -> list[int] | None:
    """The numbers in "6, IK-12", in order; None when it is something else."""
    parts = [part for part in re.split(r"[,;]", typed) if part.strip()]
    if len(parts) == 1 and all(word.isdecimal() for word in typed.split()):
        parts = typed.split()
    found = [_NUMBERS.fullmatch(part.strip()) for part in parts]
    if not all(found):
        return None
    return sorted({int(match.group(1)) for match in found if match})


def _query(process: Process) -> Any:
    return (
        select(
            Contribution.id,
            Contribution.number,
            Contribution.kind,
            Contribution.stance,
            Contribution.created_at,
            Contribution.state,
            ContributionText.body,
        )
        .outerjoin(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id,
                ContributionText.revision == Contribution.revision,
            ),
        )
        .where(Contribution.process_id == process.id, Contribution.number.is_not(None))
    )


def _found(process: Process, row: Any) -> Found:
    body = row.body if row.state == State.published else None
    return Found(row.id, row.number, row.kind, row.stance, stance_name(process, row.stance), row.created_at, body)


def by_numbers(process: Process, numbers: Iterable[int]) -> list[Found]:
    """The contributions with these numbers, in their order, whatever their state. One query."""
    wanted = list(set(numbers))
    if not wanted:
        return []
    query = _query(process).where(Contribution.number.in_(wanted)).order_by(Contribution.number)
    return [_found(process, row) for row in db.session.execute(query)]


def _pattern(word: str) -> str:
    """A word for LIKE. Databases know capital and small letters of English only: others stand for any sign here."""
    signs = []
    for sign in word:
        if sign in "%_\\":
            signs.append("\\" + sign)
        else:
            signs.append(sign if sign.isascii() or sign.lower() == sign.upper() else "_")
    return f"%{''.join(signs)}%"


def with_words(process: Process, typed: str) -> list[Found]:
    """Published contributions that hold all these words, in capital or small letters, newest first. One query."""
    words = [word for word in clean_line(typed).split() if word][:WORDS]
    if not words:
        return []
    query = (
        _query(process)
        .where(
            Contribution.state == State.published,
            *(ContributionText.body.ilike(_pattern(word), escape="\\") for word in words),
        )
        .order_by(Contribution.number.desc())
        .limit(LOOKED_AT)
    )
    folded = [word.casefold() for word in words]
    found = []
    for row in db.session.execute(query):
        body = row.body.casefold()
        if all(word in body for word in folded):
            found.append(_found(process, row))
            if len(found) == FOUND:
                break
    return found


def not_yet_named(process: Process, element_ids: Sequence[int], limit: int) -> list[Found]:
    """Published contributions to these elements that no change of the text names as its source yet, newest first."""
    named = select(ChangeSource.id).where(ChangeSource.contribution_id == Contribution.id).exists()
    query = (
        _query(process)
        .where(
            Contribution.element_id.in_(list(element_ids)),
            Contribution.state == State.published,
            Contribution.parent_id.is_(None),
            ~named,
        )
        .order_by(Contribution.number.desc())
        .limit(limit)
    )
    return [_found(process, row) for row in db.session.execute(query)]
