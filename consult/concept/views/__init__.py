"""Pages of the concept: reading it and the editors' desk. Importing the modules puts their routes on the blueprint."""

from consult.concept.views import editing, history, publishing, reading, structure
from consult.concept.views.blueprint import bp

__all__ = ["bp", "editing", "history", "publishing", "reading", "structure"]
