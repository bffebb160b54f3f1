"""Issues of a newsletter: a mailing as any other (`invitations.campaigns`), whose audience are the subscribers.

draft -> (to_confirm ->) scheduled -> running <-> paused -> done | stopped
"""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.invitations import campaigns
from consult.invitations.models import Campaign, CampaignKind, CampaignState, Subscription, SubscriptionState
from consult.jobs import Job, enqueue
from consult.outbox import mailings
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue, queue_many
from consult.processes.models import Process

ISSUE = "newsletter"
TEST = "newsletter_test"
#: Mails promised between two commits: others see the progress, and a pause takes hold.
WAVE = 1000
ALIVE = (CampaignState.scheduled, CampaignState.running, CampaignState.paused)


def draft(process: Process, actor: Person, now: datetime | None = None) -> Campaign:
    """Begin an issue; nothing is sent."""
    issue = Campaign(
        process_id=process.id,
        kind=CampaignKind.newsletter,
        state=CampaignState.draft,
        subject="",
        created_by_id=actor.id,
        created_at=now or clock.now(),
    )
    db.session.add(issue)
    db.session.flush()
    record(Action.newsletter_drafted, actor.id, issue, process_id=process.id)
    return issue


def subscribers(process_id: int) -> int:
    """How many get the newsletter."""
    return (
        db.session.scalar(
            select(func.count()).where(
                Subscription.process_id == process_id, Subscription.state == SubscriptionState.confirmed
            )
        )
        or 0
    )


def hand_in(
    issue: Campaign, revision: int, actor: Person, send_at: datetime | None = None, now: datetime | None = None
) -> bool:
    """Send what was looked at, now or at a time; returns False when a second person has to agree first.

    Raises `Refused` when it was changed or sent meanwhile, says nothing, or has no reader.
    """
    now = now or clock.now()
    issue = campaigns.as_seen(issue, revision, CampaignState.draft)
    if not issue.subject or not issue.note:
        raise Refused(_("Please write a subject and a text first."))
    if send_at is not None and not now - timedelta(minutes=5) < send_at < now + campaigns.MAX_AHEAD:
        raise Refused(_("Please choose a time from now on, and within a year."))
    readers = subscribers(issue.process_id)
    if not readers:
        raise Refused(_("Nobody has subscribed yet. The link to subscribe stands on the page of the process."))
    above = db.session.scalars(select(Process.confirm_above).where(Process.id == issue.process_id)).one()
    issue.send_at, issue.created_by_id = send_at, actor.id
    issue.state = CampaignState.to_confirm if readers > above else CampaignState.scheduled
    db.session.flush()
    record(Action.newsletter_handed_in, actor.id, issue, process_id=issue.process_id, recipients=readers)
    if issue.state == CampaignState.scheduled:
        enqueue(db.session, Job.newsletter, issue.id)
    return issue.state == CampaignState.scheduled


def agree(issue: Campaign, revision: int, actor: Person, now: datetime | None = None) -> None:
    """The second person agrees. Raises `Refused` for the one who asked, and when it was changed meanwhile."""
    campaigns.agree(issue, revision, actor, now)
    enqueue(db.session, Job.newsletter, issue.id)


def resume(issue: Campaign, actor: Person, now: datetime | None = None) -> None:
    """Go on where it was held."""
    campaigns.resume(issue, actor, now)
    enqueue(db.session, Job.newsletter, issue.id)


def send_test(issue: Campaign, actor: Person, now: datetime | None = None) -> None:
    """The issue as it stands, to whoever asks; at most once a minute."""
    period = (now or clock.now()).strftime("%Y-%m-%dT%H:%M")
    queue(TEST, issue.id, actor.id, period=period, process_id=issue.process_id)
    record(Action.newsletter_tested, actor.id, issue, process_id=issue.process_id)


def run(issue_id: int, now: datetime | None = None) -> int:
    """Promise the issue to every subscriber, wave by wave; returns how many. A door: it commits after each wave.

    Safe to run twice and at once: the issue is locked for each wave, and a unique key takes one mail per person.
    """
    promised, after = 0, 0
    while True:
        added, after = wave(issue_id, after, now or clock.now())
        db.session.commit()
        promised += added
        if not after:
            return promised


def wave(issue_id: int, after: int, now: datetime) -> tuple[int, int]:
    """Promise to the next subscribers with an id above `after`; returns how many, and where to go on (0: the end)."""
    issue = campaigns.locked(issue_id) if db.session.get(Campaign, issue_id) else None
    if issue is None or issue.kind != CampaignKind.newsletter:
        return 0, 0
    if issue.state == CampaignState.scheduled and (issue.send_at is None or issue.send_at <= now):
        issue.state, issue.started_at = CampaignState.running, now
        db.session.flush()
        record(Action.newsletter_started, issue.created_by_id, issue, process_id=issue.process_id)
    if issue.state != CampaignState.running:
        return 0, 0
    mails = OutboxMessage.campaign_id == issue.id
    begun = issue.started_at or now
    rows = db.session.execute(
        select(Subscription.id, Subscription.person_id)
        .where(
            Subscription.process_id == issue.process_id,
            Subscription.state == SubscriptionState.confirmed,
            # Who subscribes while it is being sent gets the next one.
            Subscription.confirmed_at <= begun,
            Subscription.id > after,
        )
        .order_by(Subscription.id)
        .limit(WAVE)
    ).all()
    if not rows:
        return 0, 0
    apart = mailings.spacing(issue.per_hour)
    before = (db.session.scalar(select(func.count()).where(mails)) or 0) if apart else 0
    added = queue_many(
        ISSUE,
        [(issue.id, person_id) for _ident, person_id in rows],
        process_id=issue.process_id,
        campaign_id=issue.id,
        due_at=max(now, begun + apart * before),
        apart=apart,
    )
    return added, rows[-1][0]


def tick(now: datetime) -> int:
    """Begin issues whose time has come, go on with what was left behind, hold what is paused, close what is finished.

    Returns how many were begun or gone on with. Commits.
    """
    alive = db.session.scalars(
        select(Campaign.id)
        .where(Campaign.kind == CampaignKind.newsletter, Campaign.state.in_(ALIVE))
        .order_by(Campaign.id)
    ).all()
    db.session.rollback()
    worked = 0
    for ident in alive:
        worked += bool(run(ident, now))
        issue = campaigns.locked(ident)
        if issue.state == CampaignState.paused:
            # What a worker had in its hands came back.
            mailings.pause_campaign(ident)
        elif issue.state == CampaignState.running and not mailings.still_open(ident):
            issue.state, issue.ended_at = CampaignState.done, now
            db.session.flush()
            record(Action.newsletter_finished, None, issue, process_id=issue.process_id)
        db.session.commit()
    return worked
