"""Meetings, who was invited to one of them, and the minutes of others."""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.models import Element
from consult.contributions.models import Contribution
from consult.demo import people
from consult.demo.story import AHEAD, Story, Timeline
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations import answering, campaigns, sending
from consult.invitations.lists import Row, postal_lines
from consult.invitations.models import Campaign, CampaignState, Invitation, InvitationState
from consult.meetings import materials, reminders, survey
from consult.meetings import minutes as writing
from consult.meetings import operations as ops
from consult.meetings.minutes import Line
from consult.meetings.models import (
    Meeting,
    MinuteLine,
    Registration,
    RegistrationMode,
    RegistrationState,
    SurveyAnswer,
    SurveyReply,
)
from consult.meetings.operations import AgendaPoint, Arrangement
from consult.meetings.words import Need, Needs
from consult.outbox.models import OutboxMessage, State

#: The invitations leave this long before the meeting; from the next day on some answers come in every day.
_INVITED = timedelta(weeks=4)
_ANSWERED_AT = ("08:30", "12:10", "16:40", "20:15")
#: What one needs, by the word of the content; the note says more.
_NEEDS = {
    "interpreter_ar": (Need.interpreter, "Arabisch"),
    "childcare": (Need.childcare, ""),
    "wheelchair": (Need.wheelchair, ""),
}


def plan(story: Story, timeline: Timeline) -> None:
    """Put announcements, invitations, answers and minutes on the timeline."""
    for row in story.texts["meetings"]:
        timeline.add(story.dates.moment(row["date"] - AHEAD, "09:00"), partial(announce, story, row))
        if "survey" in row:
            timeline.add(story.dates.moment(row["date"] + timedelta(days=2), "18:00"), partial(ask, story, row))
        if "present_sample" in row:
            evening = story.dates.moment(row["date"], "18:00")
            timeline.add(evening, partial(count, story, row["id"], row["present_sample"]))
    _plan_campaign(story, timeline)
    approved, circulated = story.texts["minutes"], story.texts["circulated_minutes"]
    for texts in (approved, circulated):
        timeline.add(story.dates.moment(texts["written_on"], "09:00"), partial(write, story, texts))
    sitting = next(row for row in story.texts["meetings"] if row["id"] == circulated["meeting"])
    timeline.add(
        story.dates.moment(circulated["written_on"], "12:00"),
        partial(circulate, story, circulated["meeting"], sitting["objections_until"]),
    )
    timeline.add(story.dates.moment(approved["approved_on"], "18:00"), partial(approve, story, approved))


def announce(story: Story, row: dict[str, Any], now: datetime) -> None:
    """Where no time is given only the day is known."""
    begin, _, end = row.get("time", "").partition("-")
    wall_start = story.dates.wall(row["date"], begin or "00:00")
    wall_end = story.dates.wall(row["date"], end) if end else wall_start + timedelta(days=1)
    group = story.groups.get(row.get("group", ""))
    field = story.elements.get(row.get("field", ""))
    names = {"ar": "Arabisch", "tr": "Türkisch", "de": "Deutsch"}
    meeting = ops.create(
        story.process,
        Arrangement(
            kind=row["kind"],
            title=row["title"],
            wall_start=wall_start,
            wall_end=wall_end,
            zone=story.dates.zone,
            time_known=bool(end),
            place=row.get("place", ""),
            description=row.get("description", ""),
            languages=", ".join(names[lang] for lang in row.get("languages", [])),
            capacity=row.get("capacity"),
            group_id=group.id if group else None,
            element_id=field.id if field else None,
            accessibility=row.get("accessibility", ""),
            registration=row.get("registration", RegistrationMode.invited),
            photo_notice=row.get("photo_notice", ""),
        ),
        story.people["p-leitung"],
        source=story.source(row),
        historic_on=row["date"] if row.get("fact") else None,
        now=now,
    )
    story.meetings[row["id"]] = meeting
    points = [AgendaPoint(p["title"], _element_id(story, p)) for p in row.get("agenda", [])]
    if points:
        ops.set_agenda(meeting, points, story.people["p-leitung"])
    for paper in row.get("materials", []):
        materials.add_file(
            meeting, paper["text"].encode(), f"{paper['title']}.txt", story.people["p-leitung"], title=paper["title"],
            internal=paper.get("internal", False),
        )  # fmt: skip
    for name in row.get("reminders", []):
        usual = reminders.PRESETS[name]
        reminders.add(meeting, usual.kind, usual.minutes, usual.states, story.people["p-leitung"], now=now)


