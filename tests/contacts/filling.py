"""One row in every table that names a person or an organisation, made from the schema itself."""

from itertools import count
from typing import Any

from sqlalchemy import Boolean, Date, Integer, LargeBinary, Table, UniqueConstraint, insert, select, text
from sqlalchemy.types import JSON

from consult import clock
from consult.contacts.folding import LOGINS
from consult.db import Base, UtcDateTime
from consult.extensions import db

_number = count(1000)
#: What a column must hold for its row to be allowed at all.
_VALUES: dict[tuple[str, str], Any] = {
    ("campaign", "kind"): "newsletter",
    ("invitation", "group_id"): None,
    ("duty", "ends_on"): "later",
    ("registration", "state"): "declined",
    ("organisation", "kind"): "network",
}


class Filler:
    """Makes rows for any table; what they refer to is made first, once per table."""

    def __init__(self) -> None:
        self.made: dict[str, int] = {}

    def row(self, table: Table, **given: Any) -> Any:
        values: dict[str, Any] = dict(given)
        for column in table.columns:
            if column.name in values or (column.primary_key and not column.foreign_keys):
                continue
            key = (table.name, column.name)
            needed = not column.nullable or key in _NEEDED or (key == _SEAT and "person_id" not in given)
            if key in _VALUES:
                values[column.name] = _VALUES[key]
                if _VALUES[key] == "later":
                    values[column.name] = clock.now().date().replace(year=2031)
            elif not needed or (column.server_default is not None):
                continue
            elif column.foreign_keys:
                target = next(iter(column.foreign_keys)).column.table
                keys = [c.columns for c in table.constraints if isinstance(c, UniqueConstraint)]
                keys += [index.columns for index in table.indexes if index.unique]
                alone = column.primary_key or any(column.name in columns for columns in keys)
                values[column.name] = self.row(target)[0] if alone else self.one_of(target)
            else:
                values[column.name] = self._value(column)
        result = db.session.execute(insert(table).values(**values))
        return result.inserted_primary_key

    def one_of(self, table: Table) -> int:
        if table.name not in self.made:
            self.made[table.name] = self.row(table)[0]
        return self.made[table.name]

    @staticmethod
    def _value(column: Any) -> Any:
        kind = column.type
        if isinstance(kind, UtcDateTime):
            return clock.now()
        if isinstance(kind, Boolean):
            return False
        if isinstance(kind, Date):
            return clock.now().date()
        if isinstance(kind, Integer):
            return next(_number)
        if isinstance(kind, LargeBinary):
            return b"x"
        if isinstance(kind, JSON):
            return {}
        return f"x{next(_number)}"[: getattr(kind, "length", None) or 20]


_NEEDED = {("invitation", "meeting_id")}
#: A membership is a person's, or an organisation's with its seats.
_SEAT = ("membership", "organisation_id")


def named_in(target: str, ident: int) -> set[tuple[str, str]]:
    """Every (table, column) in which this row is named."""
    found = set()
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if table.name not in LOGINS and any(key.column.table.name == target for key in column.foreign_keys):
                if db.session.scalar(select(text("1")).select_from(table).where(column == ident).limit(1)):
                    found.add((table.name, column.name))
    return found
