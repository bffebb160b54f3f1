"""Head entries: contributions that say nearly the same are gathered under one and answered together.

The order is flat: a head is gathered with nothing, and nothing is gathered with a gathered one. Nothing is counted
differently: each stays a contribution with its number, and its author gets the answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record, record_many
from consult.contributions.models import Contribution, State
from consult.errors import Refused
from consult.extensions import db
from consult.moderation.models import Gathered
from consult.processes.models import Process


@dataclass(frozen=True)
class Gathering:
    """What came of gathering: which were put under the head."""

    head_number: int
    numbers: list[int]
    #: Not gathered: withdrawn meanwhile, or no contribution of this process.
    skipped: list[int]
    head_id: int
    #: Ids of all that are under the head now because of this.
    ids: list[int]


def gather(
    process: Process, actor: Person, head_number: int, numbers: Iterable[int], now: datetime | None = None
) -> Gathering:
    """Put these under a head entry. One that was a head itself brings along what was gathered under it.

    Raises `Refused` when the head is missing, not shown any more, gathered itself, or nothing is left to gather.
    """
    wanted = {number for number in numbers if number != head_number}
    # In the order of the ids, as everywhere: two who gather the same ones wait for each other.
    rows = db.session.execute(
        select(Contribution.id, Contribution.number, Contribution.state)
        .where(Contribution.process_id == process.id, Contribution.number.in_({*wanted, head_number}))
        .order_by(Contribution.id)
        .with_for_update()
    ).all()
    head = next((row for row in rows if row.number == head_number), None)
    label = f"{process.code}-{head_number}"
    if head is None:
        raise Refused(_("There is no contribution %(number)s in this process.", number=label))
    if head.state not in (State.pending, State.published):
        raise Refused(_("%(number)s is not shown any more; nothing can be gathered under it.", number=label))
    above = _head_number_of(head.id)
    if above is not None:
        raise Refused(
            _(
                "%(number)s is gathered with %(head)s itself. Please gather under %(head)s.",
                number=label,
                head=f"{process.code}-{above}",
            )
        )
    members = [row for row in rows if row.number in wanted and row.state in (State.pending, State.published)]
    if not members:
        raise Refused(_("Please tick at least one other contribution to gather."))
    ids = [row.id for row in members]
    brought = list(
        db.session.scalars(
            update(Gathered)
            .where(Gathered.head_id.in_(ids))
            .values(head_id=head.id)
            .returning(Gathered.contribution_id)
            .execution_options(synchronize_session=False)
        )
    )
    _put(ids, head.id, actor.id, now or clock.now())
    record_many(
        Action.gathering_changed,
        actor.id,
        [(("contribution", ident), {"head_id": head.id}) for ident in sorted({*ids, *brought} - {head.id})],
        process_id=process.id,
    )
    done = sorted(row.number or 0 for row in members)
    return Gathering(head_number, done, sorted(wanted - set(done)), head.id, sorted({*ids, *brought} - {head.id}))


def _put(ids: Sequence[int], head_id: int, by_id: int, now: datetime) -> None:
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Gathered).values(
        [{"contribution_id": ident, "head_id": head_id, "by_id": by_id, "created_at": now} for ident in ids]
    )
    changes = {"head_id": head_id, "by_id": by_id, "created_at": now}
    db.session.execute(statement.on_conflict_do_update(index_elements=["contribution_id"], set_=changes))


def _head_number_of(contribution_id: int) -> int | None:
    return db.session.scalar(
        select(Contribution.number)
        .join(Gathered, Gathered.head_id == Contribution.id)
        .where(Gathered.contribution_id == contribution_id)
    )


def take_out(contribution: Contribution, actor: Person) -> None:
    """It stands by itself again. Raises `Refused` when it is gathered with nothing."""
    gone = db.session.scalar(
        delete(Gathered).where(Gathered.contribution_id == contribution.id).returning(Gathered.head_id)
    )
    if gone is None:
        raise Refused(_("This contribution is not gathered with another one any more."))
    record(Action.gathering_changed, actor.id, contribution, process_id=contribution.process_id, head_id=None)


def dissolve(head: Contribution, actor: Person) -> int:
    """All gathered under it stand by themselves again; returns how many. Raises `Refused` when there are none."""
    freed = list(
        db.session.scalars(delete(Gathered).where(Gathered.head_id == head.id).returning(Gathered.contribution_id))
    )
    if not freed:
        raise Refused(_("Nothing is gathered under this contribution any more."))
    record_many(
        Action.gathering_changed,
        actor.id,
        [(("contribution", ident), {"head_id": None}) for ident in sorted(freed)],
        process_id=head.process_id,
    )
    return len(freed)


@dataclass(frozen=True)
class Together:
    """What a page says about a contribution that is answered together with others."""

    #: Number of the head it is gathered with.
    head: int | None
    #: Numbers of those gathered under it.
    members: list[int]


def together(contribution: Contribution, *, everything: bool = False) -> Together:
    """The head of a contribution, and what is gathered under it; `everything`: for moderators, else public ones only.

    One query.
    """
    head, member = aliased(Contribution), aliased(Contribution)
    found = db.session.execute(
        select(
            Gathered.head_id,
            head.number.label("head_number"),
            head.state.label("head_state"),
            member.number.label("number"),
            member.state.label("state"),
        )
        .join(head, head.id == Gathered.head_id)
        .join(member, member.id == Gathered.contribution_id)
        .where((Gathered.contribution_id == contribution.id) | (Gathered.head_id == contribution.id))
        .order_by(member.number)
    ).all()
    above = next((row for row in found if row.head_id != contribution.id), None)
    shown = above is not None and (everything or above.head_state == State.published)
    return Together(
        head=above.head_number if above is not None and shown else None,
        members=[
            row.number
            for row in found
            if row.head_id == contribution.id and (everything or row.state == State.published)
        ],
    )


def members_of(head_ids: Iterable[int]) -> dict[int, list[int]]:
    """Ids of what is gathered under each of these heads. One query."""
    found = db.session.execute(
        select(Gathered.head_id, Gathered.contribution_id)
        .where(Gathered.head_id.in_(list(head_ids)))
        .order_by(Gathered.contribution_id)
    )
    result: dict[int, list[int]] = {}
    for head_id, contribution_id in found:
        result.setdefault(head_id, []).append(contribution_id)
    return result
