"""Scenery for tests of contributions: a process with one goal in a published version, and people around it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update

from consult import clock
from consult.accounts.models import Person, Representation
from consult.concept import seal
from consult.concept.models import (
    Concept,
    Element,
    ElementHeir,
    ElementKind,
    Placement,
    ProcessConcept,
    Version,
    VersionAudience,
    Wording,
)
from consult.contributions import operations, tallies
from consult.contributions.models import Contribution, ContributionText, ModerationReason, State
from consult.extensions import db
from consult.processes.models import Activity, Function, Moderation, Process, ProcessCounter
from tests.factories import flushed, make_group, make_person, make_process, make_stage


@dataclass
class Town:
    """One process with a goal "2.1", the named cast, and a stage in which people may write."""

    process: Process
    concept: Concept
    goal: Element
    wording: Wording
    version: Version
    reason: ModerationReason
    citizen: Person
    neighbour: Person
    moderator: Person
    lead: Person
    steering: Person
    editor: Person
    stranger: Person

    def path(self, rest: str = "") -> str:
        return f"/p/{self.process.slug}{rest}"

    def number_path(self, contribution: Contribution, rest: str = "") -> str:
        return self.path(f"/contributions/{contribution.number}{rest}")

    def write(self, body: str = "Bitte mehr Bänke.", actor: Person | None = None, **fields: Any) -> Contribution:
        """Submit a contribution to the goal as the citizen, unless told otherwise."""
        fields.setdefault("stance", "change")
        if "reply_to" not in fields:
            fields.setdefault("element_id", self.goal.id)
        return operations.submit(self.process, actor=actor or self.citizen, text=body, **fields)


def make_element(concept: Concept, key: str, kind: ElementKind = ElementKind.goal) -> Element:
    element: Element = flushed(Element(concept_id=concept.id, kind=kind, key=key))
    return element


def make_wording(element: Element, markdown: str, title: str = "") -> Wording:
    wording: Wording = flushed(
        Wording(element_id=element.id, lang="de", title=title, markdown=markdown, html=f"<p>{markdown}</p>")
    )
    return wording


def make_version(
    concept: Concept,
    number: int,
    *placed: tuple[Element, Wording, str],
    audience: VersionAudience = VersionAudience.public,
    sealed_at: datetime | None = None,
) -> Version:
    """A sealed version with these elements at its top."""
    version: Version = flushed(
        Version(concept_id=concept.id, number=number, title=f"Entwurf {number}", audience=audience)
    )
    for position, (element, wording, label) in enumerate(placed):
        flushed(
            Placement(
                version_id=version.id,
                element_id=element.id,
                wording_id=wording.id,
                label=label,
                position=position,
            )
        )
    version.checksum = seal.checksum(version)
    version.sealed_at = sealed_at or clock.now()
    return flushed(version)  # type: ignore[no-any-return]


def make_heir(element: Element, heir: Element) -> None:
    flushed(ElementHeir(element_id=element.id, heir_id=heir.id))


def make_representation(person: Person, organisation: Any, **fields: Any) -> Representation:
    representation: Representation = flushed(
        Representation(person_id=person.id, organisation_id=organisation.id, **fields)
    )
    return representation


def make_town(*, moderation: Moderation = Moderation.post, open_now: bool = True, **fields: Any) -> Town:
    process = make_process(**fields)
    concept: Concept = flushed(Concept(title="Integrationskonzept"))
    flushed(ProcessConcept(process_id=process.id, concept_id=concept.id))
    goal = make_element(concept, "ankommen")
    wording = make_wording(goal, "Neu Zugewanderte werden gut informiert.", "Gut ankommen")
    version = make_version(concept, 1, (goal, wording, "2.1"))
    if open_now:
        make_stage(process, Activity.comment, Activity.propose, Activity.react, moderation=moderation)
    reason: ModerationReason = flushed(
        ModerationReason(process_id=process.id, key="r-daten", text="Enthält private Daten")
    )
    people = {
        "citizen": make_person("Birke"),
        "neighbour": make_person("Ahorn"),
        "moderator": make_person("Moderation"),
        "lead": make_person("Leitung"),
        "steering": make_person("Steuerung"),
        "editor": make_person("Redaktion"),
        "stranger": make_person("Fremde Moderation"),
    }
    make_group(process, Function.moderation, people["moderator"])
    make_group(process, Function.lead, people["lead"])
    make_group(process, Function.steering, people["steering"])
    make_group(process, Function.editing, people["editor"])
    make_group(make_process(), Function.moderation, people["stranger"])
    return Town(process, concept, goal, wording, version, reason, **people)


def make_many(town: Town, number: int, *, every_reply: int = 3, **fields: Any) -> None:
    """Many published contributions to the goal at once, each third a reply, without going through the operations."""
    now, first = clock.now(), (db.session.scalar(select(func.max(Contribution.id))) or 0) + 1
    start = (db.session.scalar(select(ProcessCounter.last_number).filter_by(process_id=town.process.id)) or 0) + 1
    rows: list[dict[str, Any]] = []
    root = None
    for n in range(number):
        is_reply = root is not None and n % every_reply == every_reply - 1
        rows.append(
            {
                "id": first + n,
                "process_id": town.process.id,
                "number": start + n,
                "kind": "comment",
                "channel": "web",
                "lang": "de",
                "author_id": town.neighbour.id,
                "author_name": "",
                "element_id": town.goal.id,
                "version_id": town.version.id,
                "wording_id": town.wording.id,
                "parent_id": root if is_reply else None,
                "root_id": root if is_reply else None,
                "depth": 1 if is_reply else 0,
                "stance": None if is_reply else "change",
                "state": State.published,
                "revision": 0,
                "created_at": now,
                "published_at": now,
                **fields,
            }
        )
        if not is_reply:
            root = first + n
    texts = [
        {"contribution_id": row["id"], "revision": 0, "body": f"Beitrag {row['number']}.", "created_at": now}
        for row in rows
    ]
    db.session.execute(insert(Contribution), rows)
    db.session.execute(insert(ContributionText), texts)
    roots = sum(row["parent_id"] is None and row["state"] == State.published for row in rows)
    tallies.add(town.goal.id, town.process.id, "change", roots)
    db.session.execute(
        update(ProcessCounter).filter_by(process_id=town.process.id).values(last_number=start + number - 1)
    )
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("SELECT setval('contribution_id_seq', :id)"), {"id": first + number})
