"""What is decided about a contribution, and why."""

from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.contributions.models import Contribution
from consult.db import Base, created, fk, id_pk, text, word


class DispositionKind(StrEnum):
    adopt = "adopt"
    adopt_in_part = "adopt_in_part"
    already_covered = "already_covered"
    forward = "forward"
    note = "note"
    reject = "reject"


class Disposition(Base):
    """A decision with its reason. Insert-only: the latest counts, the earlier ones stay on record."""

    __tablename__ = "disposition"

    id: Mapped[id_pk]
    contribution_id: Mapped[int] = fk("contribution.id")
    kind: Mapped[word]
    reason: Mapped[text]
    #: One plain sentence for the author.
    plain_reason: Mapped[text] = mapped_column(default="")
    #: Where the effect shows, and the change it led to.
    element_id: Mapped[int | None] = fk("element.id", nullable=True)
    change_id: Mapped[int | None] = fk("change.id", nullable=True)
    #: The sitting that decided.
    decided_in_id: Mapped[int | None] = fk("meeting.id", nullable=True)
    #: Public only with the next public version of the text; else at once.
    held: Mapped[bool] = mapped_column(default=False)
    #: Whoever decided may speak for the organisation the contribution came from; shown beside it.
    own_organisation: Mapped[bool] = mapped_column(default=False)
    actor_id: Mapped[int | None] = fk("person.id", nullable=True)
    created_at: Mapped[created]

    contribution: Mapped[Contribution] = relationship(lazy="raise_on_sql")


class DispositionRelease(Base):
    """Since when a decision is public: at once, or with the version of the text it waited for. Insert-only."""

    __tablename__ = "disposition_release"

    disposition_id: Mapped[int] = fk("disposition.id", primary_key=True)
    version_id: Mapped[int | None] = fk("version.id", nullable=True, index=False)
    released_at: Mapped[created]
