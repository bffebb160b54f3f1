"""Pages about people and organisations."""

from consult.contacts.views import apart, lists, merging, organisations, people  # noqa: F401  (registers their routes)
from consult.contacts.views.blueprint import bp

__all__ = ["bp"]
