"""How the text came about: all versions with what changed, and the life of one element."""

from typing import Any

from flask import abort, g, render_template

from consult import authz
from consult.authz import authorize, current_person
from consult.concept import history as past
from consult.concept import policy, queries
from consult.concept.models import ConceptKind
from consult.concept.views.blueprint import bp
from consult.concept.words import audience_names, change_names, kind_names
from consult.contributions import sources
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process


@bp.get("/p/<slug>/concept/versions")
@rendered_once
def versions(slug: str) -> str:
    """All versions, newest first, with what changed and why."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    audiences = queries.audiences_open_to(current_person(), process)
    rows: list[dict[str, Any]] = []
    for concept in queries.concepts_of(process.id):
        for version in queries.versions_of(concept.id, audiences):
            changes = past.changelog(version)
            rows.append(
                {"concept": concept, "version": version, "changes": changes, "count": len(changes),
                 "which": "charter" if concept.kind == ConceptKind.charter else "concept"}
            )  # fmt: skip
    rows.sort(key=lambda row: row["version"].sealed_at, reverse=True)
    names = queries.names_of(
        process, {change.element_id for row in rows for change in row["changes"]}, current_person()
    )
    behind = sources.sources_of([change.id for row in rows for change in row["changes"]])
    return render_template(
        "concept/versions.html", process=process, rows=rows, names=names, sources=behind,
        audiences=audience_names(), changes=change_names(),
    )  # fmt: skip


@bp.get("/p/<slug>/e/<key>/history")
@rendered_once
def history(slug: str, key: str) -> str:
    """How an element came about: every wording with its reason and its sources, newest first."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    person = current_person()
    found = queries.element_or_404(process.id, key)
    include_working = authz.allowed(policy.can_see_working_text, process)
    entries = past.history(found, queries.audiences_open_to(person, process), include_working=include_working)
    if not entries:
        abort(404)
    g.zone = process.zone
    behind = sources.sources_of([entry.change_id for entry in entries])
    related = {ident for entry in entries for ident, _key in entry.origins + entry.heirs}
    names = queries.names_of(process, related | {found.id}, person)
    return render_template(
        "concept/history.html", process=process, element=found, entries=entries, sources=behind, names=names,
        changes=change_names(), name=names[found.id].heading if found.id in names else key,
        kind=kind_names()[found.kind],
    )  # fmt: skip
