"""`flask --app wsgi import-polis`: bring a conversation held elsewhere into a process."""

from pathlib import Path

import click
from sqlalchemy import select

from consult.accounts.models import Person
from consult.contributions import policy, polis
from consult.extensions import db
from consult.processes.models import Function, Process
from consult.processes.queries import people_with

#: So many bad rows are named; of the others only the number.
NAMED = 20


def _actor(process: Process, email: str | None) -> Person:
    """Who stands in the record for the import: the person of this address, or the only lead of the process."""
    leads = people_with(process.id, Function.lead)
    if email is None and len(leads) == 1:
        return db.session.get_one(Person, leads[0])
    actor = db.session.scalar(select(Person).where(Person.email == email.strip().lower())) if email else None
    if actor is not None and policy.can_moderate(actor, process):
        return actor
    able = db.session.scalars(
        select(Person.email)
        .where(
            Person.id.in_(people_with(process.id, Function.lead, Function.moderation)),
            Person.email.is_not(None),
        )
        .order_by(Person.id)
        .limit(NAMED)
    ).all()
    problem = f"{email} does not moderate this process." if email else "More than one person leads this process."
    if not leads and not email:
        problem = "Nobody leads this process."
    who = f" Say --by one of: {', '.join(str(address) for address in able)}." if able else ""
    raise click.ClickException(problem + who)


@click.command("import-polis")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--process", "slug", required=True, help="Short name of the process in addresses.")
@click.option(
    "--by", "email", help="Address of a moderator or lead of the process: stands in the record. Default: the only lead."
)
@click.option("--lang", default="de", show_default=True, help="Language of the comments.")
@click.option("--rejected-wait", is_flag=True, help="Let rejected comments wait for moderation here.")
def import_polis(folder: Path, slug: str, email: str | None, lang: str, rejected_wait: bool) -> None:
    """Import the Polis export in FOLDER (comments.csv, votes.csv). A second run adds nothing."""
    process = db.session.scalar(select(Process).where(Process.slug == slug))
    if process is None:
        raise click.ClickException(f"There is no process {slug!r}.")
    actor = _actor(process, email)
    try:
        export = polis.read(folder)
    except (FileNotFoundError, UnicodeDecodeError) as problem:
        raise click.ClickException(f"This is no Polis export: {problem}") from problem
    click.echo(f"In the record: {actor.name or actor.email}.")
    done = polis.bring_in(export, process, actor=actor, lang=lang, rejected_wait=rejected_wait, tell=click.echo)
    db.session.commit()
    for line in export.bad[:NAMED]:
        click.echo(f"Left out: {line}")
    if len(export.bad) > NAMED:
        click.echo(f"Left out: {len(export.bad) - NAMED} more rows.")
    click.echo(
        f"Added {done.contributions} contributions, {done.persons} participants, {done.reactions} reactions. "
        f"Not counted: {export.replaced} votes replaced by a later one, {export.not_counted} of the organisers. "
        f"{done.differing} of {len(export.comments)} comments have other counts than the tallies of the export: "
        "the last vote of each participant counts."
    )
