"""Group drafts: the list of them, beginning one, and its page."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import allowed, authorize, current_person
from consult.concept import difference, draft_queries, drafts, policy, queries
from consult.concept.models import Change, Draft, DraftState, Element, Wording
from consult.concept.operations import Text
from consult.concept.views.blueprint import bp
from consult.concept.words import detail_names, draft_act_names, draft_state_names, kind_names
from consult.contributions import sources
from consult.extensions import db
from consult.forms import entered
from consult.groups.models import Group
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.processes.policy import is_editor
from consult.web import MAX_ID, commit_and_go, row_id

#: Lists of drafts -> the states that stand in them.
LISTS: dict[str, tuple[DraftState, ...]] = {
    "waiting": (DraftState.submitted,),
    "writing": (DraftState.open, DraftState.returned),
    "adopted": (DraftState.adopted, DraftState.adapted),
    "withdrawn": (DraftState.withdrawn,),
}


def load_draft(slug: str, draft_id: int) -> tuple[Process, Draft]:
    """Process and draft for somebody who may see it."""
    process = load_process(slug)
    authorize(policy.can_see_drafts, process)
    draft = draft_queries.draft_or_404(process.id, draft_id)
    authorize(policy.can_see_draft, process, draft)
    return process, draft


def heading_of(process: Process, element: Element) -> str:
    """Number and name of an element as this person knows it."""
    names = queries.names_of(process, [element.id], current_person())
    return names[element.id].heading if element.id in names else element.key


def typed_words(form: Any, kind: str, before: Wording) -> Text:
    """The words of a form, with what the element says beside them."""
    details = dict(before.details) | {name: entered(form[name]) for name in detail_names(kind)}
    details = {name: value for name, value in details.items() if value}
    return Text(entered(form.title), entered(form.markdown), details, before.lang)


def id_in(field: Any) -> int:
    """The id in a hidden field, 0 when somebody tampered with it."""
    typed = entered(field)
    return int(typed) if typed.isdecimal() and int(typed) <= MAX_ID else 0


def differences(old: Wording, new: Wording, kind: str) -> list[dict[str, Any]]:
    """Title, text and fields where one of both says something, each as one text with its changes marked."""
    rows = [("", old.title, new.title), ("", old.markdown, new.markdown)]
    rows += [
        (label, str(old.details.get(name, "")), str(new.details.get(name, "")))
        for name, label in detail_names(kind).items()
    ]
    return [
        {"label": label, "shown": difference.render(difference.word_difference(before, after))}
        for label, before, after in rows
        if before or after
    ]


@bp.get("/p/<slug>/drafts", endpoint="drafts")
def index(slug: str) -> str:
    """The drafts of one's own groups; for editors those of all groups."""
    process = load_process(slug)
    authorize(policy.can_see_drafts, process)
    person = current_person()
    edits = is_editor(person, process)
    mine = None if edits else draft_queries.groups_of(person, process.id)
    chosen = request.args.get("list", "")
    if chosen not in LISTS:
        chosen = "waiting" if edits else "writing"
    before = request.args.get("before", type=row_id)
    rows = draft_queries.drafts_of(process.id, LISTS[chosen], group_ids=mine, before=before)
    shown = rows[: draft_queries.PAGE]
    counts = draft_queries.counts_by_state(process.id, mine)
    labels = {
        "waiting": _("With the editors"), "writing": _("Being written"), "adopted": _("Adopted"),
        "withdrawn": _("Withdrawn"),
    }  # fmt: skip
    url = url_for("concept.drafts", slug=slug)
    return render_template(
        "concept/drafts.html",
        process=process,
        rows=shown,
        names=queries.names_of(process, [row.element_id for row in shown], person),
        states=draft_state_names(),
        lists=[
            {"label": label, "url": f"{url}?list={name}", "current": name == chosen,
             "count": sum(counts.get(state, 0) for state in LISTS[name])}
            for name, label in labels.items()
        ],
        chosen=chosen,
        edits=edits,
        next_url=f"{url}?list={chosen}&before={shown[-1].id}" if len(rows) > len(shown) else None,
        first_url=f"{url}?list={chosen}" if before else None,
    )  # fmt: skip


