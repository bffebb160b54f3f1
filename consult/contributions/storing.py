"""The rows of a contribution that arrives: itself with its number, first text, place in the tally, entry in the record.

On PostgreSQL they are one question: what every citizen waits for should not wait for five answers, and a number that
is given by a second statement writes all indexes of the table twice. The counter serialises the writers of a process:
nothing slow may follow until the commit.
"""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict

from consult.audit import operations as audit
from consult.audit.actions import Action
from consult.contributions import tallies
from consult.contributions.models import Contribution, ContributionText
from consult.extensions import db
from consult.processes.models import ProcessCounter
from consult.web import answer_beside, answer_given

_ROW: Any = Contribution.__table__
_TEXT: Any = ContributionText.__table__
_COUNTER: Any = ProcessCounter.__table__
_ACTION = Action.contribution_submitted
#: Given by the database; everything else is written down.
_GIVEN = ("id", "number")
#: What a row begins with where nothing else is said.
_START = {
    column.name: column.default.arg if column.default is not None and column.default.is_scalar else None
    for column in _ROW.columns
    if column.name not in _GIVEN
}


def store(
    contribution: Contribution,
    *,
    actor_id: int | None,
    body: str,
    proposed: str | None,
    writer_id: int | None,
    answer: dict[str, Any] | None = None,
) -> None:
    """Write a new contribution down; afterwards it is a row of the session, with id and number. Commits nothing.

    `answer`: of the form it came by (`web.form_answer`), leading to an address that ends with the number.
    """
    said = {name: value for name, value in instance_dict(contribution).items() if value is not None}
    values = {name: said.get(name, start) for name, start in _START.items()}
    instance_dict(contribution).update(values)
    counted = tallies.counts(contribution, contribution.state)
    words = {"body": body, "proposed": proposed, "writer_id": writer_id}
    if db.session.get_bind().dialect.name == "postgresql":
        counted_as = {"counted_as": contribution.stance or ""} if counted else {}
        said_by = audit.said_by(actor_id, contribution.process_id)
        asked = {**values, **words, **counted_as, **said_by, **(answer or {})}
        row = db.session.execute(_at_once(counted, answer is not None), asked).one()
        contribution.id, contribution.number = row.id, row.number
        if answer is not None:
            answer_given()
    else:
        contribution.number = db.session.scalar(_counting("sqlite"), {"process_id": contribution.process_id})
        contribution.id = db.session.scalar(_row(), {**values, "number": contribution.number})
        first = {"contribution_id": contribution.id, "created_at": contribution.created_at}
        db.session.execute(_text(), {**words, **first})
        tallies.move(contribution, None, contribution.state)
        facts = {"number": contribution.number, "element_id": contribution.element_id}
        audit.record(_ACTION, actor_id, contribution, process_id=contribution.process_id, **facts)
    # Nothing is left to be flushed: from here on it is as if it had been loaded.
    make_transient_to_detached(contribution)
    db.session.add(contribution)


# Statements made once: putting them together costs more than asking them.


@cache
def _counting(dialect: str) -> Any:
    """The next number of the process."""
    upsert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_COUNTER)
    upsert = upsert.values(process_id=bindparam("process_id", type_=_ROW.c.process_id.type), last_number=1)
    return upsert.on_conflict_do_update(
        index_elements=["process_id"], set_={"last_number": _COUNTER.c.last_number + upsert.excluded.last_number}
    ).returning(_COUNTER.c.last_number)


@cache
def _row() -> Any:
    """SQLite cannot read what a statement inside another one wrote."""
    return insert(_ROW).returning(_ROW.c.id)


@cache
def _text() -> Any:
    return insert(_TEXT).values(
        contribution_id=bindparam("contribution_id"), revision=0, body=bindparam("body"),
        proposed=bindparam("proposed"), actor_id=bindparam("writer_id"), created_at=bindparam("created_at"),
    )  # fmt: skip


@cache
def _at_once(counted: bool, answered: bool) -> Any:
    """Counter, row, text, entry, (`counted`) tally and (`answered`) the form's answer in one question: each takes from
    the one before."""
    number = _counting("postgresql").cte("numbering")
    row = (
        insert(_ROW)
        .from_select(
            [*_START, "number"],
            select(*(bindparam(name, type_=_ROW.c[name].type) for name in _START), number.c.last_number),
        )
        .returning(_ROW.c.id, _ROW.c.number)
        .cte("stored")
    )
    first = insert(_TEXT).from_select(
        ["contribution_id", "revision", "body", "proposed", "actor_id", "created_at"],
        select(
            row.c.id,
            literal(0),
            bindparam("body", type_=_TEXT.c.body.type),
            bindparam("proposed", type_=_TEXT.c.proposed.type),
            bindparam("writer_id", type_=_TEXT.c.actor_id.type),
            bindparam("created_at", type_=_TEXT.c.created_at.type),
        ),
    )
    facts = {"number": row.c.number, "element_id": bindparam("element_id", type_=_ROW.c.element_id.type)}
    first = first.add_cte(audit.entry_beside(row, _ACTION, _ROW.name, row.c.id, **facts))
    if counted:
        first = first.add_cte(tallies.addition_after(row).cte("counting"))
    if answered:
        first = first.add_cte(answer_beside(row, row.c.number))
    # Said by the last one, so that the whole is a statement that writes, also for those who watch for it.
    return first.returning(_TEXT.c.contribution_id.label("id"), select(row.c.number).scalar_subquery().label("number"))
