"""Who may report, object, and look after the rules and the roster of the desk. Who may moderate stands with the
contributions."""

from consult.accounts.models import Person
from consult.contributions.models import Contribution
from consult.contributions.policy import can_moderate, is_author
from consult.processes.models import Process
from consult.processes.policy import can_read

__all__ = ["can_appeal", "can_moderate", "can_report"]


def can_report(person: Person | None, process: Process) -> bool:
    """Whoever reads it, with an account or without one. That it is public, and not one's own, is asked afterwards."""
    return can_read(person, process)


def can_appeal(person: Person | None, contribution: Contribution) -> bool:
    """Its author; whoever came without an account does so with the receipt code."""
    return is_author(person, contribution)
