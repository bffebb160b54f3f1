"""Writing without an account or an address, and for somebody else: moderated first, found again by a receipt code."""

from datetime import datetime

from flask_babel import gettext as _

from consult import clock
from consult.accounts.models import Person
from consult.contributions import operations, screening
from consult.contributions.arrival import add
from consult.contributions.models import MAX_LENGTH, Channel, Contribution, Kind, Stance, State
from consult.contributions.openness import standing_of
from consult.contributions.receipts import hash_of
from consult.contributions.screening import Arriving
from consult.errors import Refused
from consult.processes.models import Activity, Moderation, Process


def submit(
    process: Process,
    *,
    text: str,
    stance: Stance,
    code: str,
    element_id: int | None = None,
    lang: str = "de",
    author_name: str = "",
    helper: Person | None = None,
    seen: tuple[int, int] | None = None,
    now: datetime | None = None,
) -> Contribution:
    """Somebody writes whom nobody knows; `helper` types it in for them. Waits for a moderator, whatever the stage says.

    Of `code` only a keyed hash is kept. Raises `Refused` when the stage is not open to the public (to the helper), or
    for an empty or too long text.
    """
    now = now or clock.now()
    standing = standing_of(helper, process.id, Activity.comment, now)
    if standing.opening is None:
        raise Refused(_("Contributions are closed at the moment. You can still read everything."))
    verdict = screening.judge(
        Arriving(text[:MAX_LENGTH], lang, None, process.id),
        moderation=Moderation.pre,
        level=None,
        has_rules=standing.has_rules,
    )
    return add(
        process,
        actor_id=helper.id if helper else None,
        author_id=None,
        reader=helper,
        text=text,
        stance=stance,
        element_id=element_id,
        reply_to=None,
        kind=Kind.comment,
        channel=Channel.helper if helper else Channel.guest,
        lang=lang,
        author_name=author_name,
        organisation_id=None,
        entered_by_id=helper.id if helper else None,
        created_at=now,
        state=State.pending,
        source=None,
        seen=seen,
        receipt_hash=hash_of(code),
        rules=verdict.rules,
    )


def is_editable(contribution: Contribution) -> bool:
    """Until it has appeared; what was held back can be put better and is looked at again."""
    return contribution.state in (State.pending, State.hidden)


def edit(contribution: Contribution, text: str, base_revision: int) -> bool:
    """Whoever holds the code corrects the text; a moderator reads it (again). Returns False when nothing changed.

    Raises `Refused` when it has appeared or was withdrawn, `Conflict` when it was changed or decided about meanwhile.
    """
    if not is_editable(contribution):
        raise Refused(_("This contribution can no longer be changed. You can write a new one or withdraw it."))
    return operations.edit(contribution, None, text, base_revision)


def withdraw(contribution: Contribution) -> None:
    """Whoever holds the code takes it back. Raises `Refused` when it is withdrawn or held back already."""
    operations.withdraw(contribution, None)
