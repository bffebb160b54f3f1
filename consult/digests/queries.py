"""Which digests are due, what a window of the record holds, and which digests there are."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from flask import abort
from sqlalchemy import Select, select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry, AuditSeal
from consult.digests.models import Digest, DigestKind
from consult.extensions import db
from consult.processes.models import Process, ProcessState
from consult.weighing.models import Disposition

#: A digest is due from this time of the city's day on. No zone in use moves its clocks at this hour.
DUE_FROM = time(5)
#: The largest id the databases take in a key.
_MAX_ID = 2**31 - 1

#: After these acts a contribution may be public that was not before.
OPENING = (
    Action.contribution_submitted,
    Action.contribution_published,
    Action.contribution_approved,
    Action.moderation_undone,
)


def local_date(process: Process, now: datetime) -> date:
    """The day in the city of the process."""
    return now.astimezone(ZoneInfo(process.zone)).date()


def is_time(process: Process, now: datetime) -> bool:
    """Whether the digest of the present local day may leave; asked anew at each tick, never scheduled ahead."""
    return now.astimezone(ZoneInfo(process.zone)).time() >= DUE_FROM


def due(now: datetime) -> list[Process]:
    """Published processes whose steering digest of the present local date is due and not made yet. Two queries.

    After an outage only today's is due; its window holds everything since the last one.
    """
    processes = db.session.scalars(
        select(Process).where(Process.state == ProcessState.published).order_by(Process.id)
    ).all()
    wanted = {process.id: local_date(process, now) for process in processes if is_time(process, now)}
    rows = db.session.execute(
        select(Digest.process_id, Digest.local_date).where(
            Digest.kind == DigestKind.steering, Digest.local_date.in_(set(wanted.values()))
        )
    )
    made = {(process_id, day) for process_id, day in rows}
    return [p for p in processes if p.id in wanted and (p.id, wanted[p.id]) not in made]


def last_window(process_id: int) -> Digest | None:
    """The newest window, issued or not."""
    return db.session.scalar(
        select(Digest)
        .where(Digest.process_id == process_id, Digest.kind == DigestKind.steering)
        .order_by(Digest.to_seq.desc(), Digest.id.desc())
        .limit(1)
    )


def last_issued(process_id: int, before_seq: int) -> Digest | None:
    """The newest digest people have read, with a window that ends at `before_seq` or earlier."""
    return db.session.scalar(
        select(Digest)
        .where(
            Digest.process_id == process_id,
            Digest.kind == DigestKind.steering,
            Digest.issued_at.is_not(None),
            Digest.to_seq <= before_seq,
        )
        .order_by(Digest.to_seq.desc())
        .limit(1)
    )


def issued(process_id: int, limit: int = 200) -> list[Digest]:
    """The digests people can read, newest first."""
    return list(
        db.session.scalars(
            select(Digest)
            .where(Digest.process_id == process_id, Digest.issued_at.is_not(None))
            .order_by(Digest.to_seq.desc())
            .limit(limit)
        )
    )


def issued_or_404(process_id: int, digest_id: int) -> Digest:
    """The digest, if it belongs to this process and was issued; a quiet window has nothing to show."""
    digest = None
    if 0 < digest_id <= _MAX_ID:
        digest = db.session.scalar(
            select(Digest).where(Digest.id == digest_id, Digest.process_id == process_id, Digest.issued_at.is_not(None))
        )
    if digest is None:
        abort(404)
    return digest


@dataclass
class Activity:
    """What the record says about one process in the window (from_seq, to_seq]: ids, each once, in order of commits."""

    from_seq: int
    to_seq: int
    #: Contributions that arrived, in whatever state.
    submitted: list[int] = field(default_factory=list)
    #: Contributions that arrived, were let through or put back: those of them that are public may be new to readers.
    opened: list[int] = field(default_factory=list)
    edited: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    #: Hidden contribution -> the reason given last.
    hidden: dict[int, int] = field(default_factory=dict)
    versions: list[int] = field(default_factory=list)
    #: Dispositions that became public: at once, or with a version.
    decisions: list[int] = field(default_factory=list)
    #: Approved minutes.
    minutes: list[int] = field(default_factory=list)
    #: Meetings after which people sent answers to the survey.
    surveyed: list[int] = field(default_factory=list)
    #: Invitation -> the answer given last.
    answers: dict[int, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything happened that a report is worth."""
        return any(
            (
                self.opened, self.edited, self.withdrawn, self.hidden,
                self.versions, self.decisions, self.minutes, self.answers,
            )
        )  # fmt: skip


def subjects_in(process_id: int, from_seq: int, to_seq: int, *actions: Action) -> Select[int]:
    """Ids of the rows these acts in the window were about, for use inside other queries."""
    return (
        select(AuditEntry.subject_id)
        .join(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(
            AuditSeal.seq > from_seq,
            AuditSeal.seq <= to_seq,
            AuditEntry.process_id == process_id,
            AuditEntry.action.in_([action.value for action in actions]),
        )
    )


def activity(process: Process, from_seq: int, to_seq: int) -> Activity:
    """Everything of this process in the window, from the sealed record. One query; one more where something was
    decided, because what waits for a version is not told before it is public.
    """
    found = Activity(from_seq, to_seq)
    lists = {
        Action.contribution_submitted: found.submitted,
        Action.contribution_edited: found.edited,
        Action.contribution_withdrawn: found.withdrawn,
        Action.version_published: found.versions,
        Action.disposition_decided: found.decisions,
        Action.minutes_approved: found.minutes,
        Action.survey_answered: found.surveyed,
    }
    others = (Action.contribution_hidden, Action.invitation_answered, Action.dispositions_released)
    released: list[int] = []
    rows = db.session.execute(
        select(AuditEntry.action, AuditEntry.subject_id, AuditEntry.facts)
        .join(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(
            AuditSeal.seq > from_seq,
            AuditSeal.seq <= to_seq,
            AuditEntry.process_id == process.id,
            AuditEntry.action.in_([action.value for action in (*OPENING, *lists, *others)]),
        )
        .order_by(AuditSeal.seq)
    )
    for name, subject_id, facts in rows:
        action = Action(name)
        if action in OPENING:
            found.opened.append(subject_id)
        if action == Action.contribution_hidden:
            found.hidden[subject_id] = facts["reason_id"]
        elif action == Action.dispositions_released:
            released += facts["dispositions"]
        elif action == Action.invitation_answered:
            found.answers[subject_id] = facts["state"]
        elif action in lists:
            lists[action].append(subject_id)
    if found.decisions:
        held = set(
            db.session.scalars(select(Disposition.id).where(Disposition.id.in_(found.decisions), Disposition.held))
        )
        found.decisions[:] = [ident for ident in found.decisions if ident not in held]
    found.decisions += released
    found.opened[:] = dict.fromkeys(found.opened)
    for ids in lists.values():
        ids[:] = dict.fromkeys(ids)
    return found
