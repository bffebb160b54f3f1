"""The campaign desk: begin, write, choose people, look, send, hold, stop."""

from collections.abc import Callable
from typing import Any

from flask import flash, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.models import OrganisationKind
from consult.authz import allowed, authorize, current_person
from consult.errors import Conflict, Refused
from consult.invitations import audience, campaigns, counting, emails, letters, long_lists, notes, policy, queries
from consult.invitations.audience import Segment, SegmentKind
from consult.invitations.campaign_forms import SegmentForm, SendForm, TextsForm
from consult.invitations.models import Campaign, CampaignState
from consult.invitations.operations import INVITATION, REMINDER
from consult.invitations.queries import Filter
from consult.invitations.views.blueprint import bp
from consult.invitations.views.progress import answer_words, campaign_words, mail_words, tabs_for
from consult.meetings import queries as meetings
from consult.meetings.models import Meeting
from consult.meetings.words import when_words
from consult.outbox import mailings
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id

#: How often the page of a running campaign loads itself again.
REFRESH = 5
DRAFTED = (CampaignState.draft, CampaignState.to_confirm, CampaignState.scheduled)


STATE_TONES = {"draft": "neutral", "to_confirm": "warning", "scheduled": "info", "running": "info",
               "paused": "warning", "stopped": "danger", "done": "success"}  # fmt: skip


def load(
    slug: str, campaign_id: int, may: Callable[..., bool] = policy.can_invite
) -> tuple[Process, Campaign, Meeting]:
    """A campaign of this process for those who may invite; else 403 or 404."""
    process = load_process(slug)
    authorize(may, process)
    campaign, meeting = queries.campaign_or_404(process.id, campaign_id)
    g.zone = meeting.zone
    return process, campaign, meeting


def home(slug: str, campaign: Campaign) -> str:
    return url_for(".campaign", slug=slug, campaign_id=campaign.id)


def _seen() -> int:
    form = SendForm()
    return form.seen()


@bp.post("/p/<slug>/meetings/<int:meeting_id>/campaigns")
def begin_campaign(slug: str, meeting_id: int) -> Response:
    """A new draft; nothing is sent. From the view of who is missing: with that kind of organisation as its people."""
    process = load_process(slug)
    authorize(policy.can_invite, process)
    meeting = meetings.visible_or_404(process.id, meeting_id)
    # Without a subject of its own each mail has one in the language of its reader.
    campaign = campaigns.draft(meeting, current_person())
    kind = request.form.get("kind", "")
    if kind == OrganisationKind.politics:
        campaigns.add_segment(campaign, Segment(SegmentKind.politics), current_person())
    elif kind in list(OrganisationKind):
        campaigns.add_segment(campaign, Segment(SegmentKind.organisations, word=kind), current_person())
    return commit_and_go(home(slug, campaign))


@bp.get("/p/<slug>/campaigns/<int:campaign_id>")
def campaign(slug: str, campaign_id: int) -> Response:
    """The draft, or how far sending is."""
    process, found, meeting = load(slug, campaign_id, policy.can_see_invitations)
    shown = {
        "process": process,
        "campaign": found,
        "meeting": meeting,
        "when": when_words(meeting),
        "may": allowed(policy.can_invite, process),
        "state_name": campaign_words()[found.state],
        "state_tone": STATE_TONES[found.state],
    }
    return _draft_page(shown) if found.state in DRAFTED else _sending_page(shown)


def _draft_page(shown: dict[str, Any], form: SendForm | None = None, status: int = 200) -> Response:
    process, found, meeting = shown["process"], shown["campaign"], shown["meeting"]
    form = form or SendForm(formdata=None)
    form.revision.data = str(found.revision)
    picker = SegmentForm(formdata=None)
    if found.state == CampaignState.draft:
        picker.offer(counting.choices(process.id, meeting.id))
    segments = audience.named_segments(found)
    keys = [segment.key for segment in segments]
    refreshing = status == 200 and _reloads(found)
    body = render_template(
        "invitations/campaign.html",
        **shown,
        refreshing=refreshing,
        counted=counting.counted(found),
        long_lists=long_lists.of_campaign(found.id),
        written=notes.languages_of(found.note),
        keys=keys,
        reasons=counting.reason_words(),
        send_form=form,
        segment_form=picker,
        needs_second=process.confirm_above,
        mine=found.created_by_id == current_person().id,
    )
    return _reloading(make_response(body, status), refreshing)


def _sending_page(shown: dict[str, Any]) -> Response:
    process, found, meeting = shown["process"], shown["campaign"], shown["meeting"]
    wish, words = request.args.get("show", ""), request.args.get("q", "")[:100]
    chosen = Filter(wish) if wish in list(Filter) else Filter.all
    after = request.args.get("after", 0, type=row_id)
    entries, following = queries.page_of(meeting.id, chosen, after, found.id, words)
    counted = queries.counts(meeting.id, found.id)

    def address(**more: Any) -> str:
        return url_for(".campaign", slug=process.slug, campaign_id=found.id, **more)

    show = None if chosen == Filter.all else chosen
    mails = mailings.progress_of_campaign(found.id, INVITATION)
    reminders = mailings.progress_of_campaign(found.id, REMINDER)
    refreshing = _reloads(found) and not (after or words or show)
    size = campaigns.size_of(found)
    body = render_template(
        "invitations/mailing.html",
        **shown,
        mails=mails,
        reminders=reminders,
        counts=counted,
        size=max(size, counted.invited),
        filters=tabs_for(lambda name: address(show=name, still=1), chosen, counted),
        entries=entries,
        words=words,
        chosen=show,
        next_url=address(show=show, q=words or None, after=following, still=1) if following else None,
        mail_words=mail_words(),
        answer_words=answer_words(),
        letters=counted.by_letter,
        refreshing=refreshing,
        may_remind=found.state in (CampaignState.running, CampaignState.done) and not meeting.is_over(clock.now()),
    )
    return _reloading(make_response(body), refreshing)


