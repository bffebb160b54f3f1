"""Answering by the personal link: no account, no script. Looking changes nothing; only a button does."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec

from flask import flash, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import public
from consult.errors import Refused
from consult.html import plain_html
from consult.invitations import answering, operations, queries
from consult.invitations.answering import Answer
from consult.invitations.forms import AnswerForm
from consult.invitations.models import InvitationState
from consult.invitations.queries import Answerable
from consult.invitations.views.blueprint import bp
from consult.limits import limit, visitor
from consult.meetings import calendar
from consult.meetings.mailing import entry_for
from consult.meetings.models import MeetingState
from consult.meetings.views.reading import calendar_file
from consult.meetings.words import Needs, when_words
from consult.web import commit_and_go, keeps_text

P = ParamSpec("P")
#: Answers from one address; a whole office may sit behind one.
ANSWERS_PER_HOUR = 120
#: Links that are none, from one address.
GUESSES = 30


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


def _stored(found: Answerable) -> AnswerForm:
    needs = Needs.load(found.registration.needs if found.registration else None)
    return AnswerForm(
        data={
            "name": found.invitation.person.name,
            "needs": list(needs.words),
            "needs_note": needs.note,
            "message": found.invitation.message or "",
        }
    )


def _page(link: str, found: Answerable, form: AnswerForm, status: int) -> Response:
    meeting = found.meeting
    now = clock.now()
    if meeting.state == MeetingState.cancelled:
        template = "invitations/cancelled.html"
    elif now >= meeting.starts_at:
        template = "invitations/over.html"
    else:
        template = "invitations/respond.html"
    body = render_template(
        template,
        link=link,
        form=form,
        invitation=found.invitation,
        person=found.invitation.person,
        meeting=meeting,
        process=found.process,
        when=when_words(meeting),
        note=plain_html(queries.campaign_of(found.invitation).note),
        may_rename=found.invitation.person.account is None,
        accepted=found.invitation.state == InvitationState.accepted,
        answered=found.invitation.state in (InvitationState.accepted, InvitationState.declined),
    )
    response = make_response(body)
    response.status_code = status
    return response


@bp.get("/i/<link>")
@private
@public
def respond(link: str) -> Response:
    found = _load(link)
    if found.invitation.opened_at is None:
        operations.note_opened(found.invitation.id)
    return _page(link, found, _stored(found), 200)


@bp.post("/i/<link>/accept")
@keeps_text
@private
@public
def accept(link: str) -> Response:
    return _answer(link, coming=True)


@bp.post("/i/<link>/decline")
@keeps_text
@private
@public
def decline(link: str) -> Response:
    return _answer(link, coming=False)


def _answer(link: str, *, coming: bool) -> Response:
    limit("answer", visitor(), ANSWERS_PER_HOUR, timedelta(hours=1))
    found = _load(link)
    form = AnswerForm()
    if not form.validate():
        return _page(link, found, form, 422)
    may_rename = found.invitation.person.account is None
    given = Answer(coming, form.message.data or "", form.needed(), form.name.data if may_rename else None)
    try:
        answering.answer(found.invitation, found.meeting, given)
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _page(link, found, form, 409)
    flash(
        _("Thank you. We are looking forward to seeing you.") if coming else _("Thank you for telling us."), "success"
    )
    return commit_and_go(url_for(".respond", link=link, lang=request.args.get("lang")))


@bp.get("/i/<link>/meeting.ics")
@private
@public
def ics(link: str) -> Response:
    """The calendar entry of this guest."""
    found = _load(link)
    method = calendar.CANCEL if found.meeting.state == MeetingState.cancelled else calendar.PUBLISH
    data = entry_for(found.meeting, found.process, found.invitation.person, method)
    return calendar_file(data, f"meeting-{found.meeting.id}.ics")
