"""Who came to the opening event without a word: typed in at the door."""

from datetime import datetime, timedelta
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from consult.demo.story import Story, Timeline
from consult.meetings import door
from consult.meetings.door import Act, Entry


def plan(story: Story, timeline: Timeline) -> None:
    """Everybody is there when it begins."""
    attendance = story.texts["attendance"]
    row = next(row for row in story.texts["meetings"] if row["id"] == attendance["meeting"])
    begin, _, _end = row.get("time", "10:00-13:00").partition("-")
    timeline.add(story.dates.moment(row["date"], begin), partial(arrive, story))


def arrive(story: Story, now: datetime) -> None:
    """One after the other, in the order of the content."""
    attendance = story.texts["attendance"]
    meeting, people = story.meetings[attendance["meeting"]], attendance["walk_ins"]
    entries = [
        Entry(
            # The same each time the demonstration is told.
            str(uuid5(NAMESPACE_URL, f"{attendance['meeting']} {place}")),
            Act.walk_in,
            now - timedelta(minutes=2 * (len(people) - place)),
            name=person["name"],
            organisation=person.get("organisation", ""),
        )
        for place, person in enumerate(people)
    ]
    door.take_in(meeting, entries, story.people["p-moderation"], now=now)
