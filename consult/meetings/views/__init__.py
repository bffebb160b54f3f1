"""Pages about meetings: announcing, reading, the door, minutes, cards, before and after."""

from consult.meetings.views import (
    arranging,
    cards,
    door,
    feeds,
    materials,
    minutes,
    paper,
    questions,
    reading,
    registering,
    registrations,
    reminders,
    survey,
)
from consult.meetings.views.blueprint import bp

__all__ = [
    "arranging", "bp", "cards", "door", "feeds", "materials", "minutes", "paper", "questions", "reading",
    "registering", "registrations", "reminders", "survey",
]  # fmt: skip
