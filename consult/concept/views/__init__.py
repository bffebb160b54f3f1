"""Pages of the concept: reading it and the editors' desk. Importing the modules puts their routes on the blueprint."""

from consult.concept.views import (
    draft_answers,
    draft_writing,
    drafting,
    editing,
    history,
    mandates,
    publishing,
    reading,
    structure,
)  # fmt: skip
from consult.concept.views.blueprint import bp

__all__ = [
    "bp", "draft_answers", "draft_writing", "drafting", "editing", "history", "mandates", "publishing", "reading", "structure",
]  # fmt: skip
