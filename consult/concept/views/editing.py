"""New words for one element, and what happens when two people write them at once."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import marks, operations, policy, presence, queries
from consult.concept.draft_queries import living_heirs
from consult.concept.forms import CheckedForm, MeasureForm, WordingForm
from consult.concept.kinds import CHECKED
from consult.concept.models import Element, ElementKind
from consult.concept.operations import Text
from consult.concept.views.adopting import Adoption, adoption_of, gone, number_asked, open_ones
from consult.concept.views.blueprint import bp
from consult.concept.views.choosing import Choice, choose, settled
from consult.concept.views.conflict import ConflictView, conflict_sent_along, conflict_view
from consult.concept.views.working import name_sources
from consult.concept.words import detail_names, kind_names
from consult.concept.working import as_fields
from consult.contributions.models import Contribution
from consult.errors import Conflict, Refused, Sides
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

#: Buttons of the form that put one of the texts of a conflict into it.
TAKES = ("theirs", "mine", "merged")


def _form_for(placed: queries.Placed) -> WordingForm:
    data: dict[str, Any] = {"title": placed.title, "markdown": placed.markdown, "base": placed.wording_id}
    data |= {name: placed.details.get(name, "") for name in detail_names(placed.kind)}
    if placed.kind == ElementKind.measure:
        return MeasureForm(data=data)
    return CheckedForm(data=data) if placed.kind in CHECKED else WordingForm(data=data)


def _base(form: WordingForm) -> int:
    typed = entered(form.base)
    return int(typed) if typed.isdecimal() and len(typed) < 10 else 0


def _text(form: WordingForm, placed: queries.Placed) -> Text:
    """The words in the form; details of other kinds stay as they are."""
    details = placed.details | {name: entered(form[name]) for name in detail_names(placed.kind)}
    filled = {name: value for name, value in details.items() if value}
    return Text(entered(form.title), entered(form.markdown), filled, placed.lang)


def _take(form: WordingForm, conflict: ConflictView, which: str) -> None:
    texts = conflict.texts(which)
    for name in ("title", "markdown", *detail_names()):
        if name in form:
            form[name].data = texts.get(name, "")


@bp.route("/p/<slug>/e/<key>/edit", methods=["GET", "POST"])
@keeps_text
def edit(slug: str, key: str) -> str | Response | tuple[str, int]:
    """New words for one element. A stale edit shows both texts, puts together what fits, and loses neither.

    Buttons named `step` save nothing: they search for sources, show a preview, or take one text of a conflict.
    """
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element = queries.element_or_404(process.id, key)
    placed = queries.placed_one(queries.working_version(element.concept_id).id, element.id)
    if placed is None:
        return _gone(process, element)
    form = _form_for(placed)
    adoption = adoption_of(process, element, current_person())
    choice = choose(process, element, form.sources, [(adoption.number, "")] if adoption else ())
    step = request.form.get("step", "")
    if request.method == "GET":
        conflict = adoption.conflict_with(element, placed) if adoption else None
        if conflict is not None:
            _take(form, conflict, "merged")
        elif adoption:
            form.markdown.data = adoption.proposed
        if adoption:
            adoption.mark(choice, entered(form.markdown))
        return _page(process, element, placed, form, choice, conflict, adoption=adoption)
    if adoption:
        adoption.mark(choice, entered(form.markdown))
    elif number_asked() and not step:
        form.form_errors.append(gone(f"{process.code}-{number_asked()}"))
        choice.drop(number_asked())
        return _page(process, element, placed, form, choice), 409
    typed = _text(form, placed)
    if step:
        conflict = conflict_sent_along(element, _base(form), as_fields(typed))
        settled(choice, form.sources, saving=False)
        if conflict and step in TAKES:
            _take(form, conflict, step)
        return _page(process, element, placed, form, choice, conflict, adoption=adoption, preview=step == "preview")
    # Each says at its place what is wrong: all of it at once.
    right = [form.validate(), settled(choice, form.sources, saving=True), choice.check(typed.title, typed.markdown)]
    if all(right):
        try:
            return _save(process, element, placed, typed, form, choice, adoption)
        except Conflict as stale:
            began = _base(form)
            sides = stale.sides or Sides({}, {}, as_fields(typed))
            conflict = conflict_view(element, began, stale.current_id, sides)
            form.base.data = str(stale.current_id)
            _take(form, conflict, "merged")
            db.session.rollback()
            return _page(process, element, placed, form, choice, conflict, adoption=adoption), 409
        except Refused as refused:
            form.form_errors.append(refused.message)
        db.session.rollback()
        # Somebody may have withdrawn the proposal, or decided about it.
        adoption = adoption.as_it_is_now(element, current_person()) if adoption else None
        if adoption is None:
            choice.drop(number_asked())
    conflict = conflict_sent_along(element, _base(form), as_fields(typed))
    return _page(process, element, placed, form, choice, conflict, adoption=adoption)


def _page(
    process: Process,
    element: Element,
    placed: queries.Placed,
    form: WordingForm,
    choice: Choice,
    conflict: ConflictView | None = None,
    *,
    adoption: Adoption | None = None,
    preview: bool = False,
) -> str:
    person = current_person()
    open_proposals = open_ones(process, element) if adoption is None else []
    return render_template(
        "concept/edit.html", process=process, element=element, placed=placed, form=form, choice=choice,
        conflict=conflict, adoption=adoption, open_proposals=open_proposals,
        kind=kind_names()[element.kind], details=detail_names(element.kind),
        others=presence.others(element.id, person.id), person=person, unsent=request.method == "POST",
        preview=marks.shown(process, element.concept_id, entered(form.markdown)) if preview else None,
    )  # fmt: skip


def _save(
    process: Process,
    element: Element,
    placed: queries.Placed,
    text: Text,
    form: WordingForm,
    choice: Choice,
    adoption: Adoption | None,
) -> Response:
    person = current_person()
    change = operations.edit(element, _base(form), text, reason=entered(form.reason), actor=person, process=process)
    if change is None:
        flash(_("Nothing was changed."), "info")
    else:
        if adoption:
            adoption.settle(change, placed.markdown, text.markdown, entered(form.reason), person, choice)
        named = db.session.scalars(
            select(Contribution).where(Contribution.id.in_([row.found.id for row in choice.chosen]))
        ).all()
        name_sources([change], named, choice.passages)
        flash(_("The new wording is in the working text. It becomes public with the next version."), "success")
    presence.leave(element, person)
    return commit_and_go(url_for("concept.working", slug=process.slug) + f"#{element.key}")


def _gone(process: Process, element: Element) -> tuple[str, int]:
    """Somebody took the part out while it was being written: what was typed is shown, to be copied elsewhere."""
    living = living_heirs(element)
    heirs = (
        queries.placed_in(
            queries.working_version(living[0].concept_id).id, plain=False, keys=[heir.key for heir in living]
        )
        if living
        else []
    )
    typed = "\n\n".join(part for part in (request.form.get(name, "") for name in ("title", "markdown")) if part)
    page = render_template("concept/edit_gone.html", process=process, element=element, heirs=heirs, typed=typed)
    return page, 409


@bp.post("/p/<slug>/e/<key>/editing")
def editing(slug: str, key: str) -> str:
    """The form is open (or, with `left`, open no more). Answers who else has it open, as the part of the page."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element = queries.element_or_404(process.id, key)
    person = current_person()
    if "left" in request.form:
        presence.leave(element, person)
    else:
        presence.arrive(element, person)
    # No redirect: a script asks, and shows the answer where the names stand.
    db.session.commit()
    return render_template("concept/_others.html", others=presence.others(element.id, person.id))