def ask(story: Story, row: dict[str, Any], now: datetime) -> None:
    """What people said of it afterwards. Anonymous sheets belong to nobody, so they are written as they stand."""
    meeting, said = story.meetings[row["id"]], row["survey"]
    with in_language(current_app.config["BABEL_DEFAULT_LOCALE"]):
        usual = survey.preset()
    survey.set_questions(meeting, usual, True, story.people["p-moderation"])
    useful, heard, words = survey.questions_of(meeting.id)
    columns = [
        (question.id, [str(value) for value, many in enumerate(said[name], start=1) for _n in range(many)])
        for question, name in ((useful, "useful"), (heard, "heard"))
    ]
    columns.append((words.id, said["words"]))
    for number in range(max(len(values) for _ident, values in columns)):
        reply = SurveyReply(meeting_id=meeting.id, sent_at=story.dates.end_of(row["date"]))
        db.session.add(reply)
        db.session.flush()
        db.session.add_all(
            SurveyAnswer(reply_id=reply.id, question_id=ident, value=values[number])
            for ident, values in columns
            if number < len(values)
        )
    db.session.flush()


def count(story: Story, name: str, present: int, now: datetime) -> None:
    """How many were there."""
    story.meetings[name].present = present
    db.session.flush()


def _element_id(story: Story, row: dict[str, Any]) -> int | None:
    element: Element | None = story.elements.get(row.get("element", ""))
    return element.id if element else None


# -- minutes ----------------------------------------------------------------------------------------------------


def write(story: Story, texts: dict[str, Any], now: datetime) -> None:
    lines = []
    for row in texts["lines"]:
        owner = story.organisations.get(row.get("owner", ""))
        due: date | None = story.dates.day(row["due"]) if "due" in row else None
        lines.append(
            Line(row["kind"], row["text"], _element_id(story, row), owner_id=owner.id if owner else None, due_on=due)
        )
    meeting = story.meetings[texts["meeting"]]
    writing.record(meeting, lines, texts["text"], 0, story.people["p-moderation"], now)
    if "present" in texts:
        meeting.present = texts["present"]["persons"]


def circulate(story: Story, name: str, objections_until: date, now: datetime) -> None:
    writing.circulate(story.meetings[name], 1, story.dates.end_of(objections_until), story.people["p-moderation"])


def approve(story: Story, texts: dict[str, Any], now: datetime) -> None:
    """Approved lines are contributions from now on, in the order in which they stand."""
    meeting = story.meetings[texts["meeting"]]
    minutes = writing.approve(story.process, meeting, 1, story.people["p-moderation"], now)
    lines = db.session.scalars(
        select(MinuteLine).where(MinuteLine.minutes_id == minutes.id).order_by(MinuteLine.position)
    )
    for row, line in zip(texts["lines"], lines, strict=True):
        if line.contribution_id is not None:
            made = db.session.get_one(Contribution, line.contribution_id)
            story.contributions[name_of_line(row)] = made


def name_of_line(row: dict[str, Any]) -> str:
    """Under which name the contribution of a line is known: its id where the story tells of it, else its words."""
    return str(row.get("contribution") or row["text"])


# -- the campaign -----------------------------------------------------------------------------------------------


def _plan_campaign(story: Story, timeline: Timeline) -> None:
    meeting = next(row for row in story.texts["meetings"] if row["id"] == story.texts["campaign"]["meeting"])
    timeline.add(story.dates.moment(meeting["date"] - _INVITED), partial(invite, story, meeting["date"]))
    timeline.add(story.dates.moment(story.texts["campaign"]["reminded"], "09:15"), partial(remind, story))
    answering = [row for row in story.texts["invitees"] if row["state"] in ("accepted", "declined", "deputy_named")]
    for number, row in enumerate(answering):
        days, hour = divmod(number, len(_ANSWERED_AT))
        day = meeting["date"] - _INVITED + timedelta(days=days + 1)
        timeline.add(story.dates.moment(day, _ANSWERED_AT[hour]), partial(answer, story, row))


