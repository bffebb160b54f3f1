"""Inviting: a list, a dry run that sends nothing and loses nothing, and the button."""

from dataclasses import dataclass

from flask import flash, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.errors import Refused
from consult.invitations import lists, operations, policy, queries
from consult.invitations.forms import InviteForm
from consult.invitations.operations import Member
from consult.invitations.views.blueprint import bp
from consult.meetings import queries as meetings
from consult.meetings.models import Meeting, MeetingState
from consult.meetings.words import day_words, when_words
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

#: Bad lines listed with their reason; all of them stay in the field.
SHOWN = 100


@dataclass(frozen=True)
class Checked:
    """What a form names, ready to be shown or invited."""

    parsed: lists.Parsed
    members: list[Member]


def _load(slug: str, meeting_id: int) -> tuple[Process, Meeting]:
    process = load_process(slug)
    authorize(policy.can_invite, process)
    meeting = meetings.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if meeting.is_over(clock.now()):
        raise Refused(_("This meeting is over."))
    return process, meeting


def _form(process: Process) -> InviteForm:
    form = InviteForm()
    form.offer(queries.groups_of(process.id))
    return form


def _check(form: InviteForm) -> Checked:
    """Read the list and put it back sorted: usable lines into one field, the others into the one to put right."""
    if form.file.data:
        from_file = lists.as_lines(lists.parse_csv(form.file.data.read()))
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
@keeps_text
def invite(slug: str, meeting_id: int) -> str | tuple[str, int]:
    """The form; sent, it answers with the dry run. Nothing is written here."""
    process, meeting = _load(slug, meeting_id)
    form = _form(process)
    if request.method == "GET":
        # "Invite the group" on the page of its session comes with the group chosen.
        form.choose(request.args.get("group", ""))
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
    process, meeting = _load(slug, meeting_id)
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
    done = operations.invite(
        meeting,
        rows=checked.parsed.rows,
        members=checked.members,
        subject=form.subject.data or "",
        note=form.note.data or "",
        by=current_person(),
    )
    if done.invited:
        count = ngettext("One person is invited.", "%(num)s people are invited.", done.invited)
        flash(" ".join([count, _("The mails leave one after the other.")]), "success")
    else:
        flash(_("Everybody on the list is invited already. Nothing was sent."), "info")
    return commit_and_go(url_for(".progress", slug=slug, meeting_id=meeting.id))
