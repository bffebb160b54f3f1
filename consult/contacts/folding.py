"""Making one row of two: whatever names the second names the first afterwards.

Goes through every foreign key found in the schema itself, so that a new table cannot be forgotten. Where a unique key
leaves room for one of them only, the row of the kept one wins, and what hung on the other hangs on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    case,
    cast,
    delete,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)

from consult import clock
from consult.db import Base
from consult.extensions import db
from consult.frozen import FROZEN

#: A login is nobody's to hand over; what hangs on it stays with it.
LOGINS = ("account",)
#: Columns that must not name whom the row is about: nobody stands in for themselves.
NOT_ITSELF = {
    ("invitation", "deputy_for_id"): "person_id",
    ("registration", "deputy_for_id"): "person_id",
    ("duty", "substitute_id"): "person_id",
    ("organisation", "umbrella_id"): "id",
}
#: Links between two that would lead from the kept one to itself.
_BETWEEN = {
    "organisation": {
        "network_member": ("network_id", "organisation_id"),
        "different_organisations": ("one_id", "two_id"),
    },
    "person": {"different_people": ("one_id", "two_id")},
}


@dataclass(frozen=True)
class Link:
    """A column that names a row of the target."""

    table: Table
    column: Column[Any]

    @property
    def frozen(self) -> ColumnElement[bool]:
        """Which rows may never change, as SQL over the table."""
        for rule in FROZEN:
            if rule.table == self.table.name:
                return literal_column(f"({rule.when.format(row=self.table.name)})", Boolean) if rule.when else true()
        return false()

    def keys(self) -> list[tuple[list[Column[Any]], str]]:
        """Sets of columns that hold this one and are unique, without it; and the words of a partial key."""
        found: list[tuple[list[Column[Any]], str]] = []
        constraints = [c for c in self.table.constraints if isinstance(c, UniqueConstraint)]
        for columns in (self.table.primary_key.columns, *(c.columns for c in constraints)):
            if self.column.name in columns:
                found.append(([c for c in columns if c is not self.column], ""))
        # A person belongs to a group once at a time; the database cannot say so, the operations see to it.
        if self.table.name == "membership" and self.column.name == "person_id":
            found.append(([self.table.c.group_id], "current"))
        return found


def links_to(target: str) -> Iterator[Link]:
    """Every column that names a row of this table."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if table.name not in LOGINS and any(key.column.table.name == target for key in column.foreign_keys):
                yield Link(table, column)


@dataclass(frozen=True)
class Clash:
    """A row of the other one that goes, because the kept one has one like it: what both are about."""

    table: str
    #: Table and id of what it is about ("meeting", 12); None where the row says no more.
    about: tuple[str, int] | None


@dataclass(frozen=True)
class Line:
    """What becomes of the rows of one table."""

    table: str
    moves: int
    goes: int
    stays: int


