"""What changes the tree of the working text: move, number, split, merge, take out, take in again."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import numbering, operations, policy, queries
from consult.concept.models import Change, Element
from consult.concept.operations import Part, Text
from consult.concept.structure_forms import (
    MAX_PARTS,
    MergeForm,
    MoveForm,
    NumberAnewForm,
    RenumberForm,
    RestoreForm,
    RetireForm,
    SplitForm,
)  # fmt: skip
from consult.concept.tree import Row, Work, links_in, on_the_desk, taken_out
from consult.concept.views.blueprint import bp
from consult.concept.views.structure import back_to, places_for, work_with
from consult.concept.views.working import element_in_work, name_sources, named_contributions
from consult.concept.words import kind_names
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

STAY, END = "stay", "end"


def _subtree(row: Row) -> set[int]:
    found, ahead = set(), [row]
    while ahead:
        current = ahead.pop()
        found.add(current.element_id)
        ahead.extend(current.children)
    return found


def _places_there(work: Work, row: Row, parent: str) -> dict[str, str]:
    """Places among what stands below `parent` already, for a select."""
    here = str(row.parent.element_id if row.parent else "")
    others = [other for other in _siblings(work, parent) if other.element_id != row.element_id]
    places = {STAY: _("Where it stands now")} if parent == here else {}
    places |= {str(other.element_id): _("Before “%(name)s”", name=other.heading) for other in others}
    return places | {END: _("At the end")}


def _siblings(work: Work, parent: str) -> list[Row]:
    return numbering.siblings(work.rows, int(parent) if parent else None)


def _position(work: Work, row: Row, parent: str, wanted: str) -> int | None:
    siblings = _siblings(work, parent)
    if wanted == STAY or not siblings:
        return None
    if wanted == END:
        return siblings[-1].position + 1
    return next(other.position for other in siblings if other.element_id == int(wanted))


@bp.route("/p/<slug>/e/<key>/move", methods=["GET", "POST"])
@keeps_text
def move(slug: str, key: str) -> str | Response:
    """Another place, number, or both. First below what, then where there: each is a form of its own."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    _works, work, row = work_with(process, element)
    parents = places_for(work, row.kind, without=_subtree(row))
    here = str(row.parent.element_id if row.parent else "")
    form = MoveForm(data={"label": row.label, "parent": request.args.get("below", here)})
    parent = form.parent.data if form.parent.data in parents else here
    form.parent.data = parent
    form.position.choices = list(_places_there(work, row, parent).items())
    if request.method == "GET":
        form.position.data = STAY if parent == here else END
    if form.validate_on_submit():
        try:
            named = named_contributions(process, entered(form.sources))
            change = operations.move(
                element, db.session.get(Element, int(parent)) if parent else None,
                position=_position(work, row, parent, form.position.data), label=entered(form.label),
                reason=entered(form.reason), actor=current_person(), process=process,
            )  # fmt: skip
            if change is None:
                flash(_("Nothing was changed."), "info")
            else:
                name_sources([change], named)
                flash(_("The part stands at its new place in the working text."), "success")
            return commit_and_go(back_to(process, key))
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template(
        "concept/move.html", process=process, form=form, placed=placed, row=row, parents=parents, here=here
    )


