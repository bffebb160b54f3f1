"""Calendars to subscribe to, and somebody's own dates."""

import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.policy import is_signed_in
from consult.authz import authorize, current_person, public
from consult.invitations.dates import invited_to
from consult.limits import limit, visitor
from consult.meetings import event_words, feeds, policy, words
from consult.meetings.views.blueprint import bp
from consult.outbox.links import link
from consult.pages import rendered_once
from consult.processes.loading import load_process
from consult.web import commit_and_go

#: Links that are none, from one address.
GUESSES = 30


def _answer(data: bytes, *, secret: bool) -> Response:
    """A calendar, or nothing new since the program asked last."""
    response = Response(data)
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Cache-Control"] = "private, no-cache" if secret else "no-cache"
    if secret:
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    return response.make_conditional(request)


def _addresses(address: str) -> dict[str, str]:
    """The same address for browsers, and for programs that follow calendars."""
    return {"https": address, "webcal": "webcal" + address[len(urlsplit(address).scheme) :]}


@bp.get("/p/<slug>/calendar")
@rendered_once
def subscribe(slug: str) -> str:
    """How to follow the dates of a process."""
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    return render_template(
        "meetings/subscribe.html",
        process=process,
        feed=_addresses(link("meetings.process_ics", slug=process.slug, lang=None)),
    )


@bp.get("/p/<slug>/calendar.ics")
@rendered_once
def process_ics(slug: str) -> Response:
    """Stages and meetings of a process, for programs."""
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    return _answer(feeds.of_process(process), secret=False)


@bp.get("/calendar/<link>.ics", endpoint="personal_ics")
@public
def personal_ics(link: str) -> Response:
    """What a personal link opens: somebody's own dates, or those of a group they belong to."""
    found = feeds.opened(link)
    if found is None:
        limit("guess-link", visitor(), GUESSES, timedelta(minutes=10))
        abort(404)
    data = feeds.of_group(found.group) if found.group else feeds.of_person(found.person, invited_to(found.person))
    return _answer(data, secret=True)


@bp.get("/my/dates")
def my_dates() -> str:
    """Where I come, and the calendars only I can follow."""
    authorize(is_signed_in)
    person = current_person()
    now = clock.now()
    known = feeds.links_of(person)
    calendars = [(feeds.MY_DATES, _("My dates")), *((group.id, group.name) for group in feeds.groups_of(person))]
    return render_template(
        "meetings/my_dates.html",
        dates=feeds.dates_of(person, invited_to(person), now),
        states=event_words.state_names(),
        block=event_words.date_block,
        when=words.when_words,
        calendars=[
            {
                "subject": subject,
                "name": name,
                "feed": _addresses(link("meetings.personal_ics", link=known[subject], lang=None))
                if subject in known
                else None,
            }
            for subject, name in calendars
        ],
    )


def _subject() -> int:
    """Which calendar a form is about: one of the person's own, else 404."""
    given = request.form.get("subject", str(feeds.MY_DATES))
    mine = {feeds.MY_DATES, *(group.id for group in feeds.groups_of(current_person()))}
    subject = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else -1
    if subject not in mine:
        abort(404)
    return subject


@bp.post("/my/dates/link")
def renew_calendar() -> Response:
    """A link to follow; an older one is dead."""
    authorize(is_signed_in)
    feeds.renew(current_person(), _subject())
    flash(_("Here is your new link. An older one no longer works."), "success")
    return commit_and_go(url_for("meetings.my_dates"))


@bp.post("/my/dates/end")
def end_calendar() -> Response:
    """No link any more."""
    authorize(is_signed_in)
    feeds.end(current_person(), _subject())
    flash(_("The link no longer works."), "success")
    return commit_and_go(url_for("meetings.my_dates"))
