"""How the moderation of a process went, in counts only: what arrived, what was held back and why, how long it took."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from consult.contributions.models import (
    Contribution,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    State,
)
from consult.extensions import db
from consult.moderation.models import Appeal, Report, ReportOutcome
from consult.processes.models import Process


@dataclass(frozen=True)
class Figures:
    """The counts of one process."""

    arrived: int
    published: int
    waiting: int
    held_back: int
    withdrawn: int
    #: (reason, how many are held back for it at present).
    by_reason: tuple[tuple[str, int], ...]
    erased: int
    #: Reports, and what came of them.
    reported: int
    reports_hidden: int
    reports_kept: int
    reports_settled: int
    reports_open: int
    appeals: int
    appeals_granted: int
    appeals_declined: int
    appeals_open: int
    #: How many that waited were decided, and after how many hours half of them and nine tenths of them.
    decided: int
    median_hours: float | None
    most_hours: float | None


def _hours_between(later: Any, earlier: Any) -> Any:
    """Hours between two moments, as each database counts them."""
    if db.session.get_bind().dialect.name == "postgresql":
        return func.extract("epoch", later - earlier) / 3600.0
    return (func.julianday(later) - func.julianday(earlier)) * 24.0


def _how_long(process_id: int) -> tuple[int, float | None, float | None]:
    """(how many that waited were decided, hours for half of them, for nine tenths of them)."""
    first = (
        select(func.min(ModerationAct.id).label("id"))
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(Contribution.process_id == process_id)
        .group_by(ModerationAct.contribution_id)
        .subquery()
    )
    hours = _hours_between(ModerationAct.created_at, Contribution.created_at)
    ranked = (
        select(
            hours.label("hours"),
            func.row_number().over(order_by=hours).label("place"),
            func.count().over().label("number"),
        )
        .select_from(ModerationAct)
        .join(first, first.c.id == ModerationAct.id)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(ModerationAct.state_before == State.pending)
        .subquery()
    )
    number, place = ranked.c.number, ranked.c.place
    # The places of the median and of nine tenths, in whole numbers: both databases divide those alike.
    rows = db.session.execute(
        select(number, place, ranked.c.hours).where(place.in_(((number + 1) // 2, (number * 9 + 9) // 10)))
    ).all()
    if not rows:
        return 0, None, None
    found = {int(row.place): max(0.0, float(row.hours)) for row in rows}
    total = int(rows[0].number)
    return total, found[(total + 1) // 2], found[(total * 9 + 9) // 10]


def _by(rows: Any) -> dict[Any, int]:
    return {key: int(number) for key, number in rows}


def figures(process: Process) -> Figures:
    """The counts of a process. Seven queries."""
    here = Contribution.process_id == process.id
    states = _by(db.session.execute(select(Contribution.state, func.count()).where(here).group_by(Contribution.state)))
    last = (
        select(func.max(ModerationAct.id))
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(here, Contribution.state == State.hidden, ModerationAct.reason_id.is_not(None))
        .group_by(ModerationAct.contribution_id)
    )
    reasons = db.session.execute(
        select(ModerationReason.text, func.count())
        .join(ModerationAct, ModerationAct.reason_id == ModerationReason.id)
        .where(ModerationAct.id.in_(last))
        .group_by(ModerationReason.id, ModerationReason.text)
        .order_by(func.count().desc(), ModerationReason.id)
    )
    by_reason = tuple((row[0], int(row[1])) for row in reasons)
    erased = db.session.scalar(
        select(func.count())
        .select_from(ModerationAct)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(here, ModerationAct.kind == ModerationKind.erase)
    )
    outcomes = _by(
        db.session.execute(
            select(Report.outcome, func.count()).where(Report.process_id == process.id).group_by(Report.outcome)
        )
    )
    answers = _by(
        db.session.execute(
            select(Appeal.granted, func.count())
            .join(ModerationAct, ModerationAct.id == Appeal.act_id)
            .join(Contribution, Contribution.id == ModerationAct.contribution_id)
            .where(here)
            .group_by(Appeal.granted)
        )
    )
    decided, median, most = _how_long(process.id)
    return Figures(
        arrived=sum(states.values()),
        published=states.get(State.published, 0),
        waiting=states.get(State.pending, 0),
        held_back=states.get(State.hidden, 0),
        withdrawn=states.get(State.withdrawn, 0),
        by_reason=by_reason,
        erased=erased or 0,
        reported=sum(outcomes.values()),
        reports_hidden=outcomes.get(ReportOutcome.hidden, 0),
        reports_kept=outcomes.get(ReportOutcome.kept, 0),
        reports_settled=outcomes.get(ReportOutcome.settled, 0),
        reports_open=outcomes.get(None, 0),
        appeals=sum(answers.values()),
        appeals_granted=answers.get(True, 0),
        appeals_declined=answers.get(False, 0),
        appeals_open=answers.get(None, 0),
        decided=decided,
        median_hours=median,
        most_hours=most,
    )
