"""Campaigns at the desk: draft, audience, agreement, pause and stop. What leaves is the worker's (`sending.py`).

    draft -> (to_confirm ->) scheduled -> running <-> paused -> done | stopped

Every change raises the revision; whoever presses a button says which revision they saw.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update

from consult import clock
from consult.accounts.affiliations import Source, affiliate_many
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.invitations import audience
from consult.invitations.audience import Listed, Segment, SegmentKind
from consult.invitations.lists import Row
from consult.invitations.models import (
    Campaign,
    CampaignRecipient,
    CampaignState,
    Invitation,
    InvitationState,
    LeftOut,
)
from consult.invitations.operations import INVITATION, REMINDER, TEST, organisations_named, persons_for
from consult.jobs import Job, enqueue
from consult.meetings.models import Meeting, MeetingState
from consult.outbox import mailings
from consult.outbox.models import OutboxMessage, State
from consult.outbox.operations import queue, queue_many
from consult.processes.models import Process

#: Nobody is asked for an answer more often than that.
REMIND_AFTER = timedelta(days=3)
#: Who has not decided is asked again; who decided, or was told "perhaps" and nothing more, as well.
UNDECIDED = (InvitationState.open, InvitationState.maybe)
#: Further ahead nobody plans a mail.
MAX_AHEAD = timedelta(days=366)
STOPPABLE = (CampaignState.to_confirm, CampaignState.scheduled, CampaignState.running, CampaignState.paused)


def _open_meeting(meeting: Meeting, now: datetime) -> None:
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if meeting.is_over(now):
        raise Refused(_("This meeting is over."))


def draft(meeting: Meeting, actor: Person, subject: str = "", now: datetime | None = None) -> Campaign:
    """Begin a campaign for this meeting; nothing is sent. Raises `Refused` when it is cancelled or over."""
    now = now or clock.now()
    _open_meeting(meeting, now)
    campaign = Campaign(
        process_id=meeting.process_id,
        meeting_id=meeting.id,
        subject=clean_line(subject)[:150],
        state=CampaignState.draft,
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(campaign)
    db.session.flush()
    record(Action.campaign_drafted, actor.id, campaign, process_id=campaign.process_id, meeting_id=meeting.id)
    return campaign


def locked(campaign_id: int) -> Campaign:
    """The campaign as it stands now, held until the commit: two presses follow each other."""
    statement = select(Campaign).where(Campaign.id == campaign_id).with_for_update()
    return db.session.scalars(statement, execution_options={"populate_existing": True}).one()


def _editable(campaign: Campaign) -> Campaign:
    campaign = locked(campaign.id)
    if campaign.state != CampaignState.draft:
        raise Refused(_("This mailing is on its way already and can no longer be changed."))
    return campaign


@dataclass(frozen=True)
class Texts:
    """What the mail says and how it leaves."""

    subject: str
    note: str
    second_lang: str | None = None
    per_hour: int | None = None

    def lines(self) -> str:
        """For comparing two of them side by side."""
        return "\n\n".join(
            [self.subject, self.note, " · ".join(str(value) for value in (self.second_lang, self.per_hour) if value)]
        ).strip()


def texts_of(campaign: Campaign) -> Texts:
    return Texts(campaign.subject, campaign.note, campaign.second_lang, campaign.per_hour)


def change_texts(campaign: Campaign, texts: Texts, base_revision: int, actor: Person) -> None:
    """Save what the mail says. Raises `Conflict` when somebody changed the campaign since `base_revision`."""
    campaign = _editable(campaign)
    texts = replace(texts, subject=clean_line(texts.subject)[:150], note=clean_text(texts.note).strip())
    before = texts_of(campaign)
    if base_revision != campaign.revision and texts != before:
        raise Conflict(yours=texts.lines(), theirs=before.lines(), current_id=campaign.revision)
    if texts == before:
        return
    campaign.subject, campaign.note = texts.subject, texts.note
    campaign.second_lang, campaign.per_hour = texts.second_lang or None, texts.per_hour
    _changed(campaign, actor)


def _changed(campaign: Campaign, actor: Person, action: Action = Action.campaign_changed) -> None:
    campaign.revision += 1
    db.session.flush()
    record(action, actor.id, campaign, process_id=campaign.process_id, revision=campaign.revision)


def add_segment(campaign: Campaign, segment: Segment, actor: Person) -> None:
    """Add people and count anew. Raises `Refused` for what does not belong to this process."""
    campaign = _editable(campaign)
    audience.check(segment, campaign.process_id)
    segments = audience.segments_of(campaign)
    if segment.key in [one.key for one in segments]:
        raise Refused(_("These people are chosen already."))
    if len(segments) >= audience.MAX_SEGMENTS:
        raise Refused(_("At most %(limit)s kinds of people in one mailing.", limit=audience.MAX_SEGMENTS))
    campaign.audience = audience.dump([*segments, segment])
    db.session.flush()
    audience.count_segment(campaign, segment)
    _changed(campaign, actor)


def add_list(campaign: Campaign, rows: list[Row], name: str, actor: Person, now: datetime | None = None) -> int:
    """Add the people of a list; returns how many. People we do not know yet are made known."""
    campaign = _editable(campaign)
    if not rows:
        raise Refused(_("There is nobody on this list."))
    persons = persons_for(rows, current_app.config["BABEL_DEFAULT_LOCALE"], now or clock.now())
    known = organisations_named(row.organisation for row in rows)
    affiliate_many(((persons[row.key], known.get(row.organisation), "") for row in rows), Source.list, now)
    listed = {persons[row.key]: Listed(persons[row.key], known.get(row.organisation), row.by_letter) for row in rows}
    segments = audience.segments_of(campaign)
    number = max([one.id for one in segments if one.kind == SegmentKind.list], default=0) + 1
    people = tuple(listed[ident] for ident in sorted(listed))
    add_segment(campaign, Segment(SegmentKind.list, number, name=clean_line(name)[:100], people=people), actor)
    return len(people)


def remove_segment(campaign: Campaign, key: str, actor: Person) -> None:
    """Take a segment out and count anew; one that is out already changes nothing."""
    campaign = _editable(campaign)
    segments = audience.segments_of(campaign)
    rest = [one for one in segments if one.key != key]
    if len(rest) == len(segments):
        return
    campaign.audience = audience.dump(rest)
    db.session.flush()
    audience.count_audience(campaign)
    _changed(campaign, actor)


def count_again(campaign: Campaign, actor: Person) -> None:
    """Count anew: groups and seats may have changed since."""
    campaign = _editable(campaign)
    audience.count_audience(campaign)
    _changed(campaign, actor, Action.campaign_counted)


def take_out(campaign: Campaign, recipient: CampaignRecipient, actor: Person) -> None:
    """Leave somebody out by hand."""
    campaign = _editable(campaign)
    if recipient.left_out == LeftOut.by_hand:
        return
    recipient.left_out = LeftOut.by_hand
    _changed(campaign, actor)


def put_in(campaign: Campaign, recipient: CampaignRecipient, actor: Person) -> None:
    """Undo that. Whoever is out for another reason stays out."""
    campaign = _editable(campaign)
    if recipient.left_out != LeftOut.by_hand:
        raise Refused(_("This person is not left out by hand; the reason stands beside the name."))
    recipient.left_out = None
    db.session.flush()
    audience.leave_out(audience.left_out_now(campaign, [recipient.id]))
    db.session.expire(recipient)
    _changed(campaign, actor)


def is_moving(campaign: Campaign, now: datetime) -> bool:
    """Whether what its page shows changes within seconds or a minute, without anybody doing anything."""
    if campaign.state == CampaignState.scheduled:
        return campaign.send_at is None or campaign.send_at <= now
    return campaign.state == CampaignState.running


def size_of(campaign: Campaign) -> int:
    """How many get a mail or a letter."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(CampaignRecipient)
            .where(CampaignRecipient.campaign_id == campaign.id, CampaignRecipient.left_out.is_(None))
        )
        or 0
    )


