"""What a group works on."""

from typing import Any

from flask import flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import allowed, authorize, current_person
from consult.concept import draft_queries, drafts, policy, queries
from consult.concept.draft_forms import MandateForm
from consult.concept.models import Draft, ElementKind
from consult.concept.views.blueprint import bp
from consult.concept.views.working import concepts_at_work
from consult.concept.words import draft_state_names, kind_names
from consult.processes.loading import load_process
from consult.processes.models import ProcessState
from consult.processes.policy import is_editor
from consult.processes.queries import group_at_work_or_404
from consult.web import commit_and_go, keeps_text

#: What a mandate may name below the top of the text; needs, examples and single measures come with what they stand in.
CHOOSABLE = (ElementKind.goal, ElementKind.measure_group, ElementKind.theme, ElementKind.field, ElementKind.chapter)


@bp.get("/p/<slug>/groups/<int:group_id>/mandate")
def mandate(slug: str, group_id: int) -> str:
    """The parts a group works on, with its drafts for them."""
    process = load_process(slug)
    authorize(policy.can_see_mandates, process)
    group = group_at_work_or_404(process.id, group_id)
    person = current_person()
    member = draft_queries.is_member(person, process.id, group.id)
    wanted = set(draft_queries.mandate_of(group.id, process.id))
    versions = queries.newest_versions(process.id, queries.audiences_open_to(person, process))
    sections: list[dict[str, Any]] = []
    for concept in queries.concepts_of(process.id):
        if wanted and concept.id in versions:
            rows = _within(queries.placed_in(versions[concept.id].id, plain=False), wanted)
            if rows:
                sections.append({"concept": concept, "rows": rows})
    shown = [row["placed"].element_id for section in sections for row in section["rows"]]
    known: dict[int, Draft] = {}
    if member or is_editor(person, process):
        known = draft_queries.alive_of_group(group.id, shown)
    return render_template(
        "concept/mandate.html",
        process=process,
        group=group,
        sections=sections,
        unpublished=len(wanted - set(shown)),
        drafts=known,
        states=draft_state_names(),
        kinds=kind_names(),
        may_draft=member and group.closed_at is None and process.state != ProcessState.archived,
        sees_drafts=member or is_editor(person, process),
        may_set=allowed(policy.can_set_mandate, process),
    )


def _within(rows: list[queries.Placed], wanted: set[int]) -> list[dict[str, Any]]:
    """The wanted elements and all below them, in reading order, with their depth below the wanted one."""
    depths: dict[int, int] = {}
    for row in rows:  # parents come before what stands below them
        if row.parent_id in depths:
            depths[row.element_id] = depths[row.parent_id] + 1
        elif row.element_id in wanted:
            depths[row.element_id] = 0
    return [{"placed": row, "depth": depths[row.element_id]} for row in rows if row.element_id in depths]


@bp.route("/p/<slug>/groups/<int:group_id>/mandate/edit", methods=["GET", "POST"])
@keeps_text
def mandate_edit(slug: str, group_id: int) -> str | Response:
    """Choose the parts a group works on."""
    process = load_process(slug)
    authorize(policy.can_set_mandate, process)
    group = group_at_work_or_404(process.id, group_id)
    present = draft_queries.mandate_of(group.id, process.id)
    form = MandateForm(elements=present)
    form.elements.choices = [
        (row.element_id, "\u2003" * row.depth + row.heading)
        for _concept, version in concepts_at_work(process)
        for row in queries.placed_in(version.id, plain=False)
        if row.depth == 0 or row.kind in CHOOSABLE or row.element_id in present
    ]
    if form.validate_on_submit():
        if drafts.change_mandate(group, form.elements.data or [], actor=current_person(), process=process):
            flash(_("The mandate is changed. Drafts that were begun are finished."), "success")
        else:
            flash(_("Nothing was changed."), "info")
        return commit_and_go(url_for("concept.mandate", slug=slug, group_id=group.id))
    return render_template("concept/mandate_edit.html", process=process, group=group, form=form)
