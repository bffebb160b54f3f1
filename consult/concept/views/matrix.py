"""Tables over the text: which fields work for which themes, which measures serve which goals."""

from flask import render_template, request, url_for

from consult.authz import authorize, current_person
from consult.concept import policy, queries
from consult.concept.matrix import measure_by_goal, theme_by_field
from consult.concept.models import ConceptKind, ElementKind, Version
from consult.concept.tree import Row, links_in, outline
from consult.concept.views.blueprint import bp
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Process

WORKING = "working"


def _text_of(process: Process) -> Version | None:
    """The version the table is about: the newest one this person may read, for editors the working text on demand."""
    if request.args.get("text") == WORKING:
        authorize(policy.can_see_working_text, process)
    else:
        authorize(processes.can_read, process)
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == ConceptKind.concept), None)
    if concept is None:
        return None
    if request.args.get("text") == WORKING:
        return queries.working_version(concept.id)
    return queries.newest_versions(process.id, queries.audiences_open_to(current_person(), process)).get(concept.id)


def _rows(version: Version | None) -> tuple[list[Row], list[tuple[int, int]]]:
    if version is None:
        return [], []
    return outline([version.id])[version.id], links_in([version.id])


@bp.get("/p/<slug>/concept/matrix")
@rendered_once
def matrix(slug: str) -> str:
    """Theme x field: how many measures of a field serve goals of a theme."""
    process = load_process(slug)
    version = _text_of(process)
    rows, links = _rows(version)
    text = WORKING if version is not None and version.number is None else None
    return render_template(
        "concept/matrix.html", process=process, version=version, table=theme_by_field(rows, links), text=text,
        can_see_working_text=policy.can_see_working_text,
        goals_url=url_for("concept.matrix_goals", slug=slug, text=text),
    )  # fmt: skip


@bp.get("/p/<slug>/concept/matrix/goals")
@rendered_once
def matrix_goals(slug: str) -> str:
    """Goal x measure, for all themes and fields or for one of each."""
    process = load_process(slug)
    version = _text_of(process)
    rows, links = _rows(version)
    by_key = {row.key: row for row in rows}

    def chosen(name: str, kind: ElementKind) -> Row | None:
        row = by_key.get(request.args.get(name, ""))
        return row if row is not None and row.kind == kind else None

    theme, field = chosen("theme", ElementKind.theme), chosen("field", ElementKind.field)
    return render_template(
        "concept/matrix_goals.html", process=process, version=version, theme=theme, field=field,
        table=measure_by_goal(rows, links, theme.key if theme else None, field.key if field else None),
        themes=[row for row in rows if row.kind == ElementKind.theme],
        fields=[row for row in rows if row.kind == ElementKind.field],
        text=WORKING if version is not None and version.number is None else None,
        can_see_working_text=policy.can_see_working_text,
    )  # fmt: skip