def hand_in(
    campaign: Campaign, revision: int, actor: Person, send_at: datetime | None = None, now: datetime | None = None
) -> bool:
    """Send what was previewed, now or at a time; returns False when a second person has to agree first.

    Raises `Refused` when the revision is another one by now, when it was sent already, or nobody is in the audience.
    """
    now = now or clock.now()
    campaign = as_seen(campaign, revision, CampaignState.draft)
    _open_meeting(db.session.get_one(Meeting, campaign.meeting_id), now)
    if send_at is not None and not now - timedelta(minutes=5) < send_at < now + MAX_AHEAD:
        raise Refused(_("Please choose a time from now on, and within a year."))
    size = size_of(campaign)
    if not size:
        raise Refused(_("Nobody would get anything. Please choose people first."))
    above = db.session.scalars(select(Process.confirm_above).where(Process.id == campaign.process_id)).one()
    campaign.send_at = send_at
    # Who presses the button answers for it: somebody else has to agree.
    campaign.created_by_id = actor.id
    campaign.state = CampaignState.to_confirm if size > above else CampaignState.scheduled
    db.session.flush()
    record(Action.campaign_handed_in, actor.id, campaign, process_id=campaign.process_id, revision=revision,
           recipients=size)  # fmt: skip
    if campaign.state == CampaignState.to_confirm:
        return False
    _poke(campaign, now)
    return True


