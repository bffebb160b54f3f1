"""`flask --app wsgi outbox`: how the mail is doing."""

import click

from consult import clock
from consult.outbox import queries


@click.command("outbox")
def outbox_command() -> None:
    """Count messages by state and say whether the background work is alive."""
    for state, number in queries.counts_by_state().items():
        click.echo(f"{state:<10} {number:>8}")
    health = queries.health(clock.now())
    beat = "never" if health.heartbeat is None else f"{health.heartbeat:.0f} s ago"
    click.echo(f"last tick of the worker: {beat}")
    click.echo(f"oldest waiting mail is due since {health.oldest_due:.0f} s")
