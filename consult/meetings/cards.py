"""The cards of a pinboard: each becomes a contribution with a number of its own."""

from datetime import datetime

from flask import current_app
from flask_babel import gettext as _

from consult import clock
from consult.accounts.models import Person
from consult.contributions.models import Channel, Contribution, Kind, Stance
from consult.contributions.operations import capture
from consult.html import clean_line
from consult.i18n import in_language
from consult.meetings.models import Meeting
from consult.processes.models import Process


def capture_card(
    process: Process,
    meeting: Meeting,
    actor: Person,
    *,
    table: str,
    text: str,
    stance: Stance | None,
    element_id: int | None,
    lang: str = "de",
    now: datetime | None = None,
) -> Contribution:
    """Type in a card of the pinboard: it gets its number at once. Raises `Refused` for an empty or too long text."""
    now = now or clock.now()
    # The name stands in public for good: in the city's language, whatever the one who types it in reads.
    with in_language(current_app.config["BABEL_DEFAULT_LOCALE"]):
        name = _("Card, table %(table)s", table=clean_line(table)) if table.strip() else _("Card")
    return capture(
        process,
        actor=actor,
        text=text,
        stance=stance,
        element_id=element_id,
        kind=Kind.card,
        channel=Channel.card,
        lang=lang,
        author_name=name,
        # Cards are written at the meeting, even when somebody types them in a week later.
        created_at=min(now, meeting.ends_at) if meeting.starts_at <= now else now,
    )
