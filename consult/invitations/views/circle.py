"""The simple way: everybody of the group whose meeting it is, on one page. And a text for messengers."""

from flask import flash, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.errors import Refused
from consult.invitations import campaigns, emails, operations, policy, queries
from consult.invitations.audience import Segment, SegmentKind
from consult.invitations.campaign_forms import CircleForm
from consult.invitations.models import Campaign
from consult.invitations.operations import Member
from consult.invitations.views.blueprint import bp
from consult.meetings import queries as meetings
from consult.meetings.models import Meeting, MeetingState
from consult.meetings.words import when_words
from consult.outbox.links import link
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def load_meeting(slug: str, meeting_id: int) -> tuple[Process, Meeting]:
    """A meeting one may invite to now. Raises `Refused` when it is cancelled or over."""
    process = load_process(slug)
    authorize(policy.can_invite, process)
    meeting = meetings.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if meeting.is_over(clock.now()):
        raise Refused(_("This meeting is over."))
    return process, meeting


def _load(slug: str, meeting_id: int) -> tuple[Process, Meeting, list[Member]]:
    process, meeting = load_meeting(slug, meeting_id)
    if meeting.group_id is None:
        raise Refused(_("This meeting belongs to no group. Please choose whom to invite."))
    return process, meeting, queries.members_of([meeting.group_id])


def _page(form: CircleForm, process: Process, meeting: Meeting, members: list[Member]) -> str:
    sample = Campaign(subject=form.subject.data or "", note=form.note.data or "", second_lang=None)
    first = next((member for member in members if not member.by_letter), None)
    guest = queries.person_of(first.person_id) if first else current_person()
    mail, letter = emails.preview(sample, meeting, process, guest)
    return render_template(
        "invitations/circle.html",
        form=form,
        process=process,
        meeting=meeting,
        when=when_words(meeting),
        group_name=meetings.name_of_group(meeting.group_id),
        preview=queries.preview(meeting, [], members),
        guest=guest,
        mail=mail,
        letter=letter,
    )


@bp.route("/p/<slug>/meetings/<int:meeting_id>/circle", methods=["GET", "POST"])
@keeps_text
def circle(slug: str, meeting_id: int) -> str | tuple[str, int]:
    """How many, the mail, and the button. Sent here, the form shows the mail anew; nothing is written."""
    process, meeting, members = _load(slug, meeting_id)
    form = CircleForm()
    if request.method == "POST" and not form.validate():
        return _page(form, process, meeting, members), 422
    return _page(form, process, meeting, members)


@bp.post("/p/<slug>/meetings/<int:meeting_id>/circle/send")
@keeps_text
def send_circle(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """Invite everybody of the group who is not invited yet."""
    process, meeting, members = _load(slug, meeting_id)
    form = CircleForm()
    if not form.validate():
        return _page(form, process, meeting, members), 422
    subject, note = form.subject.data or "", form.note.data or ""
    if queries.preview(meeting, [], members).new > process.confirm_above:
        return _to_the_desk(slug, meeting, subject, note)
    done = operations.invite(meeting, rows=[], members=members, subject=subject, note=note, by=current_person())
    tell_invited(done.invited)
    return commit_and_go(url_for(".progress", slug=slug, meeting_id=meeting.id))


def tell_invited(number: int) -> None:
    """What the next page says about a press of the button."""
    if number:
        count = ngettext("One person is invited.", "%(num)s people are invited.", number)
        flash(" ".join([count, _("The mails leave one after the other.")]), "success")
    else:
        flash(_("Everybody on the list is invited already. Nothing was sent."), "info")


def _to_the_desk(slug: str, meeting: Meeting, subject: str, note: str) -> Response:
    """So many that a second person has to agree: the same as a draft of the campaign desk."""
    actor = current_person()
    draft = campaigns.draft(meeting, actor, subject)
    campaigns.change_texts(draft, campaigns.Texts(subject, note), draft.revision, actor)
    campaigns.add_segment(draft, Segment(SegmentKind.group, meeting.group_id or 0), actor)
    flash(_("These are so many people that somebody else has to agree first. Nothing was sent yet."), "info")
    return commit_and_go(url_for(".campaign", slug=slug, campaign_id=draft.id))


@bp.get("/p/<slug>/meetings/<int:meeting_id>/copy")
def copy_text(slug: str, meeting_id: int) -> str:
    """A text for messengers, with the public address of the meeting and no personal one."""
    process, meeting = load_meeting(slug, meeting_id)
    parts = [
        meeting.title,
        when_words(meeting),
        meeting.place,
        _("More about it, and how to come: %(url)s",
          url=link("meetings.show", slug=process.slug, meeting_id=meeting.id, lang=None)),
    ]  # fmt: skip
    return render_template(
        "invitations/copy.html", process=process, meeting=meeting, text="\n".join(part for part in parts if part)
    )
