"""Commands about processes."""

import click
from sqlalchemy import select

from consult.accounts import sessions
from consult.accounts.models import Account, Person
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Group
from consult.groups.operations import add_person
from consult.processes.models import Function, Process, ProcessGroup


@click.command("name-lead")
@click.argument("slug")
@click.option("--email", prompt="E-mail address", help="Address of an account in use.")
def name_lead(slug: str, email: str) -> None:
    """Let somebody lead the process SLUG: for when nobody is left who could do it in the browser."""
    process = db.session.scalar(select(Process).where(Process.slug == slug))
    if process is None:
        raise click.ClickException(f"There is no process {slug!r}.")
    person = db.session.scalar(
        select(Person)
        .join(Account, Account.person_id == Person.id)
        .where(Person.email == email.strip().lower(), Account.confirmed_at.is_not(None), Account.suspended_at.is_(None))
    )
    if person is None:
        raise click.ClickException(f"{email} has no account in use; people register, or are invited by an operator.")
    group = db.session.scalars(
        select(Group)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(ProcessGroup.process_id == process.id, ProcessGroup.function == Function.lead)
        .order_by(Group.id)
    ).first()
    if group is None:
        raise click.ClickException("No group leads this process.")
    try:
        add_person(group, person.id, None, process_id=process.id)
    except Refused:
        raise click.ClickException(f"{email} belongs to the group {group.name!r} already.") from None
    # Whoever may do more signs in anew, as everywhere.
    sessions.close_all(person.id)
    db.session.commit()
    click.echo(f"{email} belongs to the group {group.name!r} now, which leads {slug!r}.")
