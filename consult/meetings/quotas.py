"""Places for kinds of organisations: so many are kept for a kind, and no more than so many go to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from consult import clock
from consult.accounts.models import OrganisationKind, Person
from consult.accounts.words import organisation_kinds
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.meetings import base, waiting
from consult.meetings.models import Meeting, Quota
from consult.meetings.room import lock


@dataclass(frozen=True)
class Share:
    """What the organisers entered for one kind."""

    kind: str
    reserved: int = 0
    at_most: int | None = None


def quotas_of(meeting_id: int) -> list[Quota]:
    """By kind."""
    return list(
        db.session.scalars(
            select(Quota)
            .where(Quota.meeting_id == meeting_id)
            .order_by(Quota.organisation_kind)
            .execution_options(populate_existing=True)
        )
    )


def mark_of(stored: Sequence[Quota]) -> str:
    """Stands for exactly these shares: the base of a form that changes them."""
    return base.mark_of((quota.organisation_kind, quota.reserved, quota.at_most) for quota in stored)


def set_quotas(meeting: Meeting, shares: Sequence[Share], actor: Person | None, seen: str | None = None) -> None:
    """Put these in place of what was there. Who has a place keeps it; who waits is offered what became free.

    `seen`: the mark of the shares the editor began from. Raises `Conflict` when others stand there meanwhile,
    `Refused` when more places are kept than there are, and for a most that is less than what is kept.
    """
    lock(meeting)
    before = quotas_of(meeting.id)
    base.refuse_stale(seen, mark_of(before), (_told(share) for share in shares), (_told(quota) for quota in before))
    wanted = {share.kind: share for share in shares if share.reserved or share.at_most is not None}
    for share in wanted.values():
        OrganisationKind(share.kind)
        if share.at_most is not None and share.at_most < share.reserved:
            raise Refused(_("Of one kind more places are kept than may come at most."))
    if meeting.capacity is not None and sum(share.reserved for share in wanted.values()) > meeting.capacity:
        raise Refused(_("More places are kept than the meeting has."))
    db.session.execute(delete(Quota).where(Quota.meeting_id == meeting.id))
    db.session.add_all(
        Quota(
            meeting_id=meeting.id, organisation_kind=kind, reserved=wanted[kind].reserved, at_most=wanted[kind].at_most
        )
        for kind in sorted(wanted)
    )
    db.session.flush()
    record(Action.quotas_changed, actor.id if actor else None, meeting, process_id=meeting.process_id)
    waiting.move_up(meeting, clock.now())


def _told(share: Share | Quota) -> str:
    """One line of a list that is shown to an editor who came second."""
    kind = share.kind if isinstance(share, Share) else share.organisation_kind
    named = organisation_kinds().get(kind, kind)
    if share.at_most is None:
        return _("%(kind)s: %(kept)s kept", kind=named, kept=share.reserved)
    return _("%(kind)s: %(kept)s kept, at most %(most)s", kind=named, kept=share.reserved, most=share.at_most)


def release(meeting: Meeting, actor: Person) -> int:
    """Keep places for nobody any longer: the waiting list moves up. Returns how many people were offered one."""
    lock(meeting)
    db.session.execute(
        update(Quota)
        .where(Quota.meeting_id == meeting.id, Quota.reserved > 0)
        .values(reserved=0)
        .execution_options(synchronize_session=False)
    )
    record(Action.quotas_changed, actor.id, meeting, process_id=meeting.process_id)
    return waiting.move_up(meeting, clock.now())
