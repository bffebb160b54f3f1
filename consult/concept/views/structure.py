"""The editors' desk: the working text at a glance, the tools of one element, and new elements."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import operations, policy, queries
from consult.concept.kinds import PARENTS, SERVES, kinds_below, may_stand
from consult.concept.models import ConceptKind, Element, ElementKind
from consult.concept.operations import Part, Text
from consult.concept.structure_forms import NewCharterForm, NewElementForm, details_of, form_for_new
from consult.concept.tree import Row, Work, gaps, links_in, on_the_desk, taken_out
from consult.concept.views.blueprint import bp
from consult.concept.views.working import element_in_work, name_sources, named_contributions
from consult.concept.words import detail_names, kind_hints, kind_names
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

#: The place of the first part of all: it brings the concept itself about.
FIRST = "first"


def back_to(process: Process, key: str) -> str:
    """Where an element stands in the working text."""
    return url_for("concept.working", slug=process.slug) + f"#{key}"


@bp.get("/p/<slug>/concept/working")
def working(slug: str) -> str:
    """The working text at a glance, with what should be looked at; `kind` and `show` narrow the list."""
    process = load_process(slug)
    authorize(policy.can_see_working_text, process)
    works = on_the_desk(process.id)
    links = links_in([work.version.id for work in works])
    found = gaps([(work.concept.kind, work.rows) for work in works], links)
    show = request.args.get("show", "")
    lists = {
        "same-number": found.same_number,
        "serves-nothing": found.serves_nothing,
        "unserved": found.unserved,
        "unanswered": found.unanswered,
    }
    wanted = lists.get(show)
    counts: dict[str, int] = {}
    for row in (row for work in works for row in work.rows):
        counts[row.kind] = counts.get(row.kind, 0) + 1
    kind = request.args.get("kind", "")
    kind = kind if kind in counts else ""
    return render_template(
        "concept/working.html",
        process=process,
        works=works,
        shown={
            work.concept.id: [
                row
                for row in work.rows
                if (not kind or row.kind == kind) and (wanted is None or row.element_id in wanted)
            ]
            for work in works
        },
        filtered=bool(kind) or wanted is not None,
        kind=kind,
        show=show if wanted is not None else "",
        counts={name: counts[name] for name in kind_names() if name in counts},
        gaps=found,
        gone=taken_out([work.concept.id for work in works]),
        kinds=kind_names(),
        has_charter=any(work.concept.kind == ConceptKind.charter for work in works),
    )


def work_with(process: Process, element: Element) -> tuple[list[Work], Work, Row]:
    """All texts on the desk, the one with this element, and its row; refused when it is no longer there."""
    works = on_the_desk(process.id)
    for work in works:
        for row in work.rows:
            if row.element_id == element.id:
                return works, work, row
    raise Refused(_("This part is no longer in the working text."))


@bp.get("/p/<slug>/e/<key>/tools")
def tools(slug: str, key: str) -> str:
    """One element of the working text: where it stands, what it says, and everything that can be done with it."""
    process = load_process(slug)
    authorize(policy.can_see_working_text, process)
    element, placed = element_in_work(process, key)
    works, work, row = work_with(process, element)
    rows = {other.element_id: other for each in works for other in each.rows}
    links = links_in([each.version.id for each in works])
    above: list[Row] = []
    while row.parent if not above else above[-1].parent:
        above.append((above[-1] if above else row).parent)  # type: ignore[arg-type]  # asked one line above
    return render_template(
        "concept/tools.html",
        process=process,
        concept=work.concept,
        placed=placed,
        row=row,
        above=above[::-1],
        serves=[rows[target] for source, target in links if source == row.element_id and target in rows],
        served_by=[rows[source] for source, target in links if target == row.element_id and source in rows],
        may_serve=row.kind in SERVES,
        below=kinds_below(row.kind, work.concept.kind),
        kinds=kind_names(),
        details=[(name, placed.details.get(field)) for field, name in detail_names(row.kind).items()],
    )


@bp.get("/p/<slug>/concept/new")
def create(slug: str) -> str:
    """What shall be added? One step before the form, because each kind has its own."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    works = on_the_desk(process.id)
    below = _row_of(works, request.args.get("below", ""))
    entries: list[dict[str, Any]] = []
    for kind, name in kind_names().items():
        if below is not None and below.kind not in PARENTS[kind]:
            continue
        url = url_for("concept.create_part", slug=slug, kind=kind, below=below.key if below else None)
        missing = " / ".join(kind_names()[parent] for parent in PARENTS[kind] if parent)
        possible = bool(_places(process, works, kind))
        entries.append({"name": name, "hint": kind_hints()[kind], "url": url if possible else None, "missing": missing})
    has_charter = any(work.concept.kind == ConceptKind.charter for work in works)
    return render_template(
        "concept/create.html", process=process, entries=entries, below=below, has_charter=has_charter
    )


