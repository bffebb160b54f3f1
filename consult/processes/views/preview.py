"""Preview links: whoever has one reads an unpublished process until it expires or is revoked."""

from flask import abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts import tokens
from consult.authz import authorize, current_person, public
from consult.extensions import db
from consult.processes import operations, policy, queries
from consult.processes.forms import PreviewForm
from consult.processes.loading import load_process
from consult.processes.models import Process, ProcessState
from consult.processes.views.blueprint import bp
from consult.web import commit_and_go, keeps_text

_SESSION_KEY = "preview"


@bp.before_app_request
def remember_preview() -> None:
    """Ask anew with every page of a process whether the visitor's preview link still counts."""
    if "slug" not in (request.view_args or {}) or _SESSION_KEY not in session:
        return
    g.preview_of = queries.previewed_process(session[_SESSION_KEY])
    if g.preview_of is None:
        session.pop(_SESSION_KEY)


@bp.after_app_request
def keep_out_of_search(response: Response) -> Response:
    """What is shown by a preview link is for the holder of the link, not for search engines and caches."""
    if g.get("preview_of") is not None:
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/preview/<link>")
@public
def preview(link: str) -> Response:
    """Open a preview: the link is kept in the visitor's session and checked again with every page."""
    process_id = queries.previewed_process(link)
    process = db.session.get(Process, process_id) if process_id is not None else None
    if process is None:
        abort(404)
    if process.state == ProcessState.draft:
        session[_SESSION_KEY] = link
    return redirect(url_for("processes.overview", slug=process.slug), 303)


def _preview_page(process: Process, form: PreviewForm) -> str:
    now = clock.now()
    rows = [
        {
            "token": token,
            "open": token.is_valid(now),
            "url": current_app.config["PUBLIC_URL"] + url_for("processes.preview", link=tokens.link_of(token)),
        }
        for token in queries.previews_of(process.id)
    ]
    return render_template("processes/previews.html", process=process, form=form, rows=rows)


@bp.get("/p/<slug>/preview-links")
def previews(slug: str) -> str:
    """The preview links that were given out."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    return _preview_page(process, PreviewForm())


@bp.post("/p/<slug>/preview-links")
@keeps_text
def preview_create(slug: str) -> Response | str:
    """A new preview link."""
    process = load_process(slug)
    authorize(policy.can_share_preview, process)
    form = PreviewForm()
    if form.validate_on_submit():
        operations.create_preview(process, current_person().id, form.days.data or 0)
        flash(_("The link is ready. Everybody who has it can read the process."), "success")
        return commit_and_go(url_for("processes.previews", slug=slug))
    return _preview_page(process, form)


@bp.post("/p/<slug>/preview-links/<int:token_id>/revoke")
def preview_revoke(slug: str, token_id: int) -> Response:
    """End a preview link at once."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    operations.revoke_preview(process, queries.preview_or_404(process.id, token_id), current_person().id)
    flash(_("The link no longer works."), "success")
    return commit_and_go(url_for("processes.previews", slug=slug))
