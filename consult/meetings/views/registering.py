"""Coming to a meeting: register, prove the address, see and change one's own registration.

Personal links need no account. Looking changes nothing; only a button does.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec

import segno
from flask import flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts import tokens
from consult.accounts.addresses import mailbox_key
from consult.accounts.models import LinkPurpose, Person
from consult.accounts.operations import speaks
from consult.authz import authorize, current_person, public
from consult.errors import Refused, error_page
from consult.html import render_markdown
from consult.i18n import language
from consult.invitations import answering
from consult.invitations import queries as invitations
from consult.invitations.models import InvitationState
from consult.limits import hit, in_even_time, limit, visitor
from consult.meetings import (
    attendees,
    calendar,
    deadlines,
    fields,
    policy,
    queries,
    registering,
    registrations,
    unconfirmed,
    waiting,
    words,
)
from consult.meetings.door import ticket_address
from consult.meetings.mailing import entry_for, moment_words, until_words
from consult.meetings.models import AttendeeList, Meeting, MeetingField, MeetingState, Origin, RegistrationState
from consult.meetings.registering_forms import (
    ConfirmForm,
    MineForm,
    RegisterForm,
    asking,
    said,
    stored_answers,
    stored_needs,
)
from consult.meetings.registrations import Registered
from consult.meetings.views.blueprint import bp
from consult.meetings.views.reading import calendar_file
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.signing import sign
from consult.web import commit_and_go, keeps_text

P = ParamSpec("P")
HOUR = timedelta(hours=1)
#: Registrations from one address: a whole office, or a helper with a list, may sit behind one.
REGISTRATIONS_PER_HOUR = 150
#: Mails to one mailbox, however its address is spelled.
MAILS_PER_ADDRESS = 5
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


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A rendered page as a response."""
    response = make_response(render_template(template, **context))
    response.status_code = status
    return response


# -- registering ------------------------------------------------------------------------------------------------------


def _load(slug: str, meeting_id: int) -> tuple[Process, Meeting]:
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    return process, meeting


def _own_page(meeting: Meeting, person: Person | None) -> str | None:
    """Where somebody who is signed in finds what they have with this meeting already."""
    if person is None:
        return None
    registration = registering.of_person(meeting.id, person.id)
    if registration is not None and registration.state != RegistrationState.unconfirmed:
        return url_for(".my_registration", link=registrations.link_to(registration))
    invitation = answering.of_person(meeting.id, person.id)
    if invitation is not None and invitation.state != InvitationState.revoked:
        return url_for("invitations.respond", link=sign(invitations.PURPOSE, invitation.id, invitation.nonce))
    return None


def _form(meeting: Meeting, asked: Sequence[MeetingField], person: Person | None) -> RegisterForm:
    form = asking(RegisterForm, asked)()
    form.say_who_reads(meeting.attendee_list)
    if person is not None:
        form.without_address()
    return form


