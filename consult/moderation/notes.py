"""Private notes among the moderators. They are shown at the desk and nowhere else."""

from datetime import datetime

from flask_babel import gettext as _

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import Contribution
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.moderation.models import ModeratorNote

MAX_LENGTH = 2000


def add_note(contribution: Contribution, actor: Person, body: str, now: datetime | None = None) -> ModeratorNote:
    """Leave a note for the colleagues. Raises `Refused` for an empty or very long one."""
    body = clean_text(body).strip()
    if not body:
        raise Refused(_("Please write something first."))
    if len(body) > MAX_LENGTH:
        raise Refused(_("At most 2,000 characters."))
    note = ModeratorNote(contribution_id=contribution.id, author_id=actor.id, body=body, created_at=now or clock.now())
    db.session.add(note)
    db.session.flush()
    record(Action.note_added, actor.id, contribution, process_id=contribution.process_id, note_id=note.id)
    return note