@bp.route("/p/<slug>/e/<key>/renumber", methods=["GET", "POST"])
@keeps_text
def renumber(slug: str, key: str) -> str | Response:
    """Another number; identity and address stay."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    form = RenumberForm(data={"label": placed.label})
    if form.validate_on_submit():
        try:
            change = operations.renumber(
                element, entered(form.label), reason=entered(form.reason), actor=current_person(), process=process
            )
            if change is None:
                flash(_("Nothing was changed."), "info")
            else:
                flash(_("The number is changed."), "success")
            return commit_and_go(back_to(process, key))
        except Refused as refused:
            db.session.rollback()
            form.label.errors = [refused.message]
    return render_template("concept/renumber.html", process=process, form=form, placed=placed)


@bp.route("/p/<slug>/concept/numbers", methods=["GET", "POST"], defaults={"which": "concept"})
@bp.route("/p/<slug>/charter/numbers", methods=["GET", "POST"], defaults={"which": "charter"})
@keeps_text
def number_anew(slug: str, which: str) -> str | Response:
    """Numbers by order for all parts of a kind at one place; a preview comes first."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    work = next((work for work in on_the_desk(process.id) if work.concept.kind == which), None)
    below = request.args.get("below", "")
    parent = next((row for row in work.rows if row.key == below), None) if work else None
    if work is None or (below and parent is None):
        abort(404)
    rows = numbering.siblings(work.rows, parent.element_id if parent else None)
    there = [kind for kind in kind_names() if any(row.kind == kind for row in rows)]
    if not there:
        raise Refused(_("Nothing stands there yet that could be numbered."))
    wanted = request.args.get("kind", "")
    kind = wanted if wanted in there else there[0]
    prefix = request.args.get("prefix", f"{parent.label}." if parent and parent.label else "")[:30]
    deep = request.args.get("deep") == "1"
    form = NumberAnewForm(data={"revision": work.version.revision})
    numbers = numbering.numbers_by_order(rows, kind, prefix, deep=deep)
    if form.validate_on_submit():
        try:
            typed = entered(form.revision)
            changes = numbering.number_anew(
                work.concept, db.session.get(Element, parent.element_id) if parent else None, kind, prefix, deep=deep,
                revision=int(typed) if typed.isdigit() else -1, reason=entered(form.reason), actor=current_person(),
                process=process,
            )  # fmt: skip
            flash(_("Numbers changed: %(n)s.", n=len(changes)), "success" if changes else "info")
            return commit_and_go(back_to(process, numbers[0].row.key))
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
            form.revision.data = str(work.version.revision)
    return render_template(
        "concept/number_anew.html", process=process, concept=work.concept, which=which, parent=parent, form=form,
        numbers=numbers, kind=kind, there=there, prefix=prefix, deep=deep, kinds=kind_names(),
    )  # fmt: skip


@bp.route("/p/<slug>/e/<key>/split", methods=["GET", "POST"])
@keeps_text
def split(slug: str, key: str) -> str | Response:
    """Two to six new elements in the place of one; contributions will show at all of them."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    form = SplitForm(data={"parts": [{"label": placed.label, "title": placed.title, "markdown": placed.markdown}, {}]})
    if "more" in request.form:
        if len(form.parts) < MAX_PARTS:
            form.parts.append_entry()
    elif form.validate_on_submit():
        try:
            named = [named_contributions(process, entered(part.form.sources)) for part in form.parts]
            parts = [
                Part(
                    entered(part.form.key),
                    Text(entered(part.form.title), entered(part.form.markdown), dict(placed.details), placed.lang),
                    entered(part.form.label),
                )
                for part in form.parts
            ]
            changes = operations.split(
                element, parts, reason=entered(form.reason), actor=current_person(), process=process
            )
            for change, contributions in zip(changes, named, strict=True):
                name_sources([change], contributions)
            flash(_("The part is split. Contributions will show at all new parts once published."), "success")
            return commit_and_go(back_to(process, changes[0].element.key))
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template(
        "concept/split.html", process=process, form=form, placed=placed, full=len(form.parts) >= MAX_PARTS
    )


def _joined(rows: list[queries.Placed]) -> dict[str, str]:
    """All texts one below the other, to begin with."""
    titles = [row.title for row in rows if row.title]
    texts = [row.markdown for row in rows if row.markdown]
    if not texts:
        return {"title": " / ".join(titles), "markdown": ""}
    return {"title": titles[0] if titles else "", "markdown": "\n\n".join(texts)}


@bp.route("/p/<slug>/e/<key>/merge", methods=["GET", "POST"])
@keeps_text
def merge(slug: str, key: str) -> str | Response:
    """One text in the place of several: first with what, then how."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    _works, work, row = work_with(process, element)
    candidates = [other for other in work.rows if other.kind == row.kind and other.element_id != row.element_id]
    candidates.sort(key=lambda other: other.parent is not row.parent)
    wanted = set(request.values.getlist("with"))
    others = [other for other in candidates if other.key in wanted]
    if not others:
        if request.method == "POST":
            raise Refused(_("Merging needs at least two elements."))
        return render_template("concept/merge_choose.html", process=process, placed=placed, row=row,
                               candidates=candidates)  # fmt: skip
    version = queries.working_version(element.concept_id)
    texts = [placed, *(one for other in others if (one := queries.placed_one(version.id, other.element_id)))]
    form = MergeForm(data={**_joined(texts), "label": row.label, "keep": key})
    form.keep.choices = [(each.key, each.heading) for each in texts] + [("new", _("None: a new part begins"))]
    if form.validate_on_submit():
        try:
            named = named_contributions(process, entered(form.sources))
            change = _merge(process, element, texts, form)
            name_sources([change], named)
            flash(_("The parts are merged. Contributions to all of them will show there once published."), "success")
            return commit_and_go(back_to(process, change.element.key))
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template("concept/merge.html", process=process, form=form, placed=placed, others=others, texts=texts)


