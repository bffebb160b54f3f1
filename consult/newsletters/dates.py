"""Other days for a stage: those who follow the process are told, once each.

Who follows it are the people who get its newsletter: what they agreed to is hearing what is new in this process. The
switch for answers to one's own contribution promises mails about decisions alone, and is not used for this.

The record is the truth: its entry says what is to be told, the outbox takes one mail per person, stage and number of
the change. A later change stands: the mail of an earlier one that has not left is not sent any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import record
from consult.extensions import db
from consult.invitations.models import Subscription, SubscriptionState
from consult.jobs import Job, enqueue
from consult.newsletters import issues
from consult.outbox.models import OutboxMessage, State
from consult.outbox.operations import queue_many
from consult.processes.models import Days, Process, ProcessState, Stage

DATES = "dates_changed"
#: So many mails are promised with the change itself; more than these by the worker.
AT_ONCE = 300
#: Mails promised between two commits.
WAVE = 1000
#: What was left behind is gone on with for so long; afterwards it is no news.
CATCH_UP = timedelta(days=3)
#: Of these nobody knows, or it is certain, that they arrived.
_LEFT = (State.sending, State.sent, State.uncertain)


def followers(process: Process) -> int:
    """How many people are told when days of this process change; none while the public cannot read it."""
    return issues.subscribers(process.id) if process.state == ProcessState.published else 0


@dataclass(frozen=True)
class Told:
    """One change that is to be told."""

    #: The number of the stage's change.
    sequence: int
    #: The days until then.
    former: Days
    at: datetime


def tell(process: Process, stage: Stage, former: Days, actor: Person) -> int:
    """Tell everybody who follows the process that the stage had these days until now; returns how many.

    Many are promised their mails by the worker. Nothing is told of a process the public cannot read.
    """
    number = followers(process)
    if not number:
        return 0
    record(
        Action.dates_told,
        actor.id,
        stage,
        process_id=process.id,
        sequence=stage.sequence,
        starts_at=former.starts_at.isoformat(),
        ends_at=former.ends_at.isoformat() if former.ends_at else None,
        recipients=number,
    )
    if number > AT_ONCE:
        enqueue(db.session, Job.newsletters)
    else:
        wave(stage, told_of(stage.id)[0])
    return number


def told_of(stage_id: int) -> Sequence[Told]:
    """What was told of a stage, the newest first."""
    found = []
    for entry in db.session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.subject_type == Stage.__tablename__,
            AuditEntry.subject_id == stage_id,
            AuditEntry.action.in_((Action.dates_told.value, Action.stage_created.value)),
        )
        .order_by(AuditEntry.id.desc())
    ):
        if entry.action == Action.stage_created:
            # Before that, a removed stage had this id.
            break
        ends = entry.facts["ends_at"]
        former = Days(datetime.fromisoformat(entry.facts["starts_at"]), datetime.fromisoformat(ends) if ends else None)
        found.append(Told(int(entry.facts["sequence"]), former, entry.at))
    return found


def wave(stage: Stage, told: Told) -> int:
    """Promise the mail to the next of those who follow and have none; returns how many."""
    period = str(told.sequence)
    has_it = exists().where(
        OutboxMessage.kind == DATES,
        OutboxMessage.subject_id == stage.id,
        OutboxMessage.recipient_id == Subscription.person_id,
        OutboxMessage.period == period,
    )
    people = db.session.scalars(
        select(Subscription.person_id)
        .where(
            Subscription.process_id == stage.process_id,
            Subscription.state == SubscriptionState.confirmed,
            # Who subscribes later reads the new days at once.
            Subscription.confirmed_at <= told.at,
            ~has_it,
        )
        .order_by(Subscription.person_id)
        .limit(WAVE)
    ).all()
    queue_many(DATES, [(stage.id, ident) for ident in people], period=period, process_id=stage.process_id)
    return len(people)


def tick(now: datetime) -> int:
    """Promise what is to be told and was not promised yet; returns how many mails. A door: it commits after each wave.

    Safe to run at any time, twice, and by two workers.
    """
    lately = select(AuditEntry.subject_id).where(AuditEntry.action == Action.dates_told, AuditEntry.at > now - CATCH_UP)
    stages = db.session.scalars(
        select(Stage)
        .join(Process, Process.id == Stage.process_id)
        .where(Stage.id.in_(lately), Process.state == ProcessState.published)
        .order_by(Stage.id)
    ).all()
    promised = 0
    for stage in stages:
        told = told_of(stage.id)
        added = wave(stage, told[0]) if told else 0
        while added:
            promised += added
            db.session.commit()
            # Somebody may have moved the days once more: from here on that is told.
            told = told_of(stage.id)
            added = wave(stage, told[0])
    db.session.rollback()
    return promised


def former_days(message: OutboxMessage, since: datetime | None, told: Sequence[Told]) -> Days | None:
    """The days the recipient knew last; None where this mail is no longer the newest.

    `since`: when they began to follow. Changes whose mail never left count as not told.
    """
    if not told or message.period != str(told[0].sequence):
        return None
    left = {
        int(period)
        for period in db.session.scalars(
            select(OutboxMessage.period).where(
                OutboxMessage.kind == DATES,
                OutboxMessage.subject_id == message.subject_id,
                OutboxMessage.recipient_id == message.recipient_id,
                OutboxMessage.state.in_(_LEFT),
                OutboxMessage.id != message.id,
            )
        )
    }
    known = told[0].former
    for one in told[1:]:
        if one.sequence in left or (since is not None and since > one.at):
            break
        known = one.former
    return known
