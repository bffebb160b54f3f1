"""Writing without an account or an address, and for somebody else: moderated first, found again by a receipt code."""

from datetime import datetime

from flask_babel import gettext as _

from consult import clock
from consult.accounts.models import Person
from consult.contributions import claims, operations, proposals, screening
from consult.contributions.arrival import add
from consult.contributions.models import MAX_LENGTH, Channel, Contribution, Kind, Stance, State
from consult.contributions.offered import must_be_offered
from consult.contributions.openness import standing_of
from consult.contributions.receipts import hash_of
from consult.contributions.screening import Arriving
from consult.errors import Refused
from consult.processes.models import Audience, Moderation, Process


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
    author: Person | None = None,
    email: str = "",
    locale: str = "de",
    seen: tuple[int, int] | None = None,
    proposed: str | None = None,
    now: datetime | None = None,
) -> Contribution:
    """Somebody writes without an account; `helper` types it in for them. Waits for a moderator in any stage.

    `author` has proven an address in this browser before: then it appears as it does with an account. `email` has
    still to be proven: its owner gets a link, in the language `locale` unless they chose another, and the contribution
    is nobody's until they use it.
    `proposed`: the whole text of a wording proposal, as it should read.
    Of `code` only a keyed hash is kept. Raises `Refused` when the stage is not open to the public (to the helper), for
    a comment meant in a way that is not offered, or for an empty or too long text.
    """
    now = now or clock.now()
    kind = Kind.comment if proposed is None else Kind.wording_proposal
    standing = standing_of(helper or author, process.id, operations.activity_of(kind), now)
    # A link in a mail opens no stage that is for members, whoever used it.
    if standing.opening is None or (author and Audience.public not in standing.opening.audiences):
        raise Refused(_("Contributions are closed at the moment. You can still read everything."))
    if proposed is None:
        must_be_offered(process, stance)
    said = text[:MAX_LENGTH]
    if proposed is not None:
        proposal = proposals.against(process, element_id, seen, proposed)
        seen, lang, proposed, said = proposal.seen, proposal.lang, proposal.text, f"{said}\n{proposal.put_in}"
    verdict = screening.judge(
        Arriving(said, lang, author.id if author else None, process.id),
        moderation=standing.opening.moderation if author else Moderation.pre,
        level=standing.level if author else None,
        has_rules=standing.has_rules,
    )
    # Before the number is taken: what is asked of people must not hold up other writers.
    asked_id = claims.guest_with(email, locale) if email else None
    actor = helper or author
    contribution = add(
        process,
        actor_id=actor.id if actor else None,
        author_id=author.id if author else None,
        reader=helper,
        text=text,
        stance=stance,
        element_id=element_id,
        reply_to=None,
        kind=kind,
        channel=Channel.helper if helper else Channel.guest,
        lang=lang,
        author_name=author_name,
        organisation_id=None,
        entered_by_id=helper.id if helper else None,
        created_at=now,
        state=verdict.state,
        source=None,
        seen=seen,
        receipt_hash=hash_of(code),
        rules=verdict.rules,
        proposed=proposed,
    )
    if asked_id is not None:
        claims.ask(contribution, asked_id)
    return contribution


def is_editable(contribution: Contribution, now: datetime | None = None) -> bool:
    """Until it has appeared; what was held back can be put better and is looked at again.

    With an author known by address it is as for those with an account: for a while also what everybody reads.
    """
    if contribution.author_id is not None:
        return contribution.is_editable(now or clock.now())
    return contribution.state in (State.pending, State.hidden)


def edit(contribution: Contribution, text: str, base_revision: int, *, proposed: str | None = None) -> bool:
    """Whoever holds the code corrects the text; where such texts wait, a moderator reads it (again).

    Returns False when nothing changed.
    Raises `Refused` when it has appeared or was withdrawn, `Conflict` when it was changed or decided about meanwhile.
    """
    if not is_editable(contribution):
        raise Refused(_("This contribution can no longer be changed. You can write a new one or withdraw it."))
    return operations.edit(contribution, None, text, base_revision, proposed=proposed)


def withdraw(contribution: Contribution) -> None:
    """Whoever holds the code takes it back. Raises `Refused` when it is withdrawn or held back already."""
    operations.withdraw(contribution, None)
