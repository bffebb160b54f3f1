"""What is open to whom now: activities of the stage, and organisations one may speak for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, or_, select, true

from consult import clock
from consult.accounts.models import Person, Representation
from consult.concept.queries import Place, audiences_open_to, place_query
from consult.contributions.models import AuthorTrust, Contribution, ScreeningRule, State
from consult.contributions.screening import state_for
from consult.extensions import db
from consult.processes.models import Activity, Audience, Process
from consult.processes.queries import Opening, functions_of, merged, openings, openings_query

#: How far back what somebody sent is counted.
LATELY = timedelta(hours=1)


def may_use(person: Person | None, process_id: int, opening: Opening) -> bool:
    """Whether an opening is for this person: for the public, or they work in the process."""
    return Audience.public in opening.audiences or bool(functions_of(person).get(process_id))


def opening_for(
    person: Person | None, process_id: int, activity: Activity, now: datetime | None = None
) -> Opening | None:
    """The present opening of `activity` if it is open to this person, else None."""
    opening = openings(process_id, now).get(activity)
    return opening if opening is not None and may_use(person, process_id, opening) else None


@dataclass(frozen=True)
class Standing:
    """How somebody may write now, and what the moderators decided beforehand about what arrives from them."""

    opening: Opening | None
    #: Trusted, watched, or None for everybody else.
    level: str | None = None
    has_rules: bool = False
    #: How many contributions they sent within the last hour.
    written: int = 0


@cache
def written_query() -> Any:
    """How many contributions `person_id` has sent after `since`."""
    return select(func.count()).where(
        Contribution.author_id == bindparam("person_id"), Contribution.created_at > bindparam("since")
    )


@cache
def _standing_query() -> Any:
    """What is open, who is trusted, whether there are rules and how much they wrote lately: one question, because
    every contribution asks it."""
    level = select(AuthorTrust.level).where(
        AuthorTrust.process_id == bindparam("process_id"), AuthorTrust.person_id == bindparam("person_id")
    )
    rules = select(ScreeningRule.id).where(
        ScreeningRule.process_id == bindparam("process_id"), ScreeningRule.retired_at.is_(None)
    )
    return openings_query().add_columns(
        level.scalar_subquery().label("level"),
        rules.exists().label("has_rules"),
        written_query().scalar_subquery().label("written"),
    )


@cache
def _standing_at_query() -> Any:
    """The same, with where the text stands that is written to."""
    place = place_query().subquery()
    return _standing_query().add_columns(*place.c).outerjoin(place, true())


def _standing(person: Person | None, process_id: int, activity: Activity, rows: Sequence[Any]) -> Standing:
    opening = merged((row.activity, row.audience, row.moderation, row.ends_at) for row in rows).get(activity)
    if opening is None or not may_use(person, process_id, opening):
        return Standing(None)
    return Standing(opening, rows[0].level, bool(rows[0].has_rules), rows[0].written)


def standing_of(person: Person | None, process_id: int, activity: Activity, now: datetime | None = None) -> Standing:
    """As `opening_for`, with what the moderators decided beforehand."""
    rows = db.session.connection().execute(_standing_query(), _asked_about(person, process_id, now)).all()
    return _standing(person, process_id, activity, rows)


def _asked_about(person: Person | None, process_id: int, now: datetime | None) -> dict[str, object]:
    now = now or clock.now()
    return {
        "process_id": process_id, "person_id": person.id if person else None, "now": now, "since": now - LATELY,
    }  # fmt: skip


def standing_at(person: Person | None, process: Process, activity: Activity, key: str) -> tuple[Standing, Place] | None:
    """As `standing_of`, with the element they write to: one question, because every comment asks both.

    None where it is closed, or the element is not there or no longer part of the text: whoever wants to know asks.
    """
    asked = {**_asked_about(person, process.id, None), "key": key, "audiences": audiences_open_to(person, process)}
    # Columns only, so the connection is asked: what the session adds is for objects.
    rows = db.session.connection().execute(_standing_at_query(), asked).all()
    standing = _standing(person, process.id, activity, rows)
    if standing.opening is None or rows[0].element_id is None or rows[0].number < rows[0].last:
        return None
    return standing, Place(rows[0].element_id, rows[0].version_id, rows[0].wording_id)


def first_state(person: Person, process_id: int, activity: Activity, now: datetime | None = None) -> State:
    """Whether what somebody writes now will wait or appear at once, to be said before they send it.

    A rule of arrival may still hold their words: that is seen only when they are there. Where nothing is open: waits.
    """
    standing = standing_of(person, process_id, activity, now)
    return state_for(standing.opening.moderation, standing.level) if standing.opening else State.pending


def speaks_for(person_id: int, organisation_id: int, now: datetime) -> bool:
    """Whether this person may write in the name of this organisation now."""
    found = db.session.scalar(
        select(Representation.id).where(
            Representation.person_id == person_id,
            Representation.organisation_id == organisation_id,
            Representation.starts_at <= now,
            or_(Representation.ends_at.is_(None), Representation.ends_at > now),
        )
    )
    return found is not None
