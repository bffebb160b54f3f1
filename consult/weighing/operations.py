"""Deciding about contributions."""

from datetime import datetime

from flask_babel import gettext as _

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.models import Change
from consult.contributions.models import Contribution
from consult.errors import Refused
from consult.extensions import db
from consult.weighing.models import Disposition, DispositionKind


def decide(
    contribution: Contribution,
    kind: DispositionKind,
    reason: str,
    *,
    actor: Person | None,
    plain_reason: str = "",
    element_id: int | None = None,
    change: Change | None = None,
    decided_in_id: int | None = None,
    now: datetime | None = None,
) -> Disposition:
    """Record what is decided and why. A later decision is another row; the latest counts. Refuses an empty reason."""
    if not reason.strip():
        raise Refused(_("A decision needs a reason: the author and the public read it."))
    disposition = Disposition(
        contribution_id=contribution.id,
        kind=kind,
        reason=reason,
        plain_reason=plain_reason,
        element_id=element_id,
        change_id=change.id if change else None,
        decided_in_id=decided_in_id,
        actor_id=actor.id if actor else None,
        created_at=now or clock.now(),
    )
    db.session.add(disposition)
    db.session.flush()
    record(
        Action.disposition_decided,
        actor.id if actor else None,
        disposition,
        process_id=contribution.process_id,
        kind=str(kind),
        contribution_id=contribution.id,
    )
    return disposition
