"""From the audience of a campaign to promised mails, wave by wave. A door: it commits after each wave.

Safe to run at any time, twice, and by two workers: the row of the campaign is locked for each wave, and unique keys
take one invitation and one mail per person.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, text

from consult import clock
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.invitations import audience, campaigns, long_lists
from consult.invitations.models import (
    Campaign,
    CampaignKind,
    CampaignRecipient,
    CampaignState,
    Invitation,
    InvitationState,
    LeftOut,
)
from consult.invitations.operations import INVITATION
from consult.jobs import Job, enqueue
from consult.meetings.models import Meeting, MeetingState
from consult.outbox import mailings
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue_many
from consult.signing import new_nonce

#: People invited between two commits: others see the progress, and a pause takes hold.
WAVE = 1000
#: So long after a campaign was stopped a mail may come back that a worker had in its hands, to be tried again.
LATE = timedelta(days=3)


def run(campaign_id: int, now: datetime | None = None) -> int:
    """Begin the campaign if it is its time, and invite whoever is still to be invited; returns how many."""
    invited, after = 0, 0
    while True:
        added, after = wave(campaign_id, after, now or clock.now())
        if added >= WAVE // 2 and db.session.get_bind().dialect.name == "postgresql":
            # Until the database has looked at so many new rows, it plans the next page as if there were none.
            db.session.execute(text("ANALYZE invitation, outbox_message, campaign_recipient"))
        db.session.commit()
        invited += added
        if not after:
            return invited


def wave(campaign_id: int, after: int, now: datetime) -> tuple[int, int]:
    """Invite the next ones with a recipient id above `after`; returns how many, and where to go on (0: the end)."""
    campaign = campaigns.locked(campaign_id) if db.session.get(Campaign, campaign_id) else None
    if campaign is None or not _running(campaign, now):
        return 0, 0
    meeting = db.session.get_one(Meeting, campaign.meeting_id)
    if meeting.state == MeetingState.cancelled or meeting.is_over(now):
        campaigns.stop(campaign, None, now)
        return 0, 0
    rows = db.session.execute(
        select(
            CampaignRecipient.id,
            CampaignRecipient.person_id,
            CampaignRecipient.organisation_id,
            CampaignRecipient.by_letter,
        )
        .where(
            CampaignRecipient.campaign_id == campaign.id,
            CampaignRecipient.left_out.is_(None),
            CampaignRecipient.id > after,
        )
        .order_by(CampaignRecipient.id)
        .limit(WAVE)
    ).all()
    if not rows:
        return 0, 0
    out = audience.left_out_now(campaign, [row[0] for row in rows])
    audience.leave_out(out)
    invited = _invited(campaign)
    added = _invite(campaign, meeting, [row for row in rows if row[0] not in out and row[1] not in invited], now)
    return added, rows[-1][0]


def _invited(campaign: Campaign) -> set[int]:
    """Ids of the people who have their invitation by this campaign."""
    return set(db.session.scalars(select(Invitation.person_id).where(Invitation.campaign_id == campaign.id)))


def _running(campaign: Campaign, now: datetime) -> bool:
    """Whether it may go on; a scheduled one whose time has come begins."""
    if campaign.state == CampaignState.scheduled and (campaign.send_at is None or campaign.send_at <= now):
        campaign.state, campaign.started_at = CampaignState.running, now
        db.session.flush()
        record(Action.campaign_started, campaign.created_by_id, campaign, process_id=campaign.process_id)
    return campaign.state == CampaignState.running and campaign.meeting_id is not None


def _invite(campaign: Campaign, meeting: Meeting, rows: list[Any], now: datetime) -> int:
    """Invitations and mails for these rows; whoever was invited by somebody else meanwhile is left out."""
    if not rows:
        return 0
    added = db.session.execute(
        audience.insert()(Invitation)
        .on_conflict_do_nothing(index_elements=["meeting_id", "person_id"])
        .returning(Invitation.id, Invitation.person_id, Invitation.by_letter),
        [
            {
                "campaign_id": campaign.id,
                "meeting_id": meeting.id,
                "person_id": person_id,
                "organisation_id": organisation_id,
                "state": InvitationState.open,
                "nonce": new_nonce(),
                "by_letter": by_letter,
                "created_at": now,
            }
            # In one order everywhere: two campaigns for one meeting wait for each other and never deadlock.
            for _id, person_id, organisation_id, by_letter in sorted(rows, key=lambda row: row[1])
        ],
    ).all()
    invited = {row[1] for row in added}
    audience.leave_out({row[0]: LeftOut.invited_already for row in rows if row[1] not in invited})
    apart, started = mailings.spacing(campaign.per_hour), campaign.started_at or now
    before = 0
    if apart:
        before = db.session.scalar(
            select(func.count()).select_from(OutboxMessage).where(OutboxMessage.campaign_id == campaign.id)
        ) or 0  # fmt: skip
    queue_many(
        INVITATION,
        [(ident, person_id) for ident, person_id, by_letter in added if not by_letter],
        process_id=campaign.process_id,
        campaign_id=campaign.id,
        due_at=max(now, started + apart * before),
        apart=apart,
    )
    return len(added)


def tick(now: datetime) -> int:
    """Look after all campaigns: begin those whose time has come, go on with what was left behind, hold what is
    paused, close what is finished. Returns how many were poked. Commits.
    """
    due = or_(Campaign.send_at.is_(None), Campaign.send_at <= now)
    alive = db.session.scalars(
        select(Campaign)
        .where(
            Campaign.kind == CampaignKind.invitation,
            or_(
                and_(Campaign.state == CampaignState.scheduled, due),
                Campaign.state.in_((CampaignState.running, CampaignState.paused)),
                and_(Campaign.state == CampaignState.stopped, Campaign.ended_at > now - LATE),
            ),
        )
        .order_by(Campaign.id)
    ).all()
    poked = long_lists.poke(now)
    for ident in [campaign.id for campaign in alive]:
        campaign = campaigns.locked(ident)
        if campaign.state == CampaignState.paused:
            # What a worker had in its hands came back.
            mailings.pause_campaign(ident)
        elif campaign.state == CampaignState.stopped:
            mailings.stop_campaign(ident)
        elif campaign.state == CampaignState.scheduled or _left(campaign):
            enqueue(db.session, Job.campaign, ident)
            poked += 1
        elif campaign.state == CampaignState.running and not mailings.still_open(ident):
            campaign.state, campaign.ended_at = CampaignState.done, now
            db.session.flush()
            record(Action.campaign_finished, None, campaign, process_id=campaign.process_id)
        db.session.commit()
    db.session.commit()
    return poked


def _left(campaign: Campaign) -> bool:
    """Whether somebody of the audience is still to be invited."""
    wanted = db.session.scalars(
        select(CampaignRecipient.person_id).where(
            CampaignRecipient.campaign_id == campaign.id, CampaignRecipient.left_out.is_(None)
        )
    ).all()
    return bool(wanted) and not _invited(campaign).issuperset(wanted)
