"""The moderators' desk: what waits, and the two answers to it."""

from flask import abort, flash, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.contributions import policy, queries
from consult.contributions.models import Contribution, ModerationReason, State
from consult.extensions import db
from consult.moderation import operations
from consult.moderation.forms import HideForm
from consult.moderation.queue import Waiting, act_of, recently_decided
from consult.moderation.queue import queue as waiting_queue
from consult.moderation.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id


def _desk(slug: str) -> Process:
    process = load_process(slug)
    authorize(policy.can_moderate, process)
    g.zone = process.zone
    return process


def _back(slug: str) -> str:
    """The list one came from."""
    which = request.form.get("list", "")
    return url_for("moderation.queue", slug=slug, list=which if which == Waiting.unseen else None)


def _page(process: Process, which: Waiting, after: int | None, refused: HideForm | None = None) -> str:
    reasons = queries.reasons_of(process.id)
    page = waiting_queue(process, current_person(), which, after=after)
    forms = {item.shown.number: HideForm(item.shown.number, reasons, formdata=None) for item in page.items}
    if refused is not None:
        forms[refused.number] = refused
    number, oldest = queries.waiting(process.id)
    following = url_for("moderation.queue", slug=process.slug, list=which, after=page.next_cursor)
    return render_template(
        "moderation/queue.html",
        process=process,
        which=which,
        page=page,
        forms=forms,
        refused=refused,
        has_reasons=bool(reasons),
        waiting=number,
        oldest=oldest,
        next_url=following if page.next_cursor else None,
        first_url=url_for("moderation.queue", slug=process.slug, list=which) if after else None,
        decided=recently_decided(process),
    )


@bp.get("/p/<slug>/moderation")
def queue(slug: str) -> str:
    """What waits, oldest first; with `list=unseen` what appeared at once and nobody has looked at."""
    process = _desk(slug)
    which = Waiting.unseen if request.args.get("list") == Waiting.unseen else Waiting.pending
    return _page(process, which, request.args.get("after", type=row_id))


def _seen() -> tuple[str, int] | None:
    """State and revision that stood on the moderator's page, as `state-revision`."""
    state, _dash, revision = request.form.get("seen", "").partition("-")
    return (state, int(revision)) if revision.isascii() and revision.isdigit() and len(revision) < 9 else None


def _contribution(process: Process, number: int) -> Contribution:
    return queries.visible_or_404(process, number, current_person())


@bp.post("/p/<slug>/moderation/<int:number>/approve")
def approve(slug: str, number: int) -> Response:
    """Let it appear, or note that it has been looked at."""
    process = _desk(slug)
    act = operations.approve(_contribution(process, number), current_person(), seen=_seen())
    label = f"{process.code}-{number}"
    if act.state_before == State.pending:
        flash(_("%(number)s is published.", number=label), "success")
    else:
        flash(_("%(number)s: looked at.", number=label), "success")
    return commit_and_go(_back(slug))


@bp.post("/p/<slug>/moderation/<int:number>/hide")
@keeps_text
def hide(slug: str, number: int) -> Response | tuple[str, int]:
    """Hold it back, with a published reason and a note to the author."""
    process = _desk(slug)
    form = HideForm(number, queries.reasons_of(process.id))
    contribution = _contribution(process, number)
    if not form.validate_on_submit():
        which = Waiting.unseen if request.form.get("list") == Waiting.unseen else Waiting.pending
        return _page(process, which, None, refused=form), 200
    reason = db.get_or_404(ModerationReason, form.reason_id.data)
    operations.hide(contribution, current_person(), reason, form.note.data or "", seen=_seen())
    label = f"{process.code}-{number}"
    if contribution.receipt_hash is None:
        told = _("%(number)s is held back. The author gets a message with the reason.", number=label)
    else:
        told = _("%(number)s is held back. The author reads the reason under the receipt code.", number=label)
    flash(told, "success")
    return commit_and_go(_back(slug))


@bp.post("/p/<slug>/moderation/<int:number>/undo")
def undo(slug: str, number: int) -> Response:
    """Undo a decision, as long as nothing happened since."""
    process = _desk(slug)
    act = act_of(process, number, request.form.get("act_id", default=0, type=row_id))
    if act is None:
        abort(404)
    operations.undo(act, current_person())
    label = f"{process.code}-{number}"
    flash(_("The decision about %(number)s has been undone.", number=label), "success")
    return commit_and_go(_back(slug))
