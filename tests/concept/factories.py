"""A small concept: a theme with a goal, and below it a sub-goal."""

import io
from typing import Any

from PIL import Image

from consult.accounts.models import Person
from consult.concept import operations, pictures
from consult.concept.models import Concept, ConceptKind, Element, ElementKind, Picture, Version, VersionAudience
from consult.concept.operations import Part, Text
from consult.processes.models import Process


def make_concept(process: Process, actor: Person | None = None, **kwargs: Any) -> tuple[Concept, Element]:
    """A concept with a theme `th-quartier` and a goal `lz-begegnung` (3.1); returns it and the goal."""
    concept = operations.create_concept(process, ConceptKind.concept, "Konzept", actor)
    theme = operations.add(
        concept,
        ElementKind.theme,
        Part("th-quartier", Text("Zusammenleben im Quartier"), "3"),
        parent=None,
        reason="Themenfeld",
        actor=actor,
        process=process,
    ).element
    goal = operations.add(
        concept,
        ElementKind.goal,
        Part("lz-begegnung", Text(markdown=kwargs.get("text", "Begegnung wird gefördert.")), "3.1"),
        parent=theme,
        reason="Erster Wurf",
        actor=actor,
        process=process,
    ).element
    return concept, goal


def publish(
    concept: Concept,
    process: Process,
    actor: Person | None = None,
    audience: VersionAudience = VersionAudience.public,
    title: str = "Entwurf",
) -> Version:
    return operations.publish(concept, title=title, audience=audience, actor=actor, process=process)


def make_picture(
    concept: Concept, process: Process, actor: Person | None = None, alt: str = "Ein Platz", colour: str = "teal"
) -> Picture:
    """A small picture of one colour, as if it had come in already."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    rewritten = pictures.Rewritten("image/png", 64, 48, out.getvalue())
    return pictures.add(concept, rewritten, alt, "Stadt", actor=actor, process=process)
