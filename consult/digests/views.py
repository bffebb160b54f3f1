"""The feedback digests, for those who weigh the input."""

from flask import Blueprint, abort, render_template

from consult.authz import allowed, authorize, current_person, decided
from consult.digests import emails, policy, queries, reading, words
from consult.processes.loading import load_process
from consult.processes.models import Process

bp = Blueprint("digests", __name__)

#: `emails` is here to make its kinds of mail known.
__all__ = ["bp", "emails"]


def _for_staff(slug: str) -> Process:
    """The process, for those who may read its reports. Guests may sign in (the mail leads here); others get 404."""
    process = load_process(slug)
    if current_person() is not None and not allowed(policy.can_read_digests, process):
        decided()
        abort(404)
    authorize(policy.can_read_digests, process)
    return process


@bp.get("/p/<slug>/digests")
def index(slug: str) -> str:
    process = _for_staff(slug)
    return render_template("digests/index.html", process=process, digests=queries.issued(process.id), words=words)


@bp.get("/p/<slug>/digests/<int:digest_id>")
def show(slug: str, digest_id: int) -> str:
    process = _for_staff(slug)
    digest = queries.issued_or_404(process.id, digest_id)
    report = reading.of_digest(process, digest)
    return render_template("digests/show.html", process=process, digest=digest, report=report, words=words)
