"""Pages of contributions: reading, writing, the moderators' desk and the rules."""

from consult.contributions.views import guests, moderating, reading, receipts, rules, writing
from consult.contributions.views.blueprint import bp

__all__ = ["bp", "guests", "moderating", "reading", "receipts", "rules", "writing"]
