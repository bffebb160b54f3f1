"""Scenery for tests of meetings: a process with themes, a circle, its moderator, and a meeting in spring."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from consult.accounts.models import Person
from consult.concept.models import Concept, Element, ElementKind, Placement, ProcessConcept, Version, Wording
from consult.errors import Refused
from consult.groups.models import Group, GroupKind
from consult.i18n import in_language
from consult.meetings.models import Meeting, MeetingKind
from consult.meetings.operations import Arrangement, utc_of
from consult.processes.models import Function, Process
from tests.factories import flushed, make_group, make_person, make_process

ZONE = "Europe/Berlin"
#: A Saturday in May, ten in the morning on the clock at the place.
SATURDAY = datetime(2026, 5, 2, 10, 0)  # noqa: DTZ001  (wall time)
#: Two weeks before it.
BEFORE = datetime(2026, 4, 18, 8, 0, tzinfo=UTC)
#: The day after it.
AFTER = datetime(2026, 5, 3, 8, 0, tzinfo=UTC)


@contextmanager
def refused(words: str) -> Iterator[None]:
    """What happens inside is refused with a sentence that contains these English words."""
    with in_language("en"), pytest.raises(Refused, match=words):
        yield


def plan(**fields: Any) -> Arrangement:
    """What the form would say about an ordinary meeting."""
    usual: dict[str, Any] = {
        "kind": MeetingKind.group_session,
        "title": "4. Treffen",
        "wall_start": SATURDAY,
        "wall_end": SATURDAY.replace(hour=13),
        "zone": ZONE,
        "place": "Quartiersbüro",
    }
    return Arrangement(**{**usual, **fields})


def make_meeting(process: Process, **fields: Any) -> Meeting:
    """A meeting on the Saturday, ten to one."""
    fields.setdefault("kind", MeetingKind.group_session)
    fields.setdefault("title", "4. Treffen")
    fields.setdefault("starts_at", utc_of(SATURDAY, ZONE))
    fields.setdefault("ends_at", utc_of(SATURDAY.replace(hour=13), ZONE))
    fields.setdefault("wall_start", "2026-05-02T10:00:00")
    fields.setdefault("place", "Quartiersbüro")
    meeting: Meeting = flushed(Meeting(process_id=process.id, **fields))
    return meeting


@dataclass
class Circle:
    """An initiative circle at work: its process, people and one meeting."""

    process: Process
    group: Group
    theme: Element
    meeting: Meeting
    moderator: Person
    lead: Person
    member: Person
    citizen: Person
    stranger: Person

    def path(self, rest: str = "") -> str:
        return f"/p/{self.process.slug}/meetings{rest}"

    def meeting_path(self, rest: str = "") -> str:
        return self.path(f"/{self.meeting.id}{rest}")


def make_theme(process: Process, key: str = "quartier", title: str = "Zusammenleben im Quartier") -> Element:
    """A theme that stands in the working text; nothing is published yet."""
    concept: Concept = flushed(Concept(title="Konzept"))
    flushed(ProcessConcept(process_id=process.id, concept_id=concept.id))
    element: Element = flushed(Element(concept_id=concept.id, kind=ElementKind.theme, key=key))
    wording: Wording = flushed(Wording(element_id=element.id, title=title, html=""))
    version: Version = flushed(Version(concept_id=concept.id, number=None))
    flushed(Placement(version_id=version.id, element_id=element.id, wording_id=wording.id, label="3"))
    return element


def make_circle(**fields: Any) -> Circle:
    process = make_process(title="Integrationskonzept")
    people = {name: make_person(name.title()) for name in ("moderator", "lead", "member", "citizen", "stranger")}
    group = make_group(
        process, Function.working, people["member"], kind=GroupKind.initiative_circle, name="Kreis Quartier"
    )
    make_group(process, Function.moderation, people["moderator"])
    make_group(process, Function.lead, people["lead"])
    make_group(make_process(), Function.moderation, people["stranger"])
    theme = make_theme(process)
    return Circle(process, group, theme, make_meeting(process, group_id=group.id, **fields), **people)