def _row_of(works: list[Work], key: str) -> Row | None:
    return next((row for work in works for row in work.rows if row.key == key), None) if key else None


def places_for(work: Work, kind: str, without: set[int] | None = None) -> dict[str, str]:
    """Places for an element of this kind in one text, for a select: id of the element above, or nothing for the top."""
    places = {"": work.concept.title} if may_stand(kind, None, work.concept.kind) else {}
    for row in work.rows:
        if row.element_id not in (without or ()) and may_stand(kind, row.kind, work.concept.kind):
            places[str(row.element_id)] = "\u2003" * (row.depth + 1) + row.heading
    return places


def _places(process: Process, works: list[Work], kind: str) -> dict[str, str]:
    """Places in all texts: the concept first, because most is written there."""
    found: dict[str, str] = {}
    for work in sorted(works, key=lambda work: work.concept.kind == ConceptKind.charter):
        found |= {f"{work.concept.id}:{ident}": name for ident, name in places_for(work, kind).items()}
    no_concept = all(work.concept.kind == ConceptKind.charter for work in works)
    if no_concept and may_stand(kind, None, ConceptKind.concept):
        found = {FIRST: process.title} | found
    return found


@bp.route("/p/<slug>/concept/new/<kind>", methods=["GET", "POST"])
@keeps_text
def create_part(slug: str, kind: str) -> str | Response:
    """A new element of this kind in the working text."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    if kind not in list(ElementKind):
        abort(404)
    works = on_the_desk(process.id)
    places = _places(process, works, kind)
    if not places:
        raise Refused(_("There is no place for this yet. Please add first what it stands below."))
    form = form_for_new(kind)
    form.parent.choices = list(places.items())
    if request.method == "GET":
        form.parent.data = _wanted_place(works, places)
    if form.validate_on_submit():
        try:
            named = named_contributions(process, entered(form.sources))
        except Refused as refused:
            form.sources.errors = [refused.message]
            named = None
        if named is not None:
            try:
                change = _add(process, ElementKind(kind), form)
                name_sources([change], named)
                flash(_("The new part is in the working text."), "success")
                return commit_and_go(back_to(process, change.element.key))
            except Refused as refused:
                db.session.rollback()
                form.key.errors = [refused.message]
    return render_template(
        "concept/create_part.html", process=process, form=form, kind=kind, kind_name=kind_names()[kind],
        hint=kind_hints()[kind], details=detail_names(kind),
    )  # fmt: skip


def _wanted_place(works: list[Work], places: dict[str, str]) -> str:
    """What the address asks for (`below` an element, `into` the charter), else the first place."""
    row = _row_of(works, request.args.get("below", ""))
    if row is not None and f"{row.concept_id}:{row.element_id}" in places:
        return f"{row.concept_id}:{row.element_id}"
    for work in works:
        if work.concept.kind == request.args.get("into") and f"{work.concept.id}:" in places:
            return f"{work.concept.id}:"
    return next(iter(places))


def _add(process: Process, kind: ElementKind, form: NewElementForm) -> Any:
    if form.parent.data == FIRST:
        concept = operations.create_concept(process, ConceptKind.concept, process.title, current_person())
        parent = None
    else:
        concept_id, _sep, parent_id = form.parent.data.partition(":")
        concept = next(c for c in queries.concepts_of(process.id) if c.id == int(concept_id))
        parent = db.session.get(Element, int(parent_id)) if parent_id else None
    text = Text(entered(form.title), entered(form.markdown), details_of(form, detail_names(kind)))
    return operations.add(
        concept, kind, Part(entered(form.key), text, entered(form.label)), parent=parent,
        reason=entered(form.reason), actor=current_person(), process=process,
    )  # fmt: skip


@bp.route("/p/<slug>/charter/new", methods=["GET", "POST"])
@keeps_text
def create_charter(slug: str) -> str | Response:
    """The charter of a process that has none; its paragraphs follow."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    if any(concept.kind == ConceptKind.charter for concept in queries.concepts_of(process.id)):
        raise Refused(_("This process has a charter already."))
    form = NewCharterForm()
    if form.validate_on_submit():
        operations.create_concept(process, ConceptKind.charter, entered(form.title), current_person())
        flash(_("The charter is there. Now add its first paragraph."), "success")
        return commit_and_go(
            url_for("concept.create_part", slug=slug, kind=ElementKind.paragraph, into=ConceptKind.charter)
        )
    return render_template("concept/create_charter.html", process=process, form=form)
