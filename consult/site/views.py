"""Pages about the instance itself: legal texts, language and display, contact, settings."""

from datetime import timedelta

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult import files, i18n, retention
from consult.audit.models import Deletion
from consult.authz import authorize, current_person, public
from consult.desk import operations as desk
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.limits import limit, visitor
from consult.processes import policy
from consult.shell import THEME_COOKIE, THEMES
from consult.site import operations, queries
from consult.site.forms import TOPICS, ContactForm, DisplayForm, SettingsForm, TextForm
from consult.site.models import ContactMessage
from consult.site.texts import as_page, fill_in
from consult.web import commit_and_go, keeps_text, row_id, safe_next

bp = Blueprint("site", __name__)

_YEAR = timedelta(days=365)
PAGE = 50


def text_titles() -> dict[str, str]:
    return {
        "imprint": _("Imprint"),
        "privacy": _("Privacy"),
        "accessibility": _("Accessibility statement"),
    }


def _legal_page(key: str) -> str:
    site = queries.site_settings()
    text = queries.legal_text(key, i18n.whole_language())
    markdown = fill_in(text.markdown, site, site.platform_name or _("Participation platform"), url_for("site.contact"))
    return render_template(
        "site/legal.html",
        heading=text_titles()[key],
        body=as_page(markdown),
        text_lang=text.lang,
        is_draft=text.is_draft,
    )


@bp.get("/imprint")
@public
def imprint() -> str:
    return _legal_page("imprint")


@bp.get("/privacy")
@public
def privacy() -> str:
    return _legal_page("privacy")


@bp.get("/accessibility")
@public
def accessibility() -> str:
    return _legal_page("accessibility")


@bp.get("/robots.txt")
@public
def robots() -> Response:
    """Personal links and desks are not for search engines; a draft's preview says so itself."""
    lines = ["User-agent: *", "Disallow: /i/", "Disallow: /preview/", "Disallow: /account", "Disallow: /tasks"]
    response = make_response("\n".join(lines) + "\n")
    response.mimetype = "text/plain"
    return response


@bp.get("/favicon.ico")
@public
def favicon() -> Response:
    """Browsers ask here of themselves; the picture is the one of the frame."""
    return redirect(url_for("static", filename="img/favicon.svg"), 301)


@bp.get("/logo")
@public
def logo() -> Response:
    """The city's logo; its type was read from its bytes when it was handed in."""
    row = queries.logo()
    if row is None or row.media_type not in ("image/png", "image/jpeg", "image/webp"):
        abort(404)
    return files.response(row, inline=True)


@bp.get("/language")
@public
def language() -> Response:
    """Choose a language. A cookie is no state of the server, so a link may do it."""
    wish = request.args.get("to", "")
    response = redirect(safe_next(request.args.get("next"), url_for("processes.home")), 303)
    if wish in i18n.path_languages():
        i18n.remember(response, wish)
    return response


@bp.route("/display", methods=["GET", "POST"])
@public
@keeps_text
def display() -> Response | str:
    """Colours and language of this browser; kept in two cookies, no account needed."""
    form = DisplayForm(
        theme=request.cookies.get(THEME_COOKIE) if request.cookies.get(THEME_COOKIE) in THEMES else "system",
        language=i18n.language(),
    )
    back = safe_next(request.args.get("next"), url_for("processes.home"))
    if form.validate_on_submit():
        response = redirect(back, 303)
        i18n.remember(response, str(form.language.data))
        if form.theme.data in THEMES:
            response.set_cookie(
                THEME_COOKIE, form.theme.data, max_age=int(_YEAR.total_seconds()), httponly=True, samesite="Lax",
                secure=current_app.config["SESSION_COOKIE_SECURE"],
            )  # fmt: skip
        else:
            response.delete_cookie(THEME_COOKIE)
        flash(_("Your choice is kept in this browser."), "success")
        return response
    return render_template("site/display.html", form=form)


