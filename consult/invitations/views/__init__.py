"""Pages about invitations: inviting, how far it is, answering."""

from consult.invitations.views import answering, inviting, progress
from consult.invitations.views.blueprint import bp

__all__ = ["answering", "bp", "inviting", "progress"]
