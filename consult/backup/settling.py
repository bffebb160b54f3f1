"""After a restore: what happened between the backup and now must not happen again, and nobody who left comes back."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import and_, delete, or_, update

from consult.accounts.models import LinkPurpose, LinkToken, SignIn
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.backup import erasures
from consult.digests import monthly_running, running
from consult.extensions import db
from consult.invitations import answering
from consult.invitations.dates import on_paper
from consult.invitations.models import Campaign, CampaignState
from consult.meetings import reminders, waiting
from consult.moderation import mornings
from consult.outbox.models import OutboxMessage, State

NOTE = "restored: perhaps sent already"
#: What may have been under way when the backup was taken.
_OPEN = (State.queued, State.retry, State.sending, State.paused)
#: Links that open a door, and may have been used or replaced since.
_KEYS = (
    LinkPurpose.confirm, LinkPurpose.sign_in, LinkPurpose.reset, LinkPurpose.change_email,
    LinkPurpose.staff_invitation, LinkPurpose.preview, LinkPurpose.calendar,
)  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """What was done, for the operator to read."""

    #: Mails that wait for a person to say that they are to be sent.
    parked: int
    erased_again: int
    #: Newsletters and switches for mails that people had turned off since.
    stopped_again: int
    problems: list[str]


def settle(taken_at: datetime, erased: set[str], now: datetime) -> Settled:
    """Bring a database of `taken_at` up to `now`: commits.

    Everybody is signed out and links that open a door are dead. Whoever was erased since is erased again, and
    who wanted no more mails since gets none. Mails that were open then, and those that have become due since, are
    parked as uncertain: nobody knows whether they left.
    """
    db.session.execute(delete(SignIn))
    db.session.execute(
        update(LinkToken).where(LinkToken.purpose.in_(_KEYS), LinkToken.used_at.is_(None)).values(used_at=now)
    )
    before = erasures.stored()
    again = erasures.replay(erased, before, taken_at, now)
    db.session.commit()
    # What the clock would promise at its first tick was promised before, as far as anybody knows.
    running.run_due(now)
    monthly_running.run_due(now)
    mornings.send_due(now)
    reminders.run_due(now, on_paper)
    waiting.run_due(now, answering.follow_ended)
    db.session.commit()
    parked = db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.state.in_(_OPEN))
        .values(state=State.uncertain, note=NOTE, claimed_until=None)
    ).rowcount  # type: ignore[attr-defined]  # a DML result has it
    db.session.execute(
        update(Campaign)
        .where(
            or_(
                Campaign.state == CampaignState.running,
                # What is planned for later is still to come.
                and_(
                    Campaign.state == CampaignState.scheduled, or_(Campaign.send_at.is_(None), Campaign.send_at <= now)
                ),
            )
        )
        .values(state=CampaignState.paused)
    )
    record(
        Action.backup_restored, None, ("audit_entry", 0), taken_at=taken_at.isoformat(), parked=parked,
        repeated=again.erased, stopped=again.stopped,
    )  # fmt: skip
    db.session.commit()
    erasures.path().parent.mkdir(parents=True, exist_ok=True)
    erasures.note()
    current_app.logger.info("restored the backup of %s", taken_at.isoformat())
    return Settled(parked, again.erased, again.stopped, again.problems)
