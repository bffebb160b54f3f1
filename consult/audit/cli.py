"""`flask --app wsgi verify-audit`: whether the record is whole."""

import sys

import click

from consult.audit.operations import head, last_hash, verify_chain


@click.command("verify-audit")
def verify_command() -> None:
    """Recompute the chain over all audit entries; exit code 1 and one sentence per broken place."""
    problems = verify_chain()
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(1)
    # Noted elsewhere, the last hash also shows when the newest entries were cut off.
    click.echo(f"The record is whole: {head()} entries, last hash {last_hash()}.")
