"""Sending one promised mail: claim, ask again, render, hand over, record.

    queued, retry -> sending -> sent | retry | failed | uncertain | dropped

Claim and record are transactions of their own, and the conversation with the mail server is inside none. A worker
that dies leaves `sending` with a lease that runs out; then the guarantee of the mail's kind decides. A worker that
comes back late finds its lease gone and changes nothing.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from flask import Flask, current_app
from sqlalchemy import column, select, table, update
from sqlalchemy.exc import InterfaceError, OperationalError

import config
from consult import clock, path
from consult.db import read_only
from consult.extensions import db, own_transaction
from consult.i18n import in_language, language
from consult.logs import redact, redact_links
from consult.outbox import kinds, mime, transport
from consult.outbox.kinds import Guarantee, Mail
from consult.outbox.models import OutboxMessage, State
from consult.site.queries import site_settings

log = logging.getLogger(__name__)

#: How long a worker may be busy with one message before it counts as dead; longer than `transport.WHOLE_TIMEOUT`.
LEASE = timedelta(minutes=2)
#: When to try again after the first, second ... failure; after the last one, about 48 hours in, we give up.
LADDER = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 8, 8, 8, 8)),
)
#: What the row of a message that is not there counts as.
GONE = "gone"

# By name, because the outbox stands below the accounts.
_person = table("person", column("id"), column("email"), column("locale"), column("erased_at"))
_account = table("account", column("person_id"), column("suspended_at"))


@dataclass(frozen=True)
class Claim:
    """The right to send one message until `until`; the recording checks that nobody else has got it since."""

    message_id: int
    attempts: int
    until: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt."""

    state: State
    note: str = ""
    lang: str | None = None
    subject: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class _Recipient:
    address: str | None
    locale: str
    gone: str


@dataclass(frozen=True)
class _Ready:
    """A message rendered and addressed; nothing of it needs the database any more."""

    content: EmailMessage
    to: str
    guarantee: Guarantee
    lang: str
    subject: str
    text: str


def deliver(message_id: int) -> str:
    """Send the message if it is its turn; returns the state it is in afterwards, `gone` when there is no such row.

    Safe to call twice and at the same time. Owns its transactions: the caller must have nothing uncommitted.
    """
    db.session.rollback()
    claim, state = _claim(message_id, clock.now())
    if claim is None:
        return state
    outcome = _attempt(claim)
    return _record(claim, outcome, clock.now())


def _claim(message_id: int, now: datetime) -> tuple[Claim | None, str]:
    """Take the message for this worker by compare and set; else the state it is in."""
    with own_transaction() as session:
        row = session.get(OutboxMessage, message_id)
        if row is None:
            return None, GONE
        expired = row.state == State.sending and row.claimed_until is not None and row.claimed_until <= now
        if not expired and not row.is_due(now):
            return None, row.state
        if expired and (given_up := _after_crash(row)) is not None:
            claim = None
            values: dict[str, Any] = {"state": given_up.state, "note": given_up.note, "claimed_until": None}
        else:
            claim = Claim(row.id, row.attempts + 1, now + LEASE)
            values = {"state": State.sending, "attempts": claim.attempts, "claimed_until": claim.until}
        changed = session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.id == row.id,
                OutboxMessage.state == row.state,
                OutboxMessage.attempts == row.attempts,
                OutboxMessage.claimed_until.is_not_distinct_from(row.claimed_until),
            )
            .values(values)
            .execution_options(synchronize_session=False)
        )
        if not changed.rowcount:  # type: ignore[attr-defined]  # a DML result has it
            return None, State.sending
        return claim, str(values["state"])


def _after_crash(row: OutboxMessage) -> Outcome | None:
    """What a worker that died in the middle leaves behind; None = send again."""
    kind = kinds.all_kinds().get(row.kind)
    if kind is None or kind.guarantee == Guarantee.at_most_once:
        return Outcome(State.uncertain, "worker_died")
    if row.attempts > len(LADDER):
        return Outcome(State.failed, "gave_up: worker_died")
    return None


def _attempt(claim: Claim) -> Outcome:
    """Render and hand over; no transaction is open while the mail server is spoken to."""
    try:
        with current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]), read_only():
            try:
                ready = _prepare(claim.message_id)
            finally:
                db.session.rollback()
    except (OperationalError, InterfaceError) as error:
        return _later(claim, f"database: {type(error).__name__}")
    except mime.BadMail as error:
        return Outcome(State.failed, f"bad_mail: {error}")
    except Exception as error:
        # One broken mail must not stop the others. The operator sees it in the list of messages.
        log.exception("message %s could not be rendered", claim.message_id)
        return Outcome(State.failed, f"render: {type(error).__name__}")
    if isinstance(ready, Outcome):
        return ready
    sender = current_app.config["MAIL_FROM"]
    try:
        answer = _transport().send(ready.content, sender, ready.to)
    except transport.NotSent as refusal:
        if refusal.permanent:
            return Outcome(State.failed, refusal.reason)
        return _later(claim, refusal.reason)
    except transport.Unknown as cut:
        log.warning("message %s: %s, so nobody knows whether it arrived", claim.message_id, cut.reason)
        if ready.guarantee == Guarantee.at_most_once:
            return Outcome(State.uncertain, cut.reason, ready.lang, ready.subject, ready.text)
        return _later(claim, cut.reason)
    return Outcome(State.sent, answer, ready.lang, ready.subject, ready.text)