@bp.route("/contact", methods=["GET", "POST"])
@public
@keeps_text
def contact() -> Response | str:
    """Write to the city without an account: barriers, questions, data protection."""
    if request.method == "POST":
        limit("contact", visitor(), 5, timedelta(hours=1))
    topic = request.args.get("topic", "")
    form = ContactForm(page=request.args.get("page", "")[:300])
    if request.method == "GET" and topic in TOPICS:
        form.topic.data = topic
    if form.validate_on_submit():
        if not form.website.data:
            desk.receive_message(str(form.topic.data), entered(form.page), entered(form.body), form.email.data or None)
        return commit_and_go(url_for("site.contact_thanks"))
    return render_template("site/contact.html", form=form)


@bp.get("/contact/thanks")
@public
def contact_thanks() -> str:
    return render_template("site/contact_thanks.html")


@bp.route("/settings", methods=["GET", "POST"])
@keeps_text
def settings() -> Response | str:
    """What the instance says of itself; for operators."""
    authorize(policy.is_operator)
    form = SettingsForm(obj=queries.site_settings())
    if form.validate_on_submit():
        upload = request.files.get("logo")
        values = {name: form[name].data or "" for name in operations.FIELDS}
        try:
            operations.change_settings(
                current_person().id,
                values,
                logo=upload.read(operations.MAX_LOGO + 1) if upload and upload.filename else None,
                remove_logo=form.remove_logo.data,
            )
        except Refused as refusal:
            form.logo.errors = [refusal.message]
            return render_template("site/settings.html", form=form, logo=queries.logo_digest())
        flash(_("Saved."), "success")
        return commit_and_go(url_for("site.settings"))
    return render_template("site/settings.html", form=form, logo=queries.logo_digest())


@bp.get("/settings/texts")
def texts() -> str:
    """All legal texts in all languages, and which of them are still our drafts."""
    authorize(policy.is_operator)
    rows = [
        {
            "title": title,
            "lang": lang,
            "is_draft": queries.legal_text(key, lang).is_draft,
            "url": url_for("site.text", key=key, lang=lang),
        }
        for key, title in text_titles().items()
        for lang in i18n.languages()
    ]
    return render_template("site/texts.html", rows=rows)


@bp.route("/settings/texts/<key>/<lang>", methods=["GET", "POST"])
@keeps_text
def text(key: str, lang: str) -> Response | str:
    """Write one legal text in one language."""
    authorize(policy.is_operator)
    if key not in queries.TEXT_KEYS or lang not in i18n.languages():
        abort(404)
    present = queries.legal_text(key, lang)
    form = TextForm(markdown=present.markdown)
    if form.validate_on_submit():
        operations.change_text(current_person().id, key, lang, entered(form.markdown))
        flash(_("Saved."), "success")
        return commit_and_go(url_for("site.texts"))
    return render_template(
        "site/text.html", form=form, heading=text_titles()[key], text_lang=lang, is_draft=present.is_draft
    )


@bp.get("/contact/messages")
def messages() -> str:
    """What visitors wrote through the contact form; newest first."""
    authorize(policy.is_operator)
    before = request.args.get("before", type=row_id)
    query = select(ContactMessage).order_by(ContactMessage.id.desc()).limit(51)
    if before:
        query = query.where(ContactMessage.id < before)
    rows = list(db.session.scalars(query))
    following = url_for("site.messages", before=rows[49].id) if len(rows) > 50 else None
    return render_template(
        "site/messages.html",
        rows=rows[:50],
        next_url=following,
        topics=TOPICS,
    )


@bp.post("/contact/messages/<int:message_id>/answered")
def answered(message_id: int) -> Response:
    """Tick a message off."""
    authorize(policy.is_operator)
    desk.mark_answered(db.get_or_404(ContactMessage, message_id))
    flash(_("Ticked off."), "success")
    return commit_and_go(url_for("site.messages"))


@bp.get("/settings/deletions")
def deletions() -> str:
    """What the nightly purge removed: numbers, as proof."""
    authorize(policy.is_operator)
    before = request.args.get("before", type=row_id)
    statement = select(Deletion).order_by(Deletion.id.desc()).limit(PAGE + 1)
    rows = list(db.session.scalars(statement if before is None else statement.where(Deletion.id < before)))
    shown = rows[:PAGE]
    return render_template(
        "site/deletions.html",
        rows=shown,
        names=retention.step_names(),
        next_url=url_for(".deletions", before=shown[-1].id) if len(rows) > PAGE else None,
    )
