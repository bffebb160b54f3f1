"""The editors' desk: the working text, one change at a time, and publishing."""

import re
from collections.abc import Sequence
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import operations, policy, queries
from consult.concept.forms import MeasureForm, NewElementForm, PublishForm, RetireForm, SplitForm, WordingForm
from consult.concept.models import Change, Concept, ConceptKind, Element, ElementKind, Version, VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.views.blueprint import bp
from consult.concept.words import audience_names, detail_names, kind_names
from consult.contributions import sources
from consult.contributions.models import Contribution
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def _concepts(process: Process) -> list[tuple[Concept, Version]]:
    return [(concept, queries.working_version(concept.id)) for concept in queries.concepts_of(process.id)]


@bp.get("/p/<slug>/concept/working")
def working(slug: str) -> str:
    """The working text with its tools."""
    process = load_process(slug)
    authorize(policy.can_see_working_text, process)
    sections = [
        {
            "concept": concept,
            "elements": queries.placed_in(version.id, plain=False),
            "unpublished": queries.unpublished_changes(concept.id),
        }
        for concept, version in _concepts(process)
    ]
    return render_template("concept/working.html", process=process, sections=sections, kinds=kind_names())


def _element_in_work(process: Process, key: str) -> tuple[Element, queries.Placed]:
    element = queries.element_or_404(process.id, key)
    placed = queries.placed_one(queries.working_version(element.concept_id).id, element.id)
    if placed is None:
        raise Refused(_("This part is no longer in the working text."))
    return element, placed


def _named_contributions(process: Process, typed: str) -> list[Contribution]:
    """The contributions an editor names by number ("6, IK-12"). Raises `Refused` with the numbers not found."""
    numbers = sorted({int(number) for number in re.findall(r"\d{1,9}", typed)})
    if not numbers:
        return []
    found = db.session.scalars(
        select(Contribution).where(Contribution.process_id == process.id, Contribution.number.in_(numbers))
    ).all()
    missing = set(numbers) - {contribution.number for contribution in found}
    if missing:
        raise Refused(_("There is no contribution %(numbers)s.", numbers=", ".join(str(n) for n in sorted(missing))))
    return list(found)


def _name_sources(changes: Sequence[Change], found: list[Contribution], passage: str = "") -> None:
    for change in changes:
        for contribution in found:
            sources.add_source(change, contribution, passage)


def _form_for(placed: queries.Placed) -> WordingForm:
    measure = placed.kind == ElementKind.measure
    data: dict[str, Any] = {"title": placed.title, "markdown": placed.markdown, "base": placed.wording_id}
    if measure:
        data |= {name: placed.details.get(name, "") for name in detail_names()}
    return MeasureForm(data=data) if measure else WordingForm(data=data)


@bp.route("/p/<slug>/e/<key>/edit", methods=["GET", "POST"])
@keeps_text
def edit(slug: str, key: str) -> str | Response | tuple[str, int]:
    """New words for one element. A stale edit shows both texts and loses neither."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = _element_in_work(process, key)
    form = _form_for(placed)
    conflict: Conflict | None = None
    if form.validate_on_submit():
        try:
            return _save(process, element, placed, form)
        except Conflict as stale:
            conflict = stale
            form.base.data = str(stale.current_id)
        except Refused as refused:
            form.sources.errors = [refused.message]
        except ValueError:
            form.passage.errors = [_("These words are not in the new text.")]
        db.session.rollback()
    page = render_template(
        "concept/edit.html", process=process, element=element, placed=placed, form=form, conflict=conflict,
        kind=kind_names()[element.kind], details=detail_names() if isinstance(form, MeasureForm) else {},
    )  # fmt: skip
    return (page, 409) if conflict else page


def _save(process: Process, element: Element, placed: queries.Placed, form: WordingForm) -> Response:
    person = current_person()
    named = _named_contributions(process, entered(form.sources))
    details = dict(placed.details)
    if isinstance(form, MeasureForm):
        details |= {name: getattr(form, name).data or "" for name in detail_names()}
        details = {name: value for name, value in details.items() if value}
    text = Text(entered(form.title), entered(form.markdown), details, placed.lang)
    typed = entered(form.base)
    base = int(typed) if typed.isdigit() else 0
    change = operations.edit(element, base, text, reason=entered(form.reason), actor=person, process=process)
    if change is None:
        flash(_("Nothing was changed."), "info")
    else:
        _name_sources([change], named, entered(form.passage))
        flash(_("The new wording is in the working text. It becomes public with the next version."), "success")
    return commit_and_go(url_for("concept.working", slug=process.slug) + f"#{element.key}")


@bp.route("/p/<slug>/concept/new", methods=["GET", "POST"])
@keeps_text
def create(slug: str) -> str | Response:
    """A new element in the working text."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    concepts = _concepts(process)
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
    element, placed = _element_in_work(process, key)
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
            named = _named_contributions(process, entered(form.sources))
            changes = operations.split(
                element, parts, reason=entered(form.reason), actor=current_person(), process=process
            )
            _name_sources(changes, named)
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
    element, placed = _element_in_work(process, key)
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


@bp.route("/p/<slug>/concept/publish", methods=["GET", "POST"], defaults={"which": "concept"})
@bp.route("/p/<slug>/charter/publish", methods=["GET", "POST"], defaults={"which": "charter"})
@keeps_text
def publish(slug: str, which: str) -> str | Response:
    """Freeze the working text as the next version."""
    process = load_process(slug)
    authorize(policy.can_publish_version, process)
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == which), None)
    if concept is None:
        abort(404)
    form = PublishForm()
    form.audience.choices = [
        (VersionAudience.public, audience_names()[VersionAudience.public]),
        (VersionAudience.steering, audience_names()[VersionAudience.steering]),
    ]
    if form.validate_on_submit():
        try:
            version = operations.publish(
                concept, title=entered(form.title), note=entered(form.note),
                audience=VersionAudience(form.audience.data), actor=current_person(), process=process,
            )  # fmt: skip
            flash(_("Version %(number)s is published and frozen.", number=version.number), "success")
            return commit_and_go(url_for("concept.version", slug=slug, number=version.number, which=which))
        except Refused as refused:
            db.session.rollback()
            form.title.errors = [refused.message]
    changes = queries.changes_since_last(concept.id)
    names = {row.element_id: row for row in queries.placed_in(queries.working_version(concept.id).id, plain=False)}
    return render_template(
        "concept/publish.html", process=process, concept=concept, form=form, changes=changes, names=names, which=which
    )
