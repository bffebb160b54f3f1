"""The letters of a batch: who gets one, whether it is still wanted, its bytes, and the copy that is kept.

Reads only, and nothing stays open: what is rendered needs the database no more.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import column, select, table
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm.attributes import instance_state

from consult import clock, path
from consult.extensions import db
from consult.i18n import in_language, language
from consult.logs import redact_links
from consult.outbox import claims, kinds, mime
from consult.outbox.claims import Claim, Outcome
from consult.outbox.kinds import Guarantee, Mail
from consult.outbox.models import OutboxMessage, State
from consult.site.queries import site_settings

log = logging.getLogger(__name__)

# By name, because the outbox stands below the accounts.
_person = table(
    "person", column("id"), column("email"), column("locale"), column("erased_at"), column("mail_paused_at")
)
_account = table("account", column("person_id"), column("suspended_at"))


@dataclass(frozen=True)
class Recipient:
    """Whom a message is for; `gone` says why they get none, `paused` that their address did not work lately."""

    address: str | None
    locale: str
    gone: str
    paused: bool


@dataclass(frozen=True)
class Letter:
    """A message rendered and addressed; nothing of it needs the database any more."""

    content: bytes
    to: str
    #: Whose address it is; None when it goes to another than the recipient's own.
    owner: int | None
    guarantee: Guarantee
    lang: str
    subject: str
    text: str


class Desk:
    """Makes the letters of a batch; what several of them need is read once."""

    def __init__(self, batch: Sequence[Claim]) -> None:
        self._kept: dict[int, Letter | Outcome] = {}
        ids = [claim.message_id for claim in batch]
        try:
            rows = db.session.scalars(select(OutboxMessage).where(OutboxMessage.id.in_(ids))).all()
            self._messages = {message.id: message for message in rows}
            self._recipients = recipients_of({message.recipient_id for message in rows})
            _prepare(rows)
            site_settings()
        finally:
            # Nothing stays open while the mail server is spoken to; what was read is kept.
            db.session.close()

    def has(self, claim: Claim) -> bool:
        return claim.message_id in self._kept

    def ahead(self, following: Sequence[Claim]) -> None:
        """Make the letter of the next one now, so that it is there when it is asked for."""
        for claim in following[:1]:
            if not self.has(claim):
                self._kept[claim.message_id] = self._made(claim)

    def letter(self, claim: Claim) -> Letter | Outcome:
        """The letter, or what became of it without being sent. Raises nothing."""
        return self._kept.pop(claim.message_id, None) or self._made(claim)

    def _made(self, claim: Claim) -> Letter | Outcome:
        crashed = claims.after_crash(claim)
        if crashed is not None:
            return crashed
        try:
            return self._rendered(self._messages[claim.message_id])
        except (OperationalError, InterfaceError) as error:
            return claims.later(claim.attempts + 1, f"database: {type(error).__name__}")
        except mime.BadMail as error:
            return Outcome(State.failed, f"bad_mail: {error}")
        except Exception as error:
            # One broken mail must not stop the others. The operator sees it in the list of messages.
            log.exception("message %s could not be rendered", claim.message_id)
            return Outcome(State.failed, f"render: {type(error).__name__}")
        finally:
            db.session.close()

    def _rendered(self, message: OutboxMessage) -> Letter | Outcome:
        """Ask once more whether the mail is wanted, and render it; reads only."""
        recipient = self._recipients[message.recipient_id]
        if recipient.gone:
            return Outcome(State.dropped, recipient.gone)
        kind = kinds.all_kinds().get(message.kind)
        if kind is None:
            return Outcome(State.failed, "unknown_kind")
        if recipient.paused and not kind.urgent:
            return Outcome(State.dropped, "mail_paused")
        with in_language(recipient.locale, of_path=message.kind in path.MAILS), db.session.no_autoflush:
            if not kind.wanted(message):
                return Outcome(State.dropped, "not_wanted")
            mail = kind.render(message)
            to = mail.to or recipient.address
            if not to:
                return Outcome(State.dropped, "no_address")
            content = _build(message, mail, to)
            subject, words = kept_copy(mail)
            session = db.session()
            if session.new or session.dirty or session.deleted or instance_state(message).modified:
                raise RuntimeError("rendering a mail must not change anything")
            owner = message.recipient_id if to == recipient.address else None
            return Letter(content, to, owner, kind.guarantee, language(), subject, words)


def _prepare(messages: Sequence[OutboxMessage]) -> None:
    """Let each kind load at once what its messages need."""
    by_kind: dict[str, list[OutboxMessage]] = {}
    for message in messages:
        by_kind.setdefault(message.kind, []).append(message)
    for name, together in by_kind.items():
        kind = kinds.all_kinds().get(name)
        if kind is not None and kind.prepare is not None and len(together) > 1:
            try:
                kind.prepare(together)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                # Then each loads for itself, and the broken one stands alone.
                log.exception("messages of kind %s could not be prepared together", kind.name)


def recipients_of(person_ids: Iterable[int]) -> dict[int, Recipient]:
    """Address, language and whether they may be written to, by id, in one question."""
    rows = db.session.execute(
        select(_person, _account.c.suspended_at)
        .outerjoin(_account, _account.c.person_id == _person.c.id)
        .where(_person.c.id.in_(set(person_ids)))
    )
    return {
        row.id: Recipient(
            address=row.email,
            locale=row.locale,
            gone="erased" if row.erased_at is not None else "suspended" if row.suspended_at is not None else "",
            paused=row.mail_paused_at is not None,
        )
        for row in rows
    }


def _build(message: OutboxMessage, mail: Mail, to: str) -> bytes:
    site = site_settings()
    return mime.build(
        mail,
        to=to,
        sender_name=site.sender_name or site.platform_name or site.city_name or "Consult",
        reply_to=site.reply_to,
        ident=mime.message_id(message.id),
        now=clock.now(),
        site=site,
    )


def kept_copy(mail: Mail) -> tuple[str, str]:
    """Subject and text for the message centre. Whoever reads them later must not get in by a personal link."""
    subject, body = mime.header_text(mail.filled(mail.subject)), mail.filled(mime.whole_text(mail))
    for secret in sorted(mail.secrets, key=len, reverse=True):
        subject, body = subject.replace(secret, "[…]"), body.replace(secret, "[…]")
    return redact_links(subject)[:300], redact_links(body)
