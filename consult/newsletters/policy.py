"""Who may write newsletters. Everybody who reads a published process may subscribe."""

from consult.accounts.models import Person
from consult.processes.models import Process, ProcessState
from consult.processes.policy import can_read, is_moderator


def can_subscribe(person: Person | None, process: Process) -> bool:
    """Where the process is public and goes on."""
    return can_read(person, process) and process.state == ProcessState.published


def can_see_newsletters(person: Person | None, process: Process) -> bool:
    """Leads and moderators; they see numbers and texts, not who subscribed."""
    return is_moderator(person, process)


def can_write_newsletters(person: Person | None, process: Process) -> bool:
    return is_moderator(person, process) and process.state == ProcessState.published
