"""Reports: somebody thinks that a published contribution should not stand there, and is told what came of it.

Who reported is for the moderators only. One decision closes all open reports of a contribution.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record, record_many
from consult.contributions.models import Contribution, ModerationKind, ModerationReason, State
from consult.contributions.operations import when_withdrawn
from consult.contributions.receipts import hash_of
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.moderation.models import Report, ReportOutcome
from consult.outbox.operations import queue_many
from consult.processes.models import Process
from consult.processes.policy import can_read

#: Reports of one contribution shown on the desk.
SHOWN = 50


def make(
    contribution: Contribution,
    *,
    reporter: Person | None,
    reason: ModerationReason | None,
    note: str,
    code: str = "",
    now: datetime | None = None,
) -> int:
    """Report it; returns the id of the report. `code`: the receipt code of somebody without an account.

    Raises `Refused` when it is not public, is one's own, or was reported by the same person before.
    """
    if contribution.state != State.published:
        raise Refused(_("This contribution is not shown any more."))
    if reporter is not None and contribution.author_id == reporter.id:
        raise Refused(_("This is your own contribution. You can withdraw it."))
    if reason is not None and (reason.process_id != contribution.process_id or reason.retired_at is not None):
        raise Refused(_("This reason is not in use in this process."))
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    ident = db.session.scalar(
        insert(Report)
        .values(
            process_id=contribution.process_id,
            contribution_id=contribution.id,
            reporter_id=reporter.id if reporter else None,
            receipt_hash=hash_of(code) if reporter is None else None,
            reason_id=reason.id if reason else None,
            note=clean_text(note).strip(),
            created_at=now or clock.now(),
            answer="",
        )
        .on_conflict_do_nothing(index_elements=["contribution_id", "reporter_id"])
        .returning(Report.id)
    )
    if ident is None:
        raise Refused(_("You have reported this contribution already."))
    record(
        Action.report_made,
        reporter.id if reporter else None,
        contribution,
        process_id=contribution.process_id,
        report_id=ident,
    )
    return int(ident)


def close_all(
    contribution: Contribution,
    outcome: ReportOutcome,
    actor: Person | None,
    *,
    answer: str = "",
    now: datetime | None = None,
) -> int:
    """Close every open report of it and tell those who reported; returns how many were open."""
    return close_many(contribution.process_id, [contribution.id], outcome, actor, answer=answer, now=now)


def close_many(
    process_id: int,
    contribution_ids: Sequence[int],
    outcome: ReportOutcome,
    actor: Person | None,
    *,
    answer: str = "",
    now: datetime | None = None,
) -> int:
    """Close every open report of these contributions, as `close_all`, in a few statements."""
    actor_id, now = actor.id if actor else None, now or clock.now()
    closed = db.session.execute(
        update(Report)
        .where(Report.contribution_id.in_(contribution_ids), Report.closed_at.is_(None))
        .values(
            outcome=outcome,
            answer=clean_text(answer).strip(),
            closed_by_id=actor_id,
            closed_at=now,
        )
        .returning(Report.id, Report.reporter_id, Report.contribution_id)
        .execution_options(synchronize_session=False)
    ).all()
    record_many(
        Action.report_closed,
        actor_id,
        [
            ((Contribution.__tablename__, row.contribution_id), {"report_id": row.id, "outcome": outcome.value})
            for row in sorted(closed, key=lambda row: row.id)
        ],
        process_id=process_id,
    )
    told = [(row.id, row.reporter_id) for row in closed if row.reporter_id not in (None, actor_id)]
    # A report that was opened again is told about again.
    queue_many("report_closed", told, period=closing(now), process_id=process_id)
    return len(closed)


def closing(at: datetime) -> str:
    """The name of a closing: a report may be closed more than once, each time with a mail of its own."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


class Hold(Protocol):
    """What is asked about a decision to hold something back: a row of `moderation_act` or a part of one."""

    kind: str
    contribution_id: int
    created_at: datetime


