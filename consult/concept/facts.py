"""Facts that texts cite as [[F3]]: insert-only, numbered per concept. A newer figure is a fact of its own."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.marks import facts_in
from consult.concept.models import Concept, Element, Fact, Placement, Version, Wording
from consult.concept.queries import excerpt
from consult.concept.working import id_of, lock_working
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process


@dataclass(frozen=True)
class Figure:
    """What is said: so many of this, there, in that year, according to this source."""

    statement: str
    figure: str
    source: str
    unit: str = ""
    place: str = ""
    year: int | None = None


def add(
    concept: Concept,
    figure: Figure,
    *,
    actor: Person | None,
    process: Process,
    replaces: Fact | None = None,
    now: datetime | None = None,
) -> Fact:
    """A new fact with the next number. Refuses a second newer figure for the same fact."""
    if not (figure.statement.strip() and figure.figure.strip() and figure.source.strip()):
        raise Refused(_("A fact needs words, a figure and a source."))
    lock_working(concept.id)
    if replaces is not None:
        newer = db.session.scalar(select(Fact.number).where(Fact.replaces_id == replaces.id))
        if newer is not None:
            raise Refused(_("There is a newer figure already: F%(number)s.", number=newer))
    last = db.session.scalar(select(func.max(Fact.number)).where(Fact.concept_id == concept.id))
    fact = Fact(
        concept_id=concept.id, number=(last or 0) + 1, statement=figure.statement, figure=figure.figure,
        unit=figure.unit, place=figure.place, year=figure.year, source=figure.source,
        replaces_id=replaces.id if replaces else None, actor_id=id_of(actor),
        created_at=now or clock.now(),
    )  # fmt: skip
    db.session.add(fact)
    db.session.flush()
    record(Action.fact_added, id_of(actor), fact, process_id=process.id, number=fact.number)
    return fact


@dataclass
class Listed:
    """A fact on the page of facts, with the fact before and after it, where there is one."""

    fact: Fact
    older: int | None
    newer: int | None


def listed(concept_id: int, numbers: set[int] | None = None) -> list[Listed]:
    """The facts of a concept by number: all, or those with these numbers and what they say of each other."""
    older, newer = aliased(Fact), aliased(Fact)
    rows = db.session.execute(
        select(Fact, older.number, newer.number)
        .outerjoin(older, older.id == Fact.replaces_id)
        .outerjoin(newer, newer.replaces_id == Fact.id)
        .where(Fact.concept_id == concept_id)
        .order_by(Fact.number)
    ).all()
    if numbers is None:
        return [Listed(*row) for row in rows]
    return [
        Listed(fact, before if before in numbers else None, after if after in numbers else None)
        for fact, before, after in rows
        if fact.number in numbers
    ]


def cited_for(concept_id: int, audiences: tuple[str, ...]) -> set[int]:
    """Numbers of the facts cited in the sealed versions for these audiences."""
    placed = exists().where(
        Placement.wording_id == Wording.id,
        Version.id == Placement.version_id,
        Version.concept_id == concept_id,
        Version.number.is_not(None),
        Version.audience.in_(audiences),
    )
    texts = db.session.scalars(select(Wording.html).where(Wording.html.contains("[[F"), placed))
    return {number for html in texts for number in facts_in(html)}


def fact_or_none(concept_id: int, number: int) -> Fact | None:
    return db.session.scalar(select(Fact).where(Fact.concept_id == concept_id, Fact.number == number))


@dataclass(frozen=True)
class Citing:
    """A part of the working text that cites facts."""

    key: str
    heading: str
    numbers: frozenset[int]


def citing(version_id: int) -> list[Citing]:
    """Where this version cites facts, in the order of the numbers shown."""
    rows = db.session.execute(
        select(Element.key, Placement.label, Wording.title, Wording.markdown, Wording.html)
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id == version_id, Wording.html.contains("[[F"))
        .order_by(Placement.label, Element.key)
    ).all()
    return [
        Citing(key, f"{label} {excerpt(title, markdown)}".strip(), frozenset(facts_in(html)))
        for key, label, title, markdown, html in rows
    ]
