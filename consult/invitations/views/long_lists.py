"""A long list on its way into a mailing: read by the worker, looked at, taken."""

from flask import abort, flash, make_response, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.errors import Refused
from consult.extensions import db
from consult.invitations import export, lists, long_lists
from consult.invitations.models import Campaign, CampaignState, PeopleList
from consult.invitations.views.blueprint import bp
from consult.invitations.views.desk import home, load
from consult.meetings.models import Meeting
from consult.processes.models import Process
from consult.web import commit_and_go

#: How often the page of a list that moves loads itself again.
REFRESH = 3


def _load(slug: str, campaign_id: int, list_id: int) -> tuple[Process, Campaign, Meeting, PeopleList]:
    process, campaign, meeting = load(slug, campaign_id)
    sent = db.session.scalar(select(PeopleList).where(PeopleList.id == list_id, PeopleList.campaign_id == campaign.id))
    if sent is None:
        abort(404)
    return process, campaign, meeting, sent


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/lists/<int:list_id>")
def long_list(slug: str, campaign_id: int, list_id: int) -> Response:
    """How far it is, or what would become of it."""
    process, campaign, meeting, sent = _load(slug, campaign_id, list_id)
    moving = sent.state in long_lists.MOVING
    response = make_response(
        render_template(
            "invitations/long_list.html",
            process=process,
            campaign=campaign,
            meeting=meeting,
            sent=sent,
            report=long_lists.report_of(sent),
            reasons=lists.reason_words(),
            moving=moving,
            editable=campaign.state == CampaignState.draft,
        )
    )
    if moving:
        response.headers["Refresh"] = str(REFRESH)
    return response


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/lists/<int:list_id>/take")
def take_long_list(slug: str, campaign_id: int, list_id: int) -> Response:
    """Take the usable lines into the audience; nothing is sent."""
    _process, _campaign, _meeting, sent = _load(slug, campaign_id, list_id)
    long_lists.take(sent, current_person())
    return commit_and_go(url_for(".long_list", slug=slug, campaign_id=campaign_id, list_id=list_id))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/lists/<int:list_id>/discard")
def discard_long_list(slug: str, campaign_id: int, list_id: int) -> Response:
    """Forget the list; who was taken from it stays in the mailing."""
    _process, campaign, _meeting, sent = _load(slug, campaign_id, list_id)
    long_lists.discard(sent, current_person())
    flash(_("The list is forgotten."), "success")
    return commit_and_go(home(slug, campaign) + "#people")


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/lists/<int:list_id>/unusable.csv")
def unusable_lines(slug: str, campaign_id: int, list_id: int) -> Response:
    """All lines that cannot be used, with the reason: put right, they come in as a second list."""
    _process, campaign, _meeting, sent = _load(slug, campaign_id, list_id)
    if sent.content is None:
        raise Refused(_("This list was taken or refused; what was in it is not kept."))
    reasons = lists.reason_words()
    rows = ([str(bad.number), bad.text, reasons[bad.reason]] for bad in long_lists.bad_lines(sent).bad)
    response = make_response(export.csv_file([_("Line"), _("Text"), _("Reason")], rows))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="unusable-{campaign.id}-{sent.id}.csv"'
    return response
