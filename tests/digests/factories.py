"""Scenery for tests of digests: a town with a steering group, and the nightly run at a chosen moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from consult import clock
from consult.accounts.models import Organisation, Person
from consult.audit import operations as audit
from consult.audit.actions import Action
from consult.contributions.models import Contribution
from consult.digests import operations
from consult.digests.models import Digest
from consult.digests.running import seal_all
from consult.extensions import db
from consult.groups.models import Group, Membership, SeatHolder
from consult.moderation import operations as deciding
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function, Process
from tests.contributions.factories import Town, make_town
from tests.factories import flushed, make_group, make_organisation, make_person


@dataclass
class Council:
    """A town, its steering group of one member with a seat and one deputy for an organisation."""

    town: Town
    group: Group
    membership: Membership
    organisation: Organisation
    deputy: Person
    deputy_seat: SeatHolder

    @property
    def process(self) -> Process:
        return self.town.process


def make_council(**fields: Any) -> Council:
    town = make_town(**fields)
    group = make_group(town.process, Function.steering)
    organisation = make_organisation()
    membership: Membership = flushed(
        Membership(group_id=group.id, organisation_id=organisation.id, starts_at=clock.now() - timedelta(days=3))
    )
    deputy = make_person("Stellvertretung", locale="en")
    seat: SeatHolder = flushed(
        SeatHolder(
            membership_id=membership.id,
            person_id=deputy.id,
            deputy=True,
            starts_at=clock.now() - timedelta(days=3),
        )
    )
    return Council(town, group, membership, organisation, deputy, seat)


def make_digest(process: Process, now: datetime | None = None) -> Digest | None:
    """Seal everything and compile, as the nightly run does for one process."""
    seal_all()
    return operations.compile(process, audit.head(), now or clock.now())


def issued(digest: Digest | None) -> Digest:
    assert digest is not None
    assert digest.issued_at is not None
    return digest


def stir(process: Process, invitation_id: int = 1) -> None:
    """The cheapest thing a report is worth: an invitation is answered."""
    audit.record(
        Action.invitation_answered, None, ("invitation", invitation_id), process_id=process.id, state="accepted"
    )
    db.session.flush()


def told_in(digest: Digest) -> list[int]:
    """Numbers of the contributions this digest tells of."""
    return [number for element in digest.content.get("elements", []) for number in element["numbers"]]


def recipients(digest: Digest) -> list[int]:
    return list(
        db.session.scalars(
            db.select(OutboxMessage.recipient_id)
            .where(OutboxMessage.kind == "steering_digest", OutboxMessage.subject_id == digest.id)
            .order_by(OutboxMessage.recipient_id)
        )
    )


def hide(town: Town, contribution: Contribution, note: str = "") -> None:
    deciding.hide(contribution, town.moderator, town.reason, note)
