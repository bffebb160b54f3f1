"""Writing without an account, and for somebody else who keeps the code."""

import time
from datetime import timedelta

from flask import abort, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.models import Person
from consult.authz import authorize, current_person
from consult.concept import queries as concept
from consult.concept.queries import ElementView
from consult.contributions import guests, names, policy, queries, receipts
from consult.contributions.forms import GuestForm
from consult.contributions.models import Stance, State
from consult.contributions.openness import standing_of
from consult.contributions.proposal_forms import GuestProposeForm
from consult.contributions.screening import state_for
from consult.contributions.views import known, similar
from consult.contributions.views.blueprint import bp
from consult.contributions.views.claims import may_be_asked
from consult.contributions.views.proposed import Proposing
from consult.contributions.views.receipts import browser_secret
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.i18n import language
from consult.limits import hit, visitor, wait_for_even_time
from consult.processes.loading import load_process
from consult.processes.models import Activity, Audience, Process
from consult.processes.queries import next_opening
from consult.signing import keyed_hash, new_nonce
from consult.web import commit_and_go, keeps_text

Answer = Response | str | tuple[str, int]

#: What the form says of itself: its sender knows in whose name it is sent.
GUEST, HELPER = "guest", "helper"


def is_meant() -> bool:
    """Whether this request writes without an account: nobody is signed in, or the form sent was the one for guests."""
    return current_person() is None or "as_guest" in request.form


def _slip_name() -> str:
    """Name of the slip: the same for a form that is sent twice."""
    ident = request.form.get("form_id", "")[:64] or new_nonce()
    return keyed_hash("slip", f"{request.path}|{ident}")[:24]


def _too_many(helper: Person | None, author: Person | None) -> bool:
    """Counts what is sent. A library or a meeting with one connection is one visitor to us."""
    if author is not None:
        written = queries.written_since(author.id, clock.now() - timedelta(hours=1))
        if written >= current_app.config["CONTRIBUTIONS_PER_HOUR"]:
            return True
    hour = timedelta(hours=1)
    if helper is not None:
        times, at_most = hit("helper", str(helper.id), hour), current_app.config["CONTRIBUTIONS_PER_HOUR"]
    else:
        times, at_most = hit("guest", visitor(), hour), current_app.config["GUEST_CONTRIBUTIONS_PER_HOUR"]
    return bool(times > at_most)


def write(
    process: Process, view: ElementView | None, action: str, back: str, proposing: Proposing | None = None
) -> Answer:
    """The form to an element or to the process as a whole, for those without an account.

    `proposing`: other words for the element are proposed.
    """
    authorize(policy.can_write_as_guest, process)
    return _write(process, view, action, back, None, proposing)


def _send(
    form: GuestForm,
    process: Process,
    view: ElementView | None,
    helper: Person | None,
    author: Person | None,
    proposing: Proposing | None,
) -> Response:
    """Store it and lead to the slip. Raises `Refused`."""
    started = time.monotonic()
    slip, email = _slip_name(), form.address()
    asked = bool(email)
    # Said on the slip whether or not the mail leaves, so that it tells nothing about the address.
    target = url_for("contributions.slip", slip=slip, mail=1 if email else None)
    if email and not may_be_asked(email):
        email = ""
    code = receipts.code_for(browser_secret(), slip)
    try:
        guests.submit(
            process,
            text=entered(form.text),
            stance=Stance(form.stance.data),
            code=code,
            element_id=view.placed.element_id if view else None,
            lang=form.lang.data,
            author_name=entered(form.author_name),
            helper=helper,
            author=author,
            email=email,
            locale=language(),
            seen=proposing.seen if proposing else (view.version_id, view.placed.wording_id) if view else None,
            proposed=proposing.proposed if proposing else None,
        )
    except IntegrityError:
        # The same form sent twice at the same moment: the other one was first, and its slip is this one's.
        db.session.rollback()
        if receipts.find(code) is None:
            raise
        return redirect(target, 303)
    answer = commit_and_go(target)
    if asked:
        # Whether somebody with this address is known here does not show in the time it takes.
        wait_for_even_time(started)
    return answer


