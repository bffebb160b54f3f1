"""Who is in the audience and who is out, one by one; and lists of people."""

from functools import partial
from typing import Any

from flask import flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.authz import current_person
from consult.errors import Refused
from consult.extensions import db
from consult.invitations import (
    audience,
    campaigns,
    counting,
    export,
    letters,
    lists,
    long_lists,
    operations,
    policy,
    queries,
)
from consult.invitations.campaign_forms import MAX_FILE, MAX_TEXT, ListForm
from consult.invitations.models import Campaign, CampaignState
from consult.invitations.views.blueprint import bp
from consult.invitations.views.desk import home, load
from consult.invitations.views.progress import answer_words, mail_words
from consult.jobs import Job, enqueue
from consult.web import commit_and_go, keeps_text, row_id, takes_files

#: Bad lines listed with their reason; all of them stay in the field.
SHOWN = 100
SHOWS = ("in", "out", "letter")


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/people")
def people(slug: str, campaign_id: int) -> str:
    """Who gets it, who does not and why; searchable."""
    process, found, meeting = load(slug, campaign_id)
    wish, words = request.args.get("show", ""), request.args.get("q", "")[:100]
    show = wish if wish in SHOWS else ""
    listed, following = counting.page_of(found.id, show, words, request.args.get("after", 0, type=row_id))
    further: dict[str, Any] = {"show": show or None, "q": words or None, "after": following}
    names = {"": _("All"), "in": _("Get it"), "out": _("Left out"), "letter": _("By letter")}
    return render_template(
        "invitations/people.html",
        process=process,
        campaign=found,
        meeting=meeting,
        people=listed,
        segments=counting.labels(audience.named_segments(found)),
        reasons=counting.reason_words(),
        editable=found.state == CampaignState.draft,
        words=words,
        show=show,
        tabs=[
            {
                "label": label,
                "url": url_for(".people", slug=slug, campaign_id=found.id, show=name or None, q=words or None),
                "current": name == show,
            }
            for name, label in names.items()
        ],
        next_url=url_for(".people", slug=slug, campaign_id=found.id, **further) if following else None,
    )


