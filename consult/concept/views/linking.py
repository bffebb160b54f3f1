"""What serves what: charter <- goal <- measure."""

from flask import flash, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import links, policy
from consult.concept.kinds import SERVES
from consult.concept.models import ConceptKind, Element
from consult.concept.structure_forms import ServesForm
from consult.concept.tree import Row, links_in
from consult.concept.views.blueprint import bp
from consult.concept.views.structure import back_to, work_with
from consult.concept.views.working import element_in_work
from consult.concept.words import kind_names
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text


def _ids(values: list[str]) -> set[int]:
    return {int(value) for value in values if value.isdigit()}


@bp.route("/p/<slug>/e/<key>/serves", methods=["GET", "POST"])
@keeps_text
def serves(slug: str, key: str) -> str | Response:
    """What does it serve? Boxes for everything it could; only what was ticked or cleared here is changed."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    element, placed = element_in_work(process, key)
    if element.kind not in SERVES:
        raise Refused(_("Goals serve the charter, measures serve goals; other links there are none."))
    works, work, _row = work_with(process, element)
    where, kinds = SERVES[element.kind]
    candidates = {
        row.element_id: row for other in works if other.concept.kind == where for row in other.rows if row.kind in kinds
    }
    before = {target for source, target in links_in([work.version.id]) if source == element.id} & set(candidates)
    form = ServesForm(data={"base": ",".join(map(str, sorted(before)))})
    ticked = _ids(request.form.getlist("targets")) if form.is_submitted() else before
    if form.validate_on_submit():
        # Compared with what this form showed: what somebody else linked meanwhile stays.
        base = _ids(entered(form.base).split(","))
        changed = [(ident, ident in ticked) for ident in candidates if (ident in ticked) != (ident in base)]
        for ident, present in changed:
            target = db.session.get_one(Element, ident)
            links.set_link(element, target, present=present, actor=current_person(), process=process)
        flash(_("Saved. It becomes public with the next version.") if changed else _("Nothing was changed."),
              "success" if changed else "info")  # fmt: skip
        return commit_and_go(back_to(process, key))
    groups: dict[str, list[Row]] = {}
    for row in candidates.values():
        top = row
        while top.parent is not None:
            top = top.parent
        groups.setdefault(top.heading if top is not row else "", []).append(row)
    return render_template(
        "concept/serves.html", process=process, form=form, placed=placed, groups=groups, ticked=ticked,
        kinds=kind_names(), to_charter=where == ConceptKind.charter,
    )  # fmt: skip
