"""What was decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from consult.concept.models import Element
from consult.extensions import db
from consult.weighing.models import Disposition
from consult.weighing.words import disposition_names


@dataclass(frozen=True)
class Decision:
    """The decision that counts for a contribution."""

    contribution_id: int
    kind: str
    reason: str
    plain_reason: str
    element_key: str | None
    decided_in_id: int | None
    created_at: datetime

    @property
    def kind_label(self) -> str:
        return disposition_names().get(self.kind, self.kind)


def decisions_on(contribution_ids: Iterable[int]) -> dict[int, Decision]:
    """The latest decision on each contribution. One query."""
    ids = list(contribution_ids)
    if not ids:
        return {}
    latest = (
        select(func.max(Disposition.id))
        .where(Disposition.contribution_id.in_(ids))
        .group_by(Disposition.contribution_id)
    )
    rows = db.session.execute(
        select(
            Disposition.contribution_id,
            Disposition.kind,
            Disposition.reason,
            Disposition.plain_reason,
            Element.key,
            Disposition.decided_in_id,
            Disposition.created_at,
        )
        .outerjoin(Element, Element.id == Disposition.element_id)
        .where(Disposition.id.in_(latest))
    ).all()
    return {row[0]: Decision(*row) for row in rows}
