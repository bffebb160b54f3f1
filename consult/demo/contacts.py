"""Who works where, which networks there are, and a newsletter that went to its readers."""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select

from consult.accounts.affiliations import Source, affiliate
from consult.accounts.models import LinkPurpose, LinkToken
from consult.contacts import operations as contacts
from consult.demo import people
from consult.demo.story import Story, Timeline
from consult.extensions import db
from consult.invitations import campaigns
from consult.invitations.models import CampaignState
from consult.newsletters import issues, subscribing


def add(story: Story) -> None:
    """Networks with their members, and where those work who fill a seat or speak for an organisation."""
    lead = story.people["p-leitung"]
    for row in story.texts["network_members"]:
        for name in row["organisations"]:
            contacts.add_to_network(story.organisations[row["network"]], story.organisations[name], lead)
    for row in story.texts["seats"]:
        someone = story.people[row["person"] if "person" in row else row["address"]]
        # "Sozialplanung, FB 56 (Demo)": what stands before the comma is what somebody does there.
        position = row["name"].partition(",")[0] if "," in row.get("name", "") else ""
        affiliate(someone.id, story.organisations[row["organisation"]].id, Source.staff, position, story.begin)
        if "deputy" in row:
            deputy = story.people[row["deputy"]]
            affiliate(deputy.id, story.organisations[row["organisation"]].id, Source.staff, "", story.begin)
    for row in story.texts["cast"]:
        if name := row.get("represents") or row.get("organisation"):
            position = "Vorstand" if "represents" in row else ""
            affiliate(story.people[row["id"]].id, story.organisations[name].id, Source.staff, position, story.begin)


def plan(story: Story, timeline: Timeline) -> None:
    """Put the readers and the issue on the timeline."""
    letter = story.texts["newsletter"]
    for row in letter["readers"]:
        timeline.add(story.dates.moment(row["date"], "09:40"), partial(_subscribe, story, row))
        if "ended" in row:
            timeline.add(story.dates.moment(row["ended"], "07:15"), partial(_end, story, row))
    issue = letter["issue"]
    timeline.add(story.dates.moment(issue["date"], issue["at"]), partial(_issue, story, issue))


def _subscribe(story: Story, row: dict[str, Any], now: datetime) -> None:
    """By a mail and a click in it; who is signed in, by a button."""
    someone = people.person(story, row["address"], row["name"], row["lang"], now)
    if row.get("account"):
        subscribing.subscribe(story.process, someone, row["lang"], now)
        return
    subscribing.ask(story.process, row["address"], row["lang"], now)
    token = db.session.scalars(
        select(LinkToken)
        .where(LinkToken.person_id == someone.id, LinkToken.purpose == LinkPurpose.subscribe)
        .order_by(LinkToken.id.desc())
    ).first()
    found = subscribing.of_person(story.process, someone.id)
    if token is None or found is None or not subscribing.confirm(token, found, now):
        raise RuntimeError(f"{row['address']} could not subscribe")


def _end(story: Story, row: dict[str, Any], now: datetime) -> None:
    found = subscribing.of_person(story.process, story.people[row["address"]].id)
    if found is not None:
        subscribing.end(found, now)


def _issue(story: Story, row: dict[str, Any], now: datetime) -> None:
    """Written, handed in, and sent to everybody who reads it."""
    lead = story.people["p-leitung"]
    ends = next(stage for stage in story.texts["stages"] if stage["id"] == "st-online2")["end"]
    forum = next(meeting for meeting in story.texts["meetings"] if meeting["id"] == story.texts["campaign"]["meeting"])
    said = row["note"].format(end=story.dates.in_words(ends), forum=story.dates.in_words(forum["date"]))
    issue = issues.draft(story.process, lead, now)
    campaigns.change_texts(issue, campaigns.Texts(row["subject"], said), issue.revision, lead)
    issues.hand_in(issue, issue.revision, lead, now=now)
    issues.wave(issue.id, 0, now)
    issue.state, issue.ended_at = CampaignState.done, now
    db.session.flush()
