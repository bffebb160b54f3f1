"""Whether anything in the database changed: a fingerprint of every table, asked in one question."""

from collections.abc import Collection
from functools import cache, reduce

from sqlalchemy import Boolean, ColumnElement, String, Text, cast, func, literal, select, union_all

from consult.db import Base
from consult.extensions import db


@cache
def _question(_dialect: str, leaving_out: frozenset[str], times: bool) -> str:
    """Written out once: it is asked thousands of times, and putting it together costs more than asking it."""
    parts = []
    for name, table in Base.metadata.tables.items():
        if name in leaving_out:
            continue
        columns = [c for c in table.columns if times or isinstance(c.type, String | Text | Boolean)]
        lengths = [func.coalesce(func.sum(func.length(cast(c, Text()))), 0) for c in columns]
        numbers: list[ColumnElement[str]] = [cast(number, Text()) for number in (func.count(), *lengths)]
        parts.append(select(literal(name), reduce(lambda left, right: left + "|" + right, numbers)).select_from(table))
    return str(union_all(*parts).compile(db.engine, compile_kwargs={"literal_binds": True}))


def sums(leaving_out: Collection[str], *, times: bool = True) -> dict[str, str]:
    """Number of rows and lengths of all columns, per table; without ids and times where two runs are compared."""
    connection = db.session.connection()
    db.session.flush()
    question = _question(connection.dialect.name, frozenset(leaving_out), times)
    return {row[0]: row[1] for row in connection.exec_driver_sql(question)}
