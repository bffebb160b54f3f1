"""Commands for operators: `flask --app wsgi ...`."""

from flask import Flask

from consult.accounts.cli import create_admin
from consult.audit.cli import verify_command
from consult.backup.cli import backup_command, restore_command
from consult.concept.cli import verify_version_command
from consult.contributions.cli import import_polis
from consult.demo.cli import demo_group
from consult.digests.cli import digest_group
from consult.outbox.cli import outbox_command, read_bounces_command, take_bounce_command
from consult.processes.cli import name_lead

#: The commands of all features.
COMMANDS = (
    backup_command,
    restore_command,
    create_admin,
    demo_group,
    digest_group,
    import_polis,
    name_lead,
    outbox_command,
    read_bounces_command,
    take_bounce_command,
    verify_command,
    verify_version_command,
)


def init_app(app: Flask) -> None:
    """Attach the commands of all features."""
    for command in COMMANDS:
        app.cli.add_command(command)