@bp.route("/p/<slug>/meetings/<int:meeting_id>/register", methods=["GET", "POST"])
@keeps_text
@in_even_time
def register(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    person = current_person()
    if request.method == "POST":
        limit("register", visitor(), REGISTRATIONS_PER_HOUR, HOUR)
    own = _own_page(meeting, person)
    if own is not None:
        return redirect(own, 303)
    asked = fields.fields_of(meeting.id)
    form = _form(meeting, asked, person)
    now = clock.now()
    if request.method == "POST" and form.validate():
        try:
            if person is not None:
                return _register_known(meeting, person, form)
            _ask(meeting, form)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return commit_and_go(url_for(".register_sent", slug=slug, meeting_id=meeting.id))
    return page(
        "meetings/register.html",
        200 if request.method == "GET" else 422,
        process=process,
        meeting=meeting,
        form=form,
        person=person,
        when=words.when_words(meeting),
        opens=moment_words(meeting.registration_opens_at, meeting)
        if meeting.registration_opens_at and now < meeting.registration_opens_at
        else None,
        closes=until_words(deadlines.closes_at(meeting), meeting),
        changes=until_words(deadlines.changes_end_at(meeting), meeting),
        may_change=deadlines.may_change(meeting, now),
        photo_notice=Markup(render_markdown(meeting.photo_notice)),  # noqa: S704  (sanitised)
        **_places(meeting),
        open=registering.is_open(meeting, now),
    )


def _places(meeting: Meeting) -> dict[str, int | None]:
    """How many places people of no organisation find, and how many wait."""
    return {"left": registering.places_left(meeting), "waiting": registering.waiting_count(meeting.id)}


def _register_known(meeting: Meeting, person: Person, form: RegisterForm) -> Response:
    registration = registering.register(meeting, person, form.given(), origin=Origin.registration)
    flash(_thanks(registration.state), "success")
    return commit_and_go(url_for(".my_registration", link=registrations.link_to(registration)))


_GOOD_NEWS = (RegistrationState.coming, RegistrationState.waiting, RegistrationState.asked)


def _thanks(state: str) -> str:
    if state == RegistrationState.waiting:
        return _("All places are taken. You are on the waiting list.")
    if state == RegistrationState.asked:
        return _("Thank you. The organisers look at your registration and write to you.")
    return _("Thank you. You have a place.")


def _ask(meeting: Meeting, form: RegisterForm) -> None:
    """The owner of the address gets a mail; whether it leaves makes no difference to what the visitor sees."""
    email = form.email.data or ""
    if hit("register-mail", mailbox_key(email), HOUR) > MAILS_PER_ADDRESS:
        if not registering.is_open(meeting, clock.now()):
            raise Refused(_("Registration is not open."))
        return
    unconfirmed.ask(meeting, email, form.name.data or "", form.given(), language())


@bp.get("/p/<slug>/meetings/<int:meeting_id>/register/sent")
def register_sent(slug: str, meeting_id: int) -> Response:
    """The same for every address."""
    process, meeting = _load(slug, meeting_id)
    return page("meetings/register_sent.html", process=process, meeting=meeting)


# -- proving the address ----------------------------------------------------------------------------------------------


@bp.route("/registration/confirm/<link>", methods=["GET", "POST"])
@keeps_text
@private
@public
def confirm_registration(link: str) -> Response:
    """What the link in the mail leads to. A GET shows a page with a button; only the POST uses the link up."""
    if request.method == "POST":
        limit("confirm-registration", visitor(), REGISTRATIONS_PER_HOUR, HOUR)
    token = tokens.find(link, LinkPurpose.register)
    found = registrations.with_person(token.subject_id or 0) if token else None
    if token is None or found is None or found.person.id != token.person_id or found.person.erased_at is not None:
        limit("guess-link", visitor(), GUESSES, timedelta(minutes=10))
        return _link_is_over()
    g.zone = found.meeting.zone
    may_rename = found.person.account is None
    form = ConfirmForm(data={"name": found.person.name})
    if request.method == "POST" and form.validate():
        name = form.name.data if may_rename else None
        try:
            done = unconfirmed.confirm(token, found.meeting, found.registration, found.person, name)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            if not done:
                return _link_is_over()
            speaks(found.person.id, language())
            answering.follow(found.meeting, found.registration)
            if found.registration.state in _GOOD_NEWS:
                # The organisers may have decided while the mail was on its way; the page says how it stands.
                flash(_thanks(found.registration.state), "success")
            return commit_and_go(url_for(".my_registration", link=registrations.link_to(found.registration)))
    return page(
        "meetings/confirm_registration.html",
        200 if request.method == "GET" else 422,
        form=form,
        here=request.path,
        process=found.process,
        meeting=found.meeting,
        when=words.when_words(found.meeting),
        may_rename=may_rename,
        left=registering.places_left(found.meeting, found.registration.organisation_kind),
        waiting=registering.waiting_count(found.meeting.id),
    )


def _link_is_over() -> Response:
    """The same for forged, used, expired and foreign links."""
    message = _("The link was used already, or it is older than 2 days. You can register once more.")
    return error_page(410, message=message)


# -- my registration --------------------------------------------------------------------------------------------------


def _mine(link: str) -> Registered:
    try:
        found = registrations.by_link_or_404(link)
    except NotFound:
        limit("guess-link", visitor(), GUESSES, timedelta(minutes=10))
        raise
    g.zone = found.meeting.zone
    return found


def qr_of(address: str, code: str) -> Markup:
    """The address of the page at the door, looking for this code, as a picture that stands in the page."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(
        # Without a size of its own: the style sheet gives it one, and then it shrinks instead of being cut off.
        omitsize=True, scale=6, border=4, light="#fff", dark="#000", svgclass="qr", lineclass=None, title=code,
    )  # fmt: skip
    return Markup(drawn)  # noqa: S704  (drawn by the library; the code is letters and figures of ours)


def _my_page(link: str, found: Registered, form: MineForm | None = None, status: int = 200) -> Response:
    registration, meeting = found.registration, found.meeting
    now = clock.now()
    asked = fields.fields_of(meeting.id)
    answers = fields.answers_of([registration.id]).get(registration.id, {})
    needs = words.Needs.load(registration.needs)
    typed = said(asked, form.needed(), form.answers()) if form is not None else None
    if form is None:
        stored = {**stored_needs(registration.needs), **stored_answers(asked, answers), "named": registration.named}
        form = asking(MineForm, asked)(data=stored)
        form.say_who_reads(meeting.attendee_list)
    to_come = meeting.state == MeetingState.planned and now < meeting.starts_at
    has_place = registration.state in (RegistrationState.coming, RegistrationState.attended)
    waits = registration.state == RegistrationState.waiting
    return page(
        "meetings/my_registration.html",
        status,
        link=link,
        form=form,
        registration=registration,
        person=found.person,
        meeting=meeting,
        process=found.process,
        when=words.when_words(meeting),
        to_come=to_come,
        changeable=deadlines.may_change(meeting, now),
        changes=until_words(deadlines.changes_end_at(meeting), meeting),
        told=said(asked, needs, answers),
        typed=typed,
        place=waiting.place_in_queue(registration) if waits else None,
        until=moment_words(registration.offer_until, meeting) if registration.offer_until else None,
        reason=needs.reason,
        attendees=attendees.published(meeting, now, for_guest=True)
        if has_place and meeting.attendee_list == AttendeeList.guests
        else None,
        over=meeting.is_over(now),
        qr=qr_of(ticket_address(found.process, meeting, registration.code), registration.code)
        if has_place and meeting.state == MeetingState.planned
        else None,
        photo_notice=Markup(render_markdown(meeting.photo_notice)),  # noqa: S704  (sanitised)
    )


@bp.get("/registration/<link>")
@private
@public
def my_registration(link: str) -> Response:
    return _my_page(link, _mine(link))


@bp.post("/registration/<link>/change")
@keeps_text
@private
@public
def change_registration(link: str) -> Response:
    limit("my-registration", visitor(), REGISTRATIONS_PER_HOUR, HOUR)
    found = _mine(link)
    form = asking(MineForm, fields.fields_of(found.meeting.id))()
    form.say_who_reads(found.meeting.attendee_list)
    if form.validate():
        try:
            registering.change(found.meeting, found.registration, form.given(), found.person.id)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Saved."), "success")
            return _back(link, found)
    return _my_page(link, found, form, 422)


def _back(link: str, found: Registered) -> Response:
    speaks(found.person.id, language())
    return commit_and_go(url_for(".my_registration", link=link, lang=request.args.get("lang")))


@bp.post("/registration/<link>/unnamed")
@private
@public
def take_back_name(link: str) -> Response:
    """No longer be named in the list of those who come or came: also when nothing else can be changed any more."""
    limit("my-registration", visitor(), REGISTRATIONS_PER_HOUR, HOUR)
    found = _mine(link)
    registering.take_back_name(found.meeting, found.registration, found.person.id)
    flash(_("Your name is no longer in the list."), "success")
    return _back(link, found)


@bp.post("/registration/<link>/come")
@private
@public
def come(link: str) -> Response:
    """Take the place that is kept, or come after all."""
    limit("my-registration", visitor(), REGISTRATIONS_PER_HOUR, HOUR)
    found = _mine(link)
    registration = found.registration
    answering.refuse_while_deputy(found.meeting, found.person.id)
    if registration.state == RegistrationState.offered:
        registering.take_offer(found.meeting, registration, found.person)
    else:
        own = registration.origin in (Origin.registration, Origin.walk_in)
        origin = Origin.registration if own else Origin(registration.origin)
        # Who was put on the list by the organisers comes back as somebody they asked.
        origin = Origin.invitation if origin == Origin.staff else origin
        registering.register(found.meeting, found.person, origin=origin)
    answering.follow(found.meeting, registration)
    flash(_thanks(registration.state), "success")
    return _back(link, found)


@bp.post("/registration/<link>/cancel")
@private
@public
def cancel_registration(link: str) -> Response:
    """Not coming, or leaving the place that was kept to the next one."""
    limit("my-registration", visitor(), REGISTRATIONS_PER_HOUR, HOUR)
    found = _mine(link)
    if clock.now() >= found.meeting.starts_at:
        raise Refused(_("This meeting has begun already; answers are no longer possible."))
    registering.step_back(found.meeting, found.person)
    answering.follow(found.meeting, found.registration)
    flash(_("Thank you for telling us. Your place goes to somebody else."), "success")
    return _back(link, found)


@bp.get("/registration/<link>/meeting.ics")
@private
@public
def my_ics(link: str) -> Response:
    """The calendar entry of this guest."""
    found = _mine(link)
    gone = found.meeting.state == MeetingState.cancelled
    data = entry_for(found.meeting, found.process, found.person, calendar.CANCEL if gone else calendar.PUBLISH)
    return calendar_file(data, f"meeting-{found.meeting.id}.ics")
