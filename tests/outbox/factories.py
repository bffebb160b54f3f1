"""Mail kinds that exist only in tests, and messages of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from consult.extensions import db
from consult.outbox import claims, kinds, operations
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.models import OutboxMessage

KIND = "tests.letter"


def letter(message: OutboxMessage) -> Mail:
    """A mail as features make it: Markdown, a button, a reason."""
    return Mail(
        subject=f"Einladung {message.subject_id}",
        body="Guten Tag,\n\n[Zur Antwort](http://consult.test/i/12.abcdefghijklmnopqrstuvwx)\n\nBis bald.",
        why="Sie sind Mitglied der Gruppe.",
        secrets=("http://consult.test/i/12.abcdefghijklmnopqrstuvwx",),
    )


@contextmanager
def registered(
    name: str = KIND,
    guarantee: Guarantee = Guarantee.at_least_once,
    wanted: Callable[[OutboxMessage], bool] = lambda message: True,
    render: Callable[[OutboxMessage], Mail] = letter,
    **more: Any,
) -> Iterator[str]:
    """The kind exists inside the block."""
    mail_kind(name, guarantee, wanted, title=name, **more)(render)
    try:
        yield name
    finally:
        kinds._kinds.pop(name)


def queued(recipient: Any, subject_id: int = 1, kind: str = KIND, **fields: Any) -> int:
    """A committed promise of one mail; returns its id."""
    ident = operations.queue(kind, subject_id, recipient.id, **fields)
    assert ident is not None
    db.session.commit()
    return ident


def row(ident: int) -> OutboxMessage:
    """The message as it is stored now."""
    db.session.expire_all()
    return db.session.get_one(OutboxMessage, ident)


def in_the_air(ident: int, moment: datetime) -> claims.Claim:
    """A worker has begun to hand the message over, and nothing more is heard of it."""
    (found,) = claims.reserve(moment, ident)
    with claims.one_by_one(durable=True) as connection, claims.step(connection):
        mine = claims.begun(found)
        claims.take(connection, [], found, mine)
    return mine