def _reloads(found: Campaign) -> bool:
    return campaigns.is_moving(found, clock.now()) and "still" not in request.args


def _reloading(response: Response, refreshing: bool) -> Response:
    """A header and no script: whoever does not want it follows the link that stops it."""
    if refreshing:
        response.headers["Refresh"] = str(REFRESH)
    return response


@bp.route("/p/<slug>/campaigns/<int:campaign_id>/edit", methods=["GET", "POST"])
@keeps_text
def edit_campaign(slug: str, campaign_id: int) -> Response | str | tuple[str, int]:
    """What the mail says. A stale edit shows both texts."""
    process, found, meeting = load(slug, campaign_id)
    form = TextsForm(data={
        "subject": found.subject, "note": found.note, "second_lang": found.second_lang or "",
        "per_hour": found.per_hour, "revision": str(found.revision),
    })  # fmt: skip
    form.offer()
    shown = {"form": form, "process": process, "campaign": found, "meeting": meeting}
    if request.method == "GET":
        return render_template("invitations/campaign_edit.html", **shown)
    if not form.validate():
        return render_template("invitations/campaign_edit.html", **shown), 422
    try:
        campaigns.change_texts(found, form.texts(), form.base(), current_person())
    except Conflict as conflict:
        # Sent once more it counts: both have been seen.
        form.revision.data = str(conflict.current_id)
        return render_template("invitations/campaign_edit.html", **shown, conflict=conflict), 409
    flash(_("Saved."), "success")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/segments")
def add_segment(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    try:
        segment = Segment.parse(request.form.get("segment", "")[:80])
    except ValueError:
        raise Refused(_("These people cannot be chosen here. Please choose again from the list.")) from None
    campaigns.add_segment(found, segment, current_person())
    return commit_and_go(home(slug, found) + "#people")


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/segments/remove")
def remove_segment(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.remove_segment(found, request.form.get("key", "")[:80], current_person())
    return commit_and_go(home(slug, found) + "#people")


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/count")
def count_again(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.count_again(found, current_person())
    flash(_("Counted anew."), "success")
    return commit_and_go(home(slug, found) + "#people")


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/send")
@keeps_text
def hand_in(slug: str, campaign_id: int) -> Response:
    """Send exactly what was looked at, or ask a second person for it."""
    _process, found, meeting = load(slug, campaign_id)
    form = SendForm()
    if not form.validate():
        raise Refused(_("Please choose a time from now on, and within a year."))
    at = form.moment(meeting.zone)
    if campaigns.hand_in(found, form.seen(), current_person(), at):
        flash(
            _("The mails leave at the time you chose.") if at else _("The mails leave one after the other."), "success"
        )
    else:
        flash(_("Before anything is sent, somebody else who may invite has to look at it and agree."), "info")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/agree")
def agree(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.agree(found, _seen(), current_person())
    flash(_("Agreed. The mails leave."), "success")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/take-back")
def take_back(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.take_back(found, current_person())
    flash(_("It is a draft again. Nothing was sent."), "success")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/pause")
def pause(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.pause(found, current_person())
    flash(_("Paused. What has not left yet waits."), "success")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/resume")
def resume(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.resume(found, current_person())
    flash(_("The mails leave again."), "success")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/stop")
def stop(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.stop(found, current_person())
    flash(_("Stopped. What had not left is never sent."), "success")
    return commit_and_go(home(slug, found))


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/remind")
def remind(slug: str, campaign_id: int) -> Response:
    _process, found, _meeting = load(slug, campaign_id)
    number = campaigns.remind(found, current_person())
    flash(ngettext("One person is reminded.", "%(num)s people are reminded.", number), "success")
    return commit_and_go(home(slug, found))


@bp.get("/p/<slug>/campaigns/<int:campaign_id>/preview")
def preview(slug: str, campaign_id: int) -> str:
    """The mail as one of its recipients gets it; the personal link answers nothing."""
    process, found, meeting = load(slug, campaign_id)
    lang = request.args.get("to_lang", "")[:12]
    guest = counting.first_in(found.id, request.args.get("to", 0, type=row_id), lang) or current_person()
    mail, letter = emails.preview(found, meeting, process, guest)
    return render_template(
        "invitations/preview.html",
        process=process,
        campaign=found,
        meeting=meeting,
        guest=guest,
        mail=mail,
        letter=letter,
        languages=counting.languages_of(found.id),
        lang=guest.locale,
        letters=letters.number_of(found.id),
    )


@bp.post("/p/<slug>/campaigns/<int:campaign_id>/test")
def test_to_me(slug: str, campaign_id: int) -> Response:
    """The real mail to whoever presses, with a link that answers nothing."""
    _process, found, _meeting = load(slug, campaign_id)
    campaigns.send_test(found, current_person())
    flash(_("A test is on its way to your own address."), "success")
    return commit_and_go(url_for(".preview", slug=slug, campaign_id=found.id))
