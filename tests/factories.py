"""Rows with sensible defaults: `make_x(**fields)`. They flush and never commit.

Where an operation exists that brings a row about in real life, tests of behaviour use the operation;
factories are for the scenery.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from consult import clock
from consult.accounts import sessions
from consult.accounts.models import Account, Organisation, OrganisationKind, Person
from consult.extensions import db
from consult.groups.models import Group, GroupKind, Membership
from consult.processes.models import (
    Activity,
    Audience,
    Function,
    Moderation,
    Process,
    ProcessCounter,
    ProcessGroup,
    ProcessState,
    Stage,
    StageActivity,
)  # fmt: skip

_number = count(1)
PASSWORD = "ein langes gutes Passwort"


def flushed(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def make_person(name: str | None = None, *, account: bool = True, operator: bool = False, **fields: Any) -> Person:
    """A person, with a confirmed account unless told otherwise."""
    n = next(_number)
    person: Person = flushed(
        Person(name=name or f"Person {n}", email=fields.pop("email", f"person{n}@example.org"), **fields)
    )
    if account:
        person.account = Account(person_id=person.id, confirmed_at=clock.now(), operator=operator)
        db.session.flush()
    return person


def make_organisation(name: str | None = None, **fields: Any) -> Organisation:
    fields.setdefault("kind", OrganisationKind.welfare)
    organisation: Organisation = flushed(Organisation(name=name or f"Organisation {next(_number)}", **fields))
    return organisation


def make_process(**fields: Any) -> Process:
    """A published process with its counter."""
    n = next(_number)
    fields.setdefault("slug", f"process-{n}")
    fields.setdefault("code", f"P{n}")
    fields.setdefault("title", f"Process {n}")
    fields.setdefault("state", ProcessState.published)
    fields.setdefault("published_at", clock.now())
    process: Process = flushed(Process(**fields))
    flushed(ProcessCounter(process_id=process.id))
    return process


def make_group(
    process: Process | None = None, function: Function | None = None, *members: Person, **fields: Any
) -> Group:
    """A group, with this function in this process and these members."""
    fields.setdefault("kind", GroupKind.team)
    fields.setdefault("name", f"Group {next(_number)}")
    group: Group = flushed(Group(**fields))
    if process is not None and function is not None:
        flushed(ProcessGroup(process_id=process.id, group_id=group.id, function=function))
    for person in members:
        make_member(group, person)
    return group


def make_member(group: Group, person: Person, **fields: Any) -> Membership:
    fields.setdefault("starts_at", clock.now() - timedelta(days=1))
    membership: Membership = flushed(Membership(group_id=group.id, person_id=person.id, **fields))
    person.__dict__.pop("_functions", None)
    return membership


def make_stage(
    process: Process,
    *activities: Activity,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    audience: Audience = Audience.public,
    moderation: Moderation = Moderation.post,
    **fields: Any,
) -> Stage:
    """A stage open from a week ago to in a week, in which these activities are open."""
    stage: Stage = flushed(
        Stage(
            process_id=process.id,
            title=fields.pop("title", "Stage"),
            starts_at=starts_at or clock.now() - timedelta(days=7),
            ends_at=ends_at or clock.now() + timedelta(days=7),
            **fields,
        )
    )
    for activity in activities:
        flushed(StageActivity(stage_id=stage.id, activity=activity, audience=audience, moderation=moderation))
    return stage


def sign_in(client: Any, person: Person, *, second_factor: bool = True) -> None:
    """Sign in by writing the session, not through the form."""
    secret = sessions.open_sign_in(person.id, device="Test", second_factor=second_factor)
    db.session.commit()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = secret
        cookie["_fresh"] = True


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
