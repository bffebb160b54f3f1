"""Scenery for tests of answers: changes that led somewhere, near-duplicates, mails as they are read."""

from typing import Any

from flask import current_app
from sqlalchemy import select

from consult import clock
from consult.concept import operations as editing
from consult.concept.models import Change, ConceptKind, Placement, Version, VersionAudience
from consult.contributions.models import Contribution
from consult.contributions.sources import add_source
from consult.extensions import db
from consult.i18n import in_language
from consult.moderation.models import Gathered
from consult.outbox import kinds
from consult.outbox.models import OutboxMessage
from consult.weighing.operations import ANSWERED
from tests.concept.factories import make_concept, publish
from tests.contributions.factories import Town
from tests.factories import flushed


def gather(town: Town, head: Contribution, *others: Contribution) -> None:
    """These say nearly the same as the head entry."""
    for other in others:
        flushed(Gathered(contribution_id=other.id, head_id=head.id, by_id=town.moderator.id, created_at=clock.now()))


class Draft:
    """A concept with one goal that editors change because of contributions, and publish."""

    def __init__(self, town: Town) -> None:
        self.town = town
        # The town has a text already; this one is the concept people work on.
        town.concept.kind = ConceptKind.charter
        self.concept, self.goal = make_concept(town.process, town.lead)
        publish(self.concept, town.process, town.lead)
        self._n = 0

    def change(self, *sources: Contribution, reason: str = "Wunsch aus der Beteiligung.") -> Change:
        """New words for the goal in the working text, because of these contributions."""
        self._n += 1
        placed = db.session.scalars(
            select(Placement).join(Version, Version.id == Placement.version_id)
            .where(Placement.element_id == self.goal.id, Version.number.is_(None))
        ).one()  # fmt: skip
        text = editing.Text(markdown=f"Begegnung wird überall gefördert, Fassung {self._n}.")
        editing.edit(
            self.goal, placed.wording_id, text, reason=reason, actor=self.town.editor, process=self.town.process
        )
        change = db.session.scalars(
            select(Change).where(Change.element_id == self.goal.id).order_by(Change.id.desc()).limit(1)
        ).one()
        for source in sources:
            add_source(change, source)
        return change

    def publish(self, audience: VersionAudience = VersionAudience.public, title: str = "Zweiter Entwurf") -> Version:
        """The next version, with some new words in it."""
        self.change()
        return publish(self.concept, self.town.process, self.town.lead, audience=audience, title=title)


def told(kind: str = ANSWERED) -> list[OutboxMessage]:
    """The mails of this kind that are promised, in order."""
    return list(db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)))


def is_wanted(message: OutboxMessage) -> bool:
    return kinds.kind(message.kind).wanted(message)


def rendered(message: OutboxMessage, lang: str = "en") -> Any:
    with current_app.test_request_context(base_url="http://consult.test"), in_language(lang):
        return kinds.kind(message.kind).render(message)
