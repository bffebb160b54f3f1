"""Pages about invitations: inviting, how far it is, answering."""

from consult.invitations.views import answering, circle, desk, gaps, inviting, long_lists, people, progress
from consult.invitations.views.blueprint import bp

__all__ = ["answering", "bp", "circle", "desk", "gaps", "inviting", "long_lists", "people", "progress"]
