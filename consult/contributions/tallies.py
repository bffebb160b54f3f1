"""What is counted by the write, so that no page counts: contributions of an element, reactions to a contribution."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, bindparam, case, cast, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult.audit import operations as audit
from consult.audit.actions import Action
from consult.contributions.models import Contribution, ContributionTally, Reaction, ReactionKind, State
from consult.extensions import db
from consult.web import answer_beside, answer_given


@cache
def _addition(dialect: str) -> Any:
    """The statement of `add`, made once per database: putting it together costs more than asking it."""
    table: Any = ContributionTally.__table__
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    return insert.on_conflict_do_update(
        index_elements=["element_id", "process_id", "stance"],
        set_={"published": table.c.published + insert.excluded.published},
    )


def add(element_id: int, process_id: int, stance: str | None, by: int) -> None:
    """Add `by` to one tally. Holds the row until the commit: call it late in a transaction."""
    db.session.execute(
        _addition(db.session.get_bind().dialect.name),
        {"element_id": element_id, "process_id": process_id, "stance": stance or "", "published": by},
    )


def addition_after(row: Any) -> Any:
    """For PostgreSQL: one more published contribution, as part of the statement whose CTE `row` stores it."""
    table: Any = ContributionTally.__table__
    one = select(
        *(bindparam(name, type_=table.c[name].type) for name in ("element_id", "process_id")),
        bindparam("counted_as", type_=table.c.stance.type),
        literal(1),
    ).select_from(row)
    insert = postgresql.insert(table).from_select(["element_id", "process_id", "stance", "published"], one)
    return insert.on_conflict_do_update(
        index_elements=["element_id", "process_id", "stance"],
        set_={"published": table.c.published + insert.excluded.published},
    )


def counts(contribution: Contribution, state: str) -> bool:
    """Whether a tally counts it in this state. Replies and contributions to the whole process are in no tally."""
    return state == State.published and contribution.element_id is not None and contribution.parent_id is None


def add_many(process_id: int, changes: Mapping[tuple[int, str], int]) -> None:
    """Add to the tallies of many (element, stance) at once, in one order, so that two such writers never cross."""
    values = [
        {"element_id": element_id, "process_id": process_id, "stance": stance, "published": by}
        for (element_id, stance), by in sorted(changes.items())
        if by
    ]
    if values:
        db.session.execute(_addition(db.session.get_bind().dialect.name), values)


def move(contribution: Contribution, before: str | None, after: str) -> None:
    """Follow a change of state."""
    by = counts(contribution, after) - (before is not None and counts(contribution, before))
    if by:
        add(contribution.element_id or 0, contribution.process_id, contribution.stance, by)


#: Reaction -> the column of the contribution that counts it.
COUNTERS = {
    ReactionKind.agree: Contribution.agrees,
    ReactionKind.disagree: Contribution.disagrees,
    ReactionKind.unsure: Contribution.unsure,
}


#: What is written down of a reaction.
_GIVEN = ("contribution_id", "person_id", "kind", "created_at")
#: What is kept on a contribution about its reactions.
_KEPT = [*(counter.key for counter in COUNTERS.values()), "contested"]


def smaller(agrees: Any, disagrees: Any) -> Any:
    """How contested something is."""
    return case((agrees < disagrees, agrees), else_=disagrees)


@cache
def _counted_by() -> Any:
    """The statement of all that is counted on a contribution, made once."""
    table: Any = Contribution.__table__
    after = {counter.key: table.c[counter.key] + bindparam(f"{counter.key}_by") for counter in COUNTERS.values()}
    return (
        update(table)
        .where(table.c.id == bindparam("counted_id"))
        .values(**after, contested=smaller(after["agrees"], after["disagrees"]))
    )


def _steps(contribution: Contribution, before: str | None, after: str | None) -> dict[str, int]:
    steps = {f"{counter.key}_by": (after == kind) - (before == kind) for kind, counter in COUNTERS.items()}
    return {"counted_id": contribution.id, **steps}


@cache
def _giving() -> Any:
    """For SQLite: a reaction of somebody who had none."""
    table: Any = Reaction.__table__
    return sqlite.insert(table).on_conflict_do_nothing().returning(table.c.contribution_id)


@cache
def _giving_and_counting(answered: bool) -> Any:
    """For PostgreSQL: given or changed, counted and recorded in one question; nothing where it was said before.

    What somebody said before is read with its row locked: of two changes of mind at once each counts what it replaces.
    """
    table: Any = Reaction.__table__
    counted: Any = Contribution.__table__
    given = {name: bindparam(f"given_{name}", type_=table.c[name].type) for name in _GIVEN}
    this = (table.c.contribution_id == given["contribution_id"], table.c.person_id == given["person_id"])
    known = select(table.c.contribution_id, table.c.person_id, table.c.kind).where(*this).with_for_update().cte("known")
    changed = (
        update(table)
        .where(table.c.contribution_id == known.c.contribution_id, table.c.person_id == known.c.person_id)
        .where(known.c.kind != given["kind"])
        .values(kind=given["kind"])
        .returning(table.c.contribution_id, known.c.kind.label("before"))
        .cte("changed")
    )
    first = (
        postgresql.insert(table)
        .from_select(_GIVEN, select(*given.values()).where(~select(known.c.kind).exists()))
        .on_conflict_do_nothing()
        .returning(table.c.contribution_id, literal("").label("before"))
        .cte("first")
    )
    effect = select(changed).union_all(select(first)).cte("effect")
    entry = audit.entry_beside(effect, Action.reaction_given, counted.name, effect.c.contribution_id)
    after = {
        counter.key: counted.c[counter.key]
        + cast(given["kind"] == kind, Integer)
        - cast(effect.c.before == kind, Integer)
        for kind, counter in COUNTERS.items()
    }
    counting = (
        update(counted)
        .where(counted.c.id == effect.c.contribution_id)
        .values(**after, contested=smaller(after["agrees"], after["disagrees"]))
    )
    if answered:
        counting = counting.add_cte(answer_beside(effect))
    return counting.add_cte(entry).returning(counted.c.id)


def give(
    contribution: Contribution, person_id: int, kind: str, now: datetime, answer: dict[str, Any] | None = None
) -> bool:
    """A reaction counted and recorded; on PostgreSQL also one that replaces another. Holds the row counted on.

    False where nothing was done: they said so before, or (SQLite) something else.
    """
    reaction = {"contribution_id": contribution.id, "person_id": person_id, "kind": kind, "created_at": now}
    if db.session.get_bind().dialect.name == "postgresql":
        said_by = audit.said_by(person_id, contribution.process_id)
        values = {f"given_{name}": value for name, value in reaction.items()}
        asked = {**values, **said_by, **(answer or {})}
        given = db.session.execute(_giving_and_counting(answer is not None), asked).first()
        if given is not None and answer is not None:
            answer_given()
    else:
        given = db.session.execute(_giving(), reaction).first()
        if given is not None:
            audit.record(Action.reaction_given, person_id, contribution, process_id=contribution.process_id)
            db.session.execute(_counted_by(), _steps(contribution, None, kind))
    if given is not None:
        db.session.expire(contribution, _KEPT)
    return given is not None


def react(contribution: Contribution, before: str | None, after: str | None) -> None:
    """Count one reaction changed or taken back. Holds the contribution's row until the commit."""
    db.session.execute(_counted_by(), _steps(contribution, before, after))
    db.session.expire(contribution, _KEPT)


