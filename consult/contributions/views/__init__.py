"""Pages of contributions: reading, writing, and the rules."""

from consult.contributions.views import guests, reading, receipts, rules, writing
from consult.contributions.views.blueprint import bp

__all__ = ["bp", "guests", "reading", "receipts", "rules", "writing"]
