"""Pages of contributions: reading, writing, and the rules."""

from consult.contributions.views import (
    changed_since,
    claims,
    guests,
    proposing,
    reading,
    receipts,
    rules,
    similar,
    translating,
    writing,
)
from consult.contributions.views.blueprint import bp

__all__ = [
    "bp",
    "changed_since",
    "claims",
    "guests",
    "proposing",
    "reading",
    "receipts",
    "rules",
    "similar",
    "translating",
    "writing",
]
