"""Working bodies and who sits in them."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.accounts.models import Organisation, Person
from consult.db import Base, created, fk, id_pk, line, text, utc, word


class GroupKind(StrEnum):
    steering_group = "steering_group"
    initiative_circle = "initiative_circle"
    specialist_forum = "specialist_forum"
    expert_talk = "expert_talk"
    working_group = "working_group"
    team = "team"


class Group(Base):
    """A body of people and organisations. What it may do in a process says `process_group`."""

    #: Plural, because GROUP is a reserved word of SQL.
    __tablename__ = "groups"

    id: Mapped[id_pk]
    kind: Mapped[word]
    name: Mapped[line]
    description: Mapped[text] = mapped_column(default="")
    source: Mapped[line | None]
    created_at: Mapped[created]
    closed_at: Mapped[utc | None]


class Membership(Base):
    """A person, or an organisation with a seat, belongs to a group for a time. Roles are memberships."""

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (organisation_id IS NULL)", name="person_xor_organisation"),
        Index("ix_membership_person_id_group_id", "person_id", "group_id"),
    )

    id: Mapped[id_pk]
    group_id: Mapped[int] = fk("groups.id")
    person_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    organisation_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    #: Chair, secretary; empty for an ordinary member.
    office: Mapped[line] = mapped_column(default="")
    #: Number of seats when an organisation is the member.
    seats: Mapped[int] = mapped_column(default=1)
    starts_at: Mapped[created]
    #: An outside facilitator is a membership with an end.
    ends_at: Mapped[utc | None]

    group: Mapped[Group] = relationship(lazy="raise_on_sql")
    person: Mapped[Person | None] = relationship(lazy="raise_on_sql")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise_on_sql")
    seat_holders: Mapped[list["SeatHolder"]] = relationship(back_populates="membership", lazy="raise_on_sql")


class SeatHolder(Base):
    """Who fills an organisation's seat, and who stands in."""

    __tablename__ = "seat_holder"
    __table_args__ = (UniqueConstraint("membership_id", "person_id", "starts_at"),)

    id: Mapped[id_pk]
    membership_id: Mapped[int] = fk("membership.id")
    person_id: Mapped[int] = fk("person.id")
    deputy: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[created]
    ends_at: Mapped[utc | None]

    membership: Mapped[Membership] = relationship(back_populates="seat_holders", lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