@bp.route("/p/<slug>/e/<key>/draft", methods=["GET", "POST"])
def draft_begin(slug: str, key: str) -> str | Response:
    """Begin a draft for one's group, or go on with the one it has."""
    process = load_process(slug)
    authorize(policy.can_see_drafts, process)
    element = queries.element_or_404(process.id, key)
    authorize(policy.can_draft, process, element.id)
    person = current_person()
    groups = draft_queries.groups_drafting(person, process.id, element.id)
    if request.method == "POST":
        wanted = request.form.get("group_id") or str(groups[0].id)
        group = next((one for one in groups if str(one.id) == wanted), None)
        if group is None:
            abort(404)
        draft, fresh = drafts.begin(group, element, actor=person, process=process)
        if not fresh:
            flash(_("Your group has a draft for this part already. Here it is."), "info")
            home = db.session.get_one(Process, draft.process_id)
            return commit_and_go(url_for("concept.draft", slug=home.slug, draft_id=draft.id))
        flash(_("The draft is begun. Everybody in the group can write on it."), "success")
        return commit_and_go(url_for("concept.draft_edit", slug=slug, draft_id=draft.id))
    readable = draft_queries.readable_wording(element)
    stands = readable is not None and draft_queries.working_wording(element) is not None
    return render_template(
        "concept/draft_begin.html",
        process=process,
        element=element,
        heading=heading_of(process, element),
        kind=kind_names()[element.kind],
        groups=groups,
        alive=draft_queries.alive_drafts(element.id, [group.id for group in groups]),
        states=draft_state_names(),
        readable=readable,
        stands=stands,
        heirs=[] if stands else _heirs(process, element),
    )


def _heirs(process: Process, element: Element) -> list[queries.Placed]:
    """What a replaced element became, as far as this person may read it."""
    heirs = draft_queries.living_heirs(element)
    names = queries.names_of(process, [heir.id for heir in heirs], current_person())
    return [names[heir.id] for heir in heirs if heir.id in names]


@bp.get("/p/<slug>/drafts/<int:draft_id>")
def draft(slug: str, draft_id: int) -> str:
    """A draft with what it changes, why, where it comes from, and what happened to it."""
    process, found = load_draft(slug, draft_id)
    person = current_person()
    element, candidate = found.element, found.wording
    base = db.session.get_one(Wording, found.base_wording_id)
    edits = is_editor(person, process)
    # Editors compare with the working text, the group with what it may read.
    now = draft_queries.working_wording(element) if edits else draft_queries.readable_wording(element)
    alive = found.state in draft_queries.ALIVE
    stands = not alive or draft_queries.working_wording(element) is not None
    moved_on = alive and now is not None and not drafts.same_words(now, base)
    old = now if alive and edits and now is not None else base
    return render_template(
        "concept/draft.html",
        process=process,
        draft=found,
        element=element,
        group=db.session.get_one(Group, found.group_id),
        heading=heading_of(process, element),
        kind=kind_names()[element.kind],
        state=draft_state_names()[found.state],
        candidate=candidate,
        written=not drafts.same_words(base, candidate),
        rows=differences(old, candidate, element.kind),
        compared="now" if old is now else "base",
        newer=differences(base, now, element.kind) if moved_on and now is not None else [],
        moved_on=moved_on,
        made_of_it=_made_of_it(process, found, candidate),
        stands=stands,
        heirs=[] if stands else _heirs(process, element),
        sources=sources.draft_sources(found.id),
        acts=draft_queries.acts_of(found.id),
        question=draft_queries.question_to(found),
        act_names=draft_act_names(),
        edits=edits,
        writable=found.state in drafts.WRITABLE,
        may_write=allowed(policy.can_write_draft, process, found),
        may_answer=allowed(policy.can_answer_draft, process, found),
    )


def _made_of_it(process: Process, found: Draft, candidate: Wording) -> list[dict[str, Any]] | None:
    """Where editors wrote other words: how they differ. Empty until a version this person may read has them."""
    if found.state != DraftState.adapted or found.change_id is None:
        return None
    change = db.session.get_one(Change, found.change_id)
    if not allowed(policy.can_see_working_text, process):
        newest = queries.newest_versions(process.id, queries.audiences_open_to(current_person(), process))
        version = newest.get(found.element.concept_id)
        if version is None or version.change_head < change.id:
            return []
    return differences(candidate, db.session.get_one(Wording, change.to_wording_id), found.element.kind)
