"""Answering by the personal link: no account, no script. Looking changes nothing; only a button does."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec

from flask import flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.operations import speaks
from consult.authz import public
from consult.errors import Refused
from consult.html import plain_html, render_markdown
from consult.i18n import language
from consult.invitations import answering, notes, operations, queries
from consult.invitations.answering import Answer
from consult.invitations.emails import SAMPLE
from consult.invitations.forms import AnswerForm, DeputyForm
from consult.invitations.models import Campaign, InvitationState
from consult.invitations.queries import Answerable
from consult.invitations.views.blueprint import bp
from consult.limits import limit, visitor
from consult.meetings import calendar, deadlines, fields, registrations, waiting
from consult.meetings.mailing import entry_for, moment_words, until_words
from consult.meetings.models import Meeting, MeetingField, MeetingState, Registration, RegistrationState
from consult.meetings.registering_forms import Said, asked_for_needs, asking, said, stored_answers, stored_needs
from consult.meetings.views.reading import calendar_file
from consult.meetings.words import Needs, when_words
from consult.web import commit_and_go, keeps_text

P = ParamSpec("P")
#: Answers from one address; a whole office may sit behind one.
ANSWERS_PER_HOUR = 120
#: Links that are none, from one address.
GUESSES = 30
#: Deputies one invited person can name within a day.
DEPUTIES_A_DAY = 5


def private(view: Callable[P, Response]) -> Callable[P, Response]:
    """The address of the page is a secret: it is not stored, and not told to the next page."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Response:
        response = view(*args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return wrapper


def _load(link: str) -> Answerable:
    try:
        found = queries.by_link_or_404(link)
    except NotFound:
        limit("guess-link", visitor(), GUESSES, timedelta(minutes=10))
        raise
    g.zone = found.meeting.zone
    return found


def _form(found: Answerable) -> AnswerForm:
    asked = fields.fields_of(found.meeting.id)
    kind = asking(AnswerForm, asked)
    registration = found.registration
    if request.method != "GET":
        return kind() if _says_needs(found) else AnswerForm()
    given = fields.answers_of([registration.id]).get(registration.id, {}) if registration and asked else {}
    return kind(
        data={
            "name": found.invitation.person.name,
            "message": found.invitation.message or "",
            **stored_needs(registration.needs if registration else None),
            **stored_answers(asked, given),
        }
    )


def _says_needs(found: Answerable) -> bool:
    """Whether the form that was sent says something about needs: not where the page showed none."""
    return found.registration is None or asked_for_needs(request.form)


def _template(meeting: Meeting) -> str:
    if meeting.state == MeetingState.cancelled:
        return "invitations/cancelled.html"
    return "invitations/over.html" if clock.now() >= meeting.starts_at else "invitations/respond.html"


def _note(campaign: Campaign) -> dict[str, object]:
    """What the organisers wrote, for a reader of this page's language."""
    words = notes.words_for(campaign.subject, campaign.note, campaign.second_lang)
    return {"note": plain_html(words.text), "note_lang": words.lang}


def _told(registration: Registration, asked: list[MeetingField]) -> Said:
    answers = fields.answers_of([registration.id]).get(registration.id, {})
    return said(asked, Needs.load(registration.needs), answers)


def _page(link: str, found: Answerable, form: AnswerForm, status: int) -> Response:
    meeting, invitation, registration = found.meeting, found.invitation, found.registration
    state = registration.state if registration else None
    named = answering.deputy_of(invitation) if invitation.state == InvitationState.deputy_named else None
    now = clock.now()
    fixed = registration is not None and deadlines.stands(meeting, registration, now)
    asked = fields.fields_of(meeting.id) if fixed else []
    body = render_template(
        _template(meeting),
        link=link,
        form=form,
        invitation=invitation,
        person=invitation.person,
        meeting=meeting,
        process=found.process,
        when=when_words(meeting),
        **_note(queries.campaign_of(invitation)),
        may_rename=invitation.person.account is None,
        state=state,
        place=waiting.place_in_queue(registration) if registration and state == RegistrationState.waiting else None,
        until=moment_words(registration.offer_until, meeting)
        if registration and registration.offer_until and state == RegistrationState.offered
        else None,
        fixed=fixed,
        changes=until_words(deadlines.changes_end_at(meeting), meeting)
        if meeting.state == MeetingState.planned and deadlines.changes_end_at(meeting) < meeting.starts_at
        else None,
        told=_told(registration, asked) if registration is not None and fixed else None,
        typed=said(asked, form.needed(), form.answers()) if fixed and asked_for_needs(request.form) else None,
        code=registration.code if registration and state == RegistrationState.coming else None,
        mine=registrations.link_to(registration)
        if registration and state in (RegistrationState.coming, RegistrationState.waiting)
        else None,
        deputy=named,
        deputy_address=answering.named_address(invitation) if invitation.state == InvitationState.deputy_named else "",
        named_by=answering.name_of(invitation.deputy_for_id),
        photo_notice=Markup(render_markdown(meeting.photo_notice)),  # noqa: S704  (sanitised)
    )
    response = make_response(body)
    response.status_code = status
    return response


def _sample() -> str:
    """Where the link of a mail leads that was only looked at, or sent as a test."""
    return render_template(
        "errors/error.html",
        title=_("This link is a sample"),
        message=_(
            "In the real mail it leads to a page of its own for each invited person. There they say whether they come. "
            "Here nothing can be answered."
        ),
    )


@bp.get("/i/<link>")
@private
@public
def respond(link: str) -> Response:
    if link == SAMPLE:
        return make_response(_sample())
    found = _load(link)
    if found.invitation.opened_at is None:
        operations.note_opened(found.invitation.id)
    return _page(link, found, _form(found), 200)


@bp.post("/i/<link>/accept")
@keeps_text
@private
@public
def accept(link: str) -> Response:
    return _answer(link, InvitationState.accepted)


@bp.post("/i/<link>/maybe")
@keeps_text
@private
@public
def maybe(link: str) -> Response:
    return _answer(link, InvitationState.maybe)


@bp.post("/i/<link>/decline")
@keeps_text
@private
@public
def decline(link: str) -> Response:
    return _answer(link, InvitationState.declined)


def _answer(link: str, wanted: InvitationState) -> Response:
    limit("answer", visitor(), ANSWERS_PER_HOUR, timedelta(hours=1))
    found = _load(link)
    form = _form(found)
    coming = wanted == InvitationState.accepted
    # Whoever does not come owes no answers.
    if not (form.validate() if coming else form.validate_without_questions()):
        return _page(link, found, form, 422)
    may_rename = found.invitation.person.account is None
    given = Answer(
        coming,
        form.message.data or "",
        form.needed() if _says_needs(found) else None,
        form.name.data if may_rename else None,
        wanted == InvitationState.maybe,
        form.answers() if _says_needs(found) else None,
    )
    try:
        registration = answering.answer(found.invitation, found.meeting, given)
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _page(link, found, form, 409)
    flash(_thanks(wanted, registration.state), "success")
    return _back(link, found)


def _thanks(wanted: InvitationState, state: str) -> str:
    if wanted == InvitationState.maybe:
        return _("Thank you. You can come back here when you know.")
    if wanted == InvitationState.declined:
        return _("Thank you for telling us.")
    if state == RegistrationState.waiting:
        return _("All places are taken. You are on the waiting list.")
    return _("Thank you. We are looking forward to seeing you.")


def _back(link: str, found: Answerable) -> Response:
    speaks(found.invitation.person_id, language())
    return commit_and_go(url_for(".respond", link=link, lang=request.args.get("lang")))


@bp.route("/i/<link>/deputy", methods=["GET", "POST"])
@keeps_text
@private
@public
def deputy(link: str) -> Response:
    """Somebody else comes instead."""
    if request.method == "POST":
        limit("answer", visitor(), ANSWERS_PER_HOUR, timedelta(hours=1))
    found = _load(link)
    form = DeputyForm()
    if request.method == "POST" and form.validate():
        # Nobody sends our mails to a list of strangers one by one.
        limit("deputy", str(found.invitation.id), DEPUTIES_A_DAY, timedelta(days=1))
        name, email = form.name.data or "", form.email.data or ""
        try:
            answering.name_deputy(found.invitation, found.meeting, name, email, language())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Thank you. They get a mail with a link of their own."), "success")
            return _back(link, found)
    still_possible = (
        found.meeting.state == MeetingState.planned
        and clock.now() < found.meeting.starts_at
        and found.invitation.deputy_for_id is None
        and found.invitation.state != InvitationState.deputy_named
    )
    if not still_possible:
        return redirect(url_for(".respond", link=link), 303)
    response = make_response(
        render_template(
            "invitations/deputy.html",
            link=link,
            form=form,
            meeting=found.meeting,
            process=found.process,
            when=when_words(found.meeting),
        )  # fmt: skip
    )
    response.status_code = 200 if request.method == "GET" else 422
    return response


@bp.post("/i/<link>/deputy/back")
@private
@public
def deputy_back(link: str) -> Response:
    """Answer oneself after all."""
    limit("answer", visitor(), ANSWERS_PER_HOUR, timedelta(hours=1))
    found = _load(link)
    answering.take_back_deputy(found.invitation, found.meeting)
    flash(_("Their link no longer works. Please tell us whether you come yourself."), "success")
    return _back(link, found)


@bp.get("/i/<link>/meeting.ics")
@private
@public
def ics(link: str) -> Response:
    """The calendar entry of this guest."""
    found = _load(link)
    method = calendar.CANCEL if found.meeting.state == MeetingState.cancelled else calendar.PUBLISH
    data = entry_for(found.meeting, found.process, found.invitation.person, method)
    return calendar_file(data, f"meeting-{found.meeting.id}.ics")