def invite(story: Story, day: date, now: datetime) -> None:
    """A campaign from the draft to the last mail; who gets a letter is in it as well."""
    rows = []
    for number, row in enumerate(story.texts["invitees"], start=1):
        organisation = story.organisations.get(row.get("organisation", ""))
        postal = postal_lines(row.get("postal", ""))
        if not postal:
            people.person(story, row["address"], row["name"], row["lang"], now)
        rows.append(
            Row(
                number, row["name"], "" if postal else row["address"], organisation.name if organisation else "",
                row["lang"], row["by_letter"], postal,
            )
        )  # fmt: skip
    campaign, actor = story.texts["campaign"], story.people["p-moderation"]
    subject = campaign["subject"].format(date=story.dates.in_words(day))
    draft = campaigns.draft(story.meetings[campaign["meeting"]], actor, subject, now)
    campaigns.add_list(draft, rows, campaign["list"], actor, now)
    campaigns.hand_in(draft, draft.revision, actor, now=now)
    sending.wave(draft.id, 0, now)
    for row in story.texts["invitees"]:
        if "postal" in row:
            story.people[row["address"]] = db.session.scalars(
                select(Person).where(Person.name == row["name"], Person.email.is_(None))
            ).one()
    # The mails of the demo have left when it is loaded.
    draft.state, draft.ended_at = CampaignState.done, now
    db.session.flush()


def remind(story: Story, now: datetime) -> None:
    """Everybody whom the mail reached and who has not answered is asked once more; some only looked at it."""
    meeting = story.meetings[story.texts["campaign"]["meeting"]]
    campaign = db.session.scalars(select(Campaign).where(Campaign.meeting_id == meeting.id)).one()
    refused = [story.people[row["address"]].id for row in story.texts["invitees"] if row["state"] == "bounced"]
    looked = [story.people[row["address"]].id for row in story.texts["invitees"] if row.get("opened")]
    # These mails left days ago; the loader writes down the same at its end, with their texts.
    waiting = update(OutboxMessage).where(OutboxMessage.campaign_id == campaign.id, OutboxMessage.state == State.queued)
    db.session.execute(waiting.where(OutboxMessage.recipient_id.in_(refused)).values(state=State.failed))
    db.session.execute(waiting.values(state=State.sent))
    db.session.execute(
        update(Invitation)
        .where(Invitation.meeting_id == meeting.id, Invitation.person_id.in_(looked), Invitation.opened_at.is_(None))
        .values(opened_at=now - timedelta(days=2))
    )
    # Two refusals within a month pause an address.
    db.session.execute(
        update(Person)
        .where(Person.id.in_(refused))
        .values(mail_paused_at=now, mail_paused_why="bounced: 5.1.1 mailbox unavailable")
    )
    campaigns.remind(campaign, story.people["p-moderation"], now)
    campaign.state, campaign.ended_at = CampaignState.done, now
    db.session.flush()


def answer(story: Story, row: dict[str, Any], now: datetime) -> None:
    """What somebody answered; who cannot come may name somebody else."""
    meeting = story.meetings[story.texts["campaign"]["meeting"]]
    invitation = db.session.scalars(
        select(Invitation)
        .where(Invitation.meeting_id == meeting.id, Invitation.person_id == story.people[row["address"]].id)
        .options(joinedload(Invitation.person))
    ).one()
    if row["state"] == InvitationState.deputy_named:
        _name_deputy(story, invitation, meeting, row, now)
        return
    needs = Counter(_NEEDS[word] for word in row["needs"])
    note = ", ".join(more for _word, more in needs if more)
    given = answering.Answer(
        coming=row["state"] == InvitationState.accepted, needs=Needs(tuple(word for word, _more in needs), note)
    )
    answering.answer(invitation, meeting, given, now)


def _name_deputy(story: Story, invitation: Invitation, meeting: Meeting, row: dict[str, Any], now: datetime) -> None:
    """Somebody else comes instead, and has said so by telephone: the rows are written here, without a second mail."""
    named = row["deputy"]
    deputy = people.person(story, named["address"], named["name"], named["lang"], now)
    invitation.state = InvitationState.deputy_named
    invitation.opened_at = invitation.answered_at = now
    db.session.add(
        Registration(
            meeting_id=meeting.id, person_id=deputy.id, organisation_id=invitation.organisation_id,
            state=RegistrationState.coming, deputy_for_id=invitation.person_id, created_at=now, updated_at=now,
        )
    )  # fmt: skip
    db.session.flush()
    record(
        Action.invitation_answered, invitation.person_id, invitation, process_id=meeting.process_id,
        state=InvitationState.deputy_named.value,
    )  # fmt: skip
