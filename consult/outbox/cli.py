"""`flask --app wsgi outbox`: how the mail is doing; `read-bounces`, `take-bounce`: what came back."""

import imaplib
import sys

import click
from flask import current_app

from consult import clock
from consult.extensions import db
from consult.outbox import bounces, queries, returned


@click.command("outbox")
def outbox_command() -> None:
    """Count messages by state and say whether the background work is alive."""
    for state, number in queries.counts_by_state().items():
        click.echo(f"{state:<10} {number:>8}")
    health = queries.health(clock.now())
    beat = "never" if health.heartbeat is None else f"{health.heartbeat:.0f} s ago"
    click.echo(f"last tick of the worker: {beat}")
    click.echo(f"oldest waiting mail is due since {health.oldest_due:.0f} s")


@click.command("read-bounces")
def read_bounces_command() -> None:
    """Read the box that BOUNCE_MAILBOX names, as the worker does every few minutes."""
    url = current_app.config["BOUNCE_MAILBOX"]
    if not url:
        raise click.ClickException("BOUNCE_MAILBOX is not set.")
    try:
        reports, others = returned.read(url, bounces.take_now)
    except (OSError, imaplib.IMAP4.error) as error:
        raise click.ClickException(f"The box for undelivered mail cannot be read: {error}") from None
    click.echo(f"reports {reports}, other mails left for a person {others}")


@click.command("take-bounce")
def take_bounce_command() -> None:
    """Take one mail from standard input: for mail servers that hand undelivered mail to a program.

    Ends with 0 for anything it could read, so that nothing bounces back and forth.
    """
    raw = sys.stdin.buffer.read(bounces.MAX_REPORT)
    # The server waits for us to read everything.
    while sys.stdin.buffer.read(65536):
        pass
    click.echo("report" if bounces.take_now(raw) else "no report about our mail")
    db.session.remove()
