"""Pages of the moderators' desk."""

from consult.moderation.views import appeals, bulk, duty, erasing, figures, heads, notes, queue, reports, rules
from consult.moderation.views.blueprint import bp

__all__ = ["appeals", "bp", "bulk", "duty", "erasing", "figures", "heads", "notes", "queue", "reports", "rules"]