def _identity(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _same(mine: Any, theirs: Any, columns: list[Column[Any]], words: str) -> ColumnElement[bool]:
    conditions = [mine.c[c.name] == theirs.c[c.name] for c in columns]
    if words == "current":
        now = clock.now()
        conditions += [or_(side.c.ends_at.is_(None), side.c.ends_at > now) for side in (mine, theirs)]
    return and_(true(), *conditions)


def _pairs(link: Link, kept: int, other: int, *columns: str) -> Any:
    """Rows of the other one that clash with one of the kept one: their identity, that of the kept one's row, and
    these columns of theirs."""
    theirs, mine = link.table.alias("theirs"), link.table.alias("mine")
    name = link.column.name
    clashing = [_same(mine, theirs, others, words) for others, words in link.keys()]
    return (
        select(
            *(theirs.c[c.name].label(f"theirs_{c.name}") for c in _identity(link.table)),
            *(mine.c[c.name].label(f"mine_{c.name}") for c in _identity(link.table)),
            *(theirs.c[column].label(f"about_{column}") for column in columns),
        )
        .select_from(theirs)
        .join(mine, mine.c[name] == kept)
        .where(theirs.c[name] == other, or_(false(), *clashing))
    )


def _about(link: Link) -> Column[Any] | None:
    """The column that tells best what a row is about."""
    for name in ("meeting_id", "group_id", "process_id", "campaign_id", "contribution_id", "organisation_id",
                 "network_id", "person_id"):  # fmt: skip
        if name in link.table.c and name != link.column.name:
            return link.table.c[name]
    return None


def preview(target: str, kept: int, other: int) -> tuple[list[Line], list[Clash]]:
    """What would become of every row that names the other one, by table; and the rows that would go, one by one.

    Two questions, however many tables there are.
    """
    counted = union_all(
        *(
            select(
                literal(link.table.name).label("name"),
                func.count().label("rows"),
                func.coalesce(func.sum(case((link.frozen, 1), else_=0)), 0).label("frozen"),
            )
            .select_from(link.table)
            .where(link.column == other)
            for link in links_to(target)
        )
    )
    rows: dict[str, int] = {}
    frozen: dict[str, int] = {}
    for name, number, still in db.session.execute(counted):
        rows[name] = rows.get(name, 0) + number
        frozen[name] = frozen.get(name, 0) + int(still)
    clashes = _clashes(target, kept, other)
    gone: dict[str, int] = {}
    for clash in clashes:
        gone[clash.table] = gone.get(clash.table, 0) + 1
    lines = [
        Line(name, number - frozen[name] - gone.get(name, 0), gone.get(name, 0), frozen[name])
        for name, number in rows.items()
        if number
    ]
    return lines, clashes


def _clashes(target: str, kept: int, other: int) -> list[Clash]:
    parts = []
    for link in links_to(target):
        if not link.keys():
            continue
        about = _about(link)
        found = _pairs(link, kept, other, *([about.name] if about is not None else [])).subquery()
        kind = next(iter(about.foreign_keys)).column.table.name if about is not None and about.foreign_keys else ""
        value = found.c[f"about_{about.name}"] if about is not None else cast(null(), Integer)
        # One row may clash by two keys; it goes once.
        which: ColumnElement[str] = literal("")
        for part in _identity(link.table):
            which = which + ":" + cast(found.c[f"theirs_{part.name}"], String)
        parts.append(select(literal(link.table.name), literal(kind), value, which).select_from(found).distinct())
    for table, (one, two) in _BETWEEN.get(target, {}).items():
        between = Base.metadata.tables[table]
        parts.append(
            select(literal(table), literal(target), between.c[one], cast(between.c.id, String)).where(
                _leads_to_itself(between, one, two, kept, other)
            )
        )
    return [
        Clash(table, (kind, ident) if kind and ident is not None else None)
        for table, kind, ident, _which in db.session.execute(union_all(*parts))
    ]


def _leads_to_itself(table: Table, one: str, two: str, kept: int, other: int) -> ColumnElement[bool]:
    return or_(and_(table.c[one] == kept, table.c[two] == other), and_(table.c[one] == other, table.c[two] == kept))


@dataclass
class Done:
    """How many rows name the kept one now, and how many are gone."""

    moved: int = 0
    removed: int = 0


def fold(target: str, kept: int, other: int) -> Done:
    """Whatever names the other row names the kept one from now on. The other row itself stays.

    Rows that may never change keep the old number. The caller holds locks on both.
    """
    done = Done()
    for name, (one, two) in _BETWEEN.get(target, {}).items():
        table = Base.metadata.tables[name]
        done.removed += _changed(delete(table).where(_leads_to_itself(table, one, two, kept, other)))
    for link in links_to(target):
        _fold_rows(link, kept, other, done)
        done.moved += _changed(
            update(link.table).where(link.column == other, ~link.frozen).values({link.column.name: kept})
            if not _never(link)
            else None
        )
    for (name, column), whose in NOT_ITSELF.items():
        table = Base.metadata.tables[name]
        if any(key.column.table.name == target for key in table.c[column].foreign_keys):
            _changed(update(table).where(table.c[column] == kept, table.c[whose] == kept).values({column: None}))
    return done


def _never(link: Link) -> bool:
    return any(rule.table == link.table.name and not rule.when for rule in FROZEN)


def _changed(statement: Any) -> int:
    if statement is None:
        return 0
    result: Any = db.session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)


def _fold_rows(link: Link, kept: int, other: int, done: Done) -> None:
    """Remove the rows of the other one that the kept one has already; what names them names those."""
    if not link.keys() or _never(link):
        return
    identity = [c.name for c in _identity(link.table)]
    gone: set[tuple[Any, ...]] = set()
    for row in db.session.execute(_pairs(link, kept, other)).mappings().all():
        theirs = tuple(row[f"theirs_{name}"] for name in identity)
        if theirs in gone:
            continue
        gone.add(theirs)
        if len(identity) == 1:
            inner = fold(link.table.name, row[f"mine_{identity[0]}"], theirs[0])
            done.moved, done.removed = done.moved + inner.moved, done.removed + inner.removed
        done.removed += _changed(
            delete(link.table).where(*(link.table.c[name] == theirs[place] for place, name in enumerate(identity)))
        )
