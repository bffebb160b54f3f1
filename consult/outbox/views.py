"""Doors of the outbox: messages for operators, health for the monitoring, the mailbox of the demonstration."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, flash, g, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person, public
from consult.errors import Refused
from consult.extensions import db
from consult.invitations.export import Rows, long_csv, minutes
from consult.outbox import bounces, centre, operations, policy, queries
from consult.outbox import mailbox as kept_mail
from consult.outbox.kinds import title_of
from consult.outbox.models import State
from consult.outbox.transport import folder_of
from consult.outbox.words import reason, state_word
from consult.processes.loading import load_process
from consult.processes.policy import can_see_mails
from consult.web import commit_and_go, row_id

bp = Blueprint("outbox", __name__)
bp.add_app_template_filter(title_of, "mail_kind")

PAGE = 25


@bp.get("/messages")
def messages() -> str:
    """How the mail is doing: numbers, and what needs a person."""
    authorize(policy.can_see_messages)
    before = request.args.get("before", type=row_id)
    trouble = queries.troubled(before, PAGE + 1)
    following = url_for("outbox.messages", before=trouble[PAGE - 1].id) if len(trouble) > PAGE else None
    return render_template(
        "outbox/messages.html",
        figures=_figures(),
        trouble=[(row, state_word(row.state), *reason(row.note)) for row in trouble[:PAGE]],
        next_url=following,
        health=queries.health(clock.now()),
        again=queries.AGAIN,
        paused=queries.count_paused_addresses(),
    )


@bp.get("/messages/paused")
def paused() -> str:
    """Addresses that get nothing because mail to them came back."""
    authorize(policy.can_see_messages)
    rows = queries.paused_addresses(request.args.get("before", type=row_id), PAGE + 1)
    following = url_for("outbox.paused", before=rows[PAGE - 1].person_id) if len(rows) > PAGE else None
    return render_template(
        "outbox/paused.html", rows=[(row, *reason(row.why)) for row in rows[:PAGE]], next_url=following
    )


@bp.post("/messages/paused/<int:person_id>/resume")
def resume(person_id: int) -> Response:
    """Somebody has looked at the address: it gets mail again."""
    authorize(policy.can_resume_address)
    if not bounces.set_going_again(person_id, current_person().id):
        raise Refused(_("This address is not paused any more."))
    flash(_("The address gets mail again. What was left out meanwhile is not sent later."), "success")
    return commit_and_go(url_for("outbox.paused"))


def _figures() -> list[dict[str, object]]:
    """One figure per state; what is being sent at this moment counts as waiting."""
    counts = queries.counts_by_state()
    counts[State.queued] += counts.pop(State.sending)
    return [{"label": state_word(state), "value": number} for state, number in counts.items()]


@bp.post("/messages/<int:message_id>/retry")
def retry(message_id: int) -> Response:
    """Send a failed or uncertain message once more."""
    authorize(policy.can_retry_message)
    if not operations.retry(message_id, current_person().id):
        raise Refused(_("This message is neither failed nor uncertain any more."))
    flash(_("The message is on its way again."), "success")
    return commit_and_go(url_for("outbox.messages"))


def _wish() -> centre.Wish:
    return centre.Wish(
        request.args.get("q", "")[:100].strip(), request.args.get("kind", "")[:40], request.args.get("state", "")[:40]
    )


@bp.get("/p/<slug>/mails")
def mails_of_process(slug: str) -> str:
    """The message centre: every mail of this process."""
    process = load_process(slug)
    authorize(can_see_mails, process)
    g.zone = process.zone
    wish = _wish()
    entries, following = centre.page(process.id, wish, request.args.get("before", type=row_id), PAGE)
    asked: dict[str, Any] = {"q": wish.words or None, "kind": wish.kind or None, "state": wish.state or None}
    return render_template(
        "outbox/centre.html",
        process=process,
        wish=wish,
        entries=[(entry, state_word(entry.state), reason(entry.note)[0]) for entry in entries],
        troubled=(*queries.TROUBLE, State.dropped),
        kinds=sorted((title_of(kind), kind) for kind in centre.kinds_in(process.id)),
        states=[(state.value, state_word(state)) for state in State],
        next_url=url_for(".mails_of_process", slug=slug, before=following, **asked) if following else None,
        file_url=url_for(".mails_csv", slug=slug, **asked),
    )


@bp.get("/p/<slug>/mails/<int:message_id>")
def mail_of_process(slug: str, message_id: int) -> str:
    """One mail as it was sent, personal links blanked."""
    process = load_process(slug)
    authorize(can_see_mails, process)
    g.zone = process.zone
    found = centre.one(process.id, message_id)
    if found is None:
        abort(404)
    entry, text = found
    return render_template(
        "outbox/centre_mail.html", process=process, entry=entry, text=text, state=state_word(entry.state),
        sentence=reason(entry.note)[0] if entry.state in (*queries.TROUBLE, State.dropped, State.retry) else "",
        days=operations.KEEP_COPIES.days,
    )  # fmt: skip


@bp.get("/p/<slug>/mails.csv")
def mails_csv(slug: str) -> Response:
    """The same list as a file, however long: its beginning is on its way while the rest is read."""
    process = load_process(slug)
    authorize(can_see_mails, process)
    g.zone = process.zone
    headings = [
        _("Number"),
        _("Kind"),
        _("Recipient"),
        _("State"),
        _("Promised"),
        _("Sent"),
        _("Language"),
        _("Subject"),
    ]
    process_id, wish, moment = process.id, _wish(), minutes()
    # Thousands are of one kind and in one state: each is put into words once.
    kind, state = lru_cache(title_of), lru_cache(state_word)

    def rows(before: int, number: int) -> Rows:
        entries, following = centre.page(process_id, wish, before or None, number)
        return [
            [
                str(entry.id), kind(entry.kind), entry.recipient, state(entry.state),
                moment(entry.queued_at), moment(entry.sent_at), entry.lang, entry.subject,
            ]
            for entry in entries
        ], following  # fmt: skip

    return long_csv(f"mails-{process.slug}.csv", headings, rows)


@bp.get("/health/live")
@public
def live() -> Response:
    """The web process answers."""
    return _plain({"status": "ok"}, 200)


@bp.get("/health/ready")
@public
def ready() -> Response:
    """Database, worker and mail do their work; 503 with the same figures when one does not."""
    try:
        found = queries.health(clock.now())
    except SQLAlchemyError:
        db.session.rollback()
        return _plain({"ready": False, "database": False}, 503)
    figures: dict[str, object] = {
        "ready": found.ready,
        "database": True,
        "heartbeat_seconds": None if found.heartbeat is None else round(found.heartbeat),
        "oldest_due_mail_seconds": round(found.oldest_due),
    }
    return _plain(figures, 200 if found.ready else 503)


def _plain(content: dict[str, object], status: int) -> Response:
    response = jsonify(content)
    response.status_code = status
    # Set here, because finding out who asks would need the database.
    response.headers["Cache-Control"] = "no-store"
    return response


def _demo_folder() -> Path:
    """The folder of sent mail, in a demonstration without a mail server; 404 everywhere else."""
    folder = folder_of(current_app.config["MAIL_URL"])
    if not current_app.config["DEMO"] or folder is None:
        abort(404)
    return folder


@bp.get("/mailbox")
@public
def mailbox() -> str:
    """All mail of the demonstration, newest first."""
    mails, following = kept_mail.page(_demo_folder(), request.args.get("after"), PAGE)
    next_url = url_for("outbox.mailbox", after=following) if following else None
    return render_template("outbox/mailbox.html", mails=mails, next_url=next_url)


@bp.get("/mailbox/<name>")
@public
def mail(name: str) -> str:
    """One mail as text. Its HTML part is not shown: it belongs into a mail program, not into our pages."""
    found = kept_mail.read(_demo_folder(), name)
    if found is None:
        abort(404)
    text = kept_mail.with_links(found.text, current_app.config["PUBLIC_URL"])
    return render_template("outbox/mail.html", mail=found, text=text)
