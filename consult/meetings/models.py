"""Meetings of all kinds, their agenda, who comes, and the minutes."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.accounts.models import Organisation, Person
from consult.db import Base, created, fk, id_pk, line, text, utc, word
from consult.signing import new_code


class MeetingKind(StrEnum):
    kickoff = "kickoff"
    public_dialogue = "public_dialogue"
    expert_talk = "expert_talk"
    group_session = "group_session"


class MeetingState(StrEnum):
    planned = "planned"
    cancelled = "cancelled"
    held = "held"


class RegistrationMode(StrEnum):
    """Who may register."""

    nobody = "nobody"
    invited = "invited"
    everybody = "everybody"


class AttendeeList(StrEnum):
    """What the public sees of who was there."""

    nobody = "nobody"
    organisations = "organisations"
    #: The public: organisations. Those who come as well: persons who agreed that these may see it.
    guests = "guests"
    #: Organisations, and persons who agreed.
    consenting = "consenting"


class MeetingSeries(Base):
    """Meetings that were announced together and can be changed together."""

    __tablename__ = "meeting_series"

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    title: Mapped[line]
    created_at: Mapped[created]


class Meeting(Base):
    """Stored in UTC and as local wall time with its zone: a meeting stays at 18:00 when the clocks change."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="order"),
        Index("ix_meeting_process_id_starts_at", "process_id", "starts_at"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    group_id: Mapped[int | None] = fk("groups.id", nullable=True)
    kind: Mapped[word]
    title: Mapped[line]
    description: Mapped[text] = mapped_column(default="")
    starts_at: Mapped[utc]
    ends_at: Mapped[utc]
    #: Local wall time as announced, ISO without zone.
    wall_start: Mapped[str] = mapped_column(String(19))
    zone: Mapped[word] = mapped_column(default="Europe/Berlin")
    #: False where only the day is known.
    time_known: Mapped[bool] = mapped_column(default=True)
    place: Mapped[line] = mapped_column(default="")
    languages: Mapped[line] = mapped_column(default="")
    capacity: Mapped[int | None]
    state: Mapped[word] = mapped_column(default=MeetingState.planned)
    #: SEQUENCE of its calendar entry: raised with every change that matters to guests.
    sequence: Mapped[int] = mapped_column(default=0)
    #: The field an expert talk is about.
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    series_id: Mapped[int | None] = fk("meeting_series.id", nullable=True)
    #: Where to take part from home; shown to those who come.
    online_url: Mapped[line] = mapped_column(default="")
    #: Lift, induction loop, quiet room, where the bus stops.
    accessibility: Mapped[text] = mapped_column(default="")
    registration: Mapped[word] = mapped_column(default=RegistrationMode.invited)
    registration_opens_at: Mapped[utc | None]
    registration_closes_at: Mapped[utc | None]
    #: Until then who is registered may change what they said; None: until registration closes.
    changes_until: Mapped[utc | None]
    #: Somebody looks at each registration before it counts.
    approval: Mapped[bool] = mapped_column(default=False)
    #: How long somebody of the waiting list has to take a place that became free.
    offer_hours: Mapped[int] = mapped_column(default=48)
    attendee_list: Mapped[word] = mapped_column(default=AttendeeList.organisations)
    #: Printed on the sign-in sheet and said when registering: who takes pictures, what for, how to object.
    photo_notice: Mapped[text] = mapped_column(default="")
    #: Replies to the survey cannot be traced to persons.
    survey_anonymous: Mapped[bool] = mapped_column(default=True)
    #: Since when people are checked in, where somebody opened the door earlier than a day before.
    door_opened_at: Mapped[utc | None]
    #: How many were there, where it was counted.
    present: Mapped[int | None]
    source: Mapped[line | None]
    historic_on: Mapped[date | None]
    created_at: Mapped[created]

    def is_over(self, now: datetime) -> bool:
        return self.ends_at <= now


class AgendaItem(Base):
    __tablename__ = "agenda_item"
    __table_args__ = (UniqueConstraint("meeting_id", "position"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    position: Mapped[int]
    title: Mapped[line]
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    #: Not shown to the public.
    internal: Mapped[bool] = mapped_column(default=False)


class Material(Base):
    """Something to read before or after a meeting: a file, or a page elsewhere."""

    __tablename__ = "material"
    __table_args__ = (
        CheckConstraint("(file_id IS NULL) <> (url IS NULL)", name="file_xor_url"),
        UniqueConstraint("meeting_id", "position"),
    )

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    position: Mapped[int]
    title: Mapped[line]
    file_id: Mapped[int | None] = fk("stored_file.id", nullable=True)
    url: Mapped[line | None]
    #: Only for those who are invited or come.
    internal: Mapped[bool] = mapped_column(default=False)


class RegistrationState(StrEnum):
    #: Typed in by somebody whose address is not proven yet; holds no place.
    unconfirmed = "unconfirmed"
    #: Waits for the organisers' yes (meetings with approval); holds no place.
    asked = "asked"
    #: Thinks about it; holds no place.
    maybe = "maybe"
    coming = "coming"
    declined = "declined"
    waiting = "waiting"
    #: A place became free and is kept for them until `offer_until`.
    offered = "offered"
    #: The organisers said no.
    refused = "refused"
    attended = "attended"
    absent = "absent"


#: States that hold a place.
HOLDING_STATES = (RegistrationState.coming, RegistrationState.offered, RegistrationState.attended)


class Origin(StrEnum):
    """How somebody came to be on the list."""

    invitation = "invitation"
    registration = "registration"
    deputy = "deputy"
    walk_in = "walk_in"
    staff = "staff"


class Registration(Base):
    """One person and one meeting."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        UniqueConstraint("meeting_id", "code"),
        Index("ix_registration_meeting_id_state_id", "meeting_id", "state", "id"),
    )

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    organisation_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    state: Mapped[word]
    #: Interpreter, childcare, wheelchair: for the organisers only, purged after the meeting.
    needs: Mapped[text | None]
    deputy_for_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    #: What they show at the door, as text and as QR code.
    code: Mapped[str] = mapped_column(String(12), default=new_code)
    origin: Mapped[word] = mapped_column(default=Origin.invitation)
    #: As typed in; `organisation_id` where we know it.
    organisation_name: Mapped[line] = mapped_column(default="")
    #: Which share of the places they count to; empty for people of no organisation.
    organisation_kind: Mapped[word | None]
    #: Their place in the queue.
    waiting_since: Mapped[utc | None]
    offer_until: Mapped[utc | None]
    #: Agreed to be named in a published list.
    named: Mapped[bool] = mapped_column(default=False)
    #: Has sent the survey; what they said may be kept without them.
    surveyed_at: Mapped[utc | None]
    created_at: Mapped[created]
    updated_at: Mapped[utc | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="raise_on_sql")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise_on_sql")


class Quota(Base):
    """Places for one kind of organisation: kept for it, and not more than."""

    __tablename__ = "quota"
    __table_args__ = (
        UniqueConstraint("meeting_id", "organisation_kind"),
        CheckConstraint("at_most IS NULL OR at_most >= reserved", name="order"),
    )

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    organisation_kind: Mapped[word]
    reserved: Mapped[int] = mapped_column(default=0)
    at_most: Mapped[int | None]


class FieldKind(StrEnum):
    line = "line"
    text = "text"
    yes_no = "yes_no"
    choice = "choice"
    choices = "choices"
    number = "number"


class MeetingField(Base):
    """A question of the organisers' own in the registration."""

    __tablename__ = "meeting_field"
    __table_args__ = (UniqueConstraint("meeting_id", "position"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    position: Mapped[int]
    kind: Mapped[word]
    label: Mapped[line]
    help: Mapped[line] = mapped_column(default="")
    #: One choice per line.
    choices: Mapped[text] = mapped_column(default="")
    required: Mapped[bool] = mapped_column(default=False)
    #: Asked only when this yes-or-no question was answered with yes.
    depends_on_id: Mapped[int | None] = fk("meeting_field.id", nullable=True, index=False)
    #: Days after the meeting until the answers are deleted.
    keep_days: Mapped[int] = mapped_column(default=30)


class FieldAnswer(Base):
    """What somebody answered to a question of the organisers' own."""

    __tablename__ = "field_answer"
    __table_args__ = (UniqueConstraint("registration_id", "field_id"),)

    id: Mapped[id_pk]
    registration_id: Mapped[int] = fk("registration.id", index=False)
    field_id: Mapped[int] = fk("meeting_field.id")
    value: Mapped[text]


class CheckIn(Base):
    """Somebody came through the door. Typed in without a network, it may arrive late and twice; it counts once."""

    __tablename__ = "check_in"
    __table_args__ = (UniqueConstraint("registration_id"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id")
    registration_id: Mapped[int] = fk("registration.id", index=False)
    #: Made by the device at the door: sending again adds nobody.
    client_key: Mapped[str] = mapped_column(String(36), unique=True)
    #: When it happened, by the clock of the device.
    at: Mapped[utc]
    received_at: Mapped[created]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)


class WallPhoto(Base):
    """A picture of a pinboard, to be typed in later."""

    __tablename__ = "wall_photo"

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id")
    file_id: Mapped[int] = fk("stored_file.id")
    #: Which table or wall.
    note: Mapped[line] = mapped_column(default="")
    created_at: Mapped[created]
    #: Every card on it is typed in.
    typed_at: Mapped[utc | None]
    typed_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)


class CardKind(StrEnum):
    suggestion = "suggestion"
    need = "need"
    offer = "offer"


class Card(Base):
    """Where a contribution of the kind card hung at the meeting."""

    __tablename__ = "card"

    contribution_id: Mapped[int] = fk("contribution.id", primary_key=True)
    meeting_id: Mapped[int] = fk("meeting.id")
    kind: Mapped[word]
    #: Table, or wall.
    place: Mapped[line] = mapped_column(default="")
    #: The heading it hung under.
    cluster: Mapped[line] = mapped_column(default="")
    photo_id: Mapped[int | None] = fk("wall_photo.id", nullable=True)


class ReminderKind(StrEnum):
    reminder = "reminder"
    #: After the meeting: thanks, with the minutes.
    thanks = "thanks"
    survey = "survey"


class Reminder(Base):
    """A mail that goes out some time before or after a meeting; moves with it."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("meeting_id", "kind", "minutes"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    kind: Mapped[word]
    #: Relative to the beginning when negative, to the end when positive.
    minutes: Mapped[int]
    #: States of registrations that get it, divided by blanks.
    states: Mapped[line]
    note: Mapped[text] = mapped_column(default="")
    #: Its mails are in the outbox.
    queued_at: Mapped[utc | None]
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class SurveyKind(StrEnum):
    scale = "scale"
    choice = "choice"
    text = "text"


class SurveyQuestion(Base):
    """A question asked after a meeting."""

    __tablename__ = "survey_question"
    __table_args__ = (UniqueConstraint("meeting_id", "position"),)

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    position: Mapped[int]
    kind: Mapped[word]
    label: Mapped[line]
    choices: Mapped[text] = mapped_column(default="")


class SurveyReply(Base):
    """One filled-in sheet. An anonymous one loses its key when it is sent: then nobody can say whose it is."""

    __tablename__ = "survey_reply"

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id")
    #: Keyed hash of the registration while it is being filled in.
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    #: Empty in an anonymous survey.
    registration_id: Mapped[int | None] = fk("registration.id", nullable=True)
    sent_at: Mapped[utc | None]


class SurveyAnswer(Base):
    __tablename__ = "survey_answer"
    __table_args__ = (UniqueConstraint("reply_id", "question_id"),)

    id: Mapped[id_pk]
    reply_id: Mapped[int] = fk("survey_reply.id", index=False)
    question_id: Mapped[int] = fk("survey_question.id")
    value: Mapped[text]


class MinutesState(StrEnum):
    draft = "draft"
    circulated = "circulated"
    approved = "approved"


class Minutes(Base):
    """The minutes of a meeting; approved ones never change."""

    __tablename__ = "minutes"

    id: Mapped[id_pk]
    meeting_id: Mapped[int] = fk("meeting.id", index=False)
    state: Mapped[word] = mapped_column(default=MinutesState.draft)
    revision: Mapped[int] = mapped_column(default=0)
    objections_until: Mapped[utc | None]
    approved_at: Mapped[utc | None]
    approved_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)

    __table_args__ = (UniqueConstraint("meeting_id"),)

    lines: Mapped[list["MinuteLine"]] = relationship(
        back_populates="minutes", lazy="raise_on_sql", order_by="MinuteLine.position"
    )


class MinutesRevision(Base):
    """Free text of the minutes, revision by revision."""

    __tablename__ = "minutes_revision"
    __table_args__ = (UniqueConstraint("minutes_id", "revision"),)

    id: Mapped[id_pk]
    minutes_id: Mapped[int] = fk("minutes.id", index=False)
    revision: Mapped[int]
    markdown: Mapped[text]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class LineKind(StrEnum):
    information = "information"
    result = "result"
    suggestion = "suggestion"
    task = "task"
    question = "question"
    dissent = "dissent"


#: Lines of these kinds become contributions when the minutes are approved.
SOURCE_LINES = (LineKind.result, LineKind.suggestion, LineKind.dissent, LineKind.question)


class MinuteLine(Base):
    """A typed line; results, suggestions, dissent and questions become contributions on approval."""

    __tablename__ = "minute_line"
    __table_args__ = (UniqueConstraint("minutes_id", "position"),)

    id: Mapped[id_pk]
    minutes_id: Mapped[int] = fk("minutes.id", index=False)
    agenda_item_id: Mapped[int | None] = fk("agenda_item.id", nullable=True)
    position: Mapped[int]
    kind: Mapped[word]
    text: Mapped[text]
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    #: Whose task it is and until when.
    owner_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    due_on: Mapped[date | None]
    contribution_id: Mapped[int | None] = fk("contribution.id", nullable=True)

    minutes: Mapped[Minutes] = relationship(back_populates="lines", lazy="raise_on_sql")
