"""New words for one element, and what happens when two people write them at once."""

from typing import Any

from flask import flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import operations, policy, queries
from consult.concept.forms import CheckedForm, MeasureForm, WordingForm
from consult.concept.kinds import CHECKED
from consult.concept.models import Element, ElementKind
from consult.concept.operations import Text
from consult.concept.views.blueprint import bp
from consult.concept.views.working import element_in_work, name_sources, named_contributions
from consult.concept.words import detail_names, kind_names
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def _form_for(placed: queries.Placed) -> WordingForm:
    data: dict[str, Any] = {"title": placed.title, "markdown": placed.markdown, "base": placed.wording_id}
    data |= {name: placed.details.get(name, "") for name in detail_names(placed.kind)}
    if placed.kind == ElementKind.measure:
        return MeasureForm(data=data)
    return CheckedForm(data=data) if placed.kind in CHECKED else WordingForm(data=data)


@bp.route("/p/<slug>/e/<key>/edit", methods=["GET", "POST"])
@keeps_text
def edit(slug: str, key: str) -> str | Response | tuple[str, int]:
    """New words for one element. A stale edit shows both texts and loses neither."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
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
        kind=kind_names()[element.kind], details=detail_names(element.kind),
    )  # fmt: skip
    return (page, 409) if conflict else page


def _save(process: Process, element: Element, placed: queries.Placed, form: WordingForm) -> Response:
    person = current_person()
    named = named_contributions(process, entered(form.sources))
    details = dict(placed.details)
    details |= {name: entered(form[name]) for name in detail_names(placed.kind)}
    details = {name: value for name, value in details.items() if value}
    text = Text(entered(form.title), entered(form.markdown), details, placed.lang)
    typed = entered(form.base)
    base = int(typed) if typed.isdigit() else 0
    change = operations.edit(element, base, text, reason=entered(form.reason), actor=person, process=process)
    if change is None:
        flash(_("Nothing was changed."), "info")
    else:
        name_sources([change], named, entered(form.passage))
        flash(_("The new wording is in the working text. It becomes public with the next version."), "success")
    return commit_and_go(url_for("concept.working", slug=process.slug) + f"#{element.key}")
