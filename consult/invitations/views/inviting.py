"""Inviting: a list, a dry run that sends nothing and loses nothing, and the button."""

from dataclasses import dataclass

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.invitations import campaigns, lists, operations, queries
from consult.invitations.audience import Segment, SegmentKind
from consult.invitations.campaign_forms import MAX_FILE
from consult.invitations.forms import InviteForm
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
@takes_files(MAX_FILE)
@keeps_text
def invite(slug: str, meeting_id: int) -> str | tuple[str, int]:
    """The form; sent, it answers with the dry run. Nothing is written here."""
    process, meeting = load_meeting(slug, meeting_id)
    form = _form(process)
    if request.method == "GET":
        return _first_page(form, process, meeting)
    if not form.validate():
        return _first_page(form, process, meeting), 422
    checked = _check(form)
    if not checked.parsed.rows and not checked.parsed.bad and not checked.members:
        form.text.errors = [_("Please name at least one person or choose a group.")]
        return _first_page(form, process, meeting), 422
    return _dry_run(form, process, meeting, checked, changed=False)


@bp.post("/p/<slug>/meetings/<int:meeting_id>/invite/send")
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


def _to_the_desk(slug: str, form: InviteForm, meeting: Meeting, checked: Checked) -> Response:
    """So many that a second person has to agree: the same as a draft of the campaign desk."""
    actor = current_person()
    draft = campaigns.draft(meeting, actor, form.subject.data or "")
    campaigns.change_texts(draft, campaigns.Texts(draft.subject, form.note.data or ""), draft.revision, actor)
    if checked.parsed.rows:
        campaigns.add_list(draft, checked.parsed.rows, "", actor)
    for group_id in form.group_ids():
        campaigns.add_segment(draft, Segment(SegmentKind.group, group_id), actor)
    flash(_("These are so many people that somebody else has to agree first. Nothing was sent yet."), "info")
    return commit_and_go(url_for(".campaign", slug=slug, campaign_id=draft.id))
