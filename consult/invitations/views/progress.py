"""How far inviting is: figures, the list, the list as a file, one invitation taken back or sent again."""

from collections.abc import Callable
from typing import Any

from flask import flash, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import allowed, authorize, current_person
from consult.invitations import export as exporting
from consult.invitations import operations, policy, queries
from consult.invitations.models import CampaignState, InvitationState
from consult.invitations.queries import Filter
from consult.invitations.views.blueprint import bp
from consult.meetings import queries as meetings
from consult.meetings.models import Meeting
from consult.meetings.words import when_words
from consult.outbox.models import State as MailState
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go


def _load(slug: str, meeting_id: int, may: Callable[..., bool]) -> tuple[Process, Meeting]:
    process = load_process(slug)
    authorize(may, process)
    meeting = meetings.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    return process, meeting


def campaign_words() -> dict[str, str]:
    return {
        CampaignState.draft: _("Draft"),
        CampaignState.to_confirm: _("Waits for a second person"),
        CampaignState.scheduled: _("Planned"),
        CampaignState.running: _("Is being sent"),
        CampaignState.paused: _("Paused"),
        CampaignState.stopped: _("Stopped"),
        CampaignState.done: _("Sent"),
    }


def mail_words() -> dict[str, str]:
    return {
        MailState.queued: _("Waiting to be sent"),
        MailState.sending: _("Being sent"),
        MailState.retry: _("Will be tried again"),
        MailState.sent: _("Sent"),
        MailState.failed: _("Could not be delivered"),
        MailState.uncertain: _("Perhaps delivered"),
        MailState.bounced: _("Came back"),
        MailState.paused: _("Paused"),
        MailState.dropped: _("Not sent"),
    }


def answer_words() -> dict[str, str]:
    return {
        InvitationState.open: _("No answer yet"),
        InvitationState.accepted: _("Is coming"),
        InvitationState.maybe: _("Perhaps"),
        InvitationState.declined: _("Is not coming"),
        InvitationState.deputy_named: _("Sends somebody else"),
        InvitationState.revoked: _("Taken back"),
    }


def filter_words() -> dict[str, str]:
    return {
        Filter.all: _("All"),
        Filter.silent: _("No answer yet"),
        Filter.opened: _("Looked at it, no answer"),
        Filter.waiting: _("Mail on its way"),
        Filter.accepted: _("Are coming"),
        Filter.maybe: _("Perhaps"),
        Filter.declined: _("Are not coming"),
        Filter.deputy: _("Send somebody else"),
        Filter.failed: _("Mail not delivered"),
        Filter.letter: _("By letter"),
        Filter.revoked: _("Taken back"),
    }


def tabs_for(address: Callable[[str | None], str], chosen: Filter, counted: queries.Counts) -> list[dict[str, Any]]:
    """The parts of a list of invited people that hold somebody; `address` makes the link to one."""
    numbers = {
        Filter.all: counted.invited + counted.revoked,
        Filter.silent: counted.silent,
        Filter.accepted: counted.accepted,
        Filter.maybe: counted.maybe,
        Filter.declined: counted.declined,
        Filter.deputy: counted.deputy,
        Filter.waiting: counted.waiting,
        Filter.opened: counted.looked,
        Filter.failed: counted.trouble,
        Filter.letter: counted.by_letter,
        Filter.revoked: counted.revoked,
    }
    return [
        {
            "label": label,
            "url": address(None if name == Filter.all else name),
            "current": name == chosen,
            "count": numbers[Filter(name)],
        }
        for name, label in filter_words().items()
        if numbers[Filter(name)] or name in (Filter.all, chosen)
    ]


@bp.get("/p/<slug>/meetings/<int:meeting_id>/invitations")
def progress(slug: str, meeting_id: int) -> str:
    process, meeting = _load(slug, meeting_id, policy.can_see_invitations)
    wish, after = request.args.get("show", ""), request.args.get("after", "")
    chosen = Filter(wish) if wish in list(Filter) else Filter.all
    entries, following = queries.page_of(
        meeting.id, chosen, int(after) if after.isascii() and after.isdigit() and len(after) < 12 else 0
    )
    counted = queries.counts(meeting.id)
    return render_template(
        "invitations/progress.html",
        process=process,
        meeting=meeting,
        when=when_words(meeting),
        open=allowed(policy.can_invite, process) and meeting.state == "planned" and not meeting.is_over(clock.now()),
        counts=counted,
        filters=tabs_for(
            lambda name: url_for(".progress", slug=slug, meeting_id=meeting.id, show=name), chosen, counted
        ),
        campaigns=queries.campaigns_of(meeting.id),
        state_words=campaign_words(),
        entries=entries,
        next_url=url_for(
            ".progress",
            slug=slug,
            meeting_id=meeting.id,
            show=None if chosen == Filter.all else chosen,
            after=following,
        )
        if following
        else None,
        mail_words=mail_words(),
        answer_words=answer_words(),
    )


@bp.get("/p/<slug>/meetings/<int:meeting_id>/invitations.csv")
def export(slug: str, meeting_id: int) -> Response:
    _process, meeting = _load(slug, meeting_id, policy.can_see_invitations)
    ident, mails, answers, moment = meeting.id, mail_words(), answer_words(), exporting.minutes()
    headings = [
        _("Name"), _("E-mail address"), _("Organisation"), _("Language"), _("Mail"), _("Link opened"), _("Answer"),
        _("Answered on"), _("Needs"), _("Message"),
    ]  # fmt: skip

    def rows(after: int, number: int) -> exporting.Rows:
        entries, following = queries.page_of(ident, Filter.all, after, number=number)
        return [
            [
                entry.invitation.person.name,
                entry.invitation.person.email or "",
                entry.invitation.organisation.name if entry.invitation.organisation else "",
                entry.invitation.person.locale,
                _("By letter") if entry.invitation.by_letter else mails.get(entry.mail or "", ""),
                moment(entry.invitation.opened_at),
                answers[entry.invitation.state],
                moment(entry.invitation.answered_at),
                entry.needs,
                entry.invitation.message or "",
            ]
            for entry in entries
        ], following

    return exporting.long_csv(f"invitations-{ident}.csv", headings, rows)


@bp.post("/p/<slug>/meetings/<int:meeting_id>/invitations/<int:invitation_id>/revoke")
def revoke(slug: str, meeting_id: int, invitation_id: int) -> Response:
    _process, meeting = _load(slug, meeting_id, policy.can_invite)
    invitation = queries.invitation_or_404(meeting, invitation_id)
    operations.revoke(invitation, current_person())
    flash(_("The invitation is taken back. Its link no longer works."), "success")
    return commit_and_go(url_for(".progress", slug=slug, meeting_id=meeting.id))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/invitations/<int:invitation_id>/again")
def again(slug: str, meeting_id: int, invitation_id: int) -> Response:
    _process, meeting = _load(slug, meeting_id, policy.can_invite)
    invitation = queries.invitation_or_404(meeting, invitation_id)
    operations.send_again(invitation, meeting, current_person())
    flash(_("One more mail is on its way."), "success")
    return commit_and_go(url_for(".progress", slug=slug, meeting_id=meeting.id))
