"""Writing the record, and sealing it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, insert, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.audit.actions import FACTS, Action
from consult.audit.models import AuditEntry, AuditSeal, Heartbeat
from consult.extensions import db

GENESIS = "0" * 64
#: Key of the advisory lock that makes the sealer the only one (PostgreSQL; SQLite has one writer anyway).
_SEAL_LOCK = 4_201_701


class WrongFacts(ValueError):
    """The facts given are not exactly those the action declares."""


def _check(action: Action, facts: Mapping[str, Any]) -> None:
    expected = FACTS.get(action, frozenset())
    if set(facts) != expected:
        raise WrongFacts(f"{action.value} records {sorted(expected)}, got {sorted(facts)}")


@cache
def _entry_insert() -> Any:
    table: Any = AuditEntry.__table__
    return insert(table)


def record(action: Action, actor_id: int | None, subject: Any, *, process_id: int | None = None, **facts: Any) -> None:
    """Write an entry in the present transaction: a rolled-back act leaves no trace.

    `subject` is a flushed row, or a `(table, id)` pair. Raises `WrongFacts` when the keys differ from those declared.
    """
    if not isinstance(subject, tuple):
        subject = subject.__tablename__, getattr(subject, "id", None) or subject.person_id
    record_many(action, actor_id, [(subject, facts)], process_id=process_id)


def record_many(
    action: Action,
    actor_id: int | None,
    subjects: Sequence[tuple[tuple[str, int], dict[str, Any]]],
    *,
    process_id: int | None = None,
) -> None:
    """The same act on many rows at once: an entry for each `((table, id), facts)`, in one statement.

    Raises `WrongFacts` as `record` does.
    """
    for _subject, facts in subjects:
        _check(action, facts)
    if not subjects:
        return
    now = clock.now()
    entries = [
        {
            "at": now,
            "actor_id": actor_id,
            "action": action.value,
            "process_id": process_id,
            "subject_type": subject_type,
            "subject_id": subject_id,
            "facts": facts,
        }
        for (subject_type, subject_id), facts in subjects
    ]
    # Past the unit of work: nothing reads the entries again, and every act that counts pays for this.
    db.session.execute(_entry_insert(), entries if len(entries) > 1 else entries[0])


def entry_beside(row: Any, action: Action, subject_type: str, subject_id: Any, **facts: Any) -> Any:
    """For PostgreSQL: an entry as part of the statement whose CTE `row` does what it records; none without a row.

    `subject_id` and the facts are expressions. The statement is executed with `said_by` beside its own values.
    Raises `WrongFacts` as `record` does.
    """
    _check(action, facts)
    table: Any = AuditEntry.__table__
    values = {
        "at": bindparam("said_at", type_=table.c.at.type),
        "actor_id": bindparam("said_actor_id", type_=table.c.actor_id.type),
        "action": literal(action.value),
        "process_id": bindparam("said_process_id", type_=table.c.process_id.type),
        "subject_type": literal(subject_type),
        "subject_id": subject_id,
        "facts": func.json_build_object(*(part for name, value in facts.items() for part in (literal(name), value))),
    }
    return insert(table).from_select(list(values), select(*values.values()).select_from(row)).cte("entry")


def said_by(actor_id: int | None, process_id: int) -> dict[str, Any]:
    """The values of `entry_beside`."""
    return {"said_at": clock.now(), "said_actor_id": actor_id, "said_process_id": process_id}


def entry_hash(entry: AuditEntry, seq: int, previous: str) -> str:
    """SHA-256 over the canonical JSON of an entry, its place and the hash before it."""
    content = {
        "seq": seq,
        "previous": previous,
        "id": entry.id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "action": entry.action,
        "process": entry.process_id,
        "subject": [entry.subject_type, entry.subject_id],
        "facts": entry.facts,
    }
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def seal(limit: int = 5000) -> int:
    """Give every committed entry without a seal its place; returns how many.

    Under one lock, so that `seq` follows the order in which transactions became visible, not the order of ids.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SEAL_LOCK})
    last = db.session.execute(select(AuditSeal.seq, AuditSeal.hash).order_by(AuditSeal.seq.desc()).limit(1)).first()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    unsealed = db.session.scalars(
        select(AuditEntry)
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(AuditSeal.seq.is_(None))
        .order_by(AuditEntry.id)
        .limit(limit)
    ).all()
    now = clock.now()
    for entry in unsealed:
        seq += 1
        previous_hash, previous = previous, entry_hash(entry, seq, previous)
        db.session.add(AuditSeal(seq=seq, entry_id=entry.id, previous=previous_hash, hash=previous, sealed_at=now))
    db.session.flush()
    return len(unsealed)


def head() -> int:
    """The last sealed place; 0 when nothing is sealed."""
    return db.session.scalar(select(func.max(AuditSeal.seq))) or 0


def last_hash() -> str:
    """The end of the chain: whoever writes it down can prove later that everything up to here is unchanged."""
    return db.session.scalar(select(AuditSeal.hash).order_by(AuditSeal.seq.desc()).limit(1)) or GENESIS


def verify_chain() -> list[str]:
    """Recompute the whole chain; returns one sentence per broken place, an empty list when all is well."""
    problems: list[str] = []
    previous, expected = GENESIS, 1
    rows = db.session.execute(
        select(AuditSeal, AuditEntry)
        .outerjoin(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .order_by(AuditSeal.seq)
        .execution_options(yield_per=1000)
    )
    sealed: AuditSeal
    entry: AuditEntry | None
    for sealed, entry in rows:
        if sealed.seq != expected:
            problems.append(f"place {expected} is missing")
            expected = sealed.seq
        if entry is None:
            problems.append(f"entry {sealed.entry_id} at place {sealed.seq} is gone")
        elif sealed.previous != previous or entry_hash(entry, sealed.seq, sealed.previous) != sealed.hash:
            problems.append(f"entry {sealed.entry_id} at place {sealed.seq} was altered")
        previous, expected = sealed.hash, expected + 1
    return problems


def beat(name: str, now: datetime) -> None:
    """Note that this background duty has just been done."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Heartbeat).values(name=name, at=now)
    db.session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now}))
