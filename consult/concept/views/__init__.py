"""Pages of the concept: reading it and the editors' desk. Importing the modules puts their routes on the blueprint."""

from consult.concept.views import (
    comparing,
    draft_answers,
    draft_writing,
    drafting,
    editing,
    history,
    linking,
    mandates,
    matrix,
    publishing,
    reading,
    reshaping,
    sheets,
    structure,
)  # fmt: skip
from consult.concept.views.blueprint import bp

__all__ = [
    "bp", "comparing", "draft_answers", "draft_writing", "drafting", "editing", "history", "linking", "mandates",
    "matrix", "publishing", "reading", "reshaping", "sheets", "structure",
]  # fmt: skip
