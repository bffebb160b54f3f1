"""What circles and forums proposed: one draft adopted with other words, one that waits, one that came back."""

from datetime import datetime
from functools import partial
from typing import Any

from consult.accounts.models import Person
from consult.concept import drafts as ops
from consult.concept.models import Change, Wording
from consult.concept.operations import Text
from consult.contributions import sources
from consult.demo.story import Story, Timeline
from consult.extensions import db


def plan(story: Story, timeline: Timeline) -> None:
    """Put writing, handing in and the editors' questions on the timeline; adopting belongs to a version."""
    for row in story.texts["group_drafts"]:
        timeline.add(story.dates.until(row["begun"]), partial(begin, story, row))
        timeline.add(story.dates.until(row["handed_in"]), partial(hand_in, story, row))
        if "returned" in row:
            timeline.add(story.dates.until(row["returned"]["at"]), partial(give_back, story, row))


def _by(story: Story, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {"actor": story.people[row["by"]], "process": story.process, "now": now}


def begin(story: Story, row: dict[str, Any], now: datetime) -> None:
    draft, _new = ops.begin(story.groups[row["group"]], story.elements[row["element"]], **_by(story, row, now))
    story.drafts[row["id"]] = draft


def hand_in(story: Story, row: dict[str, Any], now: datetime) -> None:
    """The group's words, why, what some see differently, and where they come from."""
    draft, by = story.drafts[row["id"]], _by(story, row, now)
    before = db.session.get_one(Wording, draft.wording_id)
    text = Text(before.title, row["text"], dict(before.details))
    ops.save(draft, before.id, text, reason=row["reason"], dissent=row.get("dissent", ""), **by)
    named = [(story.contributions[source["contribution"]], source.get("words", "")) for source in row["based_on"]]
    sources.name_draft_sources(draft, named)
    ops.submit(draft, note=row.get("note", ""), **by)


def give_back(story: Story, row: dict[str, Any], now: datetime) -> None:
    ops.give_back(
        story.drafts[row["id"]],
        row["returned"]["note"],
        actor=story.people["p-leitung"],
        process=story.process,
        now=now,
    )


def adopted(
    story: Story,
    version: str,
    element: str,
    seen_wording_id: int,
    text: Text,
    reason: str,
    editor: Person,
    now: datetime,
) -> Change | None:
    """The change of this version when the words go back to a group's draft; None when no draft is behind them."""
    row = next(
        (r for r in story.texts["group_drafts"] if r["element"] == element and r.get("adopted") == version), None
    )
    if row is None:
        return None
    draft = story.drafts[row["id"]]
    change = ops.adopt(
        draft, seen_wording_id, reason=reason, text=text, actor=editor, process=story.process, now=now
    )  # fmt: skip
    sources.hand_over(draft, change)
    return change
