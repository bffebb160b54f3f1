"""Pages about newsletters."""

from consult.newsletters.views import subscribing, writing  # noqa: F401  (registers their routes)
from consult.newsletters.views.blueprint import bp

__all__ = ["bp"]
