"""Pages of the concept: reading and editing."""

from consult.concept.views import editing, reading
from consult.concept.views.blueprint import bp

__all__ = ["bp", "editing", "reading"]
