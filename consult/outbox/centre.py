"""The message centre of one process: every mail, to whom, what became of it, and its text without personal links."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, column, exists, func, literal, or_, select, table, union_all

from consult.extensions import db
from consult.outbox.kinds import all_kinds
from consult.outbox.models import OutboxMessage, State

#: Who reads the newsletter is nobody's business: these mails are listed without a name and not found by one.
NAMELESS = ("newsletter", "newsletter_confirm", "dates_changed")

#: What the lists show. Not the text that was sent: it weighs more than everything else together.
_SHOWN = (
    OutboxMessage.id, OutboxMessage.kind, OutboxMessage.state, OutboxMessage.note, OutboxMessage.queued_at,
    OutboxMessage.sent_at, OutboxMessage.sent_subject, OutboxMessage.lang,
)  # fmt: skip
# By name, because the outbox stands below the accounts.
_person = table("person", column("id"), column("name"), column("email"))


@dataclass(frozen=True)
class Wish:
    """What is looked for; empty fields narrow nothing."""

    words: str = ""
    kind: str = ""
    state: str = ""


@dataclass(frozen=True)
class Entry:
    """One mail as the list shows it."""

    id: int
    kind: str
    state: str
    note: str
    #: Name, or what is left of the address when there is none.
    recipient: str
    queued_at: datetime
    sent_at: datetime | None
    subject: str
    lang: str


def masked(email: str | None) -> str:
    """Enough of an address to recognise one's own, too little to write to: "a…@example.org"."""
    name, at, host = (email or "").partition("@")
    return f"{name[:1]}…@{host}" if at else ""


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _chosen(process_id: int, wish: Wish) -> Select[Any]:
    statement = (
        select(*_SHOWN, _person.c.name, _person.c.email)
        .join(_person, _person.c.id == OutboxMessage.recipient_id)
        .where(OutboxMessage.process_id == process_id)
        .order_by(OutboxMessage.id.desc())
    )
    if wish.kind:
        statement = statement.where(OutboxMessage.kind == wish.kind)
    if wish.state in list(State):
        statement = statement.where(OutboxMessage.state == wish.state)
    if wish.words:
        # A whole address finds its mails; a part of one does not give addresses away letter by letter.
        found = func.lower(_person.c.name).like(f"%{_escaped(wish.words.lower())}%", escape="\\")
        statement = statement.where(
            or_(found, _person.c.email == wish.words.strip().lower()), OutboxMessage.kind.not_in(NAMELESS)
        )
    return statement


def _entry(row: Any) -> Entry:
    recipient = "" if row.kind in NAMELESS else row.name or masked(row.email)
    return Entry(
        row.id, row.kind, row.state, row.note or "", recipient, row.queued_at, row.sent_at, row.sent_subject or "",
        row.lang or "",
    )  # fmt: skip


def page(process_id: int, wish: Wish, before: int | None, limit: int) -> tuple[list[Entry], int | None]:
    """The newest mails with an id below `before`, and where the next page begins."""
    statement = _chosen(process_id, wish).limit(limit + 1)
    rows = db.session.execute(statement if before is None else statement.where(OutboxMessage.id < before)).all()
    entries = [_entry(row) for row in rows[:limit]]
    return entries, entries[-1].id if len(rows) > limit else None


@lru_cache(maxsize=1)
def _kinds_of(names: tuple[str, ...]) -> Any:
    # Each is looked for by itself: reading them off all mails takes the longer the more there are.
    mails = exists().where(OutboxMessage.process_id == bindparam("process_id"))
    known = [literal(name, literal_execute=True) for name in names]
    return union_all(*(select(kind).where(mails.where(OutboxMessage.kind == kind)) for kind in known))


def kinds_in(process_id: int) -> list[str]:
    """Which kinds of mail there are in the process, of those that are known."""
    return list(db.session.scalars(_kinds_of(tuple(all_kinds())), {"process_id": process_id}))


def one(process_id: int, message_id: int) -> tuple[Entry, str | None] | None:
    """A mail of this process with the text that was sent, None once retention has removed it."""
    statement = _chosen(process_id, Wish()).add_columns(OutboxMessage.sent_text)
    row = db.session.execute(statement.where(OutboxMessage.id == message_id)).first()
    return (_entry(row), row.sent_text) if row is not None else None
