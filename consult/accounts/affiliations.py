"""Where people work, as we learn it from lists, answers and registrations. Gives no right to speak for anybody."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Affiliation
from consult.extensions import db

#: Rows in one statement.
_BATCH = 500


class Source(StrEnum):
    """Where we know it from."""

    list = "list"
    reply = "reply"
    registration = "registration"
    staff = "staff"


def affiliate(
    person_id: int, organisation_id: int | None, source: Source, position: str = "", now: datetime | None = None
) -> None:
    """This person works at this organisation. Twice harms nobody, and what is known already stays as it is."""
    affiliate_many([(person_id, organisation_id, position)], source, now)


def affiliate_many(found: Iterable[tuple[int, int | None, str]], source: Source, now: datetime | None = None) -> None:
    """The same for many (person, organisation, position) at once; those without an organisation are passed over."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    at = now or clock.now()
    # In one order everywhere, so that two who add the same rows wait for each other and never deadlock.
    rows = [
        {"person_id": person_id, "organisation_id": organisation_id, "position": position[:300], "source": source,
         "created_at": at}
        for person_id, organisation_id, position in sorted(one for one in found if one[1] is not None)
    ]  # fmt: skip
    statement = insert(Affiliation).on_conflict_do_nothing(index_elements=["person_id", "organisation_id"])
    for start in range(0, len(rows), _BATCH):
        db.session.execute(statement, rows[start : start + _BATCH])
