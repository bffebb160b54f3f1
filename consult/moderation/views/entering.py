"""How every page of the desk begins."""

from flask import abort, g, request

from consult.authz import authorize, current_person
from consult.contributions import policy, queries
from consult.contributions.models import Contribution, ModerationReason
from consult.extensions import db
from consult.processes.loading import load_process
from consult.processes.models import Process


def moderated(slug: str) -> Process:
    """The process, for those who moderate it."""
    process = load_process(slug)
    authorize(policy.can_moderate, process)
    g.zone = process.zone
    return process


def contribution_of(process: Process, number: int) -> Contribution:
    """The contribution with this number; 404 when there is none."""
    return queries.visible_or_404(process, number, current_person())


def seen_on_page() -> tuple[str, int] | None:
    """State and revision that stood on the moderator's page, as `state-revision`."""
    state, _dash, revision = request.form.get("seen", "").partition("-")
    return (state, int(revision)) if revision.isascii() and revision.isdigit() and len(revision) < 9 else None


def reason_of(process: Process, reason_id: int) -> ModerationReason:
    """A published reason of this process."""
    reason = db.session.get(ModerationReason, reason_id)
    if reason is None or reason.process_id != process.id:
        abort(404)
    return reason
