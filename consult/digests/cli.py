"""`flask --app wsgi digest`: look at the next feedback digest, or make those that are due."""

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from consult import clock
from consult.audit.operations import head
from consult.db import read_only
from consult.digests import queries, reading, running
from consult.digests.emails import compose
from consult.digests.figures import figures
from consult.extensions import db
from consult.i18n import in_language
from consult.outbox.links import link
from consult.outbox.mime import plain_text
from consult.processes.models import Process

digest_group = AppGroup("digest", help="The steering group's feedback digest.")


@digest_group.command("preview")
@click.argument("process_slug")
def preview(process_slug: str) -> None:
    """Print the mail the steering group would get now. Changes nothing."""
    language = current_app.config["BABEL_DEFAULT_LOCALE"]
    with read_only(), current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]):
        process = db.session.scalar(select(Process).where(Process.slug == process_slug))
        if process is None:
            raise click.ClickException(f"There is no process {process_slug!r}.")
        last = queries.last_window(process.id)
        happened = queries.activity(process, last.to_seq if last else 0, head())
        if not happened:
            click.echo("Nothing happened since the last digest: no mail would leave.")
            return
        with in_language(language):
            report = reading.report(process, figures(process, happened, clock.now()))
            mail = compose(report, link("digests.index", slug=process.slug))
            click.echo(f"{mail.subject}\n\n{plain_text(mail.body)}\n{mail.why}")


@digest_group.command("run")
def run() -> None:
    """Make every digest that is due now, as the worker does every five minutes."""
    issued = running.run_due(clock.now())
    click.echo(f"Digests issued: {len(issued)}")