def _back(slug: str, campaign: Campaign) -> str:
    return url_for(".people", slug=slug, campaign_id=campaign.id, show=request.form.get("show") or None)


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/people/<int:recipient_id>/out")
def take_out(slug: str, campaign_id: int, recipient_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.take_out(found, counting.recipient_or_404(found, recipient_id), current_person())
    return commit_and_go(_back(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/people/<int:recipient_id>/in")
def put_in(slug: str, campaign_id: int, recipient_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.put_in(found, counting.recipient_or_404(found, recipient_id), current_person())
    return commit_and_go(_back(slug, found))


@bp.route("/p/<slug>/campaigns/<int:campaign_id>/list", methods=["GET", "POST"])
@takes_files(MAX_FILE, MAX_TEXT)
@keeps_text
def campaign_list(slug: str, campaign_id: int) -> Response | str | tuple[str, int]:
    """A list, pasted or from a file, and what would become of it. Only a long one is kept, for the worker."""
    process, found, meeting = load(slug, campaign_id)
    form = ListForm()
    shown = {"form": form, "process": process, "campaign": found, "meeting": meeting}
    if request.method == "GET":
        return render_template("invitations/list.html", **shown)
    if not form.validate():
        return render_template("invitations/list.html", **shown), 422
    if long_lists.is_long(form.whole_list(), form.file.data.stream if form.file.data else None):
        if form.file.data and form.whole_list().strip():
            form.file.errors = [_("Please send a long list alone: either pasted or as a file.")]
            return render_template("invitations/list.html", **shown), 422
        content = form.file.data.stream.read() if form.file.data else long_lists.pasted(form.whole_list())
        title = form.title.data or (form.file.data.filename if form.file.data else "") or ""
        sent = long_lists.send_in(found, content, title, current_person())
        return commit_and_go(url_for(".long_list", slug=slug, campaign_id=found.id, list_id=sent.id))
    if form.file.data:
        try:
            from_file = lists.as_lines(lists.parse_file(form.file.data.stream))
        except Refused as refusal:
            form.file.errors = [refusal.message]
            return render_template("invitations/list.html", **shown), 422
        form.text.data = "\n".join(part for part in (form.text.data, from_file) if part)
        form.title.data = form.title.data or (form.file.data.filename or "")[:100]
    parsed = _sorted(form)
    if not parsed.rows and not parsed.bad:
        form.text.errors = [_("Please name at least one person.")]
        return render_template("invitations/list.html", **shown), 422
    return render_template("invitations/list.html", **shown, **_dry_run(parsed))


def _sorted(form: ListForm) -> lists.Parsed:
    """Usable lines into one field, the others into the one to put right."""
    parsed = lists.parse_text(form.whole_list())
    form.text.data = lists.as_lines(lists.Parsed(rows=parsed.rows, doubles=parsed.doubles))
    form.fix.data = lists.as_lines(lists.Parsed(bad=parsed.bad))
    return parsed


def _dry_run(parsed: lists.Parsed) -> dict[str, object]:
    known = operations.organisations_named(row.organisation for row in parsed.rows)
    unknown = {row.organisation for row in parsed.rows if row.organisation and row.organisation not in known}
    return {
        "parsed": parsed,
        "bad": parsed.bad[:SHOWN],
        "reasons": lists.reason_words(),
        "unknown": sorted(unknown),
    }


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/list/add")
@takes_files(0, MAX_TEXT)
@keeps_text
def add_list(slug: str, campaign_id: int) -> Response | tuple[str, int]:
    """Take the usable lines into the audience; nothing is sent."""
    process, found, meeting = load(slug, campaign_id)
    form = ListForm()
    shown = {"form": form, "process": process, "campaign": found, "meeting": meeting}
    if not form.validate():
        return render_template("invitations/list.html", **shown), 422
    parsed = _sorted(form)
    if parsed.bad and not form.leave_out.data:
        form.leave_out.errors = [_("Please put these lines right, or say that they are to be left out.")]
        return render_template("invitations/list.html", **shown, **_dry_run(parsed)), 422
    if not parsed.rows:
        form.text.errors = [_("Please name at least one person.")]
        return render_template("invitations/list.html", **shown), 422
    number = campaigns.add_list(found, parsed.rows, form.title.data or "", current_person())
    flash(ngettext("One person is on the list.", "%(num)s people are on the list.", number), "success")
    return commit_and_go(home(slug, found) + "#people")


def _download(content: bytes, media_type: str, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/invited.<any(csv, xlsx):suffix>")
def export_campaign(slug: str, campaign_id: int, suffix: str) -> Response:
    """Everybody invited by this campaign, and what they answered."""
    _process, found, _meeting = load(slug, campaign_id, policy.can_see_invitations)
    ident, mails, answers, moment = found.id, mail_words(), answer_words(), export.minutes()
    by_letter = _("By letter")
    headings = [
        _("Name"), _("E-mail address"), _("Organisation"), _("Language"), _("Mail"), _("Sent on"), _("Link opened"),
        _("Answer"), _("Answered on"), _("Reminded on"),
    ]  # fmt: skip

    def row(line: queries.Line) -> list[str]:
        return [
            line.name,
            line.email or "",
            line.organisation or "",
            line.locale,
            by_letter if line.by_letter else mails.get(line.mail or "", ""),
            moment(line.sent_at),
            moment(line.opened_at),
            answers[line.state],
            moment(line.answered_at),
            moment(line.reminded_at),
        ]

    def rows(after: int, number: int) -> export.Rows:
        lines, following = queries.lines_of(ident, after, number)
        return [row(line) for line in lines], following

    long_file = export.long_csv if suffix == "csv" else export.long_xlsx
    return long_file(f"campaign-{ident}.{suffix}", headings, rows)


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/letters")
def show_letters(slug: str, campaign_id: int) -> Response:
    """The letters of a campaign: how many, as which files."""
    process, found, meeting = load(slug, campaign_id)
    number = letters.number_of(found.id)
    state = letters.making(found, clock.now()) if number > letters.AT_ONCE else letters.Making(ready=True)
    body = render_template(
        "invitations/letters.html",
        process=process,
        campaign=found,
        meeting=meeting,
        number=number,
        state=state,
        word=number <= letters.WORD_AT_MOST,
        # Not with every renewal of the page while the letters are being made.
        not_whole=letters.not_printed_whole(found.id) if number and state.progress is None else [],
    )
    response = make_response(body)
    if state.progress is not None:
        response.headers["Refresh"] = "4"
    return response


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/letters")
def make_letters(slug: str, campaign_id: int) -> Response:
    """Ask the worker for the letters."""
    _process, found, _meeting = load(slug, campaign_id)
    number = letters.number_of(found.id)
    if not number:
        raise Refused(_("This mailing has no letters."))
    letters.begin(found, number)
    enqueue(db.session, Job.letters, found.id)
    record(Action.campaign_letters, current_person().id, found, process_id=found.process_id, letters=number)
    return commit_and_go(url_for(".show_letters", slug=slug, campaign_id=found.id))


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/letters.<any(pdf, docx, xlsx):suffix>")
def download_letters(slug: str, campaign_id: int, suffix: str) -> Response:
    """The letters as a file to print, to change, or as a table for a mail merge of one's own."""
    _process, found, _meeting = load(slug, campaign_id)
    number = letters.number_of(found.id)
    if not number:
        raise Refused(_("This mailing has no letters."))
    name = f"letters-{found.id}.{suffix}"
    if suffix == "xlsx":
        return export.long_xlsx(name, letters.table_headings(), partial(letters.table_rows, found.id))
    if suffix == "docx" and number > letters.WORD_AT_MOST:
        raise Refused(_("These are too many letters for one Word file. Please take the table and a mail merge."))
    if number <= letters.AT_ONCE:
        return _download(letters.render(found, suffix), letters.KINDS[suffix], name)
    content = letters.made(found, suffix)
    if content is None:
        raise Refused(_("The letters are not made yet. Please go back and have them made."))
    return _download(content, letters.KINDS[suffix], name)
