"""What was decided: the decision that counts, all that are on record, and what a contribution changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import and_, column, exists, func, literal, or_, select, table, union_all
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person, Representation
from consult.concept.models import Change, Concept, Element, Version, VersionAudience
from consult.contributions.models import ChangeSource, Contribution, State
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.moderation.models import Gathered
from consult.processes.models import Process
from consult.weighing.models import Disposition, DispositionRelease
from consult.weighing.words import disposition_names

#: Meetings stand above decisions: the table is named, not imported.
_meeting = table("meeting", column("id"), column("title"))
_head = aliased(Contribution)
#: So many answered ones are counted for the public; beyond it says "more than".
MANY = 1000


@dataclass(frozen=True)
class Decision:
    """The decision that counts for a contribution."""

    contribution_id: int
    id: int
    kind: str
    reason: str
    plain_reason: str
    element_key: str | None
    change_id: int | None
    decided_in_id: int | None
    created_at: datetime
    #: Whoever decided may speak for the organisation the contribution came from, or wrote it.
    own_organisation: bool
    #: Public only with the next version: for the desk.
    is_held: bool = False
    #: Number of the contribution it was answered together with, where that is public.
    answered_with: int | None = None
    #: It is the decision about the head entry this contribution is gathered under.
    from_head: bool = False

    @property
    def kind_label(self) -> str:
        return disposition_names().get(self.kind, self.kind)


_DECIDED = (
    Disposition.id, Disposition.kind, Disposition.reason, Disposition.plain_reason, Element.key,
    Disposition.change_id, Disposition.decided_in_id, Disposition.created_at, Disposition.own_organisation,
)  # fmt: skip


def decisions_on(contribution_ids: Iterable[int], *, with_held: bool = False) -> dict[int, Decision]:
    """The decision that counts for each contribution: the latest that is public. One query.

    What was gathered under a head entry has the head's decision unless it has its own. `with_held` is for the desk:
    there the latest counts, public or not.
    """
    ids = list(contribution_ids)
    if not ids:
        return {}
    own = (
        select(
            Disposition.contribution_id.label("asked"),
            func.max(Disposition.id).label("latest"),
            literal(0).label("head_id"),
        )
        .where(Disposition.contribution_id.in_(ids))
        .group_by(Disposition.contribution_id)
    )
    of_head = (
        select(Gathered.contribution_id, func.max(Disposition.id), Gathered.head_id)
        .join(Disposition, Disposition.contribution_id == Gathered.head_id)
        .where(Gathered.contribution_id.in_(ids))
        .group_by(Gathered.contribution_id, Gathered.head_id)
    )
    if not with_held:
        own = own.join(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        of_head = of_head.join(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
    latest = union_all(own, of_head).subquery()
    rows: Sequence[Any] = db.session.execute(
        select(
            latest.c.asked,
            *_DECIDED,
            and_(Disposition.held, DispositionRelease.disposition_id.is_(None)),
            _head.number,
            latest.c.head_id,
        )
        .select_from(latest)
        .join(Disposition, Disposition.id == latest.c.latest)
        .outerjoin(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        .outerjoin(Element, Element.id == Disposition.element_id)
        .outerjoin(_head, and_(_head.id == latest.c.head_id, _head.state == State.published))
        # Its own comes last and counts.
        .order_by(latest.c.head_id.desc())
    ).all()
    return {row[0]: replace(Decision(*row[:-1]), from_head=bool(row[-1])) for row in rows}


def answered(contribution: Any = Contribution) -> Any:
    """As a condition: a public decision stands beside this contribution, its own or that of its head entry."""
    public = select(DispositionRelease.disposition_id).where(DispositionRelease.disposition_id == Disposition.id)
    own = exists().where(Disposition.contribution_id == contribution.id, public.exists())
    borrowed = exists().where(
        Gathered.contribution_id == contribution.id,
        Disposition.contribution_id == Gathered.head_id,
        public.exists(),
    )
    return or_(own, borrowed)


def number_answered(process_id: int, most: int = MANY) -> int:
    """How many public contributions (not replies) have a public decision; `most` + 1 when there are more. One query,
    and a bounded one: it stands on a public page, where nobody waits until a hundred thousand are counted.
    """
    released = DispositionRelease.disposition_id == Disposition.id
    own = (
        select(Disposition.contribution_id.label("about"))
        .join(DispositionRelease, released)
        .join(Contribution, Contribution.id == Disposition.contribution_id)
        .where(*_roots(process_id))
        .distinct()
        .limit(most + 1)
        .subquery()
    )
    # What has a decision of its own is counted above.
    mine, public = aliased(Disposition), aliased(DispositionRelease)
    of_head = (
        select(Gathered.contribution_id.label("about"))
        .join(Disposition, Disposition.contribution_id == Gathered.head_id)
        .join(DispositionRelease, released)
        .join(Contribution, Contribution.id == Gathered.contribution_id)
        .where(
            *_roots(process_id),
            ~exists().where(mine.contribution_id == Gathered.contribution_id, public.disposition_id == mine.id),
        )
        .distinct()
        .limit(most + 1)
        .subquery()
    )
    both = union_all(select(own.c.about), select(of_head.c.about)).subquery()
    return min(db.session.scalar(select(func.count()).select_from(both)) or 0, most + 1)


def latest_ids(contribution_ids: Iterable[int]) -> dict[int, int]:
    """The id of the latest decision on each contribution itself, public or not; contributions without are left out."""
    rows = db.session.execute(
        select(Disposition.contribution_id, func.max(Disposition.id))
        .where(Disposition.contribution_id.in_(list(contribution_ids)))
        .group_by(Disposition.contribution_id)
    )
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True)
class Step:
    """A decision on record, with all that its contribution's page tells about it."""

    decision: Decision
    #: None while it waits for a version.
    released_at: datetime | None
    #: The version it became public with, if it waited for one.
    version_number: int | None
    version_title: str | None
    #: "charter" or "concept".
    version_of: str | None
    meeting_id: int | None
    meeting_title: str | None


