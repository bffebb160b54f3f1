"""Pages about meetings: reading, arranging, minutes, cards."""

from consult.meetings.views import arranging, cards, minutes, reading
from consult.meetings.views.blueprint import bp

__all__ = ["arranging", "bp", "cards", "minutes", "reading"]
