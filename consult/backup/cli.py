"""`flask --app wsgi backup FOLDER` and `flask --app wsgi restore FILE`."""

import sys
import tempfile
from pathlib import Path

import click
from flask_migrate import upgrade

from consult import clock
from consult.audit.operations import verify_chain
from consult.backup import archive, erasures, settling


@click.command("backup")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def backup_command(folder: Path) -> None:
    """Write one file with database, files and list of erasures into FOLDER, while everything runs."""
    try:
        target = archive.take(folder)
    except archive.BackupError as error:
        sys.exit(str(error))
    click.echo(f"{target}  {target.stat().st_size / 1e6:.1f} MB")
    click.echo("The key is not in it: keep SECRET_KEY (or DATA_DIR/secret_key) somewhere else.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="The database is not empty, and may be lost.")
@click.option(
    "--erased",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A newer erased.txt: whoever it names is erased again, or gets no mail again.",
)
def restore_command(file: Path, replace: bool, erased: Path | None) -> None:
    """Put the backup FILE back. Stop web server, worker and clock first."""
    with tempfile.TemporaryDirectory(prefix="consult-restore-") as name:
        work = Path(name)
        try:
            manifest = archive.unpack(file, work)
            archive.put_back(manifest, work, replace)
        except archive.BackupError as error:
            sys.exit(str(error))
        known = erasures.read(work / archive.ERASED) | erasures.read(erasures.path())
    upgrade()
    known |= erasures.read(erased) if erased else set()
    done = settling.settle(archive.taken_at(manifest), known, clock.now())
    click.echo(f"The backup of {manifest.taken_at} is in place. Everybody is signed out.")
    click.echo(f"{done.erased_again} erasures were repeated.")
    click.echo(f"{done.stopped_again} newsletters and switches for mails were turned off again.")
    for problem in done.problems:
        click.echo(f"Not repeated: {problem}")
    click.echo(f"{done.parked} mails wait as uncertain: look at the list of messages and send again what is missing.")
    broken = verify_chain()
    for sentence in broken:
        click.echo(sentence)
    if broken or done.problems:
        sys.exit(1)
