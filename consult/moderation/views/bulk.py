"""Deciding about everything that is ticked: first what would happen, then it happens."""

from typing import Any

from flask import abort, flash, g, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.contributions import queries
from consult.contributions.models import ModerationReason
from consult.errors import Refused
from consult.extensions import db
from consult.moderation.assigning import give_many
from consult.moderation.bulk import MOST, Outcome, Pick, decide, picked, undo_batch
from consult.moderation.decided import act_in
from consult.moderation.forms import BulkGiveForm, BulkHideForm
from consult.moderation.heads import gather
from consult.moderation.queue import DeskList
from consult.moderation.team import names_of, team_of
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import moderated
from consult.moderation.views.heads import tell
from consult.moderation.views.here import Here, back_of, number_in
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id

VERBS = ("approve", "hide", "gather", "give")


def _ask(process: Process, verb: str, picks: list[Pick], back: str, **more: Any) -> str:
    return render_template("moderation/queue_confirm.html", process=process, verb=verb, picks=picks, back=back, **more)


@bp.post("/p/<slug>/moderation/bulk")
@keeps_text
def bulk(slug: str) -> Response | str:
    """Repeats what was ticked and the reason; decides when that was confirmed."""
    process = moderated(slug)
    _here, back = back_of(slug)
    verb = request.form.get("verb", "")
    if verb not in VERBS:
        abort(400)
    picks = picked(request.form.getlist("pick"))
    if not picks:
        raise Refused(_("Please tick at least one contribution."))
    if len(picks) > MOST:
        raise Refused(_("At most %(number)s contributions can be decided at once.", number=MOST))
    form = BulkHideForm(0, queries.reasons_of(process.id))
    # With a stale token nothing is decided: it is asked once more.
    confirmed = request.form.get("confirmed") == "y" and bool(g.csrf_ok)
    if verb == "gather":
        return _gather(process, picks, back, form, confirmed)
    if verb == "give":
        return _give(process, picks, back, confirmed)
    reason = None
    if verb == "hide":
        if not form.validate_on_submit():
            return _ask(process, verb, picks, back, form=form, asks=True)
        reason = db.get_or_404(ModerationReason, form.reason_id.data)
    note = form.note.data or "" if verb == "hide" else ""
    if not confirmed:
        return _ask(process, verb, picks, back, form=form, reason=reason, note=note)
    outcome = decide(process, current_person(), picks, reason=reason, note=note)
    number = len(outcome.done)
    if verb == "hide":
        said = ngettext("%(num)s contribution is held back.", "%(num)s contributions are held back.", number)
    else:
        said = ngettext("%(num)s contribution is approved.", "%(num)s contributions are approved.", number)
    return _done(outcome, said, back)


def _gather(process: Process, picks: list[Pick], back: str, form: Any, confirmed: bool) -> Response | str:
    typed = request.form.get("head", "")
    head = number_in(typed)
    if head is None or not confirmed:
        wrong = bool(typed.strip()) and head is None
        return _ask(process, "gather", picks, back, form=form, head=head, asks=head is None, wrong=wrong)
    tell(process, gather(process, current_person(), head, [pick.number for pick in picks]))
    return commit_and_go(back)


def _give(process: Process, picks: list[Pick], back: str, confirmed: bool) -> Response | str:
    team = names_of(team_of(process.id))
    form = BulkGiveForm(team)
    if not form.validate_on_submit():
        return _ask(process, "give", picks, back, form=form, asks=True)
    name = dict(team)[form.to_id.data]
    if not confirmed:
        return _ask(process, "give", picks, back, to_id=form.to_id.data, name=name)
    done, skipped = give_many(process, current_person(), form.to_id.data, [pick.number for pick in picks])
    said = ngettext(
        "%(name)s looks after %(num)s contribution.",
        "%(name)s looks after %(num)s contributions.",
        len(done),
        name=name,
    )
    return _back(bool(done), said, skipped, back)


def _done(outcome: Outcome, said: str, back: str) -> Response:
    return _back(bool(outcome.done), said, outcome.skipped, back)


def _back(any_done: bool, said: str, skipped: list[int], back: str) -> Response:
    """Back to the list, which names what was left alone."""
    flash(said, "success" if any_done else "warning")
    address, _hash, _fragment = back.partition("#")
    if skipped:
        address += ("&" if "?" in address else "?") + "skipped=" + ".".join(map(str, skipped))
    return commit_and_go(address)


@bp.post("/p/<slug>/moderation/undo-batch")
def undo_together(slug: str) -> Response:
    """Undo what was decided together, except what was touched since."""
    process = moderated(slug)
    act = act_in(process, request.form.get("act_id", default=0, type=row_id))
    if act is None:
        abort(404)
    outcome = undo_batch(process, current_person(), act.batch)
    said = ngettext("%(num)s decision has been undone.", "%(num)s decisions have been undone.", len(outcome.done))
    return _done(outcome, said, Here(slug, DeskList.decided).url())