def as_seen(campaign: Campaign, revision: int, *states: CampaignState) -> Campaign:
    """The campaign, locked, if it is still in one of these states and as it was seen."""
    campaign = locked(campaign.id)
    if campaign.state not in states:
        raise Refused(_("This mailing is no longer at this step. Please look at it again."))
    if campaign.revision != revision:
        raise Refused(_("This mailing was changed since you looked at it. Please look at it again before you send it."))
    return campaign


def _poke(campaign: Campaign, now: datetime) -> None:
    if campaign.send_at is None or campaign.send_at <= now:
        enqueue(db.session, Job.campaign, campaign.id)


def agree(campaign: Campaign, revision: int, actor: Person, now: datetime | None = None) -> None:
    """The second person agrees to exactly this revision. Raises `Refused` for the one who asked."""
    now = now or clock.now()
    campaign = as_seen(campaign, revision, CampaignState.to_confirm)
    if campaign.created_by_id == actor.id:
        raise Refused(_("Somebody else has to agree: four eyes look at a large mailing."))
    campaign.state, campaign.confirmed_by_id = CampaignState.scheduled, actor.id
    db.session.flush()
    record(Action.campaign_agreed, actor.id, campaign, process_id=campaign.process_id, revision=revision)
    _poke(campaign, now)


def take_back(campaign: Campaign, actor: Person) -> None:
    """Back to a draft, as long as nothing has left."""
    campaign = locked(campaign.id)
    if campaign.state not in (CampaignState.to_confirm, CampaignState.scheduled):
        raise Refused(_("This mailing is no longer at this step. Please look at it again."))
    campaign.state, campaign.confirmed_by_id, campaign.send_at = CampaignState.draft, None, None
    db.session.flush()
    record(Action.campaign_taken_back, actor.id, campaign, process_id=campaign.process_id, revision=campaign.revision)


def pause(campaign: Campaign, actor: Person) -> None:
    """Hold everything that has not left yet."""
    campaign = locked(campaign.id)
    if campaign.state != CampaignState.running:
        raise Refused(_("This mailing is not being sent at the moment."))
    campaign.state = CampaignState.paused
    db.session.flush()
    held = mailings.pause_campaign(campaign.id)
    record(Action.campaign_paused, actor.id, campaign, process_id=campaign.process_id, mails=held)


