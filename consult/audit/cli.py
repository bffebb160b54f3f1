"""`flask --app wsgi verify-audit`: whether the record is whole."""

import sys

import click

from consult.audit.operations import head, verify_chain


@click.command("verify-audit")
def verify_command() -> None:
    """Recompute the chain over all audit entries; exit code 1 and one sentence per broken place."""
    problems = verify_chain()
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(1)
    click.echo(f"The record is whole: {head()} entries.")
