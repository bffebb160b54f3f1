"""Writing: to an element, to the process as a whole, to somebody else; correcting, withdrawing, agreeing."""

from typing import Any

from flask import abort, current_app, flash, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.queries import speaks_for
from consult.authz import authorize, current_person
from consult.concept import queries as concept
from consult.concept.queries import ElementView
from consult.contributions import operations, policy, queries
from consult.contributions.forms import CommentForm, EditForm, ReplyForm
from consult.contributions.models import Contribution, Kind, ReactionKind, Stance, State
from consult.contributions.openness import Standing, standing_at, standing_of
from consult.contributions.screening import state_for
from consult.contributions.views import guests, kept, similar
from consult.contributions.views.blueprint import bp
from consult.errors import Conflict, Refused
from consult.forms import Form
from consult.processes.loading import load_process
from consult.processes.models import Activity, Process
from consult.processes.queries import next_opening
from consult.web import commit_and_go, form_answer, keeps_text, safe_next

Answer = Response | str | tuple[str, int]


def arrived(process: Process, contribution: Contribution) -> Response:
    """Thank the author and lead to the contribution's own page, which says what happens next."""
    number = f"{process.code}-{contribution.number}"
    if contribution.state == State.pending:
        flash(_("Thank you. Your contribution has arrived as %(number)s.", number=number), "success")
    else:
        flash(_("Thank you. Your contribution is published as %(number)s.", number=number), "success")
    return commit_and_go(url_for("contributions.show", slug=process.slug, number=contribution.number))


def answer_of(process: Process) -> dict[str, Any] | None:
    """Where the form leads, as `arrived` does: known before the number is, so that it is written down with it."""
    # A number is the last thing in it.
    return form_answer(url_for("contributions.show", slug=process.slug, number=0)[:-1], sealed=False)


def at_most() -> int:
    """How many contributions one person may send within an hour."""
    return int(current_app.config["CONTRIBUTIONS_PER_HOUR"])


def waits(standing: Standing) -> bool:
    """Whether what this person sends now is read by a moderator before it appears. A rule may still hold it back."""
    return standing.opening is None or state_for(standing.opening.moderation, standing.level) == State.pending


def _refused(form: Form, refusal: Refused) -> None:
    """Say it above the form, in which everything typed still stands."""
    form.form_errors.append(refusal.message)


def _view(process: Process, key: str) -> ElementView:
    """The element written to. Raises `Refused` when it is no longer part of the text."""
    view = concept.element_view(process.id, key, concept.audiences_open_to(current_person(), process))
    if view is None:
        abort(404)
    if view.retired:
        authorize(policy.can_write_as_guest, process)
        raise Refused(_("This part has been replaced. Please write to the part that stands in its place today."))
    return view


def _write(process: Process, key: str | None, action: str, back: str) -> Answer:
    """The form to an element or to the process as a whole."""
    if guests.is_meant():
        return guests.write(process, _view(process, key) if key else None, action, back)
    authorize(policy.can_write, process)
    g.zone = process.zone
    person = current_person()
    # A browser that was offered no organisation sends none.
    offers = request.method == "GET" or "organisation_id" in request.form
    form = CommentForm(organisations=speaks_for(person.id) if offers else (), process=process)
    status = 200
    # What is sent and stored needs no look at the element's words.
    sent = request.method == "POST" and not similar.asked()
    known = standing_at(person, process, Activity.comment, key) if key and sent else None
    view = _view(process, key) if key and known is None else None
    place = known[1] if known else view and view.place
    if sent and form.validate_on_submit():
        try:
            contribution = operations.submit(
                process,
                actor=person,
                text=form.text.data or "",
                stance=Stance(form.stance.data),
                element_id=place.element_id if place else None,
                kind=Kind.comment,
                lang=form.lang.data,
                organisation_id=form.spoken_for(),
                seen=(place.version_id, place.wording_id) if place else None,
                at_most=at_most(),
                standing=known[0] if known else None,
                answer=answer_of(process),
            )
            return arrived(process, contribution)
        except Refused as refusal:
            _refused(form, refusal)
            status = 409
    view = view or (_view(process, key) if key else None)
    standing = standing_of(person, process.id, Activity.comment)
    opens_at = next_opening(process.id, Activity.comment) if standing.opening is None else None
    if standing.opening is None and request.method == "GET":
        return render_template("contributions/closed.html", process=process, opens_at=opens_at, back=back)
    page = render_template(
        "contributions/write.html",
        process=process,
        form=form,
        action=action,
        back=back,
        placed=view.placed if view else None,
        closed=standing.opening is None,
        opens_at=opens_at,
        premoderated=waits(standing),
        has_rules=standing.has_rules,
        helping_url=f"{action}/for-somebody",
        similar_url=f"{action}/similar",
        similar=similar.found(process, place.element_id if place else None),
        autosave=f"comment-{person.id}-{process.id}-{place.element_id if place else 0}",
    )
    return page, status


@bp.route("/p/<slug>/e/<key>/comment", methods=["GET", "POST"])
@keeps_text
def create(slug: str, key: str) -> Answer:
    """Comment on an element, with an account or without one."""
    action = url_for("contributions.create", slug=slug, key=key)
    return _write(load_process(slug), key, action, url_for("concept.element", slug=slug, key=key))


@bp.route("/p/<slug>/comment", methods=["GET", "POST"])
@keeps_text
def create_for_process(slug: str) -> Answer:
    """Say something about the process as a whole."""
    action = url_for("contributions.create_for_process", slug=slug)
    return _write(load_process(slug), None, action, url_for("contributions.index", slug=slug))


