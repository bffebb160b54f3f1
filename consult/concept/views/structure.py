"""The editors' desk: the working text with its tools, and what changes its tree."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import history, operations, policy, queries
from consult.concept.models import ConceptKind, Element, ElementKind
from consult.concept.operations import Part, Text
from consult.concept.structure_forms import NewElementForm, RetireForm, SplitForm
from consult.concept.views.blueprint import bp
from consult.concept.views.working import concepts_at_work, element_in_work, name_sources, named_contributions
from consult.concept.words import kind_names
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text


@bp.get("/p/<slug>/concept/working")
def working(slug: str) -> str:
    """The working text with its tools."""
    process = load_process(slug)
    authorize(policy.can_see_working_text, process)
    sections = [
        {
            "concept": concept,
            "elements": queries.placed_in(version.id, plain=False),
            "unpublished": history.unpublished_changes(concept.id),
        }
        for concept, version in concepts_at_work(process)
    ]
    return render_template("concept/working.html", process=process, sections=sections, kinds=kind_names())


@bp.route("/p/<slug>/concept/new", methods=["GET", "POST"])
@keeps_text
def create(slug: str) -> str | Response:
    """A new element in the working text."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    concepts = concepts_at_work(process)
    if not concepts and request.method == "POST":
        # The first part brings the concept itself about.
        concept = operations.create_concept(process, ConceptKind.concept, process.title, current_person())
        concepts = [(concept, queries.working_version(concept.id))]
    form = NewElementForm()
    form.kind.choices = list(kind_names().items())
    places = {f"{concept.id}:": concept.title for concept, _version in concepts}
    parents: dict[str, Element | None] = dict.fromkeys(places)
    for concept, version in concepts:
        for row in queries.placed_in(version.id, plain=False):
            name = f"{concept.id}:{row.element_id}"
            places[name] = "\u2003" * (row.depth + 1) + row.heading
    form.parent.choices = list(places.items()) or [("first", process.title)]
    if form.parent.data == "first":
        form.parent.data = next(iter(places), "first")
    if form.validate_on_submit():
        concept_id, _sep, parent_id = form.parent.data.partition(":")
        concept = next(c for c, _v in concepts if c.id == int(concept_id))
        parents[form.parent.data] = db.session.get(Element, int(parent_id)) if parent_id else None
        part = Part(entered(form.key), Text(entered(form.title), entered(form.markdown)), entered(form.label))
        try:
            operations.add(
                concept, ElementKind(form.kind.data), part, parent=parents[form.parent.data],
                reason=entered(form.reason), actor=current_person(), process=process,
            )  # fmt: skip
            flash(_("The new part is in the working text."), "success")
            return commit_and_go(url_for("concept.working", slug=slug) + f"#{part.key}")
        except Refused as refused:
            db.session.rollback()
            form.key.errors = [refused.message]
    return render_template("concept/create.html", process=process, form=form)


@bp.route("/p/<slug>/e/<key>/split", methods=["GET", "POST"])
@keeps_text
def split(slug: str, key: str) -> str | Response:
    """Two new elements in the place of one; contributions will show at both."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    form = SplitForm(
        data={"first_label": placed.label, "first_text": placed.markdown or placed.title, "first_key": f"{key}-1",
              "second_key": f"{key}-2"}
    )  # fmt: skip
    if form.validate_on_submit():
        titled = not placed.markdown
        parts = [
            Part(
                entered(f),
                Text(title=entered(t), lang=placed.lang) if titled else Text(markdown=entered(t), lang=placed.lang),
                entered(n),
            )
            for f, t, n in (
                (form.first_key, form.first_text, form.first_label),
                (form.second_key, form.second_text, form.second_label),
            )
        ]
        try:
            named = named_contributions(process, entered(form.sources))
            changes = operations.split(
                element, parts, reason=entered(form.reason), actor=current_person(), process=process
            )
            name_sources(changes, named)
            flash(_("The part is split. Contributions will show at both new parts once published."), "success")
            return commit_and_go(url_for("concept.working", slug=slug) + f"#{parts[0].key}")
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template("concept/split.html", process=process, form=form, placed=placed)


@bp.route("/p/<slug>/e/<key>/retire", methods=["GET", "POST"])
@keeps_text
def retire(slug: str, key: str) -> str | Response:
    """Take an element out of the working text, with a reason."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    form = RetireForm()
    if form.validate_on_submit():
        try:
            operations.retire(element, reason=entered(form.reason), actor=current_person(), process=process)
            flash(_("The part is no longer in the working text. Published versions keep it."), "success")
            return commit_and_go(url_for("concept.working", slug=slug))
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template("concept/retire.html", process=process, form=form, placed=placed)