def reopen(process_id: int, holds: Iterable[Hold], actor: Person) -> int:
    """Open again the reports that these decisions to hold back had closed: they are undone, so nothing has come of the
    reports. What was closed otherwise stays closed. Returns how many."""
    by_moment: dict[datetime, list[int]] = {}
    for act in holds:
        if act.kind == ModerationKind.hide:
            by_moment.setdefault(act.created_at, []).append(act.contribution_id)
    reopened = [
        row
        for moment, ids in sorted(by_moment.items())
        for row in db.session.execute(
            update(Report)
            .where(Report.contribution_id.in_(ids), Report.outcome == ReportOutcome.hidden, Report.closed_at == moment)
            .values(outcome=None, answer="", closed_by_id=None, closed_at=None)
            .returning(Report.id, Report.contribution_id)
            .execution_options(synchronize_session=False)
        )
    ]
    record_many(
        Action.report_reopened,
        actor.id,
        [
            ((Contribution.__tablename__, row.contribution_id), {"report_id": row.id})
            for row in sorted(reopened, key=lambda row: row.id)
        ],
        process_id=process_id,
    )
    return len(reopened)


def keep(contribution: Contribution, actor: Person, answer: str) -> int:
    """Let it stand, with one sentence to those who reported it. Raises `Refused` when nothing is open any more."""
    closed = close_all(contribution, ReportOutcome.kept, actor, answer=answer)
    if not closed:
        raise Refused(_("Somebody else has decided about these reports meanwhile. Nothing was done."))
    return closed


def _settle(contribution: Contribution) -> None:
    close_all(contribution, ReportOutcome.settled, None)


when_withdrawn.append(_settle)


@dataclass(frozen=True)
class Reported:
    """One report as moderators read it."""

    id: int
    reporter: str | None
    reason: str | None
    note: str
    at: datetime
    outcome: str | None
    answer: str
    closed_at: datetime | None
    closed_by: str | None


def reports_of(contribution: Contribution) -> list[Reported]:
    """The reports of a contribution, open ones first, with who reported. For moderators."""
    closer = aliased(Person)
    found = db.session.execute(
        select(Report, Person.name, ModerationReason.text, closer.name)
        .outerjoin(closer, closer.id == Report.closed_by_id)
        .outerjoin(Person, Person.id == Report.reporter_id)
        .outerjoin(ModerationReason, ModerationReason.id == Report.reason_id)
        .where(Report.contribution_id == contribution.id)
        .order_by(Report.closed_at.is_not(None), Report.id)
        .limit(SHOWN)
    )
    return [
        Reported(
            report.id, name, reason, report.note, report.created_at, report.outcome, report.answer, report.closed_at, by
        )
        for report, name, reason, by in found
    ]


def open_reports(contribution_ids: Iterable[int]) -> dict[int, int]:
    """How many reports of each of these contributions are open. One query."""
    ids = list(contribution_ids)
    if not ids:
        return {}
    found = db.session.execute(
        select(Report.contribution_id, func.count())
        .where(Report.contribution_id.in_(ids), Report.closed_at.is_(None))
        .group_by(Report.contribution_id)
    )
    return {row[0]: row[1] for row in found}


def waiting(process_id: int) -> tuple[int, datetime | None]:
    """(how many contributions have open reports, since when the oldest)."""
    number, oldest = db.session.execute(
        select(func.count(func.distinct(Report.contribution_id)), func.min(Report.created_at)).where(
            Report.process_id == process_id, Report.closed_at.is_(None)
        )
    ).one()
    return number, oldest


def find(code: str) -> Report | None:
    """The report with this receipt code."""
    return db.session.scalar(select(Report).where(Report.receipt_hash == hash_of(code)))


def opened(report_id: int) -> tuple[Report, Contribution, Process] | None:
    """A report that was opened with its code; None when its process is not for the public any more."""
    row = db.session.execute(
        select(Report, Contribution, Process)
        .join(Contribution, Contribution.id == Report.contribution_id)
        .join(Process, Process.id == Report.process_id)
        .where(Report.id == report_id, Report.receipt_hash.is_not(None))
    ).first()
    if row is None or not can_read(None, row.Process):
        return None
    return row.Report, row.Contribution, row.Process
