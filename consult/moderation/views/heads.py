"""Gathering near-duplicates under a head entry."""

from flask import flash
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.contributions.models import Contribution
from consult.extensions import db
from consult.moderation.forms import GatherForm
from consult.moderation.heads import Gathering, dissolve, gather, take_out
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import contribution_of, moderated
from consult.moderation.views.here import back_of, number_in
from consult.moderation.views.queue import desk_page
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text
from consult.weighing.operations import tell_gathered
from consult.weighing.queries import latest_ids


def tell(process: Process, done: Gathering) -> None:
    """Say what is answered together now; where the head has its answer already, the authors get it."""
    if latest_ids([done.head_id]):
        for contribution in db.session.scalars(select(Contribution).where(Contribution.id.in_(done.ids))).all():
            tell_gathered(contribution)
    flash(
        ngettext(
            "%(num)s contribution is answered together with %(head)s now.",
            "%(num)s contributions are answered together with %(head)s now.",
            len(done.numbers),
            head=f"{process.code}-{done.head_number}",
        ),
        "success",
    )


@bp.post("/p/<slug>/moderation/<int:number>/gather")
@keeps_text
def gather_one(slug: str, number: int) -> Response | str:
    """Answer it together with another one, given by its number."""
    process = moderated(slug)
    contribution_of(process, number)
    form = GatherForm(number)
    head = number_in(form.head.data or "")
    valid = form.validate_on_submit()
    if valid and (head is None or head == number):
        form.head.errors = [_("Please type in the number of another contribution, for example %(number)s.",
                              number=f"{process.code}-12")]  # fmt: skip
        valid = False
    if not valid or head is None:
        return desk_page(process, back_of(slug)[0], refused=form)
    tell(process, gather(process, current_person(), head, [number]))
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/take-out")
def take_one_out(slug: str, number: int) -> Response:
    """It stands by itself again."""
    process = moderated(slug)
    take_out(contribution_of(process, number), current_person())
    flash(_("%(number)s stands by itself again.", number=f"{process.code}-{number}"), "success")
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/dissolve")
def dissolve_head(slug: str, number: int) -> Response:
    """Everything gathered under it stands by itself again."""
    process = moderated(slug)
    freed = dissolve(contribution_of(process, number), current_person())
    flash(
        ngettext("%(num)s contribution stands by itself again.", "%(num)s contributions stand by themselves again.",
                 freed),
        "success",
    )  # fmt: skip
    return commit_and_go(back_of(slug)[1])
