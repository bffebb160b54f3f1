"""Rows by the hundred thousand: the one bulk loader of tests and bench.

It writes what the operations would have written (contribution, text, tally, number), without their checks, audit
and mail: for measuring reads, never for testing behaviour.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select, update

from consult import clock
from consult.accounts.models import Account, Person
from consult.contributions.models import Channel, Contribution, ContributionTally, ContributionText, Kind, Stance, State
from consult.extensions import db
from consult.processes.models import Process, ProcessCounter

STANCES = (Stance.support, Stance.concern, Stance.change, Stance.question)
WORDS = (
    "Das ist wichtig für unser Viertel. Am Abend sind die Räume geschlossen, und niemand weiß, wen man fragen kann. "
    "Ein Schlüssel für Vereine wäre eine einfache Lösung. "
)


def insert_many(model: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Add rows as quickly as the database takes them: COPY on PostgreSQL, batches on SQLite."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    columns = list(first)
    connection = db.session.connection()
    if connection.dialect.name != "postgresql":
        db.session.execute(insert(model), [first])
        while batch := list(islice(rows, 5000)):
            db.session.execute(insert(model), batch)
        return
    with connection.connection.cursor() as cursor:
        statement = f"COPY {model.__tablename__} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(statement) as copy:  # type: ignore[attr-defined]  # psycopg's own cursor
            copy.write_row([first[column] for column in columns])
            for row in rows:
                copy.write_row([row[column] for column in columns])


def make_people(number: int, *, accounts: bool = True) -> list[int]:
    """Persons with confirmed accounts; returns their ids."""
    start = (db.session.scalar(select(func.max(Person.id))) or 0) + 1
    now = clock.now()
    ids = range(start, start + number)
    insert_many(
        Person,
        ({"id": n, "email": f"bulk{n}@example.org", "name": f"Person {n}", "locale": "de", "created_at": now}
         for n in ids),
    )  # fmt: skip
    if accounts:
        insert_many(
            Account,
            ({"person_id": n, "confirmed_at": now, "operator": False, "totp_last_step": 0, "created_at": now}
             for n in ids),
        )  # fmt: skip
    _catch_up(Person)
    return list(ids)


def make_contributions(
    process: Process,
    element_ids: Sequence[int | None],
    number: int,
    authors: Sequence[int],
    *,
    wording_id: int | None = None,
    version_id: int | None = None,
    replies: float = 0.1,
    state: State = State.published,
    text: str = WORDS,
    now: datetime | None = None,
) -> None:
    """`number` contributions spread evenly over the elements, a share of them replies, newest last."""
    now = now or clock.now()
    first = (db.session.scalar(select(func.max(Contribution.id))) or 0) + 1
    counter = db.session.scalar(select(ProcessCounter.last_number).where(ProcessCounter.process_id == process.id)) or 0
    every = max(2, round(1 / replies)) if replies else 0
    elements = len(element_ids)
    tally: dict[tuple[int, str], int] = {}

    def rows() -> Iterable[dict[str, Any]]:
        for n in range(number):
            at = n % elements
            # The reply answers the root written one round before on the same element.
            is_reply = bool(every) and n >= elements and (n // elements) % every == every - 1
            root = first + n - elements if is_reply else None
            stance = None if is_reply else STANCES[n % len(STANCES)]
            element = element_ids[at]
            if stance and element and state == State.published:
                tally[element, stance] = tally.get((element, stance), 0) + 1
            created = now - timedelta(seconds=number - n)
            yield {
                "id": first + n,
                "process_id": process.id,
                "number": counter + n + 1,
                "kind": Kind.comment.value,
                "channel": Channel.web.value,
                "lang": "de",
                "author_id": authors[n % len(authors)],
                "author_name": "",
                "element_id": element,
                "version_id": version_id,
                "wording_id": wording_id,
                "parent_id": root,
                "root_id": root,
                "depth": 1 if is_reply else 0,
                "stance": stance.value if stance else None,
                "state": state.value,
                "revision": 0,
                "created_at": created,
                "published_at": created if state == State.published else None,
            }

    insert_many(Contribution, rows())
    insert_many(
        ContributionText,
        ({"contribution_id": first + n, "revision": 0, "body": f"{n}. {text}", "created_at": now}
         for n in range(number)),
    )  # fmt: skip
    for (element, stance), count in tally.items():
        db.session.merge(
            ContributionTally(element_id=element, process_id=process.id, stance=stance, published=count), load=True
        )
    db.session.execute(
        update(ProcessCounter).where(ProcessCounter.process_id == process.id).values(last_number=counter + number)
    )
    _catch_up(Contribution)
    db.session.flush()


def _catch_up(model: Any) -> None:
    """Ids were given by hand: PostgreSQL's sequence must know."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        table = model.__tablename__
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
        )
