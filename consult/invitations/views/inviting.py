"""Inviting: a list, a dry run that sends nothing and loses nothing, and the button."""

from dataclasses import dataclass

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.invitations import campaigns, lists, long_lists, operations, queries
from consult.invitations.audience import Segment, SegmentKind
from consult.invitations.campaign_forms import MAX_FILE, MAX_TEXT
from consult.invitations.forms import InviteForm
from consult.invitations.models import Campaign
from consult.invitations.operations import Member
from consult.invitations.views.blueprint import bp
from consult.invitations.views.circle import load_meeting, tell_invited
from consult.meetings.models import Meeting
from consult.meetings.words import day_words, when_words
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, takes_files

#: Bad lines listed with their reason; all of them stay in the field.
SHOWN = 100


@dataclass(frozen=True)
class Checked:
    """What a form names, ready to be shown or invited."""

    parsed: lists.Parsed
    members: list[Member]


def _form(process: Process) -> InviteForm:
    form = InviteForm()
    form.offer(queries.groups_of(process.id))
    return form


def _check(form: InviteForm) -> Checked:
    """Read the list and put it back sorted: usable lines into one field, the others into the one to put right."""
    if form.file.data:
        from_file = lists.as_lines(lists.parse_file(form.file.data.stream))
        form.text.data = "\n".join(part for part in (form.text.data, from_file) if part)
    parsed = lists.parse_text(form.whole_list())
    form.text.data = lists.as_lines(lists.Parsed(rows=parsed.rows, doubles=parsed.doubles))
    form.fix.data = lists.as_lines(lists.Parsed(bad=parsed.bad))
    return Checked(parsed, queries.members_of(form.group_ids()))


def _first_page(form: InviteForm, process: Process, meeting: Meeting) -> str:
    if not form.subject.data and request.method == "GET":
        form.subject.data = _("Invitation: %(title)s on %(day)s", title=meeting.title, day=day_words(meeting))[:150]
    return render_template(
        "invitations/invite.html", form=form, process=process, meeting=meeting, when=when_words(meeting)
    )


def _dry_run(form: InviteForm, process: Process, meeting: Meeting, checked: Checked, changed: bool) -> str:
    form.checked.data = form.fingerprint()
    return render_template(
        "invitations/dry_run.html",
        form=form,
        process=process,
        meeting=meeting,
        when=when_words(meeting),
        parsed=checked.parsed,
        bad=checked.parsed.bad[:SHOWN],
        reasons=lists.reason_words(),
        preview=queries.preview(meeting, checked.parsed.rows, checked.members),
        changed=changed,
    )


@bp.route("/p/<slug>/meetings/<int:meeting_id>/invite", methods=["GET", "POST"])
@takes_files(MAX_FILE, MAX_TEXT)
@keeps_text
def invite(slug: str, meeting_id: int) -> Response | str | tuple[str, int]:
    """The form; sent, it answers with the dry run. Only a long list is kept, for the worker."""
    process, meeting = load_meeting(slug, meeting_id)
    form = _form(process)
    if request.method == "GET":
        return _first_page(form, process, meeting)
    if not form.validate():
        return _first_page(form, process, meeting), 422
    if long_lists.is_long(form.whole_list(), form.file.data.stream if form.file.data else None):
        return _long_list(slug, form, process, meeting)
    checked = _check(form)
    if not checked.parsed.rows and not checked.parsed.bad and not checked.members:
        form.text.errors = [_("Please name at least one person or choose a group.")]
        return _first_page(form, process, meeting), 422
    return _dry_run(form, process, meeting, checked, changed=False)


@bp.post("/p/<slug>/meetings/<int:meeting_id>/invite/send")
@takes_files(0, MAX_TEXT)
@keeps_text
def send(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """Invite exactly what the dry run showed; anything else is shown once more first."""
    process, meeting = load_meeting(slug, meeting_id)
    form = _form(process)
    if not form.validate():
        return _first_page(form, process, meeting), 422
    looked_at = form.checked.data == form.fingerprint()
    checked = _check(form)
    if checked.parsed.bad and looked_at and not form.leave_out.data:
        form.leave_out.errors = [_("Please put these lines right, or say that they are to be left out.")]
        return _dry_run(form, process, meeting, checked, changed=False), 422
    if not looked_at:
        return _dry_run(form, process, meeting, checked, changed=True), 422
    if not checked.parsed.rows and not checked.members:
        form.text.errors = [_("Please name at least one person or choose a group.")]
        return _first_page(form, process, meeting), 422
    if queries.preview(meeting, checked.parsed.rows, checked.members).new > process.confirm_above:
        return _to_the_desk(slug, form, meeting, checked)
    done = operations.invite(
        meeting,
        rows=checked.parsed.rows,
        members=checked.members,
        subject=form.subject.data or "",
        note=form.note.data or "",
        by=current_person(),
    )
    tell_invited(done.invited)
    return commit_and_go(url_for(".progress", slug=slug, meeting_id=meeting.id))


def _long_list(slug: str, form: InviteForm, process: Process, meeting: Meeting) -> Response | tuple[str, int]:
    """So long that the worker reads it: a draft of the campaign desk, with its list on the way."""
    if form.file.data and form.whole_list().strip():
        form.file.errors = [_("Please send a long list alone: either pasted or as a file.")]
        return _first_page(form, process, meeting), 422
    draft = _draft(form, meeting)
    content = form.file.data.stream.read() if form.file.data else long_lists.pasted(form.whole_list())
    title = (form.file.data.filename if form.file.data else "") or ""
    sent = long_lists.send_in(draft, content, title, current_person())
    return commit_and_go(url_for(".long_list", slug=slug, campaign_id=draft.id, list_id=sent.id))


def _draft(form: InviteForm, meeting: Meeting) -> Campaign:
    """A draft with the words and the groups of the form."""
    actor = current_person()
    draft = campaigns.draft(meeting, actor, form.subject.data or "")
    campaigns.change_texts(draft, campaigns.Texts(draft.subject, form.note.data or ""), draft.revision, actor)
    for group_id in form.group_ids():
        campaigns.add_segment(draft, Segment(SegmentKind.group, group_id), actor)
    return draft


def _to_the_desk(slug: str, form: InviteForm, meeting: Meeting, checked: Checked) -> Response:
    """So many that a second person has to agree: the same as a draft of the campaign desk."""
    draft = _draft(form, meeting)
    if checked.parsed.rows:
        campaigns.add_list(draft, checked.parsed.rows, "", current_person())
    flash(_("These are so many people that somebody else has to agree first. Nothing was sent yet."), "info")
    return commit_and_go(url_for(".campaign", slug=slug, campaign_id=draft.id))
