"""Commands about processes."""

import click
from sqlalchemy import select

from consult.accounts.queries import in_use
from consult.errors import Refused
from consult.extensions import db
from consult.processes.lead import leading_group
from consult.processes.lead import name_lead as name_lead_of
from consult.processes.models import Process


@click.command("name-lead")
@click.argument("slug")
@click.option("--email", prompt="E-mail address", help="Address of an account in use.")
def name_lead(slug: str, email: str) -> None:
    """Let somebody lead the process SLUG: for when nobody is left who could do it in the browser."""
    process = db.session.scalar(select(Process).where(Process.slug == slug))
    if process is None:
        raise click.ClickException(f"There is no process {slug!r}.")
    person = in_use(email)
    if person is None:
        raise click.ClickException(f"{email} has no account in use; people register, or are invited by an operator.")
    if leading_group(process.id) is None:
        raise click.ClickException("No group leads this process.")
    try:
        group = name_lead_of(process, person, None)
    except Refused:
        raise click.ClickException(f"{email} belongs to a group that leads the process already.") from None
    db.session.commit()
    click.echo(f"{email} belongs to the group {group.name!r} now, which leads {slug!r}.")
