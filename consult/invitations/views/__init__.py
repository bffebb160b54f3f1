"""Pages about invitations: inviting, how far it is, answering."""

from consult.invitations.views import answering, gaps, inviting, progress
from consult.invitations.views.blueprint import bp

__all__ = ["answering", "bp", "gaps", "inviting", "progress"]
