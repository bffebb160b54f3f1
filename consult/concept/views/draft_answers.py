"""Group drafts from the editors' side: adopt, adopt changed, return."""

from typing import Any

from flask import flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import draft_queries, drafts, policy
from consult.concept.draft_forms import AdoptForm, ReturnForm, adapt_form
from consult.concept.merging import merge_fields
from consult.concept.models import Draft, DraftState, Element, Wording
from consult.concept.operations import Text
from consult.concept.views.blueprint import bp
from consult.concept.views.drafting import differences, heading_of, id_in, load_draft, typed_words
from consult.concept.words import detail_names, kind_names
from consult.concept.working import as_fields
from consult.contributions import sources
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.groups.models import Group
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def _load(slug: str, draft_id: int) -> tuple[Process, Draft, Wording]:
    """Process, draft, and what the working text says now, for an editor who answers. Refused when there is no use."""
    process, draft = load_draft(slug, draft_id)
    authorize(policy.can_answer_draft, process, draft)
    if draft.state != DraftState.submitted:
        raise Refused(_("This draft does not wait for an answer any more. Please look at its present state."))
    placed = draft_queries.working_wording(draft.element)
    if placed is None:
        raise Refused(_("This part is no longer in the working text. Return the draft and tell the group where."))
    return process, draft, placed


def _reason(draft: Draft) -> str:
    """The group's reason, with its name: who reads the history sees where the words are from."""
    group = db.session.get_one(Group, draft.group_id).name
    return _("Draft by %(group)s: %(reason)s", group=group, reason=draft.reason)


def _adopt(process: Process, draft: Draft, form: Any, text: Text | None) -> Response:
    change = drafts.adopt(
        draft, id_in(form.base), reason=entered(form.reason), actor=current_person(), process=process, text=text
    )
    sources.hand_over(draft, change)
    flash(_("The draft is in the working text. It becomes public with the next version."), "success")
    return commit_and_go(url_for("concept.draft", slug=process.slug, draft_id=draft.id))


def _context(process: Process, element: Element, draft_id: int) -> dict[str, Any]:
    return {
        "process": process, "draft_id": draft_id, "heading": heading_of(process, element),
        "kind": kind_names()[element.kind],
    }  # fmt: skip


@bp.route("/p/<slug>/drafts/<int:draft_id>/adopt", methods=["GET", "POST"])
@keeps_text
def draft_adopt(slug: str, draft_id: int) -> str | Response | tuple[str, int]:
    """Take the group's words as they are. When the text has moved on meanwhile, both are shown."""
    process, draft, placed = _load(slug, draft_id)
    element, candidate = draft.element, draft.wording
    base = db.session.get_one(Wording, draft.base_wording_id)
    form = AdoptForm(data={"reason": _reason(draft), "base": placed.id})
    status = 200
    if form.validate_on_submit():
        try:
            return _adopt(process, draft, form, None)
        except (Conflict, Refused) as refused:
            db.session.rollback()
            status = 409 if isinstance(refused, Conflict) else 200
            form.form_errors.append(
                refused.message
                if isinstance(refused, Refused)
                else _("Somebody changed the text just now. Please look at it again before you adopt the draft.")
            )
            placed = draft_queries.working_wording(element) or placed
            form.base.data = str(placed.id)
    page = render_template(
        "concept/draft_adopt.html",
        **_context(process, element, draft_id),
        form=form,
        rows=differences(placed, candidate, element.kind),
        newer=[] if drafts.same_words(base, placed) else differences(base, placed, element.kind),
    )
    return (page, status)


@bp.route("/p/<slug>/drafts/<int:draft_id>/adapt", methods=["GET", "POST"])
@keeps_text
def draft_adapt(slug: str, draft_id: int) -> str | Response | tuple[str, int]:
    """Make one's own words of the draft; the group stays named."""
    process, draft, placed = _load(slug, draft_id)
    element, candidate = draft.element, draft.wording
    base = db.session.get_one(Wording, draft.base_wording_id)
    # What others changed meanwhile comes along where it fits; where it does not, the group's words stand.
    merged = merge_fields(as_fields(base), as_fields(placed), as_fields(candidate), ("title", "markdown"))
    form = adapt_form(element.kind)(
        data={name: row.suggestion for name, row in merged.items()} | {"reason": _reason(draft), "base": placed.id}
    )
    conflict: Conflict | None = None
    if form.validate_on_submit():
        try:
            return _adopt(process, draft, form, typed_words(form, element.kind, candidate))
        except Conflict as stale:
            conflict = stale
            form.base.data = str(stale.current_id)
        except Refused as refused:
            form.form_errors.append(refused.message)
        db.session.rollback()
        placed = draft_queries.working_wording(element) or placed
    page = render_template(
        "concept/draft_adapt.html",
        **_context(process, element, draft_id),
        form=form,
        rows=differences(placed, candidate, element.kind),
        newer=[] if drafts.same_words(base, placed) else differences(base, placed, element.kind),
        conflict=conflict,
        clashes=sum(len(row.clashes) for row in merged.values()),
        details=detail_names(element.kind),
        lang=candidate.lang,
    )
    return (page, 409) if conflict else page


@bp.route("/p/<slug>/drafts/<int:draft_id>/return", methods=["GET", "POST"])
@keeps_text
def draft_return(slug: str, draft_id: int) -> str | Response:
    """Give the draft back to its group, with a word why."""
    process, draft = load_draft(slug, draft_id)
    authorize(policy.can_answer_draft, process, draft)
    element, form = draft.element, ReturnForm()
    if form.validate_on_submit():
        drafts.give_back(draft, entered(form.note), actor=current_person(), process=process)
        flash(_("The group has the draft back, with your note."), "success")
        return commit_and_go(url_for("concept.draft", slug=slug, draft_id=draft_id))
    if draft.state != DraftState.submitted:
        raise Refused(_("This draft does not wait for an answer any more. Please look at its present state."))
    return render_template("concept/draft_return.html", **_context(process, element, draft_id), form=form)
