"""Pages about answers: the desk, one's own contributions, the switches for mails."""

from consult.weighing.views import answers, mails, mine  # noqa: F401  (routes)
from consult.weighing.views.blueprint import bp

__all__ = ["bp"]
