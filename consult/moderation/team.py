"""Who moderates a process: those with the function, and those who lead it."""

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import select

from consult.accounts.models import Person
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Function
from consult.processes.queries import people_with


def team_of(process_id: int) -> list[int]:
    """Ids of everybody who moderates or leads now."""
    return people_with(process_id, Function.moderation, Function.lead)


def names_of(person_ids: list[int]) -> list[tuple[int, str]]:
    """Id and name of these people, by name."""
    found = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids)).order_by(Person.name))
    return [(row.id, row.name or "") for row in found]


def refuse_own(process_id: int, actor: Person, author_ids: Iterable[int | None]) -> None:
    """Nobody decides about their own words where the team has somebody else. Raises `Refused`."""
    if actor.id in author_ids and len(team_of(process_id)) > 1:
        raise Refused(_("This is your own contribution. Somebody else of the team has to decide about it."))
