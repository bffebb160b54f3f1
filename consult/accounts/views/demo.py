"""Role cards of the demonstration: one press signs in as somebody of the sample cast. Absent from real instances."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts import operations, queries, sessions
from consult.accounts.models import Account, Person
from consult.accounts.views.blueprint import bp, target
from consult.authz import public
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.processes.models import ProcessGroup
from consult.processes.words import function_names
from consult.web import commit_and_go

#: Only the sample cast has such addresses; nobody can receive mail there.
DOMAIN = "@demo.invalid"


@dataclass(frozen=True)
class Card:
    """One person of the cast, and what they do in which groups."""

    person: Person
    functions: list[str]
    groups: list[str]


def cards() -> list[Card]:
    """The sample cast with what each does; empty outside the demonstration. Three queries."""
    if not current_app.config["DEMO"]:
        return []
    people = db.session.scalars(
        select(Person)
        .join(Account, Account.person_id == Person.id)
        .options(joinedload(Person.account))
        .where(Person.email.like(f"%{DOMAIN}"), Account.confirmed_at.is_not(None), Account.suspended_at.is_(None))
        .order_by(Person.id)
        .limit(30)
    ).all()
    roles = _roles([person.id for person in people])
    names = function_names()
    order = list(names)
    return [
        Card(
            person,
            [names[f] for f in order if f in {function for function, _group in roles.get(person.id, ())}],
            sorted({group for _function, group in roles.get(person.id, ())}),
        )
        for person in people
    ]


def _roles(ids: Sequence[int]) -> dict[int | None, set[tuple[str, str]]]:
    now = clock.now()
    current = (Membership.starts_at <= now) & (Membership.ends_at.is_(None) | (Membership.ends_at > now))
    seated = (SeatHolder.starts_at <= now) & (SeatHolder.ends_at.is_(None) | (SeatHolder.ends_at > now))
    base = (
        select(Membership.person_id, ProcessGroup.function, Group.name)
        .join(Group, Group.id == Membership.group_id)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
    )
    direct = base.where(Membership.person_id.in_(ids), current)
    by_seat = (
        base.with_only_columns(SeatHolder.person_id, ProcessGroup.function, Group.name)
        .join(SeatHolder, SeatHolder.membership_id == Membership.id)
        .where(SeatHolder.person_id.in_(ids), current, seated)
    )
    found: dict[int | None, set[tuple[str, str]]] = {}
    for statement in (direct, by_seat):
        for person_id, function, group in db.session.execute(statement):
            found.setdefault(person_id, set()).add((function, group))
    return found


@bp.post("/demo/sign-in/<int:person_id>")
@public
def demo_sign_in(person_id: int) -> Response:
    """Sign in as one of the sample cast, second factor included. 404 outside the demonstration."""
    if not current_app.config["DEMO"]:
        abort(404)
    person = queries.person_or_404(person_id)
    if not (person.email or "").endswith(DOMAIN) or not operations.may_sign_in(person):
        abort(404)
    operations.note_sign_in(person)
    sessions.begin(person.id, second_factor=True)
    return commit_and_go(target())
