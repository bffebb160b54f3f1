"""Lists of people and organisations: who is found, how many, and politics apart in every count."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union,
    union_all,
)

from consult import clock
from consult.accounts.addresses import clean_email
from consult.accounts.models import (
    Account,
    Affiliation,
    NetworkMember,
    Organisation,
    OrganisationKind,
    Person,
    Representation,
)
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.invitations.models import Subscription, SubscriptionState

PAGE = 50


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed down to; empty means all."""

    words: str = ""
    kind: str = ""
    area: str = ""
    network: int = 0
    umbrella: int = 0
    group: int = 0
    #: Addresses that get no mail because it came back.
    paused: bool = False
    #: Who agreed to get the newsletter of a process.
    newsletter: bool = False

    @property
    def of_bodies(self) -> bool:
        return bool(self.kind or self.area or self.network or self.umbrella)


@dataclass(frozen=True)
class Count:
    """How many, and how many of them for politics; never one number for both."""

    others: int
    politics: int


@dataclass(frozen=True)
class Found:
    rows: Sequence[Any]
    count: Count
    #: Id of the last row when there are more.
    next: int | None


@dataclass(frozen=True)
class Choices:
    """What can be chosen in the filters."""

    areas: Sequence[str]
    networks: Sequence[tuple[int, str]]
    umbrellas: Sequence[tuple[int, str]]
    groups: Sequence[tuple[int, str]]


def running(table: Any) -> ColumnElement[bool]:
    """Rows with a beginning and an end that hold now."""
    now = clock.now()
    held: ColumnElement[bool] = (table.starts_at <= now) & or_(table.ends_at.is_(None), table.ends_at > now)
    return held


def _contains(column: Any, words: str) -> ColumnElement[bool]:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found: ColumnElement[bool] = func.lower(column).like(f"%{escaped.lower()}%", escape="\\")
    return found