def _prepare(message_id: int) -> _Ready | Outcome:
    """Ask once more whether the mail is wanted, and render it; reads only."""
    message = db.session.get_one(OutboxMessage, message_id)
    recipient = recipient_of(message.recipient_id)
    if recipient.gone:
        return Outcome(State.dropped, recipient.gone)
    kind = kinds.all_kinds().get(message.kind)
    if kind is None:
        return Outcome(State.failed, "unknown_kind")
    with in_language(recipient.locale, of_path=message.kind in path.MAILS), db.session.no_autoflush:
        if not kind.wanted(message):
            return Outcome(State.dropped, "not_wanted")
        mail = kind.render(message)
        to = mail.to or recipient.address
        if not to:
            return Outcome(State.dropped, "no_address")
        content = _build(message, mail, to)
        subject, text = kept_copy(mail)
        if db.session.new or db.session.dirty or db.session.deleted:
            raise RuntimeError("rendering a mail must not change anything")
        return _Ready(content, to, kind.guarantee, language(), subject, text)


def recipient_of(person_id: int) -> _Recipient:
    row = db.session.execute(
        select(_person.c.email, _person.c.locale, _person.c.erased_at, _account.c.suspended_at)
        .outerjoin(_account, _account.c.person_id == _person.c.id)
        .where(_person.c.id == person_id)
    ).one()
    gone = "erased" if row.erased_at is not None else "suspended" if row.suspended_at is not None else ""
    return _Recipient(row.email, row.locale, gone)


def _build(message: OutboxMessage, mail: Mail, to: str) -> EmailMessage:
    site = site_settings()
    return mime.build(
        mail,
        to=to,
        sender_name=site.sender_name or site.platform_name or site.city_name or "Consult",
        reply_to=site.reply_to,
        ident=mime.message_id(message.kind, message.subject_id, message.recipient_id, message.period),
        now=clock.now(),
        site=site,
    )


def kept_copy(mail: Mail) -> tuple[str, str]:
    """Subject and text for the message centre. Whoever reads them later must not get in by a personal link."""
    subject, body = mime.header_text(mail.subject), mail.body
    for secret in sorted(mail.secrets, key=len, reverse=True):
        subject, body = subject.replace(secret, "[…]"), body.replace(secret, "[…]")
    return redact_links(subject)[:300], redact_links(mime.plain_text(body))


def _later(claim: Claim, reason: str) -> Outcome:
    """The next rung of the ladder, or the end of it."""
    if claim.attempts > len(LADDER):
        return Outcome(State.failed, f"gave_up: {reason}")
    return Outcome(State.retry, reason)


def _record(claim: Claim, outcome: Outcome, now: datetime) -> str:
    """Write down the outcome if the lease is still ours; returns the state the message is in."""
    values: dict[str, Any] = {
        "state": outcome.state,
        "note": mime.header_text(redact(outcome.note), 300) or None,
        "claimed_until": None,
    }
    if outcome.state == State.retry:
        values["due_at"] = now + LADDER[claim.attempts - 1]
    if outcome.text is not None:
        values |= {"lang": outcome.lang, "sent_subject": outcome.subject, "sent_text": outcome.text}
    if outcome.state == State.sent:
        values["sent_at"] = now
    with own_transaction() as session:
        changed = session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.id == claim.message_id,
                OutboxMessage.state == State.sending,
                OutboxMessage.attempts == claim.attempts,
                OutboxMessage.claimed_until == claim.until,
            )
            .values(values)
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount:  # type: ignore[attr-defined]  # a DML result has it
            return str(outcome.state)
        log.warning("message %s: the lease was over, %s is not recorded", claim.message_id, outcome.state)
        return session.scalar(select(OutboxMessage.state).where(OutboxMessage.id == claim.message_id)) or GONE


def _transport() -> transport.Transport:
    """The transport of this application, made once per address."""
    url: str = current_app.config["MAIL_URL"]
    known: tuple[str, transport.Transport] | None = current_app.extensions.get("consult_mail")
    if known is None or known[0] != url:
        known = (url, transport.from_url(url))
        current_app.extensions["consult_mail"] = known
    return known[1]


def init_app(app: Flask) -> None:
    """Look at the mail settings before anybody relies on them. Raises `SettingsError`, or `BadMail` by the probe."""
    transport.from_url(app.config["MAIL_URL"])
    try:
        mime.address(app.config["MAIL_FROM"])
    except mime.BadMail:
        raise config.SettingsError("MAIL_FROM is not a mail address.") from None
    mime.probe()
