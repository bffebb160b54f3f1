"""The text of a concept: what a thing is, what it says, and where it stands are three tables."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.db import Base, created, fk, id_pk, lang_code, line, text, utc, word


class ConceptKind(StrEnum):
    concept = "concept"
    charter = "charter"


class ElementKind(StrEnum):
    chapter = "chapter"
    paragraph = "paragraph"
    theme = "theme"
    goal = "goal"
    sub_goal = "sub_goal"
    field = "field"
    need = "need"
    measure_group = "measure_group"
    measure = "measure"
    example = "example"


class ChangeKind(StrEnum):
    create = "create"
    edit = "edit"
    move = "move"
    split_ = "split"  # `split` is a method of str
    merge = "merge"
    renumber = "renumber"
    retire = "retire"
    restore = "restore"


class LineageKind(StrEnum):
    split_ = "split"  # `split` is a method of str
    merge = "merge"
    successor = "successor"


class VersionAudience(StrEnum):
    steering = "steering"
    public = "public"


class LinkKind(StrEnum):
    serves = "serves"


class Concept(Base):
    """A text with versions; the charter is a concept of its own kind."""

    __tablename__ = "concept"

    id: Mapped[id_pk]
    kind: Mapped[word] = mapped_column(default=ConceptKind.concept)
    title: Mapped[line]
    source: Mapped[line | None]
    created_at: Mapped[created]


class ProcessConcept(Base):
    """Which processes work on a concept: the next edition is another process on the same elements."""

    __tablename__ = "process_concept"

    process_id: Mapped[int] = fk("process.id", primary_key=True)
    concept_id: Mapped[int] = fk("concept.id", primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)


class Element(Base):
    """The identity of a part of the concept, for good. Has no text and no place of its own."""

    __tablename__ = "element"
    __table_args__ = (UniqueConstraint("concept_id", "key"),)

    id: Mapped[id_pk]
    concept_id: Mapped[int] = fk("concept.id", index=False)
    kind: Mapped[word]
    #: Permanent, language-neutral, part of the address: never changes, whatever number the text shows.
    key: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[created]

    concept: Mapped[Concept] = relationship(lazy="raise_on_sql")


class Wording(Base):
    """A text an element had at some time. Insert-only: offsets into it and links to it stay true."""

    __tablename__ = "wording"

    id: Mapped[id_pk]
    element_id: Mapped[int] = fk("element.id")
    lang: Mapped[lang_code] = mapped_column(default="de")
    #: A plain-language text, beside the official one.
    plain: Mapped[bool] = mapped_column(Boolean, default=False)
    title: Mapped[line] = mapped_column(default="")
    markdown: Mapped[text] = mapped_column(default="")
    #: Sanitised HTML of `markdown`, rendered once.
    html: Mapped[text] = mapped_column(default="")
    #: The wording this one translates or puts plainly; or, for an edit, the one it replaced.
    based_on_id: Mapped[int | None] = fk("wording.id", nullable=True)
    #: Fields of a measure: lead, partners, target_group, place, time, finance, indicator.
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: Where the text is from; in a demonstration what has no source is sample text.
    source: Mapped[line | None]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True)
    created_at: Mapped[created]


class Version(Base):
    """A state of the whole concept. `number` is empty for the one working text; sealed ones never change."""

    __tablename__ = "version"
    __table_args__ = (
        UniqueConstraint("concept_id", "number"),
        Index(
            "uq_version_working",
            "concept_id",
            unique=True,
            sqlite_where=sql("number IS NULL"),
            postgresql_where=sql("number IS NULL"),
        ),
    )

    id: Mapped[id_pk]
    concept_id: Mapped[int] = fk("concept.id", index=False)
    number: Mapped[int | None]
    title: Mapped[line] = mapped_column(default="")
    note: Mapped[text] = mapped_column(default="")
    audience: Mapped[word] = mapped_column(default=VersionAudience.steering)
    #: Bumped with every edit of the working text: a stale structural change is noticed.
    revision: Mapped[int] = mapped_column(default=0)
    #: Newest change contained; the changelog of a version is (head of the one before, head].
    change_head: Mapped[int] = mapped_column(default=0)
    sealed_at: Mapped[utc | None]
    #: SHA-256 over the canonical form, see `concept.seal`.
    checksum: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[line | None]
    historic_on: Mapped[date | None]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]

    concept: Mapped[Concept] = relationship(lazy="raise_on_sql")


class Placement(Base):
    """Where an element stands in a version, under which number, and with which words."""

    __tablename__ = "placement"
    __table_args__ = (
        UniqueConstraint("version_id", "element_id"),
        CheckConstraint("parent_id IS NULL OR parent_id <> element_id", name="not_own_parent"),
    )

    id: Mapped[id_pk]
    version_id: Mapped[int] = fk("version.id", index=False)
    element_id: Mapped[int] = fk("element.id")
    #: The element it stands below in this version.
    parent_id: Mapped[int | None] = fk("element.id", nullable=True)
    position: Mapped[int] = mapped_column(default=0)
    #: The number people see ("3.1"); may change from version to version.
    label: Mapped[word] = mapped_column(default="")
    wording_id: Mapped[int] = fk("wording.id")

    element: Mapped[Element] = relationship(foreign_keys=[element_id], lazy="raise_on_sql")
    wording: Mapped[Wording] = relationship(lazy="raise_on_sql")


class PlacedLink(Base):
    """In this version this element serves that one (charter <- goal <- measure)."""

    __tablename__ = "placed_link"
    __table_args__ = (UniqueConstraint("version_id", "from_element_id", "to_element_id", "kind"),)

    id: Mapped[id_pk]
    version_id: Mapped[int] = fk("version.id", index=False)
    from_element_id: Mapped[int] = fk("element.id")
    to_element_id: Mapped[int] = fk("element.id")
    kind: Mapped[word] = mapped_column(default=LinkKind.serves)


class Change(Base):
    """One change of the working text, with its reason. Insert-only."""

    __tablename__ = "change"

    id: Mapped[id_pk]
    element_id: Mapped[int] = fk("element.id")
    kind: Mapped[word]
    from_wording_id: Mapped[int | None] = fk("wording.id", nullable=True)
    to_wording_id: Mapped[int | None] = fk("wording.id", nullable=True)
    from_parent_id: Mapped[int | None] = fk("element.id", nullable=True, index=False)
    to_parent_id: Mapped[int | None] = fk("element.id", nullable=True, index=False)
    #: The number shown before and after, where it changed.
    from_label: Mapped[word | None]
    to_label: Mapped[word | None]
    reason: Mapped[text]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True)
    created_at: Mapped[created]

    element: Mapped[Element] = relationship(foreign_keys=[element_id], lazy="raise_on_sql")


class Lineage(Base):
    """What became of an element: split, merged, succeeded. Insert-only."""

    __tablename__ = "lineage"
    __table_args__ = (UniqueConstraint("change_id", "from_element_id", "to_element_id"),)

    id: Mapped[id_pk]
    change_id: Mapped[int] = fk("change.id")
    from_element_id: Mapped[int] = fk("element.id")
    to_element_id: Mapped[int] = fk("element.id")
    kind: Mapped[word]


class ElementHeir(Base):
    """Where contributions on a replaced element show today: all its heirs, however many steps away.

    Derived from `lineage`, rebuilt at publishing.
    """

    __tablename__ = "element_heir"

    element_id: Mapped[int] = fk("element.id", primary_key=True)
    heir_id: Mapped[int] = fk("element.id", primary_key=True)

    __table_args__ = (Index("ix_element_heir_heir_id", "heir_id"),)


class Mandate(Base):
    """The part of the concept a group works on."""

    __tablename__ = "mandate"

    group_id: Mapped[int] = fk("groups.id", primary_key=True)
    element_id: Mapped[int] = fk("element.id", primary_key=True, index=True)


class DraftState(StrEnum):
    open = "open"
    submitted = "submitted"
    returned = "returned"
    adopted = "adopted"
    #: Adopted with other words than the group's.
    adapted = "adapted"
    withdrawn = "withdrawn"


class Draft(Base):
    """A candidate wording a group writes for an element of its mandate, until the editors answer."""

    __tablename__ = "draft"
    __table_args__ = (
        # One at a time: a group works on the draft it has, or on the one it got back.
        Index(
            "uq_draft_alive",
            "group_id",
            "element_id",
            unique=True,
            sqlite_where=sql("state IN ('open', 'submitted', 'returned')"),
            postgresql_where=sql("state IN ('open', 'submitted', 'returned')"),
        ),
        Index("ix_draft_process_id_state", "process_id", "state"),
    )

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    group_id: Mapped[int] = fk("groups.id", index=False)
    element_id: Mapped[int] = fk("element.id")
    #: What stood in the working text when the group began, or when it last took over the text as it stands.
    base_wording_id: Mapped[int] = fk("wording.id", index=False)
    #: The group's words; every saving writes a new one, and an older one is a stale edit.
    wording_id: Mapped[int] = fk("wording.id", index=False)
    state: Mapped[word] = mapped_column(default=DraftState.open)
    reason: Mapped[text] = mapped_column(default="")
    #: What members of the group see differently; travels with the draft.
    dissent: Mapped[text] = mapped_column(default="")
    #: The change of the working text it led to.
    change_id: Mapped[int | None] = fk("change.id", nullable=True, index=False)
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]

    element: Mapped[Element] = relationship(lazy="raise_on_sql")
    wording: Mapped[Wording] = relationship(foreign_keys=[wording_id], lazy="raise_on_sql")


class DraftActKind(StrEnum):
    submit = "submit"
    give_back = "return"  # `return` is a word of the language
    adopt = "adopt"
    adapt = "adapt"
    withdraw = "withdraw"


class DraftAct(Base):
    """What happened to a draft, with the words it had then. Insert-only."""

    __tablename__ = "draft_act"

    id: Mapped[id_pk]
    draft_id: Mapped[int] = fk("draft.id")
    kind: Mapped[word]
    wording_id: Mapped[int] = fk("wording.id", index=False)
    note: Mapped[text] = mapped_column(default="")
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class Fact(Base):
    """A figure with its source that texts cite as [[F3]]. Insert-only: a sealed text keeps the figure it cites."""

    __tablename__ = "fact"
    __table_args__ = (UniqueConstraint("concept_id", "number"), UniqueConstraint("replaces_id"))

    id: Mapped[id_pk]
    concept_id: Mapped[int] = fk("concept.id", index=False)
    number: Mapped[int]
    statement: Mapped[line]
    #: As it is written, "48,5" or "rund 1.200".
    figure: Mapped[word]
    unit: Mapped[word] = mapped_column(default="")
    place: Mapped[line] = mapped_column(default="")
    year: Mapped[int | None]
    source: Mapped[line]
    #: The older figure this one takes the place of; texts that cite the old one are shown to editors.
    replaces_id: Mapped[int | None] = fk("fact.id", nullable=True, index=False)
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class Picture(Base):
    """A picture that texts show as ![words for who cannot see it](picture:3). Insert-only."""

    __tablename__ = "picture"
    __table_args__ = (UniqueConstraint("concept_id", "number"),)

    id: Mapped[id_pk]
    concept_id: Mapped[int] = fk("concept.id", index=False)
    number: Mapped[int]
    file_id: Mapped[int] = fk("stored_file.id", index=False)
    #: What it shows, for people who do not see it.
    alt: Mapped[line]
    #: Who made it and under which licence.
    credit: Mapped[line] = mapped_column(default="")
    #: In pixels.
    width: Mapped[int]
    height: Mapped[int]
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class LifeTopic(Base):
    """A way into the text from daily life: language, work, housing, children, neighbourhood."""

    __tablename__ = "life_topic"
    __table_args__ = (UniqueConstraint("process_id", "key"),)

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id", index=False)
    key: Mapped[word]
    title: Mapped[line]
    position: Mapped[int] = mapped_column(default=0)


class LifeTopicElement(Base):
    """A part of the text that belongs to a life topic; what stands below it comes along."""

    __tablename__ = "life_topic_element"

    life_topic_id: Mapped[int] = fk("life_topic.id", primary_key=True)
    element_id: Mapped[int] = fk("element.id", primary_key=True, index=True)


class Editing(Base):
    """Somebody has the form for this element open; told to others who open it."""

    __tablename__ = "editing"

    element_id: Mapped[int] = fk("element.id", primary_key=True)
    person_id: Mapped[int] = fk("person.id", primary_key=True, index=True)
    seen_at: Mapped[utc]


class MeasureSheet(Base):
    """A table of measures somebody sent in, read and waiting for a yes."""

    __tablename__ = "measure_sheet"

    id: Mapped[id_pk]
    process_id: Mapped[int] = fk("process.id")
    concept_id: Mapped[int] = fk("concept.id", index=False)
    name: Mapped[line]
    #: One object per row: what it says, and the wording it was based on.
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    actor_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    applied_at: Mapped[utc | None]
    created_at: Mapped[created]
