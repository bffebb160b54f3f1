"""What people do with contributions: write, correct, withdraw, react. Changes of state are compare-and-set."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions import proposals, screening, tallies, trust
from consult.contributions.arrival import add, checked_text
from consult.contributions.models import (
    MAX_LENGTH,
    Channel,
    Contribution,
    ContributionText,
    Kind,
    Reaction,
    ReactionKind,
    Stance,
    State,
    TrustLevel,
)
from consult.contributions.offered import must_be_offered
from consult.contributions.openness import Standing, opening_for, speaks_for, standing_of
from consult.contributions.screening import Arriving, Verdict
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.processes.models import Activity, Process

#: What features above do with a contribution that its author withdraws; they add themselves when they are imported.
when_withdrawn: list[Callable[[Contribution], None]] = []


def submit(
    process: Process,
    *,
    actor: Person | None,
    text: str,
    stance: Stance | None,
    element_id: int | None = None,
    reply_to: Contribution | None = None,
    kind: Kind = Kind.comment,
    channel: Channel = Channel.web,
    lang: str = "de",
    author_name: str = "",
    organisation_id: int | None = None,
    entered_by_id: int | None = None,
    seen: tuple[int, int] | None = None,
    proposed: str | None = None,
    at_most: int | None = None,
    standing: Standing | None = None,
    answer: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> Contribution:
    """A citizen writes; `actor` is the author. Appears at once or waits, as stage, trust and rules of arrival say.

    `seen`: version and wording of the page they wrote on; asked for when the door does not know. `proposed`: of a
    wording proposal the whole text as it should read, in place of those words and in their language. `at_most`: how
    many the actor may send within an hour, counted in the rows themselves. `standing`: how they may write now, where
    the door knows. `answer`: where the form leads when it ends with the number (`web.form_answer`).
    Raises `Refused` when nothing can be written now, the parent cannot be answered, the text is empty or too long, a
    comment is meant in a way that is not offered, the actor does not speak for the organisation, or sent too many.
    """
    now = now or clock.now()
    standing = standing or standing_of(actor, process.id, activity_of(kind), now)
    if standing.opening is None:
        raise Refused(_("Contributions are closed at the moment. You can still read everything."))
    if at_most is not None and standing.written >= at_most:
        raise Refused(_("You have written a lot within an hour. Please wait a little before you send more."))
    if reply_to is not None and (reply_to.state != State.published or reply_to.process_id != process.id):
        raise Refused(_("This contribution cannot be answered."))
    if organisation_id is not None and (actor is None or not speaks_for(actor.id, organisation_id, now)):
        raise Refused(_("You are not registered as speaking for this organisation."))
    if kind == Kind.comment:
        must_be_offered(process, stance)
    said = text[:MAX_LENGTH]
    if kind == Kind.wording_proposal:
        proposal = proposals.against(process, element_id, seen, proposed)
        seen, lang, proposed, said = proposal.seen, proposal.lang, proposal.text, f"{said}\n{proposal.put_in}"
    verdict = screening.judge(
        Arriving(said, lang, actor.id if actor else None, process.id),
        moderation=standing.opening.moderation,
        level=standing.level,
        has_rules=standing.has_rules,
    )
    return add(
        process,
        actor_id=actor.id if actor else None,
        author_id=actor.id if actor else None,
        reader=actor,
        text=text,
        stance=stance,
        element_id=element_id,
        reply_to=reply_to,
        kind=kind,
        channel=channel,
        lang=lang,
        author_name=author_name,
        organisation_id=organisation_id,
        entered_by_id=entered_by_id,
        created_at=now,
        state=verdict.state,
        source=None,
        seen=seen,
        rules=verdict.rules,
        proposed=proposed if kind == Kind.wording_proposal else None,
        answer=answer,
    )


def capture(
    process: Process,
    *,
    actor: Person | None,
    text: str,
    stance: Stance | None,
    created_at: datetime,
    element_id: int | None = None,
    reply_to: Contribution | None = None,
    kind: Kind = Kind.card,
    channel: Channel = Channel.card,
    lang: str = "de",
    author_name: str = "",
    author_id: int | None = None,
    organisation_id: int | None = None,
    entered_by_id: int | None = None,
    state: State = State.published,
    source: str | None = None,
    proposed: str | None = None,
) -> Contribution:
    """Staff enter what was said elsewhere: cards, letters, calls, minute lines. Same table, same numbers.

    `actor` types it in (kept as `entered_by` unless it is the author); `author_id` is the person who said it, where
    known; `proposed` the text of a wording proposal that came another way. Asks no stage.
    Raises `Refused` for an empty or too long text.
    """
    if entered_by_id is None and actor is not None and actor.id != author_id:
        entered_by_id = actor.id
    seen = None
    if proposed is not None:
        proposal = proposals.against(process, element_id, None, proposed, created_at)
        seen, lang, proposed = proposal.seen, proposal.lang, proposal.text
    return add(
        process,
        actor_id=actor.id if actor else None,
        author_id=author_id,
        reader=None,
        text=text,
        stance=stance,
        element_id=element_id,
        reply_to=reply_to,
        kind=kind,
        channel=channel,
        lang=lang,
        author_name=author_name,
        organisation_id=organisation_id,
        entered_by_id=entered_by_id,
        created_at=created_at,
        state=state,
        source=source,
        seen=seen,
        proposed=proposed,
    )


def activity_of(kind: str) -> Activity:
    """What has to be open for writing this."""
    return Activity.propose if kind == Kind.wording_proposal else Activity.comment


def goes_back_to_moderation(contribution: Contribution, author: Person | None, now: datetime | None = None) -> bool:
    """Whether an edit now makes the contribution wait for a moderator again; told to authors before they edit."""
    if contribution.state == State.published:
        return _waits(_standing(contribution, author, now))
    return contribution.state == State.hidden


def _standing(contribution: Contribution, author: Person | None, now: datetime | None) -> Standing:
    """How a change to it is treated. Whoever holds the code gets nothing past moderators who watch its author."""
    standing = standing_of(author, contribution.process_id, activity_of(contribution.kind), now)
    if author is not None or contribution.author_id is None:
        return standing
    levels = trust.levels_of(contribution.process_id, {contribution.author_id})
    watched = levels.get(contribution.author_id) == TrustLevel.watched
    return replace(standing, level=TrustLevel.watched) if watched else standing


def _waits(standing: Standing) -> bool:
    """Whether something that was published waits again after a change, whatever the rules say of its words."""
    if standing.opening is None:
        return True
    return screening.state_for(standing.opening.moderation, standing.level) == State.pending


def _after_edit(contribution: Contribution, author: Person | None, said: str, now: datetime) -> Verdict:
    """In which state a changed text stands, and which rules of arrival hold for it."""
    standing = _standing(contribution, author, now)
    waits = contribution.state != State.published or _waits(standing)
    if standing.opening is None:
        return Verdict(State.pending)
    verdict = screening.judge(
        Arriving(said, contribution.lang, contribution.author_id, contribution.process_id),
        moderation=standing.opening.moderation,
        level=standing.level,
        has_rules=standing.has_rules,
    )
    return Verdict(State.pending, verdict.rules) if waits else verdict


def edit(
    contribution: Contribution,
    actor: Person | None,
    text: str,
    base_revision: int,
    now: datetime | None = None,
    *,
    proposed: str | None = None,
) -> bool:
    """The author corrects the text (None: whoever holds its receipt code); the earlier one stays on record.

    `proposed`: the text proposed, where that is changed as well; else it stays as it is.
    Returns False when nothing changed. Under pre-moderation a published text waits for a moderator again; so does one
    that was held back, and one that a rule of arrival holds for.
    Raises `Refused` when it is too late or the words were erased, `Conflict` when the text was changed meanwhile.
    """
    now = now or clock.now()
    if not contribution.is_editable(now):
        raise Refused(_("This contribution can no longer be changed. You can write a new one or withdraw it."))
    body = checked_text(text)
    newest = newest_text(contribution)
    if base_revision != contribution.revision:
        raise Conflict(yours=body, theirs=newest or "", current_id=contribution.revision)
    if newest is None:
        raise Refused(_("This text was deleted for good. You can write a new one."))
    proposal, said = proposals.edited(contribution, body, proposed)
    if body == newest and proposal == proposals.newest_proposed(contribution):
        return False
    before = contribution.state
    verdict = _after_edit(contribution, actor, said, now)
    after = verdict.state
    changed = db.session.execute(
        update(Contribution)
        .where(
            Contribution.id == contribution.id,
            Contribution.revision == base_revision,
            Contribution.state == before,
        )
        .values(revision=base_revision + 1, edited_at=now, state=after)
        .returning(Contribution.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(contribution)
    if changed is None:
        raise Conflict(yours=body, theirs=newest_text(contribution) or "", current_id=contribution.revision)
    db.session.add(
        ContributionText(
            contribution_id=contribution.id,
            revision=contribution.revision,
            body=body,
            proposed=proposal,
            actor_id=actor.id if actor else None,
            created_at=now,
        )
    )
    record(
        Action.contribution_edited,
        actor.id if actor else None,
        contribution,
        process_id=contribution.process_id,
        revision=contribution.revision,
    )
    screening.note_hits(contribution.id, verdict.rules)
    db.session.flush()
    tallies.move(contribution, before, after)
    return True


def newest_text(contribution: Contribution) -> str | None:
    """The current text; None when it was erased."""
    return db.session.scalar(
        select(ContributionText.body).where(
            ContributionText.contribution_id == contribution.id,
            ContributionText.revision == contribution.revision,
        )
    )


def set_state(contribution: Contribution, before: str, after: State, *, published_at: datetime | None = None) -> None:
    """Compare and set: two who decide at once do not overwrite each other. Holds the row until the commit.

    Raises `Refused` when the state is no longer `before`, or the text was changed meanwhile.
    """
    values: dict[str, object] = {"state": after}
    if published_at is not None:
        values["published_at"] = published_at
    changed = db.session.execute(
        update(Contribution)
        .where(
            Contribution.id == contribution.id,
            Contribution.state == before,
            Contribution.revision == contribution.revision,
        )
        .values(values)
        .returning(Contribution.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(contribution)
    if changed is None:
        raise Refused(changed_meanwhile())


def changed_meanwhile() -> str:
    """What whoever comes second is told."""
    return _("This contribution was changed or decided about meanwhile. Nothing was done; please look at it again.")


def withdraw(contribution: Contribution, actor: Person | None, now: datetime | None = None) -> None:
    """The author takes it back: text and name are no longer shown, number and replies stay.

    Raises `Refused` when it is withdrawn or held back already.
    """
    before = contribution.state
    if before not in (State.pending, State.published):
        raise Refused(_("This contribution is not shown any more."))
    set_state(contribution, before, State.withdrawn)
    actor_id = actor.id if actor else None
    record(Action.contribution_withdrawn, actor_id, contribution, process_id=contribution.process_id)
    db.session.flush()
    tallies.move(contribution, before, State.withdrawn)
    for follow in when_withdrawn:
        follow(contribution)


def react(
    contribution: Contribution,
    person: Person,
    kind: ReactionKind = ReactionKind.agree,
    now: datetime | None = None,
    *,
    is_open: bool | None = None,
    answer: dict[str, Any] | None = None,
) -> bool:
    """Say what one thinks of it, or change one's mind. Returns False when this person had said the same before.

    `is_open`: whether reactions are open to them; asked for when the door does not know. `answer`: of the form it came
    by (`web.form_answer`).
    Raises `Refused` when it is closed. A second one at the same moment meets the unique key: nobody counts twice.
    """
    now = now or clock.now()
    if is_open is None:
        is_open = opening_for(person, contribution.process_id, Activity.react, now) is not None
    if not is_open:
        raise Refused(_("Agreeing is closed at the moment."))
    if contribution.state != State.published:
        raise Refused(_("This contribution is not shown any more."))
    if contribution.author_id == person.id:
        raise Refused(_("This is your own contribution."))
    if tallies.give(contribution, person.id, kind, now, answer):
        return True
    known = _reaction(contribution, person)
    if known is None or known.kind == kind:
        return False
    before, known.kind = known.kind, kind
    record(Action.reaction_given, person.id, contribution, process_id=contribution.process_id)
    db.session.flush()
    tallies.react(contribution, before, kind)
    return True


def take_back(contribution: Contribution, person: Person) -> bool:
    """Take the reaction back, at any time. Returns False when there was none."""
    reaction = _reaction(contribution, person)
    if reaction is None:
        return False
    db.session.delete(reaction)
    record(Action.reaction_taken_back, person.id, contribution, process_id=contribution.process_id)
    db.session.flush()
    tallies.react(contribution, reaction.kind, None)
    return True


def _reaction(contribution: Contribution, person: Person) -> Reaction | None:
    """This person's reaction, locked: of two changes of mind at once each counts what it replaces."""
    return db.session.scalar(
        select(Reaction)
        .where(Reaction.contribution_id == contribution.id, Reaction.person_id == person.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
