"""What people said, what moderators let through, and what the steering group decided about it."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from consult.concept.models import Change, Wording
from consult.contributions import operations as ops
from consult.contributions import translating
from consult.contributions.arrival import seen_by
from consult.contributions.models import Channel, Kind, Stance, State
from consult.demo import people
from consult.demo.gatherings import name_of_line
from consult.demo.story import Story, Timeline
from consult.demo.text import DECIDED_IN
from consult.extensions import db
from consult.meetings.cards import Place, pin
from consult.meetings.models import CardKind
from consult.moderation import operations as deciding
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide

#: How long citizens waited for a moderator.
LOOKED_AT = timedelta(hours=3)
#: When a sitting's decisions were written down, and those of the first draft, which had no sitting.
_EVENING, _MORNING = "18:00", "07:00"
#: Who types in what comes another way.
_TYPIST = {Channel.helper: "p-sprachmittlung"}
_CITIZENS = (Channel.web, Channel.guest)
#: One copy of a text that came many times every so often.
_COPIES_APART = timedelta(minutes=4)


def plan(story: Story, timeline: Timeline) -> None:
    """Put contributions, decisions and the cases of the queue on the timeline."""
    in_minutes = {line["contribution"] for line in story.texts["minutes"]["lines"] if "contribution" in line}
    rows = story.texts["contributions"] + story.texts["more_contributions"]
    for row in rows:
        if row["id"] in in_minutes:
            continue  # comes into being when the minutes are approved
        moment = story.dates.moment(row["date"], row.get("time", "10:00"))
        timeline.add(moment, partial(arrive, story, row))
        if row["channel"] in _CITIZENS:
            timeline.add(moment + LOOKED_AT, partial(let_through, story, row))
        elif "de" in row:
            timeline.add(moment, partial(translate, story, row))
    for version in story.texts["versions"]:
        meeting = DECIDED_IN.get(version["id"])
        day = next((m["date"] for m in story.texts["meetings"] if m["id"] == meeting), version["date"])
        decided = [(row["id"], row["disposition"]) for row in rows if "disposition" in row] + [
            (name_of_line(line), line["disposition"])
            for line in story.texts["minutes"]["lines"]
            if "disposition" in line
        ]
        made = {name: decision for name, decision in decided if decision["version"] == version["id"]}
        timeline.add(story.dates.moment(day, _EVENING if meeting else _MORNING), partial(weigh, story, made, meeting))
    for answer in story.texts["held_answers"]:
        timeline.add(story.dates.moment(answer["date"], answer["time"]), partial(hold, story, answer))
    for case in story.texts["moderation_cases"]:
        for number, name in enumerate(case.get("authors", [case["author"]])):
            moment = story.dates.ago(case["ago"]) + number * _COPIES_APART
            timeline.add(moment, partial(wait, story, case, name))


def arrive(story: Story, row: dict[str, Any], now: datetime) -> None:
    """One contribution, by whatever way it came. What citizens write themselves waits for a moderator."""
    channel = Channel(row["channel"])
    author = typist = None
    if channel == Channel.web:
        author = _author(story, row, now)
    elif channel != Channel.guest:
        typist = story.people[_TYPIST.get(channel, "p-buero")]
    organisation = story.organisations.get(row.get("organisation", ""))
    element_id = _target(story, row["target"])
    story.contributions[row["id"]] = ops.capture(
        story.process,
        actor=author or typist,
        author_id=author.id if author else None,
        author_name="" if author else row.get("author", ""),
        organisation_id=organisation.id if organisation else None,
        text=row["text"],
        stance=Stance(row["stance"]),
        kind=Kind(row["kind"]),
        channel=channel,
        lang=row["lang"],
        element_id=element_id,
        reply_to=story.contributions.get(row.get("reply_to", "")),
        created_at=now,
        state=State.pending if channel in _CITIZENS else State.published,
        proposed=_proposed(story, row, element_id, now),
    )
    if "card" in row:
        place = Place(CardKind(row["card"]), str(row["table"]), row["cluster"])
        pin(story.contributions[row["id"]], story.meetings["e-auftakt"], place)


def _proposed(story: Story, row: dict[str, Any], element_id: int | None, now: datetime) -> str | None:
    """The text as a proposal wants it: these words of what was public then, replaced by those."""
    if "replaces" not in row or element_id is None:
        return None
    _version_id, wording_id = seen_by(None, story.process, element_id, now)
    old, new = row["replaces"]
    text = db.session.get_one(Wording, wording_id).markdown
    if text.count(old) != 1:
        raise LookupError(f"{row['id']}: {old!r} is not in {text!r}")
    return text.replace(old, new)


def _author(story: Story, row: dict[str, Any], now: datetime) -> Any:
    if "person" in row:
        return story.people[row["person"]]
    return people.citizen(story, row["author"], row["lang"], now)


def _target(story: Story, target: str) -> int | None:
    return None if target == "process" else story.elements[target].id


def let_through(story: Story, row: dict[str, Any], now: datetime) -> None:
    """A moderator has looked at it; who helps with languages adds the German text."""
    deciding.approve(story.contributions[row["id"]], story.people["p-moderation"], now)
    if "de" in row:
        translate(story, row, now)


def translate(story: Story, row: dict[str, Any], now: datetime) -> None:
    translating.translate(
        story.contributions[row["id"]], actor=story.people["p-sprachmittlung"], lang="de", body=row["de"],
        created_at=now,
    )  # fmt: skip


def weigh(story: Story, decisions: dict[str, dict[str, Any]], meeting: str | None, now: datetime) -> None:
    """The steering group's decisions of one round, in order of numbers."""
    for name, made in sorted(decisions.items(), key=lambda pair: story.contributions[pair[0]].number or 0):
        element = story.elements[made["element"]] if "element" in made else None
        decide(
            story.contributions[name],
            DispositionKind(made["kind"]),
            made["reason"],
            actor=story.people["p-steuerung"],
            plain_reason=made.get("plain_reason", ""),
            element_id=element.id if element else None,
            change=_change_behind(story, name, made),
            decided_in_id=story.meetings[meeting].id if meeting else None,
            now=now,
        )


def hold(story: Story, answer: dict[str, Any], now: datetime) -> None:
    """An answer that becomes public with the next version."""
    decide(
        story.contributions[answer["contribution"]],
        DispositionKind(answer["kind"]),
        answer["reason"],
        actor=story.people["p-steuerung"],
        plain_reason=answer["plain_reason"],
        element_id=story.elements[answer["element"]].id,
        held=True,
        now=now,
    )


def _change_behind(story: Story, name: str, made: dict[str, Any]) -> Change | None:
    """The last change of that element for that version, when the contribution led to it."""
    if made["kind"] not in (DispositionKind.adopt, DispositionKind.adopt_in_part):
        return None
    changes = story.changes.get((made["version"], made["element"]), [])
    return changes[-1] if changes else None


def wait(story: Story, case: dict[str, Any], name: str, now: datetime) -> None:
    """One more for the queue: nobody has looked at it yet."""
    author = people.citizen(story, name, case["lang"], now)
    ops.capture(
        story.process,
        actor=author,
        author_id=author.id,
        text=case["text"],
        stance=Stance(case["stance"]),
        kind=Kind.comment,
        channel=Channel.web,
        lang=case["lang"],
        element_id=_target(story, case["target"]),
        created_at=now,
        state=State.pending,
    )
