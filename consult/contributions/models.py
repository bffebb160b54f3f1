"""Every input has one table and one permanent number."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.accounts.models import Organisation, Person
from consult.db import Base, created, fk, id_pk, lang_code, line, text, utc, word

MAX_LENGTH = 4000
MAX_DEPTH = 3
EDIT_TIME = timedelta(minutes=30)


class Kind(StrEnum):
    comment = "comment"
    wording_proposal = "wording_proposal"
    card = "card"
    minute_line = "minute_line"
    letter = "letter"
    call = "call"
    statement_point = "statement_point"
    offer = "offer"


class Channel(StrEnum):
    web = "web"
    guest = "guest"
    card = "card"
    minutes = "minutes"
    letter = "letter"
    call = "call"
    email = "email"
    sheet = "sheet"
    #: A conversation held on another platform.
    elsewhere = "elsewhere"
    helper = "helper"


class Stance(StrEnum):
    """Towards the text, not towards other contributions."""

    support = "support"
    concern = "concern"
    change = "change"
    question = "question"


class State(StrEnum):
    pending = "pending"
    published = "published"
    hidden = "hidden"
    withdrawn = "withdrawn"


class Order(StrEnum):
    """In which order a list of contributions is read."""

    newest = "newest"
    supported = "supported"
    #: Many agree and many disagree: what both sides have in common is the smaller number.
    contested = "contested"
    #: Nobody replied and nothing was decided; the oldest first.
    unanswered = "unanswered"


def _where_there_is(column: str, name: str = "", *columns: str, unique: bool = False) -> Index:
    """An index of the rows that have something in this column."""
    there = sql(f"{column} IS NOT NULL")
    name, columns = name or f"ix_contribution_{column}", columns or (column,)
    return Index(name, *columns, unique=unique, postgresql_where=there, sqlite_where=there)


class Contribution(Base):
    """A comment, card, minute line, letter, call ... to an element, a theme or the process itself."""

    __tablename__ = "contribution"
    __table_args__ = (
        UniqueConstraint("process_id", "number"),
        CheckConstraint("number IS NULL OR number > 0", name="number_positive"),
        # One path for each page: the thread of an element, the queue of a process, a person's own.
        Index("ix_contribution_thread", "element_id", "state", "parent_id", "number"),
        Index("ix_contribution_queue", "process_id", "state", "created_at"),
        Index("ix_contribution_supported", "process_id", "state", "agrees", "number"),
        Index("ix_contribution_contested", "process_id", "state", "contested", "number"),
        # Without the rows that have nothing there: each comment and each reaction writes every index it stands in.
        _where_there_is("import_key", "uq_contribution_import_key", "process_id", "import_key", unique=True),
        _where_there_is("organisation_id"),
        _where_there_is("entered_by_id"),
        _where_there_is("parent_id"),
        _where_there_is("root_id"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    #: Given on arrival, to pending ones and replies too, never reset. Shown as `{process code}-{n}`.
    number: Mapped[int | None]
    kind: Mapped[word] = mapped_column(default=Kind.comment)
    channel: Mapped[word] = mapped_column(default=Channel.web)
    #: Language it is written in.
    lang: Mapped[lang_code] = mapped_column(default="de")
    author_id: Mapped[int | None] = fk("person.id", nullable=True)
    organisation_id: Mapped[int | None] = fk("organisation.id", nullable=True, index=False)
    #: Public name where no person is known: "Card, table 4", a guest's pseudonym.
    author_name: Mapped[line] = mapped_column(default="")
    #: Who typed it in for somebody else (paper, telephone, language helper).
    entered_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    #: Empty when it is about the process as a whole.
    element_id: Mapped[int | None] = fk("element.id", nullable=True, index=False)
    #: What the author had in front of them; empty for what came before any text was published.
    version_id: Mapped[int | None] = fk("version.id", nullable=True)
    wording_id: Mapped[int | None] = fk("wording.id", nullable=True)
    parent_id: Mapped[int | None] = fk("contribution.id", nullable=True, index=False)
    root_id: Mapped[int | None] = fk("contribution.id", nullable=True, index=False)
    #: 0 for a contribution to the text, 1 for a reply to it, and so on.
    depth: Mapped[int] = mapped_column(default=0)
    stance: Mapped[word | None]
    state: Mapped[word] = mapped_column(default=State.pending)
    #: Number of the newest text; 0 is what was first sent.
    revision: Mapped[int] = mapped_column(default=0)
    #: How many reactions of each kind it has; kept by the write, so that no page counts.
    agrees: Mapped[int] = mapped_column(default=0)
    disagrees: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[int] = mapped_column(default=0)
    #: The smaller of those who agree and those who disagree.
    contested: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[created]
    edited_at: Mapped[utc | None]
    #: When it first appeared in public.
    published_at: Mapped[utc | None]
    source: Mapped[line | None]
    #: Keyed hash of the receipt code that somebody without an account or an address was given.
    receipt_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    #: Which row of which export it came from: importing twice adds nothing.
    import_key: Mapped[str | None] = mapped_column(String(120))

    author: Mapped[Person | None] = relationship(foreign_keys=[author_id], lazy="raise_on_sql")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise_on_sql")
    parent: Mapped["Contribution | None"] = relationship(
        foreign_keys=[parent_id], remote_side="Contribution.id", lazy="raise_on_sql"
    )
    texts: Mapped[list["ContributionText"]] = relationship(
        back_populates="contribution", lazy="raise_on_sql", order_by="ContributionText.revision"
    )

    def may_edit_until(self) -> datetime:
        """Authors correct what is published for a while."""
        return self.created_at + EDIT_TIME

    def is_editable(self, now: datetime) -> bool:
        """What waits or was held back can be changed at any time: it is looked at before it appears."""
        if self.state in (State.pending, State.hidden):
            return True
        return self.state == State.published and now < self.may_edit_until()


class ContributionText(Base):
    """What was written, revision by revision: what was on record at a deadline stays on record.

    The body and the wording proposed may only become NULL (erasure).
    """

    __tablename__ = "contribution_text"
    __table_args__ = (UniqueConstraint("contribution_id", "revision"),)

    id: Mapped[id_pk]
    contribution_id: Mapped[int] = fk("contribution.id", index=False)
    revision: Mapped[int]
    body: Mapped[text | None]
    #: Of a wording proposal: the whole Markdown as it should read, against the wording the author saw.
    proposed: Mapped[text | None]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]

    contribution: Mapped[Contribution] = relationship(back_populates="texts", lazy="raise_on_sql")


class ContributionTranslation(Base):
    """What a human helper made of it in another language; the original stays beside it."""

    __tablename__ = "contribution_translation"
    __table_args__ = (UniqueConstraint("contribution_id", "lang", "revision"),)

    id: Mapped[id_pk]
    contribution_id: Mapped[int] = fk("contribution.id", index=False)
    lang: Mapped[lang_code]
    #: Revision of the original that was translated; an older one is outdated.
    revision: Mapped[int] = mapped_column(default=0)
    body: Mapped[text | None]
    translator_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class ModerationReason(Base):
    """A reason for hiding, published before the process starts."""

    __tablename__ = "moderation_reason"
    __table_args__ = (UniqueConstraint("process_id", "key"),)

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    key: Mapped[word]
    text: Mapped[line]
    position: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[utc | None]


class ModerationKind(StrEnum):
    approve = "approve"
    hide = "hide"
    undo = "undo"
    #: The words are gone for good; a published reason and a number are left.
    erase = "erase"


class ModerationAct(Base):
    """What a moderator did, with reason and note to the author. Insert-only; undoing is another act."""

    __tablename__ = "moderation_act"

    id: Mapped[id_pk]
    contribution_id: Mapped[int] = fk("contribution.id")
    kind: Mapped[word]
    reason_id: Mapped[int | None] = fk("moderation_reason.id", nullable=True, index=False)
    #: Told to the author, not to the public.
    note: Mapped[text] = mapped_column(default="")
    state_before: Mapped[word]
    state_after: Mapped[word]
    undoes_id: Mapped[int | None] = fk("moderation_act.id", nullable=True, index=False)
    #: The same for all that were decided together, so that they can be undone together.
    batch: Mapped[str | None] = mapped_column(String(40), index=True)
    actor_id: Mapped[int] = fk("person.id")
    created_at: Mapped[created]

    __table_args__ = (UniqueConstraint("undoes_id"),)


class TrustLevel(StrEnum):
    #: Appears at once, also where others wait.
    trusted = "trusted"
    #: Waits for a moderator, also where others appear at once.
    watched = "watched"


class AuthorTrust(Base):
    """What the moderators of one process decided about everything an author will write there."""

    __tablename__ = "author_trust"

    process_id: Mapped[int] = fk("process.id", primary_key=True)
    person_id: Mapped[int] = fk("person.id", primary_key=True, index=True)
    level: Mapped[word]
    #: For the moderators only.
    note: Mapped[line] = mapped_column(default="")
    by_id: Mapped[int] = fk("person.id", index=False)
    created_at: Mapped[created]


class RuleEffect(StrEnum):
    #: Waits for a moderator before it appears.
    wait = "wait"
    #: Appears as the stage says, but is shown first on the desk.
    point_out = "point_out"


class ScreeningRule(Base):
    """ "When it contains a link and the author is new, then it waits": conditions that must all hold, and an effect."""

    __tablename__ = "screening_rule"

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    position: Mapped[int] = mapped_column(default=0)
    #: Name of each condition -> its value (`true`, a number, a list of words); see `contributions.screening`.
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    effect: Mapped[word] = mapped_column(default=RuleEffect.wait)
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]
    retired_at: Mapped[utc | None]


class RuleHit(Base):
    """This rule held for this contribution when it arrived or was changed."""

    __tablename__ = "rule_hit"

    contribution_id: Mapped[int] = fk("contribution.id", primary_key=True)
    rule_id: Mapped[int] = fk("screening_rule.id", primary_key=True)


class ReactionKind(StrEnum):
    agree = "agree"
    disagree = "disagree"
    #: Looked at and left open; comes with imported votes.
    unsure = "unsure"


class Reaction(Base):
    """What one person thinks of a contribution; apart from the stance towards the text."""

    __tablename__ = "reaction"

    contribution_id: Mapped[int] = fk("contribution.id", primary_key=True)
    person_id: Mapped[int] = fk("person.id", primary_key=True)
    kind: Mapped[word] = mapped_column(default=ReactionKind.agree)
    created_at: Mapped[created]

    __table_args__ = (Index("ix_reaction_person_id", "person_id"),)


class ContributionTally(Base):
    """How many published contributions (not replies) an element has, by stance. Kept by the write."""

    __tablename__ = "contribution_tally"

    element_id: Mapped[int] = fk("element.id", primary_key=True)
    process_id: Mapped[int] = fk("process.id", primary_key=True, index=True)
    stance: Mapped[str] = mapped_column(String(40), primary_key=True)
    published: Mapped[int] = mapped_column(default=0)


class ChangeSource(Base):
    """This contribution led to this change; offsets mark the passage of the new wording it changed."""

    __tablename__ = "change_source"
    __table_args__ = (
        UniqueConstraint("change_id", "contribution_id"),
        CheckConstraint("(to_start IS NULL) = (to_end IS NULL)", name="both_offsets"),
        CheckConstraint("to_start IS NULL OR (to_start >= 0 AND to_end > to_start)", name="offset_order"),
    )

    id: Mapped[id_pk]
    change_id: Mapped[int] = fk("change.id", index=False)
    contribution_id: Mapped[int] = fk("contribution.id")
    #: Characters of the wording's Markdown (of its title, if it has no more), half-open; empty: the whole change.
    to_start: Mapped[int | None]
    to_end: Mapped[int | None]


class DraftSource(Base):
    """This contribution led a group to its draft; becomes a `ChangeSource` when the draft is adopted."""

    __tablename__ = "draft_source"
    __table_args__ = (UniqueConstraint("draft_id", "contribution_id"),)

    id: Mapped[id_pk]
    draft_id: Mapped[int] = fk("draft.id", index=False)
    contribution_id: Mapped[int] = fk("contribution.id")
    #: Words of the candidate it changed; empty when the whole draft is meant. Words, because drafts still change.
    passage: Mapped[text] = mapped_column(default="")
