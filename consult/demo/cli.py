"""`flask --app wsgi demo`: the demonstration process."""

import click
from flask.cli import AppGroup

from consult.demo import loader
from consult.demo.reset import reset

demo_group = AppGroup("demo", help="The demonstration process.")


@demo_group.command("load")
def load_command() -> None:
    """Load it; nothing happens when it is there already."""
    try:
        loaded = loader.load()
    except loader.NoDemo as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo("The demonstration is loaded." if loaded else "The demonstration is there already.")


@demo_group.command("reset")
def reset_command() -> None:
    """Empty the whole database and load it afresh. Not in production."""
    try:
        reset()
    except loader.NoDemo as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo("The demonstration is as on the first day.")