def recount_reactions() -> list[int]:
    """Contributions whose counters differ from their reactions."""
    wrong: list[int] = []
    for kind, counter in COUNTERS.items():
        counted = (
            select(func.count())
            .where(Reaction.contribution_id == Contribution.id, Reaction.kind == kind)
            .correlate(Contribution)
            .scalar_subquery()
        )
        wrong += db.session.scalars(select(Contribution.id).where(counter != counted)).all()
    uneven = Contribution.contested != smaller(Contribution.agrees, Contribution.disagrees)
    wrong += db.session.scalars(select(Contribution.id).where(uneven)).all()
    return sorted(set(wrong))


def recount(repair: bool = False) -> dict[tuple[int, int, str], tuple[int, int]]:
    """Compare the tallies with the rows; returns (kept, counted) per (element, process, stance) that differs.

    With `repair` the differing tallies are set to what was counted.
    """
    stance = func.coalesce(Contribution.stance, "")
    counted: dict[tuple[int, int, str], int] = {
        (element_id or 0, process_id, word): number
        for element_id, process_id, word, number in db.session.execute(
            select(Contribution.element_id, Contribution.process_id, stance, func.count())
            .where(
                Contribution.element_id.is_not(None),
                Contribution.parent_id.is_(None),
                Contribution.state == State.published,
            )
            .group_by(Contribution.element_id, Contribution.process_id, stance)
        )
    }
    kept: dict[tuple[int, int, str], int] = {
        (element_id, process_id, word): number
        for element_id, process_id, word, number in db.session.execute(
            select(
                ContributionTally.element_id,
                ContributionTally.process_id,
                ContributionTally.stance,
                ContributionTally.published,
            )
        )
    }
    wrong = {
        key: (kept.get(key, 0), counted.get(key, 0))
        for key in kept.keys() | counted.keys()
        if kept.get(key, 0) != counted.get(key, 0)
    }
    if repair:
        for (element_id, process_id, word), (has, should) in wrong.items():
            add(element_id, process_id, word, should - has)
    return wrong
