"""Pages of the concept: reading it and the editors' desk. Importing the modules puts their routes on the blueprint."""

from consult.concept.views import (
    comparing,
    draft_answers,
    draft_writing,
    drafting,
    editing,
    facts,
    history,
    linking,
    mandates,
    matrix,
    pictures,
    publishing,
    reading,
    reshaping,
    sheets,
    structure,
    topics,
)  # fmt: skip
from consult.concept.views.blueprint import bp

__all__ = [
    "bp", "comparing", "draft_answers", "draft_writing", "drafting", "editing", "facts", "history", "linking",
    "mandates", "matrix", "pictures", "publishing", "reading", "reshaping", "sheets", "structure", "topics",
]  # fmt: skip
