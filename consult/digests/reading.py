"""A digest as page and mail show it: the stored figures, with the names and texts that are public at this moment."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from markupsafe import Markup
from sqlalchemy import case, select
from sqlalchemy.orm import aliased

from consult.concept.models import Element, Placement, ProcessConcept, Version, Wording
from consult.concept.queries import excerpt
from consult.contributions.models import (
    Contribution,
    ContributionText,
    ContributionTranslation,
    ModerationReason,
    State,
)
from consult.contributions.proposals import as_difference
from consult.digests.content import Content, ElementFigures
from consult.digests.figures import MAX_CONTESTED, MAX_ELEMENTS, MAX_OPEN, MAX_QUESTIONS
from consult.digests.models import Digest
from consult.extensions import db
from consult.i18n import language
from consult.meetings.attendees import Count
from consult.meetings.models import Meeting, Minutes
from consult.meetings.survey import Figures
from consult.processes.models import Process

#: Two or three lines of print.
QUOTE = 210
#: What is left of the original beside its translation, and of a question in the list.
SHORT = 110
#: Signs of a proposal shown as a difference, with its marks, and unchanged text around each change.
CHANGE, AROUND = 1500, 60


@dataclass(frozen=True)
class Quote:
    """A contribution in two or three lines. Without `text` it is not public any more: only its number is shown."""

    number: int
    element_id: int | None
    stance: str | None = None
    lang: str = ""
    channel: str = ""
    created_at: datetime | None = None
    text: str | None = None
    #: By a human helper, in the language of the reader.
    translation: str | None = None
    #: Of a wording proposal: what it would change in the text.
    change: Markup | None = None


@dataclass(frozen=True)
class Named:
    """An element by the name it had in this digest."""

    key: str
    heading: str


@dataclass(frozen=True)
class Part:
    """The figures of one element, ready to be shown."""

    figures: ElementFigures
    #: Empty for the process as a whole, and for an element nothing is known of any more.
    name: Named | None
    heirs: list[Named]
    quotes: list[Quote] = field(default_factory=list)

    @property
    def in_favour(self) -> int:
        return self.figures["stances"]["support"]["total"]

    @property
    def against(self) -> int:
        return self.figures["stances"]["concern"]["total"] + self.figures["stances"]["change"]["total"]

    @property
    def is_whole(self) -> bool:
        return self.figures["element_id"] is None


@dataclass(frozen=True)
class Report:
    """Everything a digest says."""

    process: Process
    content: Content
    as_of: datetime
    #: When the digest before was made; None for the first.
    since: datetime | None
    oldest_waiting: datetime | None
    #: Every element with contributions, in the order of weight.
    parts: list[Part]
    #: Unanswered questions, the oldest first, as many as the main part shows.
    questions: list[Quote]
    versions: list[Version]
    #: Sittings whose minutes were approved, as (meeting id, title).
    minutes: list[tuple[int, str]]
    #: How many were there, by the meeting's id.
    attendance: dict[int, Count]
    #: Titles of meetings, and what people said of them afterwards.
    surveys: list[tuple[str, Figures]]
    #: Published reasons for hiding, with how often each was used.
    reasons: list[tuple[str, int]]

    @property
    def lively(self) -> list[Part]:
        """Where something new was written, as many as the main part shows."""
        return [part for part in self.parts if part.figures["numbers"]][:MAX_ELEMENTS]

    @property
    def more_lively(self) -> int:
        return sum(1 for part in self.parts if part.figures["numbers"]) - len(self.lively)

    @property
    def contested(self) -> list[Part]:
        found = [part for part in self.parts if part.figures["contested"]]
        return sorted(found, key=lambda part: -min(part.in_favour, part.against))[:MAX_CONTESTED]

    @property
    def undecided(self) -> list[Part]:
        """Where most concerns and wishes for change wait for a decision."""
        found = [part for part in self.parts if part.figures["open"]]
        return sorted(found, key=lambda part: -part.figures["open"])[:MAX_OPEN]

    def name_of(self, element_id: int | None) -> Named | None:
        return next((part.name for part in self.parts if part.figures["element_id"] == element_id), None)


def report(process: Process, stored: dict[str, Any] | Content) -> Report:
    """Load what a digest shows beside its figures. The number of queries does not depend on the data."""
    content = cast("Content", stored)
    names = _names(process, content)
    wanted = [number for element in content["elements"] for number in element["quotes"]]
    asked = content["questions"][:MAX_QUESTIONS]
    quotes = _quotes(process, {*wanted, *asked})
    before = content.get("before")
    return Report(
        process=process,
        content=content,
        as_of=datetime.fromisoformat(content["as_of"]),
        since=datetime.fromisoformat(before["as_of"]) if before else None,
        oldest_waiting=datetime.fromisoformat(content["oldest_waiting"]) if content["oldest_waiting"] else None,
        parts=[
            Part(
                figures=element,
                name=names.get(element["element_id"] or 0),
                heirs=[names[heir] for heir in element["heirs"] if heir in names],
                quotes=[quotes.get(number, Quote(number, element["element_id"])) for number in element["quotes"]],
            )
            for element in content["elements"]
        ],
        questions=[quotes.get(number, Quote(number, None)) for number in asked],
        versions=_versions(content["versions"]),
        minutes=_minutes(content["minutes"]),
        attendance={ident: Count(people, politics) for ident, people, politics in content.get("attendance", [])},
        surveys=_surveys(content.get("surveys", [])),
        reasons=_reasons(content["hidden_by_reason"]),
    )


def of_digest(process: Process, digest: Digest) -> Report:
    return report(process, digest.content)


def _names(process: Process, content: Content) -> dict[int, Named]:
    """Names by element: from the placement the digest remembers, else from the newest text that has the element."""
    remembered = [e["placement_id"] for e in content["elements"] if e["placement_id"] is not None]
    others = {e["element_id"] for e in content["elements"] if e["placement_id"] is None and e["element_id"]}
    others.update(heir for e in content["elements"] for heir in e["heirs"])
    columns = (Element.id, Element.key, Placement.label, Wording.title, Wording.markdown)
    placed = (
        select(*columns)
        .join(Placement, Placement.element_id == Element.id)
        .join(Wording, Wording.id == Placement.wording_id)
    )
    # An element that is only in the working text has no sealed version yet; that text comes first, to be replaced.
    of_process = select(ProcessConcept.concept_id).where(ProcessConcept.process_id == process.id)
    fallback = (
        placed.join(Version, Version.id == Placement.version_id)
        .where(Element.id.in_(others), Version.concept_id.in_(of_process))
        .order_by(Version.number.is_not(None), Version.number)
    )
    names: dict[int, Named] = {}
    for query in (fallback, placed.where(Placement.id.in_(remembered))):
        for ident, key, label, title, markdown in db.session.execute(query):
            names[ident] = Named(key, f"{label} {excerpt(title, markdown, 70)}".strip())
    return names


def _change(base: str | None, proposed: str | None) -> Markup | None:
    """A proposal in a few lines; a longer one stands on its own page."""
    change = as_difference(base, proposed, AROUND) if base is not None and proposed else None
    return change if change is not None and len(change) <= CHANGE else None


def _quotes(process: Process, numbers: Iterable[int]) -> dict[int, Quote]:
    """Contributions by number, only those that are public now; a translation only of the present text."""
    translated = aliased(ContributionTranslation)
    seen = select(Wording.markdown).where(Wording.id == Contribution.wording_id).scalar_subquery()
    base = case((ContributionText.proposed.is_not(None), seen))
    rows = db.session.execute(
        select(
            Contribution.number,
            Contribution.element_id,
            Contribution.stance,
            Contribution.lang,
            Contribution.channel,
            Contribution.created_at,
            ContributionText.body,
            translated.body.label("translation"),
            ContributionText.proposed,
            base.label("base"),
        )
        .join(
            ContributionText,
            (ContributionText.contribution_id == Contribution.id)
            & (ContributionText.revision == Contribution.revision),
        )
        .outerjoin(
            translated,
            (translated.contribution_id == Contribution.id)
            & (translated.revision == Contribution.revision)
            & (translated.lang == language()),
        )
        .where(
            Contribution.process_id == process.id,
            Contribution.number.in_(list(numbers)),
            Contribution.state == State.published,
            ContributionText.body.is_not(None),
        )
    )
    return {
        row.number: Quote(
            row.number,
            row.element_id,
            row.stance,
            row.lang,
            row.channel,
            row.created_at,
            excerpt("", row.body, SHORT if row.translation else QUOTE),
            excerpt("", row.translation, QUOTE) if row.translation else None,
            _change(row.base, row.proposed),
        )
        for row in rows
    }


def _versions(ids: list[int]) -> list[Version]:
    """With the title of their concept where there are several."""
    return list(db.session.scalars(select(Version).where(Version.id.in_(ids)).order_by(Version.id)))


def _minutes(ids: list[int]) -> list[tuple[int, str]]:
    rows = db.session.execute(
        select(Meeting.id, Meeting.title)
        .join(Minutes, Minutes.meeting_id == Meeting.id)
        .where(Minutes.id.in_(ids))
        .order_by(Meeting.starts_at, Meeting.id)
    )
    return [(ident, title) for ident, title in rows]


def _surveys(rows: list[list[Any]]) -> list[tuple[str, Figures]]:
    """As they were counted when the digest was made."""
    if not rows:
        return []
    titles = db.session.execute(select(Meeting.id, Meeting.title).where(Meeting.id.in_([row[0] for row in rows])))
    known = {row[0]: row[1] for row in titles}
    return [(known[ident], Figures(many, label, mean)) for ident, many, label, mean in rows if ident in known]


def _reasons(counts: dict[str, int]) -> list[tuple[str, int]]:
    rows = db.session.execute(
        select(ModerationReason.id, ModerationReason.text)
        .where(ModerationReason.id.in_([int(ident) for ident in counts]))
        .order_by(ModerationReason.position, ModerationReason.id)
    )
    return [(text, counts[str(ident)]) for ident, text in rows]
