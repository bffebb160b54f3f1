"""Pages of contributions: reading, writing, the moderators' desk and the rules."""

from consult.contributions.views import moderating, reading, rules, writing
from consult.contributions.views.blueprint import bp

__all__ = ["bp", "moderating", "reading", "rules", "writing"]
