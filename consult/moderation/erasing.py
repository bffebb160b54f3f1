"""Erasing for good, by four eyes: one moderator asks, another one confirms. Number and published reason stay.

Teams under three may confirm their own request: there the second pair of eyes may be on holiday.
"""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions import tallies
from consult.contributions.models import (
    Contribution,
    ContributionText,
    ContributionTranslation,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    State,
)
from consult.contributions.operations import newest_text, set_state
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.moderation import appeals, reports
from consult.moderation.models import Appeal, ErasureRequest, ReportOutcome
from consult.moderation.team import team_of
from consult.outbox.operations import forget_copies, queue

#: From so many on another one of the team has to confirm.
FOUR_EYES_FROM = 3
#: The mail that quotes the words to their author; its kept copies go with them.
QUOTING = "contribution_answered"


def needs_another(process_id: int) -> bool:
    """Whether whoever asks for an erasure cannot confirm it."""
    return len(team_of(process_id)) >= FOUR_EYES_FROM


def is_erased(contribution: Contribution) -> bool:
    """Whether the words are gone for good."""
    return newest_text(contribution) is None


def open_request(contribution: Contribution) -> ErasureRequest | None:
    """The request that waits for somebody else."""
    return db.session.scalar(
        select(ErasureRequest).where(
            ErasureRequest.contribution_id == contribution.id, ErasureRequest.decided_at.is_(None)
        )
    )


def request(
    contribution: Contribution, actor: Person, reason: ModerationReason, note: str, now: datetime | None = None
) -> ErasureRequest:
    """Ask that the words go for good. Raises `Refused` when that was asked already or the words are gone."""
    if reason.process_id != contribution.process_id or reason.retired_at is not None:
        raise Refused(_("This reason is not in use in this process."))
    if is_erased(contribution):
        raise Refused(_("The words are deleted for good already."))
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    ident = db.session.scalar(
        insert(ErasureRequest)
        .values(
            contribution_id=contribution.id,
            reason_id=reason.id,
            note=clean_text(note).strip(),
            requested_by_id=actor.id,
            created_at=now or clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(ErasureRequest.id)
    )
    if ident is None:
        raise Refused(_("Deleting this for good was asked for already. Somebody else of the team has to confirm it."))
    record(Action.erasure_requested, actor.id, contribution, process_id=contribution.process_id, request_id=ident)
    return db.session.get_one(ErasureRequest, ident)


def _decide(asked: ErasureRequest, actor: Person, confirmed: bool, now: datetime) -> Contribution:
    """Compare and set. Raises `Refused` when somebody else was first."""
    decided = db.session.execute(
        update(ErasureRequest)
        .where(ErasureRequest.id == asked.id, ErasureRequest.decided_at.is_(None))
        .values(confirmed=confirmed, decided_by_id=actor.id, decided_at=now)
        .returning(ErasureRequest.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(asked)
    if decided is None:
        raise Refused(_("Somebody else has decided about this meanwhile. Nothing was done."))
    return db.session.get_one(Contribution, asked.contribution_id)


def decline(asked: ErasureRequest, actor: Person, now: datetime | None = None) -> None:
    """Leave the words where they are; whoever asked may take the request back so."""
    contribution = _decide(asked, actor, False, now or clock.now())
    record(Action.erasure_declined, actor.id, contribution, process_id=contribution.process_id, request_id=asked.id)


def blank(contribution: Contribution) -> None:
    """Take away the words in every revision and every language, the shown name, and kept mails that quote them."""
    contribution.author_name = ""
    for table in (ContributionText, ContributionTranslation):
        values = {"body": None} | ({"proposed": None} if table is ContributionText else {})
        db.session.execute(
            update(table)
            .where(table.contribution_id == contribution.id)
            .values(values)
            .execution_options(synchronize_session="fetch")
        )
    if contribution.author_id is not None:
        forget_copies(QUOTING, contribution.author_id, contribution.process_id)


def confirm(asked: ErasureRequest, actor: Person, now: datetime | None = None) -> ModerationAct:
    """Erase the words in every revision and every language; the author is told why.

    Raises `Refused` when a team of three or more asks and confirms with the same eyes, or somebody else was first.
    """
    now = now or clock.now()
    contribution = db.session.get_one(Contribution, asked.contribution_id)
    if asked.requested_by_id == actor.id and needs_another(contribution.process_id):
        raise Refused(_("You asked for this yourself. Somebody else of the team has to confirm it."))
    contribution = _decide(asked, actor, True, now)
    before = contribution.state
    set_state(contribution, before, State.hidden)
    blank(contribution)
    act = ModerationAct(
        contribution_id=contribution.id,
        kind=ModerationKind.erase,
        reason_id=asked.reason_id,
        note=asked.note,
        state_before=before,
        state_after=State.hidden,
        actor_id=actor.id,
        created_at=now,
    )
    db.session.add(act)
    db.session.flush()
    record(
        Action.contribution_erased,
        actor.id,
        contribution,
        process_id=contribution.process_id,
        act_id=act.id,
        reason_id=asked.reason_id,
    )
    reason = db.session.get_one(ModerationReason, asked.reason_id)
    appeals.close_erased(contribution, actor, reason.text, now)
    reports.close_all(contribution, ReportOutcome.settled, actor, now=now)
    if contribution.author_id is not None and contribution.author_id != actor.id:
        queue("contribution_erased", act.id, contribution.author_id, process_id=contribution.process_id)
    db.session.flush()
    tallies.move(contribution, before, State.hidden)
    return act


def name_of(person_id: int) -> str:
    """Who asked."""
    return db.session.scalar(select(Person.name).where(Person.id == person_id)) or ""


@dataclass(frozen=True)
class Asked:
    """An open request as the desk shows it."""

    request: ErasureRequest
    number: int
    reason: str
    requested_by: str


def open_requests(process_id: int) -> list[Asked]:
    """What waits for another pair of eyes, the oldest first."""
    found = db.session.execute(
        select(ErasureRequest, Contribution.number, ModerationReason.text, Person.name)
        .join(Contribution, Contribution.id == ErasureRequest.contribution_id)
        .join(ModerationReason, ModerationReason.id == ErasureRequest.reason_id)
        .join(Person, Person.id == ErasureRequest.requested_by_id)
        .where(Contribution.process_id == process_id, ErasureRequest.decided_at.is_(None))
        .order_by(ErasureRequest.id)
        .limit(100)
    )
    return [Asked(row[0], row[1] or 0, row[2], row[3] or "") for row in found]


def second_looks(process_id: int) -> int:
    """How many appeals and erasures wait for somebody. One query."""
    here = Contribution.process_id == process_id
    open_appeals = (
        select(func.count())
        .select_from(Appeal)
        .join(ModerationAct, ModerationAct.id == Appeal.act_id)
        .join(Contribution, Contribution.id == ModerationAct.contribution_id)
        .where(here, Appeal.decided_at.is_(None))
        .scalar_subquery()
    )
    requests = (
        select(func.count())
        .select_from(ErasureRequest)
        .join(Contribution, Contribution.id == ErasureRequest.contribution_id)
        .where(here, ErasureRequest.decided_at.is_(None))
        .scalar_subquery()
    )
    return db.session.scalar(select(open_appeals + requests)) or 0


def waiting(process_id: int) -> int:
    """How many requests wait for another pair of eyes."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(ErasureRequest)
            .join(Contribution, Contribution.id == ErasureRequest.contribution_id)
            .where(Contribution.process_id == process_id, ErasureRequest.decided_at.is_(None))
        )
        or 0
    )
