"""A participation process, its stages and the bodies at work in it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.db import Base, created, fk, id_pk, line, text, utc, word
from consult.groups.models import Group


class ProcessState(StrEnum):
    draft = "draft"
    published = "published"
    archived = "archived"


class Influence(StrEnum):
    """How far the public's word reaches; declared before anybody is asked."""

    inform = "inform"
    consult = "consult"
    cooperate = "cooperate"
    decide = "decide"


class Function(StrEnum):
    """What a group does in a process; every role in the product is one of these."""

    lead = "lead"
    moderation = "moderation"
    steering = "steering"
    editing = "editing"
    answering = "answering"
    working = "working"


class Activity(StrEnum):
    comment = "comment"
    propose = "propose"
    react = "react"
    vote = "vote"
    register = "register"


class Audience(StrEnum):
    public = "public"
    members = "members"
    invited = "invited"


class Moderation(StrEnum):
    #: Appears at once, looked at afterwards.
    post = "post"
    #: Appears when a moderator has approved it.
    pre = "pre"


class Process(Base):
    """The whole of one participation, from the kickoff to the adopted concept."""

    __tablename__ = "process"

    id: Mapped[id_pk]
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    #: Prefix of contribution numbers, as in IK-17.
    code: Mapped[str] = mapped_column(String(8), unique=True)
    title: Mapped[line]
    motto: Mapped[line] = mapped_column(default="")
    motto_source: Mapped[line | None]
    intro: Mapped[text] = mapped_column(default="")
    influence: Mapped[word] = mapped_column(default=Influence.consult)
    state: Mapped[word] = mapped_column(default=ProcessState.draft)
    zone: Mapped[word] = mapped_column(default="Europe/Berlin")
    #: Shown on every page of a process that is a demonstration.
    banner: Mapped[text] = mapped_column(default="")
    #: In a demonstration everything without a source is labelled sample text.
    is_demo: Mapped[bool] = mapped_column(default=False)
    #: Within how many hours a moderator looks at what waits; promised to the public.
    moderation_hours: Mapped[int] = mapped_column(default=24)
    #: Within how many days a question is answered; promised to whoever asks. None: nothing is promised.
    answer_days: Mapped[int | None]
    #: How contributions can be meant, of `contributions.models.Stance`, with blanks between; empty: in all ways.
    offered_stances: Mapped[str] = mapped_column(String(200), default="")
    #: What the leads call them, as {stance: {language: words}}; what is not said here is called as everywhere.
    stance_words: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict)
    #: A mailing to more people than this needs a second person's yes.
    confirm_above: Mapped[int] = mapped_column(default=200)
    created_at: Mapped[created]
    published_at: Mapped[utc | None]

    stages: Mapped[list["Stage"]] = relationship(
        back_populates="process", lazy="raise_on_sql", order_by="Stage.starts_at"
    )

    #: Not stored: this request came by a valid preview link (see `processes.loading`).
    previewed = False


class ProcessCounter(Base):
    """Last contribution number given; never reset. Taken last in a transaction: it serialises the writers."""

    __tablename__ = "process_counter"

    process_id: Mapped[int] = fk("process.id", primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class Days:
    """When a stage begins and ends, or did; None: the end is open."""

    starts_at: datetime
    ends_at: datetime | None


class Stage(Base):
    """A half-open interval of UTC time; stages may overlap. What is open in it is data, not code."""

    __tablename__ = "stage"
    __table_args__ = (CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="order"),)

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    title: Mapped[line]
    description: Mapped[text] = mapped_column(default="")
    starts_at: Mapped[utc]
    ends_at: Mapped[utc | None]
    #: One more with each change of its time or title: calendars take the newer one.
    sequence: Mapped[int] = mapped_column(default=0)
    #: Name of the preset the activities came from; "own" when chosen by hand.
    preset: Mapped[word] = mapped_column(default="read")
    source: Mapped[line | None]
    #: In a demonstration, the date in the real model.
    historic_on: Mapped[date | None]

    process: Mapped[Process] = relationship(back_populates="stages", lazy="raise_on_sql")
    activities: Mapped[list["StageActivity"]] = relationship(
        back_populates="stage", cascade="all, delete-orphan", lazy="raise_on_sql"
    )

    def is_open(self, now: datetime) -> bool:
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


class StageActivity(Base):
    """During this stage these people may do this; open means: any stage allows it, the stricter moderation wins."""

    __tablename__ = "stage_activity"
    __table_args__ = (UniqueConstraint("stage_id", "activity", "audience"),)

    id: Mapped[id_pk]
    stage_id: Mapped[int] = fk("stage.id")
    activity: Mapped[word]
    audience: Mapped[word] = mapped_column(default=Audience.public)
    moderation: Mapped[word] = mapped_column(default=Moderation.pre)

    stage: Mapped[Stage] = relationship(back_populates="activities", lazy="raise_on_sql")


class ProcessGroup(Base):
    """What a group does in a process."""

    __tablename__ = "process_group"
    __table_args__ = (UniqueConstraint("process_id", "group_id", "function"),)

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    group_id: Mapped[int] = fk("groups.id")
    function: Mapped[word]

    process: Mapped[Process] = relationship(lazy="raise_on_sql")
    group: Mapped[Group] = relationship(lazy="raise_on_sql")
