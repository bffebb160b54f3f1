"""Deciding about many contributions at once, with one reason, and undoing it together.

One statement per kind of thing, however many there are; still each has an act, an entry in the record and a mail of its
own. What somebody else decided or changed meanwhile is left alone and named.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, insert, select, update

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record_many
from consult.contributions import tallies
from consult.contributions.models import Contribution, ModerationAct, ModerationKind, ModerationReason, State
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.moderation import reports
from consult.moderation.assigning import release_decided
from consult.moderation.models import ReportOutcome
from consult.moderation.team import refuse_own
from consult.outbox.operations import queue_many
from consult.processes.models import Process

#: More are not decided in one go: somebody has looked at each of them.
MOST = 200


@dataclass(frozen=True)
class Pick:
    """One that was ticked, as it stood on the page."""

    number: int
    state: str
    revision: int


def picked(values: Iterable[str]) -> list[Pick]:
    """What the tick boxes sent, each `17-pending-0`; what is no such thing is left out."""
    picks: dict[int, Pick] = {}
    for value in values:
        number, state, revision = [*value.split("-"), "", ""][:3]
        plain = all(part.isascii() and part.isdigit() and len(part) < 10 for part in (number, revision))
        if plain and state in set(State):
            picks[int(number)] = Pick(int(number), state, int(revision))
    return list(picks.values())


@dataclass(frozen=True)
class Outcome:
    """What was decided, and what was not because it had changed meanwhile."""

    batch: str
    done: list[int]
    skipped: list[int]


def decide(
    process: Process,
    actor: Person,
    picks: Sequence[Pick],
    *,
    reason: ModerationReason | None = None,
    note: str = "",
    now: datetime | None = None,
) -> Outcome:
    """Approve all of these; with a `reason`: hold all of them back, with one note to the authors.

    Raises `Refused` when there are none or too many, or the reason is not in use.
    """
    now = now or clock.now()
    if not picks:
        raise Refused(_("Please tick at least one contribution."))
    if len(picks) > MOST:
        raise Refused(_("At most %(number)s contributions can be decided at once.", number=MOST))
    if reason is not None and (reason.process_id != process.id or reason.retired_at is not None):
        raise Refused(_("This reason is not in use in this process."))
    after = State.published if reason is None else State.hidden
    rows = _as_seen(process, picks)
    refuse_own(process.id, actor, [row.author_id for row in rows])
    if reason is None:
        looked_at = _looked_at([row.id for row in rows if row.state == State.published])
        rows = [row for row in rows if not _stands(looked_at.get(row.id), row.edited_at)]
    batch = secrets.token_urlsafe(16)
    _set(rows, after, now)
    acts = _add_acts(
        [
            {
                "contribution_id": row.id,
                "kind": ModerationKind.approve if reason is None else ModerationKind.hide,
                "reason_id": reason.id if reason is not None else None,
                "note": clean_text(note).strip(),
                "state_before": row.state,
                "state_after": after,
                "batch": batch,
                "actor_id": actor.id,
                "created_at": now,
            }
            for row in rows
        ]
    )
    action = Action.contribution_approved if reason is None else Action.contribution_hidden
    facts = {} if reason is None else {"reason_id": reason.id}
    record_many(
        action,
        actor.id,
        [(("contribution", row.id), {"act_id": acts[row.id], **facts}) for row in rows],
        process_id=process.id,
    )
    told = [row for row in rows if reason is not None or row.state == State.pending]
    _tell("contribution_published" if reason is None else "contribution_hidden", told, acts, actor, process)
    ids = [row.id for row in rows]
    release_decided(ids)
    _count(process, [(row, after) for row in rows])
    if reason is not None:
        reports.close_many(process.id, ids, ReportOutcome.hidden, actor, now=now)
    done = [row.number for row in rows]
    return Outcome(batch, sorted(done), sorted({pick.number for pick in picks} - set(done)))


def undo_batch(process: Process, actor: Person, batch: str | None, now: datetime | None = None) -> Outcome:
    """Put everything that was decided together back to where it was, except what was touched since.

    Raises `Refused` when nothing of it can be undone any more, or nothing was decided under this name.
    """
    if batch is None:
        raise Refused(_("This was decided by itself. Please undo it by itself."))
    now = now or clock.now()
    # The rows are ours from here on: nobody adds an act to any of them after this look.
    locked = db.session.execute(
        select(*_COLUMNS)
        .where(
            Contribution.process_id == process.id,
            Contribution.id.in_(select(ModerationAct.contribution_id).where(ModerationAct.batch == batch)),
        )
        .order_by(Contribution.id)
        .with_for_update()
    ).all()
    last = _last_acts([row.id for row in locked])
    undone = {
        row.id: last[row.id]
        for row in locked
        if last[row.id].batch == batch
        and last[row.id].kind != ModerationKind.undo
        and last[row.id].state_after == row.state
    }
    rows = [row for row in locked if row.id in undone]
    if not rows:
        raise Refused(_("This decision cannot be undone any more: something has happened since."))
    refuse_own(process.id, actor, [row.author_id for row in rows])
    back = secrets.token_urlsafe(16)
    moves: dict[str, list[Any]] = {}
    for row in rows:
        moves.setdefault(undone[row.id].state_before, []).append(row)
    for before, group in moves.items():
        _set(group, State(before), None)
    acts = _add_acts(
        [
            {
                "contribution_id": row.id,
                "kind": ModerationKind.undo,
                "note": "",
                "state_before": row.state,
                "state_after": undone[row.id].state_before,
                "undoes_id": undone[row.id].id,
                "batch": back,
                "actor_id": actor.id,
                "created_at": now,
            }
            for row in rows
        ]
    )
    record_many(
        Action.moderation_undone,
        actor.id,
        [(("contribution", row.id), {"act_id": acts[row.id]}) for row in rows],
        process_id=process.id,
    )
    visible_again = [row for row in moves.get(State.published, []) if row.state == State.hidden]
    _tell("contribution_published", visible_again, acts, actor, process)
    _count(process, [(row, undone[row.id].state_before) for row in rows])
    reports.reopen(process.id, [undone[row.id] for row in rows], actor)
    done = [row.number for row in rows]
    return Outcome(back, sorted(done), sorted({row.number for row in locked} - set(done)))


_COLUMNS = (
    Contribution.id, Contribution.number, Contribution.state, Contribution.revision, Contribution.edited_at,
    Contribution.element_id, Contribution.parent_id, Contribution.stance, Contribution.author_id,
)  # fmt: skip


def _as_seen(process: Process, picks: Sequence[Pick]) -> list[Any]:
    """Those that still are as the moderator saw them, locked in the order of their ids."""
    seen = {pick.number: (pick.state, pick.revision) for pick in picks}
    locked = db.session.execute(
        select(*_COLUMNS)
        .where(Contribution.process_id == process.id, Contribution.number.in_(seen))
        .order_by(Contribution.id)
        .with_for_update()
    ).all()
    return [
        row
        for row in locked
        if row.state in (State.pending, State.published) and seen[row.number] == (row.state, row.revision)
    ]


def _last_acts(ids: Sequence[int]) -> dict[int, Any]:
    newest = (
        select(func.max(ModerationAct.id))
        .where(ModerationAct.contribution_id.in_(ids))
        .group_by(ModerationAct.contribution_id)
    )
    found = db.session.execute(
        select(
            ModerationAct.id,
            ModerationAct.contribution_id,
            ModerationAct.kind,
            ModerationAct.batch,
            ModerationAct.state_before,
            ModerationAct.state_after,
            ModerationAct.created_at,
        ).where(ModerationAct.id.in_(newest))
    )
    return {row.contribution_id: row for row in found}


def _looked_at(ids: Sequence[int]) -> dict[int, Any]:
    return _last_acts(ids) if ids else {}


def _stands(act: Any, edited_at: datetime | None) -> bool:
    """Whether this last act is a decision newer than the text."""
    if act is None or act.kind == ModerationKind.undo:
        return False
    return edited_at is None or act.created_at >= edited_at


def _set(rows: Sequence[Any], after: State, now: datetime | None) -> None:
    """Move locked rows; with `now` what appears for the first time is given its day."""
    if not rows:
        return
    values: dict[str, Any] = {"state": after}
    if after == State.published and now is not None:
        values["published_at"] = func.coalesce(Contribution.published_at, now)
    db.session.execute(
        update(Contribution)
        .where(Contribution.id.in_([row.id for row in rows]))
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _add_acts(values: list[dict[str, Any]]) -> dict[int, int]:
    """Contribution -> id of its new act."""
    if not values:
        return {}
    added = db.session.execute(insert(ModerationAct).returning(ModerationAct.contribution_id, ModerationAct.id), values)
    return {row.contribution_id: row.id for row in added}


def _tell(kind: str, rows: Sequence[Any], acts: dict[int, int], actor: Person, process: Process) -> None:
    pairs = [(acts[row.id], row.author_id) for row in rows if row.author_id is not None and row.author_id != actor.id]
    queue_many(kind, pairs, process_id=process.id)


def _count(process: Process, moved: Sequence[tuple[Any, str]]) -> None:
    changes: Counter[tuple[int, str]] = Counter()
    for row, after in moved:
        if row.element_id is not None and row.parent_id is None:
            by = (after == State.published) - (row.state == State.published)
            changes[row.element_id, row.stance or ""] += by
    tallies.add_many(process.id, changes)
