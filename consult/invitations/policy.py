"""Who may invite, and who may see who was invited."""

from consult.accounts.models import Person
from consult.meetings.policy import can_organise
from consult.processes.models import Process
from consult.processes.policy import is_moderator


def can_invite(person: Person | None, process: Process) -> bool:
    """Leads and moderators of the process."""
    return can_organise(person, process)


def can_see_invitations(person: Person | None, process: Process) -> bool:
    """The same people, in an archived process too. They see addresses, answers and needs; nobody else does."""
    return is_moderator(person, process)
