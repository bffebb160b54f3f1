"""Ways into the text from daily life: which parts belong to language, work, housing. Editors say so, per process."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from slugify import slugify
from sqlalchemy import delete, exists, insert, select

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.models import ElementKind, LifeTopic, LifeTopicElement
from consult.concept.queries import Placed, concepts_of, newest_versions, placed_in, working_version
from consult.concept.working import id_of
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process

#: What can be ticked; what stands below comes along.
KINDS = (ElementKind.theme, ElementKind.goal, ElementKind.field, ElementKind.chapter)
MAX_TOPICS = 20
_KEY = 40


def usual_topics() -> dict[str, str]:
    """The five topics most processes begin with, by key."""
    return {
        "language": _("Language"),
        "work": _("Work"),
        "housing": _("Housing"),
        "children": _("Children"),
        "neighbourhood": _("Neighbourhood"),
    }


def _changed(process: Process, actor: Person | None) -> None:
    db.session.flush()
    record(Action.life_topics_changed, id_of(actor), process, process_id=process.id)


def topics_of(process_id: int) -> list[LifeTopic]:
    """All topics in order."""
    return list(
        db.session.scalars(
            select(LifeTopic).where(LifeTopic.process_id == process_id).order_by(LifeTopic.position, LifeTopic.id)
        )
    )


def entries(process_id: int) -> list[LifeTopic]:
    """The topics that lead somewhere: some part of the text belongs to them. One query."""
    filled = exists().where(LifeTopicElement.life_topic_id == LifeTopic.id)
    return list(
        db.session.scalars(
            select(LifeTopic)
            .where(LifeTopic.process_id == process_id, filled)
            .order_by(LifeTopic.position, LifeTopic.id)
        )
    )


def topic_or_none(process_id: int, key: str) -> LifeTopic | None:
    return db.session.scalar(select(LifeTopic).where(LifeTopic.process_id == process_id, LifeTopic.key == key))


def ticked(topic_ids: Collection[int]) -> dict[int, set[int]]:
    """Topic -> ids of the elements that were ticked for it."""
    found: dict[int, set[int]] = {ident: set() for ident in topic_ids}
    for topic_id, element_id in db.session.execute(
        select(LifeTopicElement.life_topic_id, LifeTopicElement.element_id).where(
            LifeTopicElement.life_topic_id.in_(topic_ids)
        )
    ):
        found[topic_id].add(element_id)
    return found


def take_usual(process: Process, titles: dict[str, str], actor: Person | None) -> int:
    """Add those of the usual topics that are missing; returns how many."""
    present = topics_of(process.id)
    missing = [key for key in titles if key not in {topic.key for topic in present}]
    first = max((topic.position for topic in present), default=-1) + 1
    for offset, key in enumerate(missing):
        db.session.add(LifeTopic(process_id=process.id, key=key, title=titles[key], position=first + offset))
    if missing:
        _changed(process, actor)
    return len(missing)


def add(process: Process, title: str, element_ids: Iterable[int], actor: Person | None) -> LifeTopic:
    """A topic at the end. Its key is made of its title and stays for good."""
    present = topics_of(process.id)
    if len(present) >= MAX_TOPICS:
        raise Refused(_("There are %(n)s topics already; more would help nobody to find a way.", n=MAX_TOPICS))
    # The second one is a page of its own.
    taken = {"new", *(topic.key for topic in present)}
    stem = slugify(title, max_length=_KEY - 4) or "topic"
    key = next(k for k in (stem if n == 1 else f"{stem}-{n}" for n in range(1, MAX_TOPICS + 2)) if k not in taken)
    position = max((topic.position for topic in present), default=-1) + 1
    topic = LifeTopic(process_id=process.id, key=key, title=title, position=position)
    db.session.add(topic)
    db.session.flush()
    _tick(topic, element_ids)
    _changed(process, actor)
    return topic


def change(topic: LifeTopic, title: str, element_ids: Iterable[int], process: Process, actor: Person | None) -> bool:
    """Another title, other parts of the text; False when nothing changed. The address stays."""
    wanted = set(element_ids)
    if topic.title == title and ticked([topic.id])[topic.id] == wanted:
        return False
    topic.title = title
    _tick(topic, wanted)
    _changed(process, actor)
    return True


def _tick(topic: LifeTopic, element_ids: Iterable[int]) -> None:
    db.session.execute(delete(LifeTopicElement).where(LifeTopicElement.life_topic_id == topic.id))
    rows = [{"life_topic_id": topic.id, "element_id": ident} for ident in sorted(set(element_ids))]
    if rows:
        db.session.execute(insert(LifeTopicElement), rows)


def move_up(topic: LifeTopic, process: Process, actor: Person | None) -> None:
    """One place forward; the first one stays."""
    order = topics_of(process.id)
    place = next(n for n, other in enumerate(order) if other.id == topic.id)
    if place == 0:
        return
    order.insert(place - 1, order.pop(place))
    for position, other in enumerate(order):
        other.position = position
    _changed(process, actor)


def remove(topic: LifeTopic, process: Process, actor: Person | None) -> None:
    """Take a topic away; the parts of the text stay what they are."""
    db.session.execute(delete(LifeTopicElement).where(LifeTopicElement.life_topic_id == topic.id))
    db.session.delete(topic)
    _changed(process, actor)


def choices(process: Process) -> list[Placed]:
    """What editors can tick: the upper parts of the working texts, in reading order."""
    return [
        row
        for concept in concepts_of(process.id)
        for row in placed_in(working_version(concept.id).id, plain=False)
        if row.kind in KINDS
    ]


@dataclass(frozen=True)
class Chosen:
    """A part of the text that belongs to a topic, with everything below it in reading order."""

    top: Placed
    below: Sequence[Placed]

    @property
    def all(self) -> list[Placed]:
        return [self.top, *self.below]


def chosen(topic: LifeTopic, process: Process, audiences: tuple[str, ...]) -> list[Chosen]:
    """What belongs to a topic in the newest versions for these audiences. A part inside another one stands there."""
    wanted = ticked([topic.id])[topic.id]
    newest = newest_versions(process.id, audiences) if wanted else {}
    found: list[Chosen] = []
    for concept in concepts_of(process.id) if newest else ():
        if concept.id not in newest:
            continue
        covered: set[int] = set()
        for row in placed_in(newest[concept.id].id, plain=False):
            if row.element_id in wanted and row.element_id not in covered:
                below = _below(row)
                covered.update(other.element_id for other in below)
                found.append(Chosen(row, below))
    return found


def _below(row: Placed) -> list[Placed]:
    return [part for child in row.children for part in (child, *_below(child))]
