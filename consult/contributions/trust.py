"""What the moderators of a process decided about everything an author writes there. Never shown in public."""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import AuthorTrust, Channel, Contribution, TrustLevel
from consult.extensions import db
from consult.html import clean_line
from consult.processes.models import Process

#: What the record says of an author about whom nothing special holds any more.
ORDINARY = "ordinary"


def standing_of(process_id: int, person_id: int) -> AuthorTrust | None:
    """What was decided about this author, with the moderators' note; None for nearly everybody."""
    return db.session.get(AuthorTrust, (process_id, person_id))


def levels_of(process_id: int, person_ids: set[int]) -> dict[int, str]:
    """The levels of these authors, without those about whom nothing was decided. One query."""
    if not person_ids:
        return {}
    found = db.session.execute(
        select(AuthorTrust.person_id, AuthorTrust.level).where(
            AuthorTrust.process_id == process_id, AuthorTrust.person_id.in_(person_ids)
        )
    )
    return {row.person_id: row.level for row in found}


def has_written(process_id: int, person_id: int) -> bool:
    """Whether this person is the author of something in the process."""
    found = select(Contribution.id).where(Contribution.author_id == person_id, Contribution.process_id == process_id)
    return db.session.scalar(found.limit(1)) is not None


def writes_by_name(process_id: int, person_id: int) -> bool:
    """Whether something here bears the name of their account: what is written without one never does."""
    found = select(Contribution.id).where(
        Contribution.author_id == person_id,
        Contribution.process_id == process_id,
        Contribution.channel.not_in((Channel.guest, Channel.helper)),
    )
    return db.session.scalar(found.limit(1)) is not None


def states_of(process_id: int, person_id: int) -> dict[str, int]:
    """How many contributions of this author are in each state."""
    found = db.session.execute(
        select(Contribution.state, func.count())
        .where(Contribution.author_id == person_id, Contribution.process_id == process_id)
        .group_by(Contribution.state)
    )
    return {row[0]: row[1] for row in found}


def decide(process: Process, person_id: int, level: TrustLevel | None, note: str, actor: Person) -> None:
    """Trust an author, watch them, or (None) treat them as everybody. Holds for what they write from now on."""
    if level is None:
        db.session.execute(
            delete(AuthorTrust).where(AuthorTrust.process_id == process.id, AuthorTrust.person_id == person_id)
        )
    else:
        insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {"level": level, "note": clean_line(note)[:300], "by_id": actor.id, "created_at": clock.now()}
        db.session.execute(
            insert(AuthorTrust)
            .values(process_id=process.id, person_id=person_id, **values)
            .on_conflict_do_update(index_elements=["process_id", "person_id"], set_=values)
        )
    record(
        Action.trust_changed,
        actor.id,
        (Person.__tablename__, person_id),
        process_id=process.id,
        person_id=person_id,
        level=level or ORDINARY,
    )
