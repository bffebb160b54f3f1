"""Issues at the desk: write, try, look, send, hold, stop."""

from collections.abc import Callable
from typing import Any

from flask import flash, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import allowed, authorize, current_person
from consult.errors import Conflict
from consult.html import render_markdown
from consult.invitations import campaigns
from consult.invitations.campaign_forms import SendForm
from consult.invitations.models import Campaign
from consult.invitations.views.desk import REFRESH, STATE_TONES
from consult.invitations.views.progress import campaign_words
from consult.newsletters import emails, issues, policy, queries
from consult.newsletters.forms import IssueForm
from consult.newsletters.views.blueprint import bp
from consult.outbox import mailings
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id


def _load(
    slug: str, issue_id: int, may: Callable[..., bool] = policy.can_write_newsletters
) -> tuple[Process, Campaign]:
    """An issue of this process for those who may; else 403 or 404."""
    process = load_process(slug)
    authorize(may, process)
    issue = queries.issue_of(process.id, issue_id)
    if issue is None:
        raise NotFound
    g.zone = process.zone
    return process, issue


def _home(slug: str, issue: Campaign) -> str:
    return url_for(".issue", slug=slug, issue_id=issue.id)


@bp.get("/p/<slug>/newsletters")
def index(slug: str) -> str:
    """All issues, newest first, and how many people get them."""
    process = load_process(slug)
    authorize(policy.can_see_newsletters, process)
    g.zone = process.zone
    found, following = queries.issues_of(process.id, request.args.get("before", type=row_id))
    return render_template(
        "newsletters/index.html",
        process=process,
        issues=found,
        next_url=url_for(".index", slug=slug, before=following) if following else None,
        counts=queries.subscriptions_by_state(process.id),
        words=campaign_words(),
        tones=STATE_TONES,
        may=allowed(policy.can_write_newsletters, process),
    )


@bp.post("/p/<slug>/newsletters")
def begin(slug: str) -> Response:
    """A new draft."""
    process = load_process(slug)
    authorize(policy.can_write_newsletters, process)
    issue = issues.draft(process, current_person())
    return commit_and_go(url_for(".write", slug=slug, issue_id=issue.id))


@bp.route("/p/<slug>/newsletters/<int:issue_id>/write", methods=["GET", "POST"])
@keeps_text
def write(slug: str, issue_id: int) -> Response | str | tuple[str, int]:
    """Subject and text; a text somebody else changed meanwhile is shown beside one's own."""
    process, issue = _load(slug, issue_id)
    form = IssueForm(subject=issue.subject, note=issue.note, per_hour=issue.per_hour, revision=str(issue.revision))
    shown = {"process": process, "issue": issue, "form": form, "conflict": None}
    if form.validate_on_submit():
        try:
            campaigns.change_texts(issue, form.texts(), form.base(), current_person())
        except Conflict as conflict:
            form.revision.data = str(conflict.current_id)
            return render_template("newsletters/write.html", **{**shown, "conflict": conflict}), 409
        flash(_("Saved. Nothing was sent yet."), "success")
        return commit_and_go(_home(slug, issue))
    return render_template("newsletters/write.html", **shown)


@bp.get("/p/<slug>/newsletters/<int:issue_id>")
def issue(slug: str, issue_id: int) -> Response:
    """The issue as readers see it, and its next step or how far sending is."""
    process, found = _load(slug, issue_id, policy.can_see_newsletters)
    return _page(process, found, SendForm(formdata=None))


def _page(process: Process, found: Campaign, form: SendForm, status: int = 200) -> Response:
    form.revision.data = str(found.revision)
    refreshing = status == 200 and campaigns.is_moving(found, clock.now()) and "still" not in request.args
    shown: dict[str, Any] = {
        "process": process,
        "issue": found,
        "text": Markup(render_markdown(emails.content(found, process))),  # noqa: S704  (sanitised)
        "state_name": campaign_words()[found.state],
        "state_tone": STATE_TONES[found.state],
        "readers": issues.subscribers(process.id),
        "mails": mailings.progress_of_campaign(found.id),
        "may": allowed(policy.can_write_newsletters, process),
        "mine": found.created_by_id == current_person().id,
        "refresh": refreshing,
    }
    response = make_response(render_template("newsletters/issue.html", send_form=form, **shown), status)
    if refreshing:
        # Without a script; what is shown here changes within seconds.
        response.headers["Refresh"] = str(REFRESH)
    return response


@bp.post("/p/<slug>/newsletters/<int:issue_id>/send")
@keeps_text
def send(slug: str, issue_id: int) -> Response:
    """Send exactly what was looked at, now or at a time."""
    process, found = _load(slug, issue_id)
    form = SendForm()
    if not form.validate():
        return _page(process, found, form, 422)
    at = form.moment(process.zone)
    if issues.hand_in(found, form.seen(), current_person(), at):
        flash(_("The mails leave at the time you chose.") if at else _("The newsletter is on its way."), "success")
    else:
        flash(_("Somebody else has to agree before this leaves: it goes to many people."), "info")
    return commit_and_go(_home(slug, found))


@bp.post("/p/<slug>/newsletters/<int:issue_id>/agree")
def agree(slug: str, issue_id: int) -> Response:
    """The second pair of eyes."""
    _process, found = _load(slug, issue_id)
    issues.agree(found, SendForm().seen(), current_person())
    flash(_("You agreed. The newsletter is on its way."), "success")
    return commit_and_go(_home(slug, found))


@bp.post("/p/<slug>/newsletters/<int:issue_id>/take-back")
def take_back(slug: str, issue_id: int) -> Response:
    """Back to a draft, as long as nothing has left."""
    _process, found = _load(slug, issue_id)
    campaigns.take_back(found, current_person())
    return commit_and_go(_home(slug, found))


@bp.post("/p/<slug>/newsletters/<int:issue_id>/test")
def try_out(slug: str, issue_id: int) -> Response:
    """A real mail to oneself."""
    _process, found = _load(slug, issue_id)
    issues.send_test(found, current_person())
    flash(_("A test is on its way to your own address."), "success")
    return commit_and_go(_home(slug, found))


@bp.post("/p/<slug>/newsletters/<int:issue_id>/pause")
def pause(slug: str, issue_id: int) -> Response:
    """Hold what has not left yet."""
    _process, found = _load(slug, issue_id)
    campaigns.pause(found, current_person())
    return commit_and_go(_home(slug, found))


@bp.post("/p/<slug>/newsletters/<int:issue_id>/resume")
def resume(slug: str, issue_id: int) -> Response:
    """Go on where it was held."""
    _process, found = _load(slug, issue_id)
    issues.resume(found, current_person())
    return commit_and_go(_home(slug, found))


@bp.post("/p/<slug>/newsletters/<int:issue_id>/stop")
def stop_issue(slug: str, issue_id: int) -> Response:
    """End it for good: what has not left never leaves."""
    _process, found = _load(slug, issue_id)
    before = mailings.progress_of_campaign(found.id)
    campaigns.stop(found, current_person())
    left = before.open + before.paused
    flash(ngettext("Stopped. %(num)s mail is not sent.", "Stopped. %(num)s mails are not sent.", left), "success")
    return commit_and_go(_home(slug, found))