def _merge(process: Process, element: Element, texts: list[queries.Placed], form: MergeForm) -> Change:
    elements = [db.session.get_one(Element, text.element_id) for text in texts]
    first = next((text for text in texts if text.key == form.keep.data), texts[0])
    details: dict[str, Any] = {}
    for text in (first, *texts):
        # What the part that stays leaves open is taken from the others.
        details = {**text.details, **details}
    words = Text(entered(form.title), entered(form.markdown), details, first.lang)
    into: Part | Element = Part(entered(form.key), words, entered(form.label))
    if form.keep.data != "new":
        into = next(one for one in elements if one.key == form.keep.data)
    return operations.merge(elements, into, words, reason=entered(form.reason), actor=current_person(), process=process)


@bp.route("/p/<slug>/e/<key>/retire", methods=["GET", "POST"])
@keeps_text
def retire(slug: str, key: str) -> str | Response:
    """Take an element out of the working text, with a reason."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    works, _work, row = work_with(process, element)
    rows = {other.element_id: other for work in works for other in work.rows}
    links = links_in([work.version.id for work in works])
    ends = {target if source == element.id else source for source, target in links if element.id in (source, target)}
    form = RetireForm()
    if form.validate_on_submit():
        try:
            named = named_contributions(process, entered(form.sources))
            change = operations.retire(element, reason=entered(form.reason), actor=current_person(), process=process)
            name_sources([change], named)
            flash(_("The part is no longer in the working text. Published versions keep it."), "success")
            return commit_and_go(url_for("concept.working", slug=slug) + "#taken-out")
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template(
        "concept/retire.html", process=process, form=form, placed=placed, row=row,
        linked=[rows[ident] for ident in sorted(ends) if ident in rows],
    )  # fmt: skip


@bp.route("/p/<slug>/e/<key>/restore", methods=["GET", "POST"])
@keeps_text
def restore(slug: str, key: str) -> str | Response:
    """Take a retired element in again, with the words it had last."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element = queries.element_or_404(process.id, key)
    gone = next(iter(taken_out([element.concept_id], element.id)), None)
    if gone is None:
        raise Refused(_("This part cannot be taken in again: it stands in the text, or lives on in other parts."))
    work = next(work for work in on_the_desk(process.id) if work.concept.id == element.concept_id)
    places = places_for(work, element.kind)
    if not places:
        raise Refused(_("There is no place for this yet. Please add first what it stands below."))
    form = RestoreForm(data={"label": gone.label})
    form.parent.choices = list(places.items())
    if request.method == "GET":
        former = str(gone.parent_id or "")
        form.parent.data = former if former in places else next(iter(places))
    if form.validate_on_submit():
        try:
            named = named_contributions(process, entered(form.sources))
            change = operations.restore(
                element, db.session.get(Element, int(form.parent.data)) if form.parent.data else None,
                label=entered(form.label), reason=entered(form.reason), actor=current_person(), process=process,
            )  # fmt: skip
            name_sources([change], named)
            flash(_("The part is in the working text again."), "success")
            return commit_and_go(back_to(process, key))
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
    return render_template("concept/restore.html", process=process, form=form, gone=gone)
