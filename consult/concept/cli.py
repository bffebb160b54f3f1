"""`flask --app wsgi verify-version PROCESS`: whether published versions are as they were sealed."""

import sys

import click
from sqlalchemy import select

from consult.concept import seal
from consult.concept.models import Concept, ConceptKind, ProcessConcept, Version
from consult.extensions import db
from consult.processes.models import Process


@click.command("verify-version")
@click.argument("process")
@click.option("--number", type=int, help="Only the version with this number.")
@click.option("--concept", "kind", type=click.Choice(list(ConceptKind)), help="Only the concept, or only the charter.")
def verify_version_command(process: str, number: int | None, kind: str | None) -> None:
    """Recompute the checksums of the sealed versions of a process (its short name in addresses).

    One line per version; exit code 1 when one is not as it was sealed, 2 when there is none to look at.
    """
    query = (
        select(Version, Concept)
        .join(Concept, Concept.id == Version.concept_id)
        .join(ProcessConcept, ProcessConcept.concept_id == Concept.id)
        .join(Process, Process.id == ProcessConcept.process_id)
        .where(Process.slug == process, Version.number.is_not(None))
        .order_by(ProcessConcept.position, Version.number)
    )
    if number is not None:
        query = query.where(Version.number == number)
    if kind is not None:
        query = query.where(Concept.kind == kind)
    versions = db.session.execute(query).all()
    if not versions:
        click.echo(f"There is no such sealed version of {process}.", err=True)
        sys.exit(2)
    broken = False
    for version, concept in versions:
        flaws = seal.flaws(version)
        broken = broken or bool(flaws)
        for flaw in flaws:
            click.echo(f"BROKEN: {concept.kind} {version.number}: {flaw}")
        if not flaws:
            click.echo(f"intact: {concept.kind} {version.number}, {version.checksum}")
    if broken:
        sys.exit(1)
