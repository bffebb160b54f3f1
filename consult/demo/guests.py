"""People who register for a meeting by themselves: some wait, one is offered a place."""

from datetime import datetime
from functools import partial
from typing import Any

from consult.demo import people
from consult.demo.story import Story, Timeline
from consult.extensions import db
from consult.meetings import fields, quotas, registering
from consult.meetings.fields import Question
from consult.meetings.models import Origin, RegistrationMode
from consult.meetings.quotas import Share
from consult.meetings.registering import Given
from consult.meetings.words import Needs


def plan(story: Story, timeline: Timeline) -> None:
    """Put the opening, the registrations and who leaves again on the timeline."""
    for row in story.texts["registrations"]:
        timeline.add(story.dates.moment(row["opened_on"], "09:00"), partial(_open, story, row))
        for number, guest in enumerate(row["people"]):
            hour = f"{10 + number % 8:02}:20"
            timeline.add(story.dates.moment(guest["date"], hour), partial(_come, story, row, guest))
            if "leaves" in guest:
                timeline.add(story.dates.moment(guest["leaves"], "11:00"), partial(_leave, story, row, guest))


def _open(story: Story, row: dict[str, Any], now: datetime) -> None:
    meeting, lead = story.meetings[row["meeting"]], story.people["p-leitung"]
    meeting.registration, meeting.capacity = RegistrationMode.everybody, row["places"]
    meeting.photo_notice = row["photo_notice"]
    # Long enough that the offer stands for as long as the demonstration does.
    meeting.offer_hours = 14 * 24
    db.session.flush()
    asked = [
        Question(
            each["kind"], each["label"], choices="\n".join(each.get("choices", [])),
            required=each.get("required", False), keep_days=each["keep_days"], depends_on=each.get("depends_on"),
        )
        for each in row["questions"]
    ]  # fmt: skip
    fields.set_fields(meeting, asked, lead)
    quotas.set_quotas(meeting, [Share(share["kind"], share["reserved"]) for share in row["shares"]], lead)


def _come(story: Story, row: dict[str, Any], guest: dict[str, Any], now: datetime) -> None:
    meeting = story.meetings[row["meeting"]]
    someone = people.person(story, guest["address"], guest["name"], guest["lang"], now)
    organisation = story.organisations.get(guest.get("organisation", ""))
    questions = fields.fields_of(meeting.id)
    registering.register(
        meeting,
        someone,
        Given(
            organisation_id=organisation.id if organisation else None,
            needs=Needs(tuple(guest["needs"]), guest.get("note", ""), guest.get("language", "")),
            answers={question.id: said for question, said in zip(questions, guest["answers"], strict=True)},
        ),
        origin=Origin.registration,
        now=now,
    )


def _leave(story: Story, row: dict[str, Any], guest: dict[str, Any], now: datetime) -> None:
    registering.step_back(story.meetings[row["meeting"]], story.people[guest["address"]], now=now)