def bodies_like(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions on an organisation."""
    conditions: list[ColumnElement[bool]] = [Organisation.merged_into_id.is_(None)]
    if filters.kind:
        conditions.append(Organisation.kind == filters.kind)
    if filters.area:
        conditions.append(Organisation.area == filters.area)
    if filters.umbrella:
        conditions.append(Organisation.umbrella_id == filters.umbrella)
    if filters.network:
        members = select(NetworkMember.organisation_id).where(NetworkMember.network_id == filters.network)
        conditions.append(Organisation.id.in_(members))
    return conditions


def people_of(bodies: Any) -> Any:
    """Ids of those who work at one of these organisations, speak for one, or fill a seat of one."""
    return union(
        select(Affiliation.person_id).where(Affiliation.organisation_id.in_(bodies)),
        select(Representation.person_id).where(Representation.organisation_id.in_(bodies), running(Representation)),
        select(SeatHolder.person_id)
        .join(Membership, Membership.id == SeatHolder.membership_id)
        .where(Membership.organisation_id.in_(bodies), running(SeatHolder)),
    )


def _found(query: Select[Any], name: Any, ident: Any, after: int | None, politics: Any) -> Found:
    """One page in the order of names, and the count of all."""
    counted = query.with_only_columns(func.count(), func.coalesce(func.sum(case((politics, 1), else_=0)), 0))
    total, political = db.session.execute(counted).one()
    if after is not None:
        last = select(name, ident).where(ident == after)
        query = query.where(tuple_(name, ident) > last.scalar_subquery())
    rows = db.session.execute(query.order_by(name, ident).limit(PAGE + 1)).all()
    following = rows[PAGE - 1][0].id if len(rows) > PAGE else None
    return Found(rows[:PAGE], Count(total - int(political), int(political)), following)


def people(filters: Filters, reach: ColumnElement[bool], after: int | None = None) -> Found:
    """People by name within `reach`: rows (person, has an account). An address is only found whole."""
    query: Any = select(Person, Account.person_id.is_not(None)).outerjoin(Account, Account.person_id == Person.id)
    query = query.where(Person.erased_at.is_(None), reach)
    if "@" in filters.words:
        try:
            email = clean_email(filters.words)
        except ValueError:
            email = ""
        query = query.where(Person.email == email)
    elif filters.words:
        query = query.where(_contains(Person.name, filters.words))
    if filters.of_bodies:
        bodies = select(Organisation.id).where(*bodies_like(filters))
        query = query.where(Person.id.in_(people_of(bodies)))
    if filters.group:
        seats = select(Membership.id).where(Membership.group_id == filters.group, running(Membership))
        members = select(Membership.person_id).where(Membership.id.in_(seats), Membership.person_id.is_not(None))
        holders = select(SeatHolder.person_id).where(SeatHolder.membership_id.in_(seats), running(SeatHolder))
        query = query.where(Person.id.in_(union(members, holders)))
    if filters.paused:
        query = query.where(Person.mail_paused_at.is_not(None))
    if filters.newsletter:
        agreed = select(Subscription.person_id).where(Subscription.state == SubscriptionState.confirmed)
        query = query.where(Person.id.in_(agreed))
    political = select(Organisation.id).where(Organisation.kind == OrganisationKind.politics)
    return _found(query, Person.name, Person.id, after, Person.id.in_(people_of(political)))


def organisations(filters: Filters, after: int | None = None) -> Found:
    """Organisations by name: rows (organisation, how many people we know there)."""
    people_there = (
        select(func.count())
        .where(Affiliation.organisation_id == Organisation.id)
        .correlate(Organisation)
        .scalar_subquery()
    )
    query = select(Organisation, people_there).where(*bodies_like(filters))
    if filters.words:
        query = query.where(_contains(Organisation.name, filters.words))
    if filters.group:
        seated = select(Membership.organisation_id).where(
            Membership.group_id == filters.group, Membership.organisation_id.is_not(None), running(Membership)
        )
        query = query.where(Organisation.id.in_(seated))
    return _found(query, Organisation.name, Organisation.id, after, Organisation.kind == OrganisationKind.politics)


def bodies_of(person_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Where these people work, by person: rows (organisation id, name, kind, position)."""
    found: dict[int, list[Any]] = defaultdict(list)
    if person_ids:
        for row in db.session.execute(
            select(Affiliation.person_id, Organisation.id, Organisation.name, Organisation.kind, Affiliation.position)
            .join(Organisation, Organisation.id == Affiliation.organisation_id)
            .where(Affiliation.person_id.in_(person_ids))
            .order_by(Organisation.name)
        ):
            found[row.person_id].append(row)
    return found


def choices() -> Choices:
    """One question for all lists of the filters."""
    standing = Organisation.merged_into_id.is_(None)
    above = select(Organisation.umbrella_id).where(Organisation.umbrella_id.is_not(None), standing)
    rows: Sequence[Any] = db.session.execute(
        union_all(
            select(literal("area").label("what"), cast(null(), Integer).label("id"), Organisation.area.label("name"))
            .where(Organisation.area != "", standing)
            .distinct(),
            select(literal("network"), Organisation.id, Organisation.name).where(
                Organisation.kind == OrganisationKind.network, standing
            ),
            select(literal("umbrella"), Organisation.id, Organisation.name).where(Organisation.id.in_(above)),
            select(literal("group"), Group.id, Group.name).where(Group.closed_at.is_(None)),
        )
    ).all()
    sorted_rows = sorted(rows, key=lambda row: (row.name.casefold(), row.id or 0))
    pairs = {
        what: [(row.id, row.name) for row in sorted_rows if row.what == what]
        for what in ("network", "umbrella", "group")
    }
    areas = [row.name for row in sorted_rows if row.what == "area"]
    return Choices(areas, pairs["network"], pairs["umbrella"], pairs["group"])


def organisation_called(name: str) -> Organisation | None:
    """The organisation with exactly this name; of merged ones the one that stands for both."""
    found = db.session.scalar(select(Organisation).where(Organisation.name == name))
    if found is not None and found.merged_into_id is not None:
        return db.session.get(Organisation, found.merged_into_id)
    return found
