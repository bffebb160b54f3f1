"""Translations of contributions, made by people who work in the process. The original always stays beside them.

A machine may suggest words where the operator runs a translation server of the city's own (`TRANSLATE_URL`); a person
checks them before anything is kept. Nothing leaves the platform while the setting is empty.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from flask import abort, current_app
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import MAX_LENGTH, Contribution, ContributionText, ContributionTranslation, State
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.html import clean_text, plain_html

#: Other languages need more room for the same.
MAX_TRANSLATION = 2 * MAX_LENGTH
#: How long the city's own translation server may take, and how much it may answer.
SECONDS = 10.0
MAX_ANSWER = 200_000


@dataclass(frozen=True)
class Version:
    """A contribution in another language."""

    id: int
    lang: str
    body: str
    #: Which revision of the original it is of.
    revision: int
    translator_id: int | None
    translator: str
    created_at: datetime
    #: The original was changed since.
    outdated: bool

    @property
    def html(self) -> Markup:
        return plain_html(self.body)


def versions_of(contribution: Contribution) -> list[Version]:
    """The newest translation into each language, those of an earlier text included. One query."""
    newer = aliased(ContributionTranslation)
    found = db.session.execute(
        select(ContributionTranslation, Person.name)
        .outerjoin(Person, Person.id == ContributionTranslation.translator_id)
        .where(
            ContributionTranslation.contribution_id == contribution.id,
            ContributionTranslation.body.is_not(None),
            ~select(newer.id)
            .where(
                newer.contribution_id == ContributionTranslation.contribution_id,
                newer.lang == ContributionTranslation.lang,
                newer.revision > ContributionTranslation.revision,
                newer.body.is_not(None),
            )
            .exists(),
        )
        .order_by(ContributionTranslation.lang)
    )
    return [
        Version(
            row.id,
            row.lang,
            row.body or "",
            row.revision,
            row.translator_id,
            name or "",
            row.created_at,
            row.revision < contribution.revision,
        )
        for row, name in found
    ]


def translator_or_404(contribution: Contribution, translation_id: int) -> int | None:
    """Who made this translation of this contribution; 404 when there is no such one."""
    found = db.session.execute(
        select(ContributionTranslation.translator_id).where(
            ContributionTranslation.id == translation_id,
            ContributionTranslation.contribution_id == contribution.id,
        )
    ).one_or_none()
    if found is None:
        abort(404)
    translator_id: int | None = found.translator_id
    return translator_id


def is_missing(lang: str) -> ColumnElement[bool]:
    """Of contributions: written in another language, and nobody translated the present text into this one."""
    return (Contribution.lang != lang) & ~(
        select(ContributionTranslation.id)
        .where(
            ContributionTranslation.contribution_id == Contribution.id,
            ContributionTranslation.lang == lang,
            ContributionTranslation.revision == Contribution.revision,
            ContributionTranslation.body.is_not(None),
        )
        .exists()
    )


def waiting_for(process_id: int, lang: str) -> tuple[int, datetime | None]:
    """(how many public contributions nobody translated into this language yet, since when the oldest stands there)."""
    number, oldest = db.session.execute(
        select(func.count(), func.min(Contribution.published_at)).where(
            Contribution.process_id == process_id, Contribution.state == State.published, is_missing(lang)
        )
    ).one()
    return number, oldest


def translate(
    contribution: Contribution,
    *,
    actor: Person | None,
    lang: str,
    body: str,
    base_revision: int | None = None,
    created_at: datetime | None = None,
) -> int:
    """Add a person's translation of the present text; the id of its row. Of two at once the first one stands.

    `base_revision`: the text the translator had in front of them. Raises `Refused` when there is one already, the
    text is empty, too long or not shown any more, `Conflict` when the original was changed meanwhile.
    """
    words = checked(body)
    if lang == contribution.lang:
        raise Refused(_("The contribution is written in this language."))
    if contribution.state not in (State.published, State.pending):
        raise Refused(_("This contribution is not shown any more."))
    if base_revision is not None and base_revision != contribution.revision:
        original = db.session.scalar(
            select(ContributionText.body).where(
                ContributionText.contribution_id == contribution.id,
                ContributionText.revision == contribution.revision,
            )
        )
        raise Conflict(yours=words, theirs=original or "", current_id=contribution.revision)
    values = {
        "body": words,
        "translator_id": actor.id if actor else None,
        "created_at": created_at or clock.now(),
    }
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    # The key of the row is what decides between two helpers; only one that was removed is written anew.
    added = db.session.scalar(
        insert(ContributionTranslation)
        .values(contribution_id=contribution.id, lang=lang, revision=contribution.revision, **values)
        .on_conflict_do_update(
            index_elements=["contribution_id", "lang", "revision"],
            set_=values,
            where=ContributionTranslation.body.is_(None),
        )
        .returning(ContributionTranslation.id)
    )
    if added is None:
        raise Refused(
            _("Somebody else has translated it into this language meanwhile; you see it beside the original. Your own "
              "text still stands in the field.")
        )  # fmt: skip
    record(
        Action.translation_added, actor.id if actor else None, contribution, process_id=contribution.process_id,
        lang=lang,
    )  # fmt: skip
    db.session.flush()
    return int(added)


def checked(body: str) -> str:
    """The text without what no text needs. Raises `Refused` when it is empty or too long."""
    words = clean_text(body).strip()
    if not words:
        raise Refused(_("Please write something first."))
    if len(words) > MAX_TRANSLATION:
        raise Refused(_("The translation is too long."))
    return words


def remove(contribution: Contribution, translation_id: int, actor: Person) -> None:
    """Take the words of a translation away for good; that there was one stays on record.

    Raises `Refused` when there is none any more.
    """
    lang = db.session.scalar(
        update(ContributionTranslation)
        .where(
            ContributionTranslation.id == translation_id,
            ContributionTranslation.contribution_id == contribution.id,
            ContributionTranslation.body.is_not(None),
        )
        .values(body=None)
        .returning(ContributionTranslation.lang)
        .execution_options(synchronize_session=False)
    )
    if lang is None:
        raise Refused(_("This translation has been removed already."))
    record(
        Action.translation_removed, actor.id, contribution, process_id=contribution.process_id, lang=lang,
        translation_id=translation_id,
    )  # fmt: skip
    db.session.flush()


# --- what a machine suggests ---


def machine_is_there() -> bool:
    """Whether the operator named a translation server."""
    return bool(current_app.config["TRANSLATE_URL"])


def machine_suggestion(body: str, source: str, target: str) -> str:
    """What the city's translation server makes of it (LibreTranslate's interface). Keeps nothing.

    Raises `Refused` with a plain sentence whatever goes wrong: too slow, too much, no answer that makes sense. Takes
    up to `SECONDS`: let go of every lock before.
    """
    question = {"q": body[:MAX_LENGTH], "source": "auto" if source == "und" else source, "target": target}
    key = current_app.config["TRANSLATE_KEY"]
    try:
        answer = _ask(
            current_app.config["TRANSLATE_URL"], {**question, "format": "text", **({"api_key": key} if key else {})}
        )
        words = json.loads(answer)["translatedText"]
        if not isinstance(words, str) or not words.strip():
            raise TypeError("no text")
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError) as problem:
        current_app.logger.warning("the translation server gave no translation: %s", type(problem).__name__)
        raise Refused(
            _("The machine gave no suggestion this time. Nothing is lost: translate it yourself, or try again later.")
        ) from None
    return clean_text(words).strip()[:MAX_TRANSLATION]


def _ask(url: str, question: dict[str, str]) -> bytes:
    """The body of the answer. Follows no redirect. Raises what sockets and HTTP raise."""
    address = urlsplit(url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=SECONDS)
    try:
        connection.connect()
        with _at_most(SECONDS, connection.sock):
            connection.request(
                "POST",
                f"{address.path.rstrip('/')}/translate",
                json.dumps(question),
                {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            if answer.status != 200:
                raise HTTPException(f"status {answer.status}")
            # What is longer ends in the middle of itself, and is no answer then.
            return answer.read(MAX_ANSWER)
    finally:
        connection.close()


@contextlib.contextmanager
def _at_most(seconds: float, sock: socket.socket) -> Iterator[None]:
    """Hang up when it takes longer altogether: a timeout of the socket begins anew with every byte."""

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
