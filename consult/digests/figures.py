"""The figures of a digest: counted once, stored with it, and shown the same ever after.

The shape of what is counted stands in `content`.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, and_, case, cast, func, or_, select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry, AuditSeal
from consult.concept.models import ElementHeir, Placement, ProcessConcept, Version
from consult.contributions.due import is_open_question, overdue
from consult.contributions.models import Contribution, Kind, Stance, State
from consult.digests.content import Before, Content, ElementFigures, Stocks, Two
from consult.digests.models import Digest, DigestKind
from consult.digests.queries import OPENING, Activity, last_issued, subjects_in
from consult.extensions import db
from consult.meetings import attendees
from consult.meetings.models import Minutes
from consult.meetings.survey import figures_of
from consult.moderation.promise import is_late
from consult.processes.models import Process
from consult.weighing.models import Disposition
from consult.weighing.queries import answered

#: Contested: at least this many for the text and as many against it, the smaller side at least a quarter of both.
CONTESTED_FROM = 3
CONTESTED_SHARE = 4
#: How many of each thing the main part shows: together they fit on two printed pages.
MAX_ELEMENTS = 5
MAX_QUOTES = 7
MAX_QUESTIONS = 5
MAX_CONTESTED = 4
MAX_OPEN = 4
#: How many unanswered questions are kept by number; the count is always complete.
KEPT_QUESTIONS = 200
#: Which side is quoted first where nothing else decides.
_STANCE_ORDER = {Stance.change: 0, Stance.concern: 1, Stance.question: 2, Stance.support: 3}


@dataclass
class _Place:
    """Counting for one element, or for the process as a whole."""

    new: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    new_replies: int = 0
    replies: int = 0
    waiting: int = 0
    unanswered: int = 0
    open: int = 0
    numbers: list[int] = field(default_factory=list)
    candidates: list[Any] = field(default_factory=list)

    @property
    def contested(self) -> bool:
        return is_contested(self.total[Stance.support], self.total[Stance.concern] + self.total[Stance.change])


def is_contested(in_favour: int, against: int) -> bool:
    """Many on both sides."""
    fewer = min(in_favour, against)
    return fewer >= CONTESTED_FROM and fewer * CONTESTED_SHARE >= in_favour + against


def figures(process: Process, happened: Activity, now: datetime) -> Content:
    """Count everything a digest of this window shows. The number of queries does not depend on the data."""
    groups = _counted(process, now)
    news = _new_ones(process, happened)
    places: dict[int | None, _Place] = {}
    channels, languages = _totals(groups, places)
    for row in news:
        place = places.setdefault(row.element_id, _Place())
        place.numbers.append(row.number)
        channels.setdefault(row.channel, Two(new=0, total=0))["new"] += 1
        languages.setdefault(row.lang, Two(new=0, total=0))["new"] += 1
        if row.parent_id is not None:
            place.new_replies += 1
        else:
            place.new[row.stance or ""] += 1
            place.candidates.append(row)
    questions = _unanswered(process, now)
    for row in questions:
        places.setdefault(row.element_id, _Place()).unanswered += 1
    for element_id, number in _undecided(process):
        places.setdefault(element_id, _Place()).open = number
    decisions = _decisions(process, happened)
    pending = [row for row in groups if row.state == State.pending]
    oldest = min((row.oldest for row in pending), default=None)
    content = Content(
        as_of=now.isoformat(),
        stocks=Stocks(
            published=sum(place.total.total() for place in places.values()),
            replies=sum(place.replies for place in places.values()),
            waiting=sum(row.number for row in pending),
            unanswered=len(questions),
            open=sum(place.open for place in places.values()),
        ),
        overdue=sum(row.overdue for row in pending),
        oldest_waiting=oldest.isoformat() if oldest else None,
        new=sum(place.new.total() for place in places.values()),
        new_replies=sum(place.new_replies for place in places.values()),
        received=len(happened.submitted),
        edited=len(happened.edited),
        withdrawn=len(happened.withdrawn),
        hidden=len(happened.hidden),
        hidden_by_reason={str(reason): number for reason, number in Counter(happened.hidden.values()).items()},
        stances=_by_stance(_sum(p.new for p in places.values()), _sum(p.total for p in places.values())),
        channels=_most_first(channels),
        languages=_most_first(languages),
        elements=_elements(process, places),
        questions=[row.number for row in questions[:KEPT_QUESTIONS]],
        decisions=[[row.number, row.kind] for row in decisions],
        prepared=sum(1 for row in decisions if row.decided_in_id is None),
        versions=happened.versions,
        minutes=happened.minutes,
        answers=dict(Counter(happened.answers.values())),
    )
    if process.answer_days is not None:
        content["questions_overdue"] = [row.number for row in questions[:KEPT_QUESTIONS] if row.overdue]
    sittings = _sittings(happened.minutes)
    there = attendees.were_there(sittings)
    if there:
        content["attendance"] = [[ident, one.people, one.politics] for ident, one in sorted(there.items())]
    surveys = figures_of([*happened.surveyed, *sittings])
    if surveys:
        content["surveys"] = [[ident, one.many, one.label, one.mean] for ident, one in sorted(surveys.items())]
    earlier = last_issued(process.id, happened.from_seq)
    if earlier is not None:
        stocks: Stocks = earlier.content["stocks"]
        content["before"] = Before(
            digest_id=earlier.id,
            as_of=earlier.content["as_of"],
            published=stocks["published"],
            replies=stocks["replies"],
            waiting=stocks["waiting"],
            unanswered=stocks["unanswered"],
            open=stocks["open"],
        )
    return content


def _sittings(minutes: list[int]) -> list[int]:
    """The meetings of these minutes: what people said of them stands beside the approval."""
    return list(db.session.scalars(select(Minutes.meeting_id).where(Minutes.id.in_(minutes)))) if minutes else []


def _sum(counters: Any) -> Counter[str]:
    result: Counter[str] = Counter()
    for counter in counters:
        result.update(counter)
    return result


def _by_stance(new: Counter[str], total: Counter[str]) -> dict[str, Two]:
    """Every stance in the order of the comment box, zeros too; contributions without one only where there are any."""
    names = [stance.value for stance in Stance] + ([""] if new[""] or total[""] else [])
    return {name: Two(new=new[name], total=total[name]) for name in names}


def _most_first(counts: dict[str, Two]) -> dict[str, Two]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1]["new"], -item[1]["total"], item[0]))
    return dict(ranked)


def _counted(process: Process, now: datetime) -> list[Any]:
    """All contributions of the process, counted in one statement: sums over its rows cannot contradict each other."""
    is_reply = cast(Contribution.parent_id.is_not(None), Boolean)
    return list(
        db.session.execute(
            select(
                Contribution.element_id,
                Contribution.state,
                Contribution.stance,
                is_reply.label("is_reply"),
                Contribution.channel,
                Contribution.lang,
                func.count().label("number"),
                func.min(Contribution.created_at).label("oldest"),
                func.sum(case((is_late(process, now), 1), else_=0)).label("overdue"),
            )
            .where(
                Contribution.process_id == process.id,
                Contribution.state.in_((State.published, State.pending)),
            )
            .group_by(
                Contribution.element_id,
                Contribution.state,
                Contribution.stance,
                is_reply,
                Contribution.channel,
                Contribution.lang,
            )
        )
    )


def _totals(groups: list[Any], places: dict[int | None, _Place]) -> tuple[dict[str, Two], dict[str, Two]]:
    """Put the counts to their places; returns those by channel and by language."""
    channels: dict[str, Two] = {}
    languages: dict[str, Two] = {}
    for row in groups:
        place = places.setdefault(row.element_id, _Place())
        if row.state == State.pending:
            place.waiting += row.number
            continue
        channels.setdefault(row.channel, Two(new=0, total=0))["total"] += row.number
        languages.setdefault(row.lang, Two(new=0, total=0))["total"] += row.number
        if row.is_reply:
            place.replies += row.number
        else:
            place.total[row.stance or ""] += row.number
    return channels, languages


def _new_ones(process: Process, happened: Activity) -> list[Any]:
    """Public contributions that no digest has told of: each is new exactly once, in the first digest in which it is
    public, however often it was hidden and shown again meanwhile.
    """
    window = subjects_in(process.id, happened.from_seq, happened.to_seq, *OPENING)
    rows = db.session.execute(
        select(
            Contribution.id,
            Contribution.number,
            Contribution.element_id,
            Contribution.parent_id,
            Contribution.stance,
            Contribution.channel,
            Contribution.lang,
            Contribution.agrees.label("agreed"),
        )
        .where(Contribution.id.in_(window), Contribution.state == State.published)
        .order_by(Contribution.number)
    ).all()
    arrived = set(happened.submitted)
    told = _told_before(process, happened) if any(row.id not in arrived for row in rows) else set()
    return [row for row in rows if row.id in arrived or row.number not in told]


def _told_before(process: Process, happened: Activity) -> set[int]:
    """Numbers in the digests since the oldest of those arrived that this window opened."""
    window = subjects_in(process.id, happened.from_seq, happened.to_seq, *OPENING)
    since = db.session.scalar(
        select(func.min(AuditSeal.seq))
        .join(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .where(
            AuditEntry.process_id == process.id,
            AuditEntry.action == Action.contribution_submitted.value,
            AuditEntry.subject_id.in_(window),
        )
    )
    contents = db.session.scalars(
        select(Digest.content).where(
            Digest.process_id == process.id,
            Digest.kind == DigestKind.steering,
            Digest.issued_at.is_not(None),
            Digest.to_seq >= (since or 0),
            Digest.to_seq <= happened.from_seq,
        )
    )
    return {number for content in contents for element in content["elements"] for number in element["numbers"]}


def _undecided_point() -> Any:
    """No public decision stands beside it."""
    return ~answered()


def _unanswered(process: Process, now: datetime) -> list[Any]:
    """Public questions without a decision and without a public reply from those who work in the process, oldest
    first; each with whether it is overdue.
    """
    return list(
        db.session.execute(
            select(Contribution.number, Contribution.element_id, overdue(process, now).label("overdue"))
            .where(Contribution.process_id == process.id, is_open_question(process.id), _undecided_point())
            .order_by(Contribution.created_at, Contribution.id)
        )
    )


def _undecided(process: Process) -> list[tuple[int | None, int]]:
    """How many concerns and wishes for change per element wait for a decision."""
    rows = db.session.execute(
        select(Contribution.element_id, func.count())
        .where(
            Contribution.process_id == process.id,
            Contribution.state == State.published,
            Contribution.parent_id.is_(None),
            or_(
                Contribution.stance.in_((Stance.concern, Stance.change)),
                Contribution.kind == Kind.wording_proposal,
            ),
            _undecided_point(),
        )
        .group_by(Contribution.element_id)
    )
    return [(element_id, number) for element_id, number in rows]


def _decisions(process: Process, happened: Activity) -> list[Any]:
    """The decisions that became public in the window, by the number of what they are about; the latest of each
    counts.
    """
    rows = db.session.execute(
        select(Contribution.number, Disposition.kind, Disposition.decided_in_id)
        .join(Contribution, Contribution.id == Disposition.contribution_id)
        .where(Disposition.id.in_(happened.decisions), Contribution.process_id == process.id)
        .order_by(Disposition.id)
    )
    latest = {row.number: row for row in rows}
    return [latest[number] for number in sorted(latest)]


def _placed(process: Process) -> dict[int, tuple[int, bool]]:
    """For elements with contributions: the placement in the newest version that has them, and whether that is the
    newest of all.
    """
    concepts = select(ProcessConcept.concept_id).where(ProcessConcept.process_id == process.id)
    about = select(Contribution.element_id).where(
        Contribution.process_id == process.id, Contribution.element_id.is_not(None)
    )
    sealed = and_(Version.concept_id.in_(concepts), Version.number.is_not(None))
    newest = (
        select(Version.concept_id, func.max(Version.number).label("number"))
        .where(sealed)
        .group_by(Version.concept_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Placement.element_id, Placement.id, Version.number == newest.c.number)
        .join(Version, Version.id == Placement.version_id)
        .join(newest, newest.c.concept_id == Version.concept_id)
        .where(sealed, Placement.element_id.in_(about))
        .order_by(Version.number)
    )
    return {element_id: (placement_id, bool(current)) for element_id, placement_id, current in rows}


def _elements(process: Process, places: dict[int | None, _Place]) -> list[ElementFigures]:
    """One entry per element with contributions: contested and lively ones first, then by what is open."""
    placed = _placed(process)
    heirs = _heirs([ident for ident in places if ident is not None and not placed.get(ident, (0, False))[1]])
    left = MAX_QUOTES
    result: list[ElementFigures] = []
    for element_id, place in sorted(places.items(), key=_rank):
        shown = len(result) < MAX_ELEMENTS
        quotes = _quoted(place.candidates, 2)[:left] if shown else []
        left -= len(quotes)
        result.append(
            ElementFigures(
                element_id=element_id,
                placement_id=placed[element_id][0] if element_id in placed else None,
                heirs=heirs.get(element_id or 0, []),
                stances=_by_stance(place.new, place.total),
                published=Two(new=place.new.total(), total=place.total.total()),
                replies=Two(new=place.new_replies, total=place.replies),
                waiting=place.waiting,
                unanswered=place.unanswered,
                open=place.open,
                contested=place.contested,
                numbers=place.numbers,
                quotes=quotes,
            )
        )
    return result


def _heirs(element_ids: list[int]) -> dict[int, list[int]]:
    """What stands today in the place of elements that were replaced."""
    heirs: dict[int, list[int]] = {}
    rows = db.session.execute(
        select(ElementHeir.element_id, ElementHeir.heir_id)
        .where(ElementHeir.element_id.in_(element_ids))
        .order_by(ElementHeir.heir_id)
    )
    for element_id, heir_id in rows:
        heirs.setdefault(element_id, []).append(heir_id)
    return heirs


def _rank(item: tuple[int | None, _Place]) -> tuple[float, int, int, int]:
    """Weight of an element: two per new contribution, one per new reply, three more when it is contested."""
    element_id, place = item
    news = 2 * place.new.total() + place.new_replies
    weight = news + (3 if news and place.contested else 0)
    return (-weight, -place.open, -place.total.total(), element_id or 0)


def _quoted(candidates: list[Any], limit: int) -> list[int]:
    """The contributions that speak for an element: the one most agree with, then the best of another stance."""
    ranked = sorted(candidates, key=lambda row: (-row.agreed, _STANCE_ORDER.get(row.stance, 9), row.number))
    chosen = ranked[:1]
    others = [row for row in ranked[1:] if row.stance != ranked[0].stance]
    chosen += (others + [row for row in ranked[1:] if row not in others])[: limit - 1]
    return [row.number for row in chosen]