def resume(campaign: Campaign, actor: Person, now: datetime | None = None) -> None:
    """Go on where it was held."""
    now = now or clock.now()
    campaign = locked(campaign.id)
    if campaign.state != CampaignState.paused:
        raise Refused(_("This mailing is not paused."))
    campaign.state = CampaignState.running
    db.session.flush()
    resumed = mailings.resume_campaign(campaign.id, now, campaign.per_hour)
    enqueue(db.session, Job.campaign, campaign.id)
    record(Action.campaign_resumed, actor.id, campaign, process_id=campaign.process_id, mails=resumed)


def stop(campaign: Campaign, actor: Person | None, now: datetime | None = None) -> None:
    """End it for good: what has not left never leaves."""
    campaign = locked(campaign.id)
    if campaign.state not in STOPPABLE:
        raise Refused(_("This mailing is over already."))
    campaign.state, campaign.ended_at = CampaignState.stopped, now or clock.now()
    db.session.flush()
    dropped = mailings.stop_campaign(campaign.id)
    record(Action.campaign_stopped, actor.id if actor else None, campaign, process_id=campaign.process_id,
           mails=dropped)  # fmt: skip


def silent(campaign: Campaign, now: datetime) -> list[object]:
    """Conditions for the invitations that a reminder may go to now: reached by mail, undecided, not asked lately."""
    mails = (OutboxMessage.campaign_id == campaign.id, OutboxMessage.kind == INVITATION)
    reached = select(OutboxMessage.subject_id).where(*mails, OutboxMessage.state == State.sent)
    return [
        Invitation.campaign_id == campaign.id,
        Invitation.state.in_(UNDECIDED),
        Invitation.by_letter.is_(False),
        or_(Invitation.reminded_at.is_(None), Invitation.reminded_at < now - REMIND_AFTER),
        or_(Invitation.id.in_(reached), Invitation.deputy_for_id.is_not(None)),
    ]


def remind(campaign: Campaign, actor: Person, now: datetime | None = None) -> int:
    """One mail to everybody who has not decided, deputies and those who said "perhaps" included; returns how many.

    Nobody gets two within three days, however often it is pressed.
    """
    now = now or clock.now()
    campaign = locked(campaign.id)
    if campaign.state not in (CampaignState.running, CampaignState.done):
        raise Refused(_("Reminders go out while a mailing runs or after it."))
    meeting = db.session.get_one(Meeting, campaign.meeting_id)
    _open_meeting(meeting, now)
    asked = db.session.execute(
        update(Invitation)
        .where(*silent(campaign, now))  # type: ignore[arg-type]  # conditions
        .values(reminded_at=now)
        .returning(Invitation.id, Invitation.person_id)
        .execution_options(synchronize_session=False)
    ).all()
    if not asked:
        raise Refused(_("There is nobody to remind: all have answered, or were reminded in the last three days."))
    queue_many(
        REMINDER,
        [(ident, person_id) for ident, person_id in asked],
        period=now.strftime("%Y-%m-%d"),
        process_id=campaign.process_id,
        campaign_id=campaign.id,
        apart=mailings.spacing(campaign.per_hour),
    )
    # The reminders can be paused and stopped like the invitations.
    campaign.state, campaign.ended_at = CampaignState.running, None
    db.session.flush()
    record(Action.campaign_reminded, actor.id, campaign, process_id=campaign.process_id, people=len(asked))
    return len(asked)


def send_test(campaign: Campaign, actor: Person, now: datetime | None = None) -> None:
    """The mail as it is now to the one who asks, with a link that answers nothing."""
    now = now or clock.now()
    # To the minute: a double press is one mail.
    queue(TEST, campaign.id, actor.id, period=now.strftime("%Y-%m-%dT%H:%M"), process_id=campaign.process_id)
    record(Action.campaign_tested, actor.id, campaign, process_id=campaign.process_id, revision=campaign.revision)
