"""A contribution written without an account finds its author: by an address proven once, or by whoever has its code.

Until the address is proven the contribution is nobody's. Whether an address is known makes no difference to what is
asked of the database, so that neither the answer nor its time tells.
"""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.accounts.queries import person_with_account
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions import screening, tallies
from consult.contributions.models import Channel, Contribution, ContributionText, Kind, ModerationAct, State
from consult.contributions.openness import standing_of
from consult.contributions.operations import set_state
from consult.contributions.receipts import opened
from consult.contributions.screening import Arriving
from consult.errors import Refused
from consult.extensions import db
from consult.outbox.operations import queue
from consult.processes.models import Activity, Audience, Process


@dataclass(frozen=True)
class Claim:
    """An open link, and what it would settle."""

    token: LinkToken
    person: Person
    contribution: Contribution
    process: Process


def guest_with(email: str, locale: str) -> int:
    """Id of the person with this address, made without a name when nobody has it: two statements in any case."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(Person)
        .values(email=email, name="", locale=locale, created_at=clock.now())
        .on_conflict_do_nothing(index_elements=["email"])
    )
    return db.session.scalars(select(Person.id).where(Person.email == email)).one()


def ask(contribution: Contribution, person_id: int) -> LinkToken:
    """Send the owner of the address a link; nothing changes before they press the button behind it."""
    token = tokens.issue(LinkPurpose.claim, person_id, contribution.id)
    queue("confirm_contribution", token.id, person_id, process_id=contribution.process_id)
    return token


def is_known(person: Person | None) -> bool:
    """Whether this person may be the author of something: neither erased nor suspended. The account is loaded."""
    if person is None or person.erased_at is not None:
        return False
    return person.account is None or person.account.suspended_at is None


def find(link: str) -> Claim | None:
    """What this link is about, while it counts and the process is public; changes nothing."""
    token = tokens.find(link, LinkPurpose.claim)
    if token is None or token.person_id is None or token.subject_id is None:
        return None
    person, found = person_with_account(token.person_id), opened(token.subject_id)
    if person is None or not is_known(person) or found is None:
        return None
    return Claim(token, person, *found)


def confirm(claim: Claim, now: datetime | None = None) -> bool:
    """The address is proven: the contribution is this person's. False when the link was used up meanwhile.

    Raises `Refused` when it belongs to somebody else by now.
    """
    if not tokens.consume(claim.token):
        return False
    _take(claim.contribution, claim.person, now or clock.now())
    return True


def keep(contribution: Contribution, person: Person, now: datetime | None = None) -> None:
    """Whoever holds the code puts it into their account. A second time changes nothing.

    Raises `Refused` when it belongs to somebody else, or when they typed it in for somebody else.
    """
    if contribution.entered_by_id == person.id:
        raise Refused(_("You typed this in for somebody else. Only they can put it into an account of their own."))
    _take(contribution, person, now or clock.now())


def _take(contribution: Contribution, person: Person, now: datetime) -> None:
    """Compare and set: of two who claim it at once, one is the author and the other is told."""
    taken = db.session.scalar(
        update(Contribution)
        .where(Contribution.id == contribution.id, Contribution.author_id.is_(None))
        .values(author_id=person.id)
        .returning(Contribution.id)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(contribution)
    if taken is None:
        if contribution.author_id != person.id:
            raise Refused(_("This contribution belongs to somebody already. The receipt code still opens it."))
        return
    record(Action.contribution_claimed, person.id, contribution, process_id=contribution.process_id)
    _follow_stage(contribution, person, now)


def _follow_stage(contribution: Contribution, person: Person, now: datetime) -> None:
    """What waited only because nobody knew its author appears where the stage lets such texts appear at once."""
    # What a helper typed in is looked at first: nobody else looks at it afterwards.
    if contribution.state != State.pending or contribution.channel != Channel.guest:
        return
    looked_at = select(ModerationAct.id).where(ModerationAct.contribution_id == contribution.id).limit(1)
    if db.session.scalar(looked_at) is not None:
        return
    activity = Activity.propose if contribution.kind == Kind.wording_proposal else Activity.comment
    standing = standing_of(person, contribution.process_id, activity, now)
    # A link in a mail opens no stage that is for members, whoever used it.
    if standing.opening is None or Audience.public not in standing.opening.audiences:
        return
    verdict = screening.judge(
        Arriving(_words(contribution), contribution.lang, person.id, contribution.process_id),
        moderation=standing.opening.moderation,
        level=standing.level,
        has_rules=standing.has_rules,
    )
    screening.note_hits(contribution.id, verdict.rules)
    if verdict.state != State.published:
        return
    set_state(contribution, State.pending, State.published, published_at=now)
    record(Action.contribution_published, person.id, contribution, process_id=contribution.process_id)
    db.session.flush()
    tallies.move(contribution, State.pending, State.published)


def _words(contribution: Contribution) -> str:
    """All words of the newest text, for the rules of arrival."""
    row = db.session.execute(
        select(ContributionText.body, ContributionText.proposed).where(
            ContributionText.contribution_id == contribution.id,
            ContributionText.revision == contribution.revision,
        )
    ).one()
    return "\n".join(part for part in row if part)