def course_of(contribution_id: int, *, with_held: bool = False) -> list[Step]:
    """All public decisions on a contribution, the one that counts first. Those of its head entry where it has none of
    its own. One query. `with_held` is for the desk.
    """
    head = select(Gathered.head_id).where(Gathered.contribution_id == contribution_id)
    about = [or_(Disposition.contribution_id == contribution_id, Disposition.contribution_id.in_(head))]
    if not with_held:
        about.append(DispositionRelease.disposition_id.is_not(None))
    rows: Sequence[Any] = db.session.execute(
        select(
            Disposition.contribution_id,
            *_DECIDED,
            and_(Disposition.held, DispositionRelease.disposition_id.is_(None)),
            _head.number,
            DispositionRelease.released_at,
            Version.number,
            Version.title,
            Concept.kind,
            _meeting.c.id,
            _meeting.c.title,
        )
        .outerjoin(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        .outerjoin(Version, Version.id == DispositionRelease.version_id)
        .outerjoin(Concept, Concept.id == Version.concept_id)
        .outerjoin(Element, Element.id == Disposition.element_id)
        .outerjoin(_meeting, _meeting.c.id == Disposition.decided_in_id)
        .outerjoin(_head, and_(_head.id == Disposition.contribution_id, _head.state == State.published))
        .where(*about)
        .order_by(Disposition.id.desc())
    ).all()
    own = [row for row in rows if row[0] == contribution_id]
    steps = []
    for row in own or rows:
        decision = Decision(*row[:12])
        decision = replace(decision, answered_with=None) if own else replace(decision, from_head=True)
        steps.append(Step(decision, *row[12:]))
    return steps


@dataclass(frozen=True)
class LedTo:
    """A change that names a contribution as its source."""

    contribution_id: int
    change_id: int
    element_id: int
    element_key: str
    reason: str
    #: The first version for these readers that shows it; None while none does.
    version_number: int | None
    #: The version before that one, if there is any.
    before_number: int | None

    def difference_values(self) -> dict[str, Any]:
        """What the address of the difference between the two versions needs."""
        if self.before_number is None or self.version_number is None:
            return {}
        return {"key": self.element_key, "from": self.before_number, "to": self.version_number}

    def difference_url(self, slug: str) -> str:
        values = self.difference_values()
        return url_for("concept.element_difference", slug=slug, **values) if values else ""


def led_to(
    contribution_ids: Iterable[int], audiences: Iterable[str] = (VersionAudience.public,), *, unpublished: bool = False
) -> dict[int, list[LedTo]]:
    """The changes each contribution led to that stand in a version of these audiences, oldest first. One query.

    `unpublished`: also those that no version shows yet, for people who decide about them.
    """
    ids, open_to = list(contribution_ids), list(audiences)
    if not ids:
        return {}
    sealed = and_(Version.concept_id == Element.concept_id, Version.number.is_not(None), Version.audience.in_(open_to))
    first = select(func.min(Version.number)).where(sealed, Version.change_head >= Change.id).scalar_subquery()
    before = select(func.max(Version.number)).where(sealed, Version.change_head < Change.id).scalar_subquery()
    rows = db.session.execute(
        select(ChangeSource.contribution_id, Change.id, Change.element_id, Element.key, Change.reason, first, before)
        .join(Change, Change.id == ChangeSource.change_id)
        .join(Element, Element.id == Change.element_id)
        .where(ChangeSource.contribution_id.in_(ids))
        .order_by(Change.id)
    ).all()
    found: dict[int, list[LedTo]] = {}
    for row in rows:
        if row[5] is not None or unpublished:
            found.setdefault(row[0], []).append(LedTo(*row))
    return found


def _spoken_for(person_id: int, now: datetime) -> Any:
    """Organisations this person may speak for, or whose seat they fill or deputise now; as a subquery."""
    speaks = select(Representation.organisation_id).where(
        Representation.person_id == person_id,
        Representation.starts_at <= now,
        or_(Representation.ends_at.is_(None), Representation.ends_at > now),
    )
    sits = (
        select(Membership.organisation_id)
        .join(SeatHolder, SeatHolder.membership_id == Membership.id)
        .where(
            SeatHolder.person_id == person_id,
            SeatHolder.starts_at <= now,
            or_(SeatHolder.ends_at.is_(None), SeatHolder.ends_at > now),
            or_(Membership.ends_at.is_(None), Membership.ends_at > now),
            Membership.organisation_id.is_not(None),
        )
    )
    return speaks.union(sits)


def is_own(person: Person, now: datetime | None = None) -> Any:
    """As a condition: the contribution is this person's own, or came from an organisation they speak or sit for; what
    is gathered under it counts as well.
    """
    organisations = _spoken_for(person.id, now or clock.now())
    below = aliased(Contribution)
    return or_(
        Contribution.author_id == person.id,
        Contribution.organisation_id.in_(organisations),
        exists().where(
            Gathered.head_id == Contribution.id,
            below.id == Gathered.contribution_id,
            or_(below.author_id == person.id, below.organisation_id.in_(organisations)),
        ),
    )


def own_ones(contribution_ids: Iterable[int], person: Person | None, now: datetime | None = None) -> set[int]:
    """Of these contributions those about which this person decides in their own cause. One query."""
    ids = list(contribution_ids)
    if person is None or not ids:
        return set()
    return set(db.session.scalars(select(Contribution.id).where(Contribution.id.in_(ids), is_own(person, now))))


def counts(process: Process) -> dict[str, int]:
    """How many public contributions have no decision yet, and how many decisions wait for a version. One query."""
    waiting = select(func.count()).select_from(Contribution).where(*open_ones(process.id)).scalar_subquery()
    held = select(func.count()).select_from(Contribution).where(*held_ones(process.id)).scalar_subquery()
    row = db.session.execute(select(waiting, held)).one()
    return {"open": row[0], "held": row[1]}


def without_answer(process_id: int) -> tuple[int, datetime | None]:
    """(how many public contributions have no decision, since when the oldest waits). One query."""
    number, oldest = db.session.execute(
        select(func.count(), func.min(Contribution.published_at)).where(*open_ones(process_id))
    ).one()
    return number, oldest


def _roots(process_id: int) -> list[Any]:
    return [
        Contribution.process_id == process_id,
        Contribution.state == State.published,
        Contribution.parent_id.is_(None),
    ]


def alone() -> Any:
    """As a condition: not gathered under another contribution that is public, and answered with it."""
    return ~exists().where(
        Gathered.contribution_id == Contribution.id, _head.id == Gathered.head_id, _head.state == State.published
    )


def open_ones(process_id: int) -> list[Any]:
    """Conditions: public, no reply, and nothing was decided."""
    return [*_roots(process_id), ~exists().where(Disposition.contribution_id == Contribution.id), alone()]


def held_ones(process_id: int) -> list[Any]:
    """Conditions: the latest decision waits for the next version."""
    later = aliased(Disposition)
    return [
        *_roots(process_id),
        exists().where(
            Disposition.contribution_id == Contribution.id,
            Disposition.held,
            ~exists().where(DispositionRelease.disposition_id == Disposition.id),
            ~exists().where(later.contribution_id == Contribution.id, later.id > Disposition.id),
        ),
    ]


def decided_ones(process_id: int) -> list[Any]:
    """Conditions: something was decided, public or not."""
    return [*_roots(process_id), exists().where(Disposition.contribution_id == Contribution.id)]


def held_number(process_id: int) -> int:
    """How many decisions become public with the next public version: the latest of each contribution."""
    later = aliased(Disposition)
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Disposition)
            .join(Contribution, Contribution.id == Disposition.contribution_id)
            .where(Contribution.process_id == process_id, *unreleased(later))
        )
        or 0
    )


def unreleased(later: Any) -> list[Any]:
    """Conditions: held, not public yet, and nothing was decided since. `later`: another name for dispositions."""
    return [
        Disposition.held,
        ~exists().where(DispositionRelease.disposition_id == Disposition.id),
        ~exists().where(later.contribution_id == Disposition.contribution_id, later.id > Disposition.id),
    ]
