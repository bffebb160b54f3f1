"""Audiences of campaigns that have not begun name people and bodies in what they keep; they follow a merge."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select

from consult.extensions import db
from consult.invitations import audience
from consult.invitations.audience import Listed, Segment, SegmentKind
from consult.invitations.models import Campaign, CampaignState

#: Campaigns that have not made their invitations yet.
_TO_COME = (CampaignState.draft, CampaignState.to_confirm, CampaignState.scheduled)
_BODIES = (SegmentKind.organisation, SegmentKind.network, SegmentKind.umbrella)


def follow(target: str, kept: int, other: int) -> None:
    """Whoever was meant by the other number is meant by the kept one; nobody stands on a list twice."""
    for campaign in db.session.scalars(
        select(Campaign)
        .where(Campaign.state.in_(_TO_COME), Campaign.audience.like(f"%{other}%"))
        .order_by(Campaign.id)
        .with_for_update()
    ):
        segments = audience.segments_of(campaign)
        renamed = renamed_in(segments, target, kept, other)
        if renamed != segments:
            campaign.audience = audience.dump(renamed)
    db.session.flush()


def renamed_in(segments: Sequence[Segment], target: str, kept: int, other: int) -> list[Segment]:
    """The segments with the kept number in the place of the other one."""
    people, bodies = target == "person", target == "organisation"
    found: list[Segment] = []
    for segment in segments:
        listed: dict[int, Listed] = {}
        for one in segment.people:
            ident = kept if people and one.person_id == other else one.person_id
            of = kept if bodies and one.organisation_id == other else one.organisation_id
            listed.setdefault(ident, Listed(ident, of, one.by_letter))
        ident = kept if bodies and segment.kind in _BODIES and segment.id == other else segment.id
        changed = replace(segment, id=ident, people=tuple(listed.values()))
        if changed not in found:
            found.append(changed)
    return found
