"""How a contribution comes into being: what it says and of what; its rows are written by `storing.py`."""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept.models import Element, Placement, ProcessConcept, Version
from consult.concept.queries import audiences_open_to
from consult.contributions.models import (
    MAX_DEPTH,
    MAX_LENGTH,
    Channel,
    Contribution,
    Kind,
    ScreeningRule,
    Stance,
    State,
)
from consult.contributions.screening import note_hits
from consult.contributions.storing import store
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_words
from consult.processes.models import Process


def add(
    process: Process,
    *,
    actor_id: int | None,
    author_id: int | None,
    reader: Person | None,
    text: str,
    stance: Stance | None,
    element_id: int | None,
    reply_to: Contribution | None,
    kind: Kind,
    channel: Channel,
    lang: str,
    author_name: str,
    organisation_id: int | None,
    entered_by_id: int | None,
    created_at: datetime,
    state: State,
    source: str | None,
    seen: tuple[int, int] | None = None,
    receipt_hash: str | None = None,
    proposed: str | None = None,
    rules: tuple[ScreeningRule, ...] = (),
    answer: dict[str, Any] | None = None,
) -> Contribution:
    """Add one contribution in whatever way it came; `submit` and `capture` say who may and when.

    `reader` is who looked at the text when writing; `seen` the version and wording they had in front of them, where
    the door knows (else it is asked); `rules`: those of arrival that held; `answer`: of the form it came by.
    Raises `Refused` for an empty or too long text.
    """
    body = checked_text(text)
    if reply_to is not None:
        # The stance is towards the text; a reply speaks to another contribution, at the same place.
        element_id, stance, seen = reply_to.element_id, None, None
    if element_id is None:
        version_id, wording_id = None, None
    else:
        version_id, wording_id = seen or seen_by(reader, process, element_id, created_at)
    contribution = Contribution(
        process_id=process.id,
        kind=kind,
        channel=channel,
        lang=lang,
        author_id=author_id,
        author_name=clean_line(author_name)[:300],
        organisation_id=organisation_id,
        entered_by_id=entered_by_id,
        element_id=element_id,
        version_id=version_id,
        wording_id=wording_id,
        parent_id=reply_to.id if reply_to else None,
        root_id=(reply_to.root_id or reply_to.id) if reply_to else None,
        depth=min(reply_to.depth + 1, MAX_DEPTH) if reply_to else 0,
        stance=stance,
        state=state,
        created_at=created_at,
        published_at=created_at if state == State.published else None,
        source=source,
        receipt_hash=receipt_hash,
    )
    # The words are not the helper's: what the helper may take along or erase does not hold them.
    writer_id = None if channel == Channel.helper else actor_id
    store(contribution, actor_id=actor_id, body=body, proposed=proposed, writer_id=writer_id, answer=answer)
    note_hits(contribution.id, rules)
    return contribution


def checked_text(value: str) -> str:
    """The text as it is stored. Raises `Refused` when it is empty or longer than `MAX_LENGTH`."""
    body = clean_words(value).strip()
    if not body:
        raise Refused(_("Please write something first."))
    if len(body) > MAX_LENGTH:
        raise Refused(
            _(
                "Your text has %(length)s characters, at most %(limit)s are possible. Please shorten it.",
                length=len(body),
                limit=MAX_LENGTH,
            )
        )
    return body


def seen_by(
    person: Person | None, process: Process, element_id: int, moment: datetime
) -> tuple[int | None, int | None]:
    """Version and wording this person had in front of them; (None, None) before the first publication.

    Raises `LookupError` when the element is not part of any concept of the process.
    """
    found = db.session.execute(
        select(Placement.version_id, Placement.wording_id)
        .join(Version, Version.id == Placement.version_id)
        .join(ProcessConcept, ProcessConcept.concept_id == Version.concept_id)
        .where(
            ProcessConcept.process_id == process.id,
            Placement.element_id == element_id,
            Version.sealed_at.is_not(None),
            Version.sealed_at <= moment,
            Version.audience.in_(audiences_open_to(person, process)),
        )
        .order_by(Version.number.desc())
        .limit(1)
    ).first()
    if found is not None:
        return found.version_id, found.wording_id
    known = db.session.scalar(
        select(Element.id)
        .join(ProcessConcept, ProcessConcept.concept_id == Element.concept_id)
        .where(Element.id == element_id, ProcessConcept.process_id == process.id)
    )
    if known is None:
        raise LookupError(f"element {element_id} is not in process {process.id}")
    return None, None
