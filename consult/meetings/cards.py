"""The cards of a pinboard: each becomes a contribution with a number of its own, and remembers where it hung."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import and_, func, select, update

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.arrival import checked_text
from consult.contributions.models import Channel, Contribution, ContributionText, Kind, Stance, State
from consult.contributions.operations import capture, newest_text, withdraw
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.html import clean_line
from consult.i18n import in_language
from consult.meetings.models import Card, CardKind, Meeting, WallPhoto
from consult.processes.models import Process
from consult.weighing.models import Disposition


@dataclass(frozen=True)
class Place:
    """Where a card hung, and what kind it is; stays for the next one of the pile."""

    kind: CardKind = CardKind.suggestion
    table: str = ""
    cluster: str = ""
    photo_id: int | None = None


def _name(table: str) -> str:
    # The name stands in public for good: in the city's language, whatever the one who types it in reads.
    with in_language(current_app.config["BABEL_DEFAULT_LOCALE"]):
        return _("Card, table %(table)s", table=table) if table else _("Card")


def capture_card(
    process: Process,
    meeting: Meeting,
    actor: Person | None,
    *,
    text: str,
    place: Place,
    stance: Stance | None = None,
    element_id: int | None = None,
    lang: str = "de",
    source: str | None = None,
    now: datetime | None = None,
) -> Contribution:
    """Type in a card of the pinboard: it gets its number at once. Raises `Refused` for an empty or too long text."""
    now = now or clock.now()
    table = clean_line(place.table)[:40]
    contribution = capture(
        process,
        actor=actor,
        text=text,
        stance=stance,
        element_id=element_id,
        kind=Kind.card,
        channel=Channel.card,
        lang=lang,
        author_name=_name(table),
        # Cards are written at the meeting, even when somebody types them in a week later.
        created_at=min(now, meeting.ends_at) if meeting.starts_at <= now else now,
        source=source,
    )
    pin(contribution, meeting, place)
    return contribution


def pin(contribution: Contribution, meeting: Meeting, place: Place) -> None:
    """Remember where the card hung."""
    db.session.add(
        Card(
            contribution_id=contribution.id,
            meeting_id=meeting.id,
            kind=place.kind,
            place=clean_line(place.table)[:40],
            cluster=clean_line(place.cluster)[:200],
            photo_id=_photo_id(meeting, place.photo_id),
        )
    )
    db.session.flush()


def _photo_id(meeting: Meeting, ident: int | None) -> int | None:
    """A picture of this meeting, else none."""
    if ident is None:
        return None
    return db.session.scalar(select(WallPhoto.id).where(WallPhoto.id == ident, WallPhoto.meeting_id == meeting.id))


def correct(
    contribution: Contribution,
    meeting: Meeting,
    actor: Person,
    *,
    text: str,
    base_revision: int,
    place: Place,
    now: datetime,
) -> bool:
    """Mend what was typed in wrongly; the earlier text stays on record. False when nothing changed.

    The words on the card are somebody else's: this is for mistakes of typing, until somebody decides about the card.
    Raises `Refused` when it is too late, `Conflict` when the text was changed meanwhile.
    """
    if contribution.state != State.published:
        raise Refused(_("This contribution is not shown any more."))
    if db.session.scalar(select(Disposition.id).where(Disposition.contribution_id == contribution.id).limit(1)):
        raise Refused(_("This card was answered already. It stays as it is."))
    body, table = checked_text(text), clean_line(place.table)[:40]
    card = db.session.get_one(Card, contribution.id)
    before = newest_text(contribution)
    if before is None:
        raise Refused(_("This text was deleted for good. You can write a new one."))
    if base_revision != contribution.revision:
        raise Conflict(yours=body, theirs=before, current_id=contribution.revision)
    hung = (place.kind, table, clean_line(place.cluster)[:200])
    moved = hung != (card.kind, card.place, card.cluster)
    if moved:
        card.kind, card.place, card.cluster = hung
        contribution.author_name = _name(table)
        record(Action.card_changed, actor.id, contribution, process_id=contribution.process_id)
    if body != before:
        _new_text(contribution, body, before, base_revision, actor, now)
    db.session.flush()
    return moved or body != before


def _new_text(
    contribution: Contribution, body: str, before: str, base_revision: int, actor: Person, now: datetime
) -> None:
    changed = db.session.execute(
        update(Contribution)
        .where(
            Contribution.id == contribution.id,
            Contribution.revision == base_revision,
            Contribution.state == State.published,
        )
        .values(revision=base_revision + 1, edited_at=now)
        .returning(Contribution.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(contribution)
    if changed is None:
        raise Conflict(yours=body, theirs=newest_text(contribution) or before, current_id=contribution.revision)
    db.session.add(
        ContributionText(
            contribution_id=contribution.id, revision=contribution.revision, body=body, actor_id=actor.id,
            created_at=now,
        )
    )  # fmt: skip
    record(
        Action.contribution_edited, actor.id, contribution, process_id=contribution.process_id,
        revision=contribution.revision,
    )  # fmt: skip


def take_back(contribution: Contribution, actor: Person, now: datetime) -> None:
    """Typed in twice, or no card at all: its number stays, its words are no longer shown.

    Raises `Refused` when it is not shown any more, or was answered.
    """
    if db.session.scalar(select(Disposition.id).where(Disposition.contribution_id == contribution.id).limit(1)):
        raise Refused(_("This card was answered already. It stays as it is."))
    withdraw(contribution, actor, now)


@dataclass(frozen=True)
class Row:
    """A card as the list beside the form shows it."""

    number: int
    text: str
    kind: str
    place: str
    cluster: str
    lang: str


def newest(meeting_id: int, limit: int = 12) -> list[Row]:
    """What was typed in last, so that nobody types a card twice."""
    rows = db.session.execute(
        select(Contribution.number, ContributionText.body, Card.kind, Card.place, Card.cluster, Contribution.lang)
        .join(Card, Card.contribution_id == Contribution.id)
        .join(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id, ContributionText.revision == Contribution.revision
            ),
        )
        .where(Card.meeting_id == meeting_id, Contribution.state != State.withdrawn)
        .order_by(Contribution.number.desc())
        .limit(limit)
    )
    return [
        Row(number or 0, body or "", kind, place, cluster, lang) for number, body, kind, place, cluster, lang in rows
    ]


def how_many(meeting_id: int) -> int:
    """Cards typed in at this meeting that stand."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Card)
            .join(Contribution, Contribution.id == Card.contribution_id)
            .where(Card.meeting_id == meeting_id, Contribution.state != State.withdrawn)
        )
        or 0
    )


def clusters(meeting_id: int, limit: int = 60) -> Sequence[str]:
    """Headings of this wall so far, to choose from."""
    return db.session.scalars(
        select(Card.cluster)
        .where(Card.meeting_id == meeting_id, Card.cluster != "")
        .distinct()
        .order_by(Card.cluster)
        .limit(limit)
    ).all()


def card_of(meeting_id: int, process_id: int, number: int) -> tuple[Contribution, Card] | None:
    """A card of this meeting by the number of its contribution."""
    row = db.session.execute(
        select(Contribution, Card)
        .join(Card, Card.contribution_id == Contribution.id)
        .where(Contribution.process_id == process_id, Contribution.number == number, Card.meeting_id == meeting_id)
    ).first()
    return (row[0], row[1]) if row else None


def origin_of(contribution_id: int) -> tuple[Card, Meeting] | None:
    """Where a contribution of the kind card hung; None for one that was typed in without it."""
    row = db.session.execute(
        select(Card, Meeting)
        .join(Meeting, Meeting.id == Card.meeting_id)
        .where(Card.contribution_id == contribution_id)
    ).first()
    return (row[0], row[1]) if row else None
