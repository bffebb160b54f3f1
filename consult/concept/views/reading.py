"""Reading the concept: its newest text, its versions, one element with everything that belongs to it."""

from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from consult import authz
from consult.authz import authorize, current_person
from consult.concept import policy, queries
from consult.concept.models import Concept, ConceptKind, ElementKind, Version
from consult.concept.views.blueprint import bp
from consult.concept.words import detail_names, kind_names
from consult.contributions import queries as contributions
from consult.contributions.words import stance_names
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Activity, Audience, Process
from consult.processes.queries import Opening, openings
from consult.web import row_id
from consult.weighing.queries import decisions_on

#: Elements that head a section of the page and its table of contents.
HEADINGS = (ElementKind.theme, ElementKind.field, ElementKind.chapter)


def as_element(
    row: queries.Placed, process: Process, counts: dict[int, dict[str, int]], commentable: bool
) -> dict[str, Any]:
    """An element as components/element.html wants it."""
    url = url_for("concept.element", slug=process.slug, key=row.key)
    labels = stance_names()
    here = counts.get(row.element_id, {})
    details = [(label, row.details[name]) for name, label in detail_names().items() if row.details.get(name)]
    if row.kind == ElementKind.measure and not details:
        details = [(_("Details"), _("not filled in yet"))]
    return {
        "id": row.element_id,
        "label": row.label,
        "anchor": row.key,
        "title": row.title,
        "url": url,
        "kind": row.kind,
        "kind_label": kind_names()[row.kind],
        "body_html": Markup(row.html) if row.html else None,  # noqa: S704  (sanitised when the wording was written)
        "lang": row.lang,
        "plain": row.plain,
        "counts": [{"stance": s, "label": label, "count": here.get(s, 0)} for s, label in labels.items()],
        "thread_url": url + "#contributions",
        "comment_url": url_for("contributions.create", slug=process.slug, key=row.key) if commentable else None,
        "is_sample": process.is_demo and not row.source,
        "source": row.source,
        "historic_on": None,
        "details": details,
        "depth": row.depth,
    }


def open_now(process: Process, activity: Activity, opened: dict[str, Opening]) -> bool:
    """Whether the button stands there for this visitor; guests are led to sign in by it."""
    opening = opened.get(activity)
    if opening is None:
        return False
    return Audience.public in opening.audiences or authz.allowed(processes.is_staff, process)


def _page_of(process: Process, parts: list[tuple[Concept, Version]], template: str, **context: Any) -> str:
    commentable = open_now(process, Activity.comment, openings(process.id))
    sections: list[dict[str, Any]] = []
    for concept, version in parts:
        rows = queries.placed_in(version.id)
        counts = contributions.counts(process.id, [row.element_id for row in rows])
        elements = [as_element(row, process, counts, commentable) for row in rows]
        sections.append({"concept": concept, "version": version, "elements": elements})
    toc = [
        {
            "label": section["concept"].title,
            "url": f"#concept-{section['concept'].id}",
            "children": [
                {"label": e["title"] or e["kind_label"], "number": e["label"], "url": f"#{e['anchor']}"}
                for e in section["elements"]
                if e["kind"] in HEADINGS and e["depth"] == 0
            ],
        }
        for section in sections
    ]
    return render_template(template, process=process, sections=sections, toc=toc, headings=HEADINGS, **context)


@bp.get("/p/<slug>/concept")
@rendered_once
def read(slug: str) -> str:
    """The newest text this person may read: charter and concept."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    audiences = queries.audiences_open_to(current_person(), process)
    newest = queries.newest_versions(process.id, audiences)
    parts = [(concept, newest[concept.id]) for concept in queries.concepts_of(process.id) if concept.id in newest]
    return _page_of(process, parts, "concept/read.html", number=None)


@bp.get("/p/<slug>/concept/versions/<int:number>", defaults={"which": "concept"})
@bp.get("/p/<slug>/charter/versions/<int:number>", defaults={"which": "charter"})
@rendered_once
def version(slug: str, number: int, which: str) -> str:
    """One sealed version, for good at this address."""
    process = load_process(slug)
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == which), None)
    if concept is None:
        abort(404)
    found = queries.version_or_404(concept.id, number, queries.audiences_open_to(current_person(), process))
    authorize(policy.can_read_version, process, found)
    return _page_of(process, [(concept, found)], "concept/read.html", number=number)


@bp.get("/p/<slug>/e/<key>")
@rendered_once
def element(slug: str, key: str) -> str | Response:
    """One element: its words, what it serves, what people say about it."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    person = current_person()
    audiences = queries.audiences_open_to(person, process)
    view = queries.element_view(process.id, key, audiences)
    if view is None:
        if authz.allowed(policy.can_see_working_text, process):
            queries.element_or_404(process.id, key)
            return redirect(url_for("concept.history", slug=slug, key=key), 303)
        abort(404)
    placed = view.placed
    opened = openings(process.id)
    commentable = not view.retired and open_now(process, Activity.comment, opened)
    before = request.args.get("before", type=row_id)
    thread = contributions.thread(
        process,
        placed.element_id,
        person,
        before=before,
        wording_id=placed.wording_id if placed.is_public else None,
        may_reply=commentable,
        may_react=open_now(process, Activity.react, opened),
    )
    thread.tell(decisions_on(thread.ids()))
    counts = contributions.counts(process.id, [placed.element_id])
    heirs = queries.names_of(process, queries.heirs_of(placed.element_id), person) if view.retired else {}
    serves, served_by = queries.links_of(process.id, audiences, placed.element_id)
    url = url_for("concept.element", slug=slug, key=key)
    return render_template(
        "concept/element.html",
        process=process,
        view=view,
        placed=placed,
        serves=serves,
        served_by=served_by,
        element=as_element(placed, process, counts, commentable),
        thread=thread,
        next_url=f"{url}?before={thread.next_cursor}#contributions" if thread.next_cursor else None,
        newer_url=f"{url}#contributions" if before else None,
        heirs=list(heirs.values()),
        commentable=commentable,
        kinds=kind_names(),
        can_edit_text=policy.can_edit_text,
    )
