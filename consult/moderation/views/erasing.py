"""Erasing for good: asking, and the other pair of eyes."""

from flask import flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.contributions import queries
from consult.contributions.models import Contribution
from consult.contributions.threads import shown_alone
from consult.errors import Refused
from consult.forms import entered
from consult.moderation import erasing
from consult.moderation.case_forms import EraseForm
from consult.moderation.models import ErasureRequest
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import contribution_of, moderated, reason_of
from consult.web import commit_and_go, keeps_text


@bp.route("/p/<slug>/moderation/<int:number>/erase", methods=["GET", "POST"])
@keeps_text
def erase(slug: str, number: int) -> Response | str:
    """Ask that the words go for good; where that was asked, confirm or decline."""
    process = moderated(slug)
    contribution = contribution_of(process, number)
    person = current_person()
    if erasing.is_erased(contribution):
        raise Refused(_("The words are deleted for good already."))
    here = url_for("moderation.erase", slug=slug, number=number)
    asked = erasing.open_request(contribution)
    needs_another = erasing.needs_another(process.id)
    form = EraseForm(queries.reasons_of(process.id))
    # A second request meets the unique key and is told.
    if form.validate_on_submit():
        erasing.request(contribution, person, reason_of(process, form.reason_id.data), entered(form.note))
        if needs_another:
            flash(_("Somebody else of the team has to confirm it."), "info")
            return commit_and_go(url_for("moderation.second_look", slug=slug))
        return commit_and_go(here)
    item = shown_alone(process, contribution, person)
    item.reveal, item.may_report = True, False
    return render_template(
        "moderation/erase.html",
        process=process,
        item=item,
        form=form,
        asked=asked,
        reason=reason_of(process, asked.reason_id) if asked else None,
        asked_by=erasing.name_of(asked.requested_by_id) if asked else "",
        may_confirm=asked is not None and (asked.requested_by_id != person.id or not needs_another),
        needs_another=needs_another,
        four_eyes_from=erasing.FOUR_EYES_FROM,
    )


def _asked(contribution: Contribution) -> ErasureRequest:
    asked = erasing.open_request(contribution)
    if asked is None:
        raise Refused(_("Somebody else has decided about this meanwhile. Nothing was done."))
    return asked


@bp.post("/p/<slug>/moderation/<int:number>/erase/confirm")
def confirm_erasure(slug: str, number: int) -> Response:
    """The other pair of eyes agrees: the words go."""
    process = moderated(slug)
    erasing.confirm(_asked(contribution_of(process, number)), current_person())
    label = f"{process.code}-{number}"
    flash(_("The words of %(number)s are deleted for good. Number and reason stay.", number=label), "success")
    return commit_and_go(url_for("moderation.second_look", slug=slug))


@bp.post("/p/<slug>/moderation/<int:number>/erase/decline")
def decline_erasure(slug: str, number: int) -> Response:
    """The words stay where they are."""
    process = moderated(slug)
    erasing.decline(_asked(contribution_of(process, number)), current_person())
    label = f"{process.code}-{number}"
    flash(_("The words of %(number)s stay where they are.", number=label), "success")
    return commit_and_go(url_for("moderation.second_look", slug=slug))
