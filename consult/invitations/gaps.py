"""Who is missing: kinds of organisations, organisations nobody comes from, groups without a migrant organisation."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from consult import clock
from consult.accounts.models import Organisation, OrganisationKind
from consult.extensions import db
from consult.groups.models import Group, Membership
from consult.invitations.models import Invitation, InvitationState
from consult.meetings.models import HOLDING_STATES, Meeting, Quota, Registration, RegistrationState
from consult.processes.models import ProcessGroup

#: Organisations named on the page; the others are counted.
MOST = 100


@dataclass(frozen=True)
class Gap:
    """One kind of organisation, or people of none (`kind` is None)."""

    kind: str | None
    reserved: int
    at_most: int | None
    invited: int
    coming: int
    waiting: int

    @property
    def missing(self) -> int:
        """Kept places nobody has taken."""
        return max(0, self.reserved - self.coming)


@dataclass(frozen=True)
class Gaps:
    rows: list[Gap]
    #: Shown apart: who decides is not who takes part.
    politics: Gap
    others: Gap
    #: Invited organisations from which nobody is coming yet: id, name, kind.
    silent: list[tuple[int, str, str]]
    more_silent: int
    #: Groups of the process in which no migrant organisation sits.
    groups: list[tuple[int, str]]

    def total(self) -> Gap:
        rows = [*self.rows, self.politics, self.others]
        return Gap(
            None, sum(row.reserved for row in rows), None, sum(row.invited for row in rows),
            sum(row.coming for row in rows), sum(row.waiting for row in rows),
        )  # fmt: skip


def gaps_of(meeting: Meeting) -> Gaps:
    """Five questions, however many people are invited."""
    invited = _counted(
        select(Organisation.kind, func.count())
        .select_from(Invitation)
        .outerjoin(Organisation, Organisation.id == Invitation.organisation_id)
        .where(Invitation.meeting_id == meeting.id, Invitation.state != InvitationState.revoked)
        .group_by(Organisation.kind)
    )
    by_state: dict[str, Counter[str | None]] = {"coming": Counter(), "waiting": Counter()}
    for kind, state, number in db.session.execute(
        select(Registration.organisation_kind, Registration.state, func.count())
        .where(
            Registration.meeting_id == meeting.id,
            Registration.state.in_((*HOLDING_STATES, RegistrationState.waiting)),
        )
        .group_by(Registration.organisation_kind, Registration.state)
    ):
        by_state["waiting" if state == RegistrationState.waiting else "coming"][kind] += number
    quotas = {
        quota.organisation_kind: quota
        for quota in db.session.scalars(select(Quota).where(Quota.meeting_id == meeting.id))
    }

    def gap(kind: str | None) -> Gap:
        quota = quotas.get(kind or "")
        return Gap(
            kind, quota.reserved if quota else 0, quota.at_most if quota else None, invited[kind],
            by_state["coming"][kind], by_state["waiting"][kind],
        )  # fmt: skip

    silent = _silent(meeting)
    return Gaps(
        rows=[gap(kind.value) for kind in OrganisationKind if kind != OrganisationKind.politics],
        politics=gap(OrganisationKind.politics.value),
        others=gap(None),
        silent=silent[:MOST],
        more_silent=max(0, len(silent) - MOST),
        groups=_without_migrant_organisation(meeting.process_id),
    )


def _counted(statement: Select[Any, int]) -> Counter[str | None]:
    return Counter({row[0]: row[1] for row in db.session.execute(statement)})


def _silent(meeting: Meeting) -> list[tuple[int, str, str]]:
    """Invited organisations nobody comes from; whoever comes for one counts, also without an invitation."""
    there = select(Registration.organisation_id).where(
        Registration.meeting_id == meeting.id,
        Registration.organisation_id.is_not(None),
        Registration.state.in_(HOLDING_STATES),
    )
    asked = select(Invitation.organisation_id).where(
        Invitation.meeting_id == meeting.id,
        Invitation.organisation_id.is_not(None),
        Invitation.state != InvitationState.revoked,
    )
    rows = db.session.execute(
        select(Organisation.id, Organisation.name, Organisation.kind)
        .where(Organisation.id.in_(asked), Organisation.id.not_in(there))
        .order_by(Organisation.kind, Organisation.name)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _without_migrant_organisation(process_id: int) -> list[tuple[int, str]]:
    now = clock.now()
    sits = (
        select(Membership.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.group_id == Group.id,
            Organisation.kind == OrganisationKind.migrant_organisation,
            Membership.starts_at <= now,
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
        )
    )
    # Teams of persons only have no seats of organisations to fill.
    seats = select(Membership.id).where(and_(Membership.group_id == Group.id, Membership.organisation_id.is_not(None)))
    rows = db.session.execute(
        select(Group.id, Group.name)
        .where(
            Group.id.in_(select(ProcessGroup.group_id).where(ProcessGroup.process_id == process_id)),
            ~sits.exists(),
            seats.exists(),
        )
        .order_by(Group.name, Group.id)
    )
    return [(row[0], row[1]) for row in rows]
