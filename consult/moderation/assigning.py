"""Who of the team looks after a contribution. Of two who take it at once one gets it, the other one is told."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record, record_many
from consult.contributions.models import Contribution, State
from consult.errors import Refused
from consult.extensions import db
from consult.moderation.models import Assignment
from consult.moderation.team import team_of
from consult.processes.models import Process


def holder_of(contribution_id: int) -> tuple[int, str] | None:
    """Who looks after it: id and name."""
    row = db.session.execute(
        select(Person.id, Person.name)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.contribution_id == contribution_id)
    ).first()
    return (row.id, row.name or "") if row is not None else None


def assign(
    contribution: Contribution,
    actor: Person,
    to_id: int | None,
    *,
    held_by: int | None,
    now: datetime | None = None,
) -> None:
    """Take it (`to_id` is the actor), give it to somebody of the team, or release it (None).

    `held_by`: who looked after it on the actor's page; compared and set. Raises `Refused` when that has changed, the
    person is not of the team, or the contribution was withdrawn.
    """
    if to_id is not None:
        if contribution.state == State.withdrawn:
            raise Refused(_("This contribution was withdrawn. There is nothing to look after."))
        if to_id not in team_of(contribution.process_id):
            raise Refused(_("This person does not moderate here. Please choose somebody of the team."))
    if not _set(contribution.id, to_id, held_by, actor.id, now or clock.now()):
        holder = holder_of(contribution.id)
        if holder is None:
            raise Refused(_("Nobody looks after this contribution any more. Please look at it again."))
        raise Refused(_("%(name)s looks after this contribution now. Nothing was changed.", name=holder[1]))
    record(Action.assignment_changed, actor.id, contribution, process_id=contribution.process_id, to_id=to_id)


def give_many(
    process: Process, actor: Person, to_id: int, numbers: Sequence[int], now: datetime | None = None
) -> tuple[list[int], list[int]]:
    """Give all of these to somebody of the team, or take them oneself: who was given, and what was left alone.

    Left alone is what another colleague looks after already, what was withdrawn, and what is no number of this process.
    So all that was said about one part of the text goes to whoever knows it. Raises `Refused` for outsiders.
    """
    if to_id not in team_of(process.id):
        raise Refused(_("This person does not moderate here. Please choose somebody of the team."))
    now = now or clock.now()
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    chosen = (
        select(Contribution.id, literal(to_id), literal(actor.id), literal(now, Assignment.created_at.type))
        .where(
            Contribution.process_id == process.id,
            Contribution.number.in_(list(numbers)),
            Contribution.state != State.withdrawn,
        )
        # Two who give the same ones lock them in the same order.
        .order_by(Contribution.id)
    )
    given = (
        insert(Assignment)
        .from_select(["contribution_id", "person_id", "by_id", "created_at"], chosen)
        .on_conflict_do_update(
            index_elements=[Assignment.contribution_id],
            set_={"person_id": to_id, "by_id": actor.id, "created_at": now},
            # Only what the actor looks after is theirs to pass on.
            where=Assignment.person_id == actor.id,
        )
        .returning(Assignment.contribution_id)
    )
    ids = list(db.session.scalars(given))
    record_many(
        Action.assignment_changed,
        actor.id,
        [(("contribution", ident), {"to_id": to_id}) for ident in sorted(ids)],
        process_id=process.id,
    )
    found = db.session.scalars(select(Contribution.number).where(Contribution.id.in_(ids))) if ids else ()
    done = sorted(number for number in found if number is not None)
    return done, sorted(set(numbers) - set(done))


def _set(contribution_id: int, to_id: int | None, held_by: int | None, by_id: int, now: datetime) -> bool:
    if held_by is None:
        if to_id is None:
            return False
        insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        added = db.session.execute(
            insert(Assignment)
            .values(contribution_id=contribution_id, person_id=to_id, by_id=by_id, created_at=now)
            .on_conflict_do_nothing()
            .returning(Assignment.contribution_id)
        ).first()
        return added is not None
    here = (Assignment.contribution_id == contribution_id, Assignment.person_id == held_by)
    if to_id is None:
        gone = db.session.execute(delete(Assignment).where(*here).returning(Assignment.contribution_id)).first()
        return gone is not None
    moved = db.session.execute(
        update(Assignment)
        .where(*here)
        .values(person_id=to_id, by_id=by_id, created_at=now)
        .returning(Assignment.contribution_id)
        .execution_options(synchronize_session=False)
    ).first()
    return moved is not None


def release_decided(contribution_ids: Iterable[int]) -> None:
    """What is decided needs nobody to look after it any more; the decision itself stands in the record."""
    db.session.execute(delete(Assignment).where(Assignment.contribution_id.in_(list(contribution_ids))))
