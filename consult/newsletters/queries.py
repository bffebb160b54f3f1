"""Questions about newsletters."""

from dataclasses import dataclass

from sqlalchemy import func, select

from consult.extensions import db
from consult.invitations.models import Campaign, CampaignKind, Subscription
from consult.outbox import mailings
from consult.outbox.mailings import Progress

PAGE = 20


@dataclass(frozen=True)
class Issue:
    """An issue and how far its mails are."""

    campaign: Campaign
    mails: Progress


def issues_of(process_id: int, before: int | None = None) -> tuple[list[Issue], int | None]:
    """The newest issues with an id below `before`, and where the next page begins."""
    statement = (
        select(Campaign)
        .where(Campaign.process_id == process_id, Campaign.kind == CampaignKind.newsletter)
        .order_by(Campaign.id.desc())
        .limit(PAGE + 1)
    )
    found = list(db.session.scalars(statement if before is None else statement.where(Campaign.id < before)))
    shown = found[:PAGE]
    counted = mailings.progress_of_campaigns([one.id for one in shown])
    issues = [Issue(one, counted.get(one.id, Progress())) for one in shown]
    return issues, shown[-1].id if len(found) > PAGE else None


def issue_of(process_id: int, issue_id: int) -> Campaign | None:
    """One issue of this process."""
    return db.session.scalar(
        select(Campaign).where(
            Campaign.id == issue_id, Campaign.process_id == process_id, Campaign.kind == CampaignKind.newsletter
        )
    )


def subscriptions_by_state(process_id: int) -> dict[str, int]:
    """How many asked, get it, ended it."""
    rows = db.session.execute(
        select(Subscription.state, func.count())
        .where(Subscription.process_id == process_id)
        .group_by(Subscription.state)
    )
    return {row[0]: row[1] for row in rows}
