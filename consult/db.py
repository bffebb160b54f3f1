"""Base class, column types and the connection rules of both databases.

Two rules live here and nowhere else: a GET runs in a read-only transaction, and a write on SQLite begins with
BEGIN IMMEDIATE (a deferred one that upgrades later fails at once when another writer is active).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Annotated, Any

from psycopg import Column, Cursor
from sqlalchemy import DateTime, Dialect, Engine, ForeignKey, MetaData, String, Text, TypeDecorator, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, SessionTransaction, mapped_column

from consult import clock

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite stores none of the zone, so it is put back on reading; naive input raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone must not reach the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All mapped classes derive from this one; Flask-SQLAlchemy gets the same metadata."""

    metadata = MetaData(naming_convention=NAMING)


# Annotated column types: written once, used in every models.py.
id_pk = Annotated[int, mapped_column(primary_key=True)]
utc = Annotated[datetime, mapped_column(UtcDateTime())]
created = Annotated[datetime, mapped_column(UtcDateTime(), default=clock.now)]
#: A short machine word: kinds, states, keys. Plain strings with validation in Python; see docs/architecture.md.
word = Annotated[str, mapped_column(String(40))]
#: One line for people: titles, names.
line = Annotated[str, mapped_column(String(300))]
text = Annotated[str, mapped_column(Text())]
lang_code = Annotated[str, mapped_column(String(12))]


def fk(target: str, *, index: bool | None = None, nullable: bool = False, primary_key: bool = False) -> Any:
    """A foreign key by table name. Indexed unless it leads a primary key or `index=False` says otherwise."""
    indexed = not primary_key if index is None else index
    return mapped_column(ForeignKey(target), index=indexed, nullable=nullable, primary_key=primary_key)


#: True while a request that must not change anything is being served.
_reading: ContextVar[bool] = ContextVar("reading", default=False)


@contextmanager
def read_only() -> Iterator[None]:
    """Transactions begun inside are read-only on both databases: a write raises from the database itself."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """The opposite of `read_only`, for the tiny transactions a GET may make (rate limits, `seen_at`)."""
    token = _reading.set(False)
    try:
        yield
    finally:
        _reading.reset(token)


def begin_reading() -> None:
    """As `read_only`, for the rest of the present context; the web layer calls it for GET and HEAD."""
    _reading.set(True)


def begin_writing() -> None:
    """Transactions begun from here on may write (the default outside requests)."""
    _reading.set(False)


def install_connection_rules(engine: Engine) -> None:
    """Attach the rules above to an engine; call once per engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        event.listen(engine, "connect", _postgres_connect)
        event.listen(engine, "begin", _postgres_begin)
        event.listen(engine, "rollback", _postgres_end_reading)


def _sqlite_connect(dbapi_connection: Any, _record: Any) -> None:
    # isolation_level=None hands BEGIN to us; pysqlite would otherwise defer it.
    dbapi_connection.isolation_level = None
    # SQLite's own knows capital and small letters of English only: "özlem" would not find Özlem. No index uses it.
    dbapi_connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _sqlite_begin(connection: Connection) -> None:
    reading = _reading.get()
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def lock_released(session: Session) -> Iterator[None]:
    """Let go of SQLite's one write lock for a moment: a writing request holds it from its first question on.

    The session must only have read so far, else RuntimeError; its next question begins anew. On PostgreSQL and in
    reading requests, which hold no lock, nothing happens. In tests all sessions share one connection: there what was
    only read is let go as well, so that the other transaction does not end inside this one.
    """
    transaction, bind = session.get_transaction(), session.get_bind()
    shared = isinstance(bind, Connection)
    if transaction is not None and (shared or (bind.dialect.name == "sqlite" and not _reading.get())):
        wrote = session.info.get(_WROTE, False)
        if wrote and not shared:
            raise RuntimeError("a transaction of its own must come before the first write of the request")
        if not wrote:
            transaction.close()
    yield


_WROTE = "consult_wrote"
#: The transaction holds where the form that was sent leads to (see `web.answer_given`).
ANSWERED = "consult_answered"


def watch_writes(session: Any) -> None:
    """Remember for each session of this factory what its present transaction has done: forgotten with its end."""

    def flushed(session: Session, _context: Any) -> None:
        session.info[_WROTE] = True

    def executed(state: ORMExecuteState) -> None:
        if not state.is_select:
            state.session.info[_WROTE] = True

    def ended(session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            session.info.pop(_WROTE, None)
            session.info.pop(ANSWERED, None)

    event.listen(session, "after_flush", flushed)
    event.listen(session, "do_orm_execute", executed)
    event.listen(session, "after_transaction_end", ended)


class _Columns(Sequence[Column]):
    """The columns of a result, made when somebody reads them.

    SQLAlchemy looks at them once for each statement and asks afterwards only whether there are any.
    """

    def __init__(self, cursor: "_Cursor", number: int) -> None:
        self._cursor, self._number = cursor, number
        self._made: list[Column] = []

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, index: Any) -> Any:
        # All at once: whoever reads one reads the others next.
        self._made = self._made or super(_Cursor, self._cursor).description or []
        return self._made[index]


class _Cursor(Cursor[Any]):
    @property
    def description(self) -> Any:
        result = self.pgresult
        return _Columns(self, result.nfields) if result is not None and result.nfields else super().description


def _postgres_connect(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.cursor_factory = _Cursor
    # What is asked of large tables seems dear enough to be compiled, which takes longer than the answer. Said here and
    # not as an option of the connection, because poolers between us and the server refuse these.
    dbapi_connection.autocommit = True
    dbapi_connection.execute("SET jit TO off")
    dbapi_connection.autocommit = False


def _postgres_begin(connection: Connection) -> None:
    # psycopg sends "BEGIN READ ONLY" itself with the first statement: no extra round trip.
    dbapi_connection: Any = connection.connection.dbapi_connection
    if dbapi_connection.read_only is not _reading.get():
        dbapi_connection.read_only = _reading.get()


def _postgres_end_reading(connection: Connection) -> None:
    # Nothing is there to be undone; and at a ROLLBACK psycopg forgets every statement the server has prepared for us.
    if connection.invalidated:
        return
    dbapi_connection: Any = connection.connection.dbapi_connection
    if dbapi_connection.read_only and dbapi_connection.info.transaction_status.name == "INTRANS":
        try:
            dbapi_connection.commit()
        except connection.dialect.loaded_dbapi.Error as lost:
            # The page is read and whole; the pool makes a new connection for the next one.
            connection.invalidate(lost)
