"""Who may invite, and who may see who was invited."""

from consult.accounts.models import Person
from consult.meetings.policy import can_organise
from consult.processes.models import Process


def can_invite(person: Person | None, process: Process) -> bool:
    """Leads and moderators of the process. They also see addresses, answers and needs; nobody else does."""
    return can_organise(person, process)
