"""Questions about people, their sign-ins and organisations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import abort
from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import joinedload

from consult import clock
from consult.accounts.models import Account, Organisation, Person, RecoveryCode, Representation, SignIn
from consult.extensions import db

PAGE = 50


def person_by_email(email: str) -> Person | None:
    """Whose address this is, with the account."""
    return db.session.scalar(select(Person).where(Person.email == email).options(joinedload(Person.account)))


def in_use(email: str) -> Person | None:
    """Who has an account with this address that can be signed in to."""
    person = person_by_email(email.strip().lower())
    return person if person is not None and person.account is not None and person.account.may_sign_in() else None


def person_with_account(person_id: int) -> Person | None:
    """The person, with the account loaded (which may be none)."""
    return db.session.scalar(select(Person).where(Person.id == person_id).options(joinedload(Person.account)))


def person_or_404(person_id: int) -> Person:
    person = person_with_account(person_id)
    if person is None:
        abort(404)
    return person


def sign_ins_of(person_id: int) -> list[SignIn]:
    """The sign-ins that still count, the one used last first."""
    now = clock.now()
    return list(
        db.session.scalars(
            select(SignIn)
            .where(SignIn.person_id == person_id, SignIn.expires_at > now)
            .order_by(SignIn.seen_at.desc(), SignIn.id.desc())
            .limit(100)
        )
    )


def recovery_codes_left(person_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
        )
        or 0
    )


@dataclass(frozen=True)
class Part:
    """A part of a long list, and where the next one begins (None: this was the last)."""

    rows: Sequence[Any]
    next: int | str | None


def _contains(column: Any, words: str) -> Any:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return func.lower(column).like(f"%{escaped.lower()}%", escape="\\")


def people(words: str = "", before: int | None = None, *, operators: bool = False) -> Part:
    """People known to the platform, the newest first, with their accounts."""
    query: Select[Any] = select(Person).options(joinedload(Person.account)).order_by(Person.id.desc())
    if words:
        query = query.where(or_(_contains(Person.name, words), _contains(Person.email, words)))
    if before is not None:
        query = query.where(Person.id < before)
    if operators:
        query = query.join(Account, Account.person_id == Person.id).where(Account.operator)
    rows = list(db.session.scalars(query.where(Person.erased_at.is_(None)).limit(PAGE + 1)))
    return Part(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def organisation_or_404(organisation_id: int) -> Organisation:
    """The organisation with its umbrella."""
    organisation = db.session.scalar(
        select(Organisation).where(Organisation.id == organisation_id).options(joinedload(Organisation.umbrella))
    )
    if organisation is None:
        abort(404)
    return organisation


def organisation_names(except_id: int | None = None) -> list[tuple[int, str]]:
    """All organisations as choices (id, name)."""
    rows = db.session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.merged_into_id.is_(None))
        .order_by(Organisation.name)
    ).all()
    return [(ident, name) for ident, name in rows if ident != except_id]


def _current(now: Any) -> Any:
    return (Representation.starts_at <= now) & (Representation.ends_at.is_(None) | (Representation.ends_at > now))


@cache
def _speaks_for_query() -> Select[Organisation]:
    return (
        select(Organisation)
        .join(Representation, Representation.organisation_id == Organisation.id)
        .where(Representation.person_id == bindparam("person_id"), _current(bindparam("now")))
        .order_by(Organisation.name)
        .distinct()
    )


def speaks_for(person_id: int) -> list[Organisation]:
    """The organisations a person may speak for now, by name."""
    return list(db.session.scalars(_speaks_for_query(), {"person_id": person_id, "now": clock.now()}))
