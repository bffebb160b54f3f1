"""Proposing other words: the text changed in place, shown as a difference, sent with a reason; corrected in time."""

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.queries import speaks_for
from consult.authz import authorize, current_person
from consult.concept import queries as concept
from consult.concept.models import VersionAudience, Wording
from consult.contributions import operations, policy, proposals, queries
from consult.contributions.models import Contribution, Kind, Stance, State
from consult.contributions.openness import standing_of
from consult.contributions.proposal_forms import EditProposalForm, ProposeForm
from consult.contributions.views import guests, kept
from consult.contributions.views.blueprint import bp
from consult.contributions.views.proposed import PREVIEW, Proposing, preview_of
from consult.contributions.views.writing import arrived, at_most, waits
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.processes.models import Activity, Process
from consult.processes.queries import next_opening
from consult.web import commit_and_go, keeps_text

Answer = Response | str | tuple[str, int]


@bp.route("/p/<slug>/e/<key>/propose", methods=["GET", "POST"])
@keeps_text
def propose(slug: str, key: str) -> Answer:
    """Propose other words for an element, with an account or without one."""
    process = load_process(slug)
    # What is proposed is shown to everybody with the words it was made against: these are public ones.
    view = concept.element_view(process.id, key, (VersionAudience.public,))
    if view is None:
        abort(404)
    meant = guests.is_meant()
    authorize(policy.can_write_as_guest if meant else policy.can_write, process)
    if view.retired and request.method == "GET":
        raise Refused(_("This part has been replaced. Please write to the part that stands in its place today."))
    if not view.placed.markdown:
        raise Refused(_("There is no published text here for which other words could be proposed."))
    g.zone = process.zone
    action, back = (url_for(name, slug=slug, key=key) for name in ("contributions.propose", "concept.element"))
    proposing = Proposing(process, view)
    if meant:
        return guests.write(process, view, action, back, proposing)
    return _propose(process, proposing, action, back)


def _propose(process: Process, proposing: Proposing, action: str, back: str) -> Answer:
    person, placed = current_person(), proposing.placed
    standing = standing_of(person, process.id, Activity.propose)
    opens_at = next_opening(process.id, Activity.propose) if standing.opening is None else None
    if standing.opening is None and request.method == "GET":
        return render_template("contributions/closed.html", process=process, opens_at=opens_at, back=back)
    # A browser that was offered no organisation sends none.
    offers = request.method == "GET" or "organisation_id" in request.form
    form = proposing.bind(ProposeForm(organisations=speaks_for(person.id) if offers else ()))
    status = 409 if proposing.shows_newer or proposing.retired() else 200
    if proposing.is_right():
        try:
            contribution = operations.submit(
                process,
                actor=person,
                text=entered(form.text),
                stance=Stance.change,
                element_id=placed.element_id,
                kind=Kind.wording_proposal,
                organisation_id=form.spoken_for(),
                seen=proposing.seen,
                proposed=proposing.proposed,
                at_most=at_most(),
            )
            return arrived(process, contribution)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
    page = render_template(
        "contributions/propose.html",
        process=process,
        form=form,
        proposing=proposing,
        placed=placed,
        action=action,
        back=back,
        closed=standing.opening is None,
        opens_at=opens_at,
        premoderated=waits(standing),
        has_rules=standing.has_rules,
        autosave=f"propose-{person.id}-{process.id}-{placed.element_id}",
    )
    return page, status


@bp.route("/p/<slug>/contributions/<int:number>/proposal", methods=["GET", "POST"])
@keeps_text
def edit_proposal(slug: str, number: int) -> Answer:
    """Correct one's own proposal, in time: the words, the reason, or both."""
    process = load_process(slug)
    if (text_kept := kept.page(process)) is not None:
        return text_kept
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_edit, contribution)
    g.zone = process.zone
    proposed = proposals.newest_proposed(contribution)
    if proposed is None or contribution.wording_id is None:
        if request.method == "POST":
            raise Refused(_("There is no published text here for which other words could be proposed."))
        return redirect(url_for("contributions.edit", slug=slug, number=number), 303)
    base = db.session.get_one(Wording, contribution.wording_id)
    form = EditProposalForm(
        text=operations.newest_text(contribution), proposed=proposed, base=str(contribution.revision)
    )
    theirs, status, preview = None, 200, None
    if request.form.get("step") == PREVIEW:
        preview = preview_of(base, entered(form.proposed))
    elif form.validate_on_submit():
        try:
            return _changed(process, contribution, form)
        except Conflict as conflict:
            # What stands there now is shown; sending again replaces it knowingly.
            theirs, status = conflict.theirs, 409
            form.base.data = str(conflict.current_id)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
    elif request.method == "GET" and not contribution.is_editable(clock.now()):
        raise Refused(_("This contribution can no longer be changed. You can write a new one or withdraw it."))
    page = render_template(
        "contributions/propose_edit.html",
        process=process,
        form=form,
        number=f"{process.code}-{number}",
        base=base,
        preview=preview,
        theirs=theirs,
        theirs_change=proposals.as_difference(base.markdown, proposed) if theirs is not None else None,
        waits_again=operations.goes_back_to_moderation(contribution, person),
        until=contribution.may_edit_until() if contribution.state == State.published else None,
        action=url_for("contributions.edit_proposal", slug=slug, number=number),
        back=url_for("contributions.show", slug=slug, number=number),
        autosave=f"edit-{person.id}-{contribution.id}",
    )
    return page, status


def _changed(process: Process, contribution: Contribution, form: EditProposalForm) -> Response:
    changed = operations.edit(
        contribution, current_person(), entered(form.text), form.base_revision(), proposed=entered(form.proposed)
    )
    if not changed:
        flash(_("Nothing was changed."), "info")
    elif contribution.state == State.pending:
        flash(_("Your changed text has arrived. A moderator looks at it before it appears."), "success")
    else:
        flash(_("Your text has been changed."), "success")
    return commit_and_go(url_for("contributions.show", slug=process.slug, number=contribution.number))
