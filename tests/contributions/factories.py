"""Scenery for tests of contributions: a process with one goal in a published version, and people around it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consult import clock
from consult.accounts.models import Person, Representation
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
from consult.contributions import operations
from consult.contributions.models import Contribution, ModerationReason
from consult.processes.models import Activity, Function, Moderation, Process
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

    def write(self, text: str = "Bitte mehr Bänke.", actor: Person | None = None, **fields: Any) -> Contribution:
        """Submit a contribution to the goal as the citizen, unless told otherwise."""
        fields.setdefault("stance", "change")
        if "reply_to" not in fields:
            fields.setdefault("element_id", self.goal.id)
        return operations.submit(self.process, actor=actor or self.citizen, text=text, **fields)


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
