"""What a person has written in all processes, with its fate."""

from dataclasses import dataclass, field

from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept.queries import names_of
from consult.contributions.models import Contribution
from consult.contributions.shown import Shown, rows, show
from consult.contributions.threads import reader_of
from consult.extensions import db
from consult.processes.models import Process
from consult.processes.queries import processes_visible_to
from consult.weighing.queries import LedTo, decisions_on, led_to

PAGE = 20


@dataclass
class Mine:
    """One of a person's own contributions."""

    process: Process
    shown: Shown
    #: Published changes that name it as their source, with the name of the place.
    led: list[tuple[LedTo, str]] = field(default_factory=list)


@dataclass
class MinePage:
    items: list[Mine]
    #: Id to go on from; None on the last page.
    next_cursor: int | None = None


def written_by(person: Person, *, before: int | None = None) -> MinePage:
    """A page of everything somebody wrote in the processes they may see, newest first. Five queries."""
    processes = {process.id: process for process in processes_visible_to(person)}
    query = select(Contribution.id).where(
        Contribution.author_id == person.id, Contribution.process_id.in_(list(processes))
    )
    if before is not None:
        query = query.where(Contribution.id < before)
    chosen = query.order_by(Contribution.id.desc()).limit(PAGE + 1).subquery()
    if not processes:
        return MinePage([])
    reader = reader_of(next(iter(processes.values())), person)
    found = db.session.execute(
        rows(reader.person_id, reader.lang)
        .add_columns(Contribution.process_id)
        .where(Contribution.id.in_(select(chosen.c.id)))
        .order_by(Contribution.id.desc())
    ).all()
    items = [Mine(processes[row.process_id], show(processes[row.process_id], row, reader)) for row in found[:PAGE]]
    ids = [item.shown.id for item in items]
    decisions, led = decisions_on(ids), led_to(ids)
    places = {item.shown.element_id for item in items if item.shown.element_id is not None}
    places |= {change.element_id for each in led.values() for change in each}
    # What everybody may read, so that one question is enough for all processes.
    names = names_of(items[0].process, places, None) if items else {}
    for item in items:
        one = item.shown
        one.disposition = decisions.get(one.id)
        place = names.get(one.element_id or 0)
        if place is not None:
            one.target_label, one.target_key = place.heading, place.key
        item.led = [
            (change, names[change.element_id].heading if change.element_id in names else change.element_key)
            for change in led.get(one.id, [])
        ]
    return MinePage(items, items[-1].shown.id if len(found) > PAGE else None)
