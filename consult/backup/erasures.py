"""Who and what was erased, kept in a file beside the database: an old backup must not bring anybody back.

The file holds moments, kinds and ids, nothing about people. The worker's clock writes it within a minute; it only
ever grows, so that restoring an older database does not shorten it.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import record
from consult.contributions import tallies
from consult.contributions.models import Contribution, State
from consult.contributions.operations import set_state
from consult.errors import Refused
from consult.extensions import db
from consult.moderation import erasing
from consult.personal import erase

NAME = "erased.txt"
#: An erasure may have begun before a backup and ended after it.
MARGIN = timedelta(minutes=10)
_KINDS = {Action.account_erased.value: "person", Action.contribution_erased.value: "contribution"}


def path() -> Path:
    """The file of this instance."""
    return Path(current_app.config["DATA_DIR"]) / NAME


def read(file: Path) -> set[str]:
    """Its lines, "2026-11-22T10:00:00+00:00 person 12"; none when there is no such file."""
    return set(file.read_text().split("\n")) - {""} if file.exists() else set()


def stored() -> set[str]:
    """The same, as the database knows it."""
    rows = db.session.execute(
        select(AuditEntry.at, AuditEntry.action, AuditEntry.subject_id).where(AuditEntry.action.in_(_KINDS))
    )
    return {f"{at.isoformat()} {_KINDS[action]} {ident}" for at, action, ident in rows}


def note(file: Path | None = None) -> int:
    """Add to the file what it does not know yet; returns how many lines that were."""
    file = file or path()
    known = read(file)
    new = stored() - known
    if new:
        partial = file.with_suffix(f".{os.getpid()}.part")
        partial.write_text("".join(f"{line}\n" for line in sorted(known | new)))
        partial.replace(file)
    return len(new)


def replay(lines: set[str], taken_at: datetime, now: datetime) -> list[str]:
    """Erase again whom and what was erased after the backup of `taken_at`; returns what could not be done.

    Lines from before say nothing here: after an earlier restore their numbers may belong to somebody else.
    """
    problems = []
    for line in sorted(lines):
        told, kind, ident = line.split()
        at = datetime.fromisoformat(told)
        if at < taken_at - MARGIN:
            continue
        if kind == "contribution":
            _erase_words(int(ident))
        else:
            person = db.session.get(Person, int(ident))
            if person is None or person.erased_at is not None or person.created_at > at:
                continue
            try:
                erase(person, person, now)
            except Refused as refusal:
                problems.append(f"person {ident}: {refusal}")
        db.session.flush()
    return problems


def _erase_words(contribution_id: int) -> None:
    """Blank a contribution whose words two moderators had erased after the backup was taken."""
    contribution = db.session.get(Contribution, contribution_id)
    if contribution is None or erasing.is_erased(contribution):
        return
    before = contribution.state
    set_state(contribution, before, State.hidden)
    erasing.blank(contribution)
    tallies.move(contribution, before, State.hidden)
    record(Action.erasure_repeated, None, contribution, process_id=contribution.process_id)
