"""What people found out about contacts: who only looks like the same one."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from consult.db import Base, created, fk, id_pk


class DifferentPeople(Base):
    """Two entries that look alike and are two human beings, as somebody said who looked. The order says nothing."""

    __tablename__ = "different_people"
    __table_args__ = (
        UniqueConstraint("one_id", "two_id"),
        CheckConstraint("one_id <> two_id", name="two_of_them"),
    )

    id: Mapped[id_pk]
    one_id: Mapped[int] = fk("person.id", index=False)
    two_id: Mapped[int] = fk("person.id")
    said_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]


class DifferentOrganisations(Base):
    """The same for two organisations."""

    __tablename__ = "different_organisations"
    __table_args__ = (
        UniqueConstraint("one_id", "two_id"),
        CheckConstraint("one_id <> two_id", name="two_of_them"),
    )

    id: Mapped[id_pk]
    one_id: Mapped[int] = fk("organisation.id", index=False)
    two_id: Mapped[int] = fk("organisation.id")
    said_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    created_at: Mapped[created]
