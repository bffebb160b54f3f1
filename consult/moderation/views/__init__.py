"""Pages of the moderators' desk."""

from consult.moderation.views import queue
from consult.moderation.views.blueprint import bp

__all__ = ["bp", "queue"]