@bp.route("/p/<slug>/contributions/<int:number>/reply", methods=["GET", "POST"])
@keeps_text
def reply(slug: str, number: int) -> Answer:
    """Answer another contribution."""
    process = load_process(slug)
    if (text_kept := kept.page(process)) is not None:
        return text_kept
    person = current_person()
    parent = queries.visible_or_404(process, number, person)
    authorize(policy.can_write, process)
    g.zone = process.zone
    if parent.state != State.published:
        raise Refused(_("This contribution cannot be answered."))
    back = url_for("contributions.show", slug=slug, number=number)
    form = ReplyForm()
    status = 200
    if form.validate_on_submit():
        try:
            answer = operations.submit(
                process, actor=person, text=form.text.data or "", stance=None, reply_to=parent, lang=form.lang.data,
                at_most=at_most(), answer=answer_of(process),
            )  # fmt: skip
            return arrived(process, answer)
        except Refused as refusal:
            _refused(form, refusal)
            status = 409
    standing = standing_of(person, process.id, Activity.comment)
    opens_at = next_opening(process.id, Activity.comment) if standing.opening is None else None
    if standing.opening is None and request.method == "GET":
        return render_template("contributions/closed.html", process=process, opens_at=opens_at, back=back)
    page = render_template(
        "contributions/reply.html",
        process=process,
        form=form,
        parent=queries.shown_alone(process, parent, person),
        back=back,
        closed=standing.opening is None,
        opens_at=opens_at,
        premoderated=waits(standing),
        has_rules=standing.has_rules,
        autosave=f"reply-{person.id}-{parent.id}",
    )
    return page, status


@bp.route("/p/<slug>/contributions/<int:number>/edit", methods=["GET", "POST"])
@keeps_text
def edit(slug: str, number: int) -> Answer:
    """Correct one's own words, in time."""
    process = load_process(slug)
    if (text_kept := kept.page(process)) is not None:
        return text_kept
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_edit, contribution)
    g.zone = process.zone
    form = EditForm(text=operations.newest_text(contribution), base=str(contribution.revision))
    theirs, status = None, 200
    if form.validate_on_submit():
        try:
            changed = operations.edit(contribution, person, form.text.data or "", form.base_revision())
            if not changed:
                flash(_("Nothing was changed."), "info")
            elif contribution.state == State.pending:
                flash(_("Your changed text has arrived. A moderator looks at it before it appears."), "success")
            else:
                flash(_("Your text has been changed."), "success")
            return commit_and_go(url_for("contributions.show", slug=slug, number=number))
        except Conflict as conflict:
            # Both texts are shown; sending again replaces the newer one knowingly.
            theirs, status = conflict.theirs, 409
            form.base.data = str(conflict.current_id)
        except Refused as refusal:
            _refused(form, refusal)
            status = 409
    elif request.method == "GET" and not contribution.is_editable(clock.now()):
        raise Refused(_("This contribution can no longer be changed. You can write a new one or withdraw it."))
    page = render_template(
        "contributions/edit.html",
        process=process,
        form=form,
        contribution=contribution,
        number=f"{process.code}-{number}",
        theirs=theirs,
        waits_again=operations.goes_back_to_moderation(contribution, person),
        until=contribution.may_edit_until() if contribution.state == State.published else None,
        back=url_for("contributions.show", slug=slug, number=number),
        autosave=f"edit-{person.id}-{contribution.id}",
    )
    return page, status


@bp.route("/p/<slug>/contributions/<int:number>/withdraw", methods=["GET", "POST"])
def withdraw(slug: str, number: int) -> Answer:
    """Take it back, after being asked once."""
    process = load_process(slug)
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_withdraw, contribution)
    if request.method == "POST":
        operations.withdraw(contribution, person)
        flash(_("Your contribution has been withdrawn."), "success")
        return commit_and_go(url_for("contributions.show", slug=slug, number=number))
    if contribution.state not in (State.pending, State.published):
        raise Refused(_("This contribution is not shown any more."))
    return render_template(
        "contributions/withdraw.html",
        process=process,
        item=queries.shown_alone(process, contribution, person),
        back=url_for("contributions.show", slug=slug, number=number),
    )


#: What the buttons offer; leaving something open needs no button.
OFFERED = (ReactionKind.agree, ReactionKind.disagree)


@bp.post("/p/<slug>/contributions/<int:number>/react")
def react(slug: str, number: int) -> Response:
    """Say that one thinks so too or sees it differently, or take it back."""
    process = load_process(slug)
    person = current_person()
    authorize(policy.can_react, process)
    contribution, opening = queries.to_react_or_404(process, number, person)
    kind = request.form.get("kind", ReactionKind.agree)
    if kind not in OFFERED:
        abort(400)
    back = safe_next(request.form.get("next"), url_for("contributions.show", slug=slug, number=number))
    if request.form.get("take_back"):
        operations.take_back(contribution, person)
        flash(_("Taken back."), "success")
    else:
        is_open, answer = opening is not None, form_answer(back)
        operations.react(contribution, person, ReactionKind(kind), is_open=is_open, answer=answer)
        if kind == ReactionKind.agree:
            thanks = _("Thank you. It is counted that you think so too.")
        else:
            thanks = _("Thank you. It is counted that you see it differently.")
        flash(thanks, "success")
    return commit_and_go(back)