def _write(
    process: Process,
    view: ElementView | None,
    action: str,
    back: str,
    helper: Person | None,
    proposing: Proposing | None = None,
) -> Answer:
    activity = Activity.propose if proposing else Activity.comment
    g.zone = process.zone
    author = None if helper else known.person()
    standing = standing_of(helper or author, process.id, activity)
    opening = standing.opening
    if author and opening and Audience.public not in opening.audiences:
        opening = None
    # What the stage says of people known by address; the moderators may have decided otherwise about this one.
    level = standing.level if author else None
    at_once = opening is not None and state_for(opening.moderation, level) == State.published
    opens_at = next_opening(process.id, activity) if opening is None else None
    if opening is None and request.method == "GET":
        return render_template("contributions/closed.html", process=process, opens_at=opens_at, back=back)
    taken = names.taken_in(process) if request.form.get("author_name") else ()
    mark = HELPER if helper else GUEST
    if proposing:
        form = proposing.bind(GuestProposeForm(mark, known=author is not None, taken=taken))
    else:
        form = GuestForm(mark, known=author is not None, taken=taken, process=process)
    if helper is not None:
        form.email.label.text = _("E-mail address of the person you help")
    browser_secret()
    status = 200
    if proposing and (proposing.shows_newer or proposing.retired()):
        status = 409
    if not similar.asked() and (proposing.is_right() if proposing else form.validate_on_submit()):
        if _too_many(helper, author):
            form.form_errors.append(
                _(
                    "Very many contributions came from this connection within an hour. Nothing is lost: please leave "
                    "this page open and send it again in a while."
                )
            )
            status = 429
        else:
            try:
                return _send(form, process, view, helper, author if form.connected() else None, proposing)
            except Refused as refusal:
                form.form_errors.append(refusal.message)
                status = 409
    place = view.placed.element_id if view else 0
    page = render_template(
        "contributions/guest.html",
        process=process,
        form=form,
        action=action,
        back=back,
        helper=helper,
        known_as=known.masked(author.email or "") if author else "",
        at_once=at_once,
        closed=opening is None,
        opens_at=opens_at,
        placed=view.placed if view else None,
        here=request.path,
        similar_url=f"{action.removesuffix('/for-somebody')}/similar",
        similar=similar.found(process, view.placed.element_id if view else None),
        proposing=proposing,
        autosave=(
            f"helper-{helper.id}-{process.id}-{place}"
            if helper
            else f"{'guest-propose' if proposing else 'guest'}-{process.id}-{place}"
        ),
    )
    return page, status


@bp.route("/p/<slug>/e/<key>/comment/for-somebody", methods=["GET", "POST"])
@keeps_text
def help_create(slug: str, key: str) -> Answer:
    """Write down for somebody else what they say about an element; they keep the code."""
    process = load_process(slug)
    view = concept.element_view(process.id, key, concept.audiences_open_to(current_person(), process))
    if view is None or view.retired:
        abort(404)
    return _help(
        process,
        view,
        url_for("contributions.help_create", slug=slug, key=key),
        url_for("contributions.create", slug=slug, key=key),
        url_for("concept.element", slug=slug, key=key),
    )


@bp.route("/p/<slug>/comment/for-somebody", methods=["GET", "POST"])
@keeps_text
def help_create_for_process(slug: str) -> Answer:
    """The same about the process as a whole."""
    process = load_process(slug)
    return _help(
        process,
        None,
        url_for("contributions.help_create_for_process", slug=slug),
        url_for("contributions.create_for_process", slug=slug),
        url_for("contributions.index", slug=slug),
    )


def _help(process: Process, view: ElementView | None, action: str, alone: str, back: str) -> Answer:
    if current_person() is None and request.method == "POST":
        # The session ended meanwhile: the form for guests keeps the text and says so.
        return write(process, view, alone, back)
    authorize(policy.can_write, process)
    return _write(process, view, action, back, current_person())
