"""`flask --app wsgi import-polis`: bring a conversation held elsewhere into a process."""

from pathlib import Path

import click
from sqlalchemy import select

from consult.accounts.models import Person
from consult.contributions import policy, polis
from consult.extensions import db
from consult.processes.models import Process

#: So many bad rows are named; of the others only the number.
NAMED = 20


@click.command("import-polis")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--process", "slug", required=True, help="Short name of the process in addresses.")
@click.option(
    "--by", "email", required=True, help="Address of a moderator or lead of the process: stands in the record."
)
@click.option("--lang", default="de", show_default=True, help="Language of the comments.")
@click.option("--rejected-wait", is_flag=True, help="Let rejected comments wait for moderation here.")
def import_polis(folder: Path, slug: str, email: str, lang: str, rejected_wait: bool) -> None:
    """Import the Polis export in FOLDER (comments.csv, votes.csv). A second run adds nothing."""
    process = db.session.scalar(select(Process).where(Process.slug == slug))
    if process is None:
        raise click.ClickException(f"There is no process {slug!r}.")
    actor = db.session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if actor is None or not policy.can_moderate(actor, process):
        raise click.ClickException(f"{email} does not moderate this process.")
    try:
        export = polis.read(folder)
    except (FileNotFoundError, UnicodeDecodeError) as problem:
        raise click.ClickException(f"This is no Polis export: {problem}") from problem
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
