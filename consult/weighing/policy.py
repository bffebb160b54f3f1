"""Who may decide what becomes of a contribution."""

from consult.accounts.models import Person
from consult.processes.models import Function, Process, ProcessState
from consult.processes.policy import has_function


def can_decide(person: Person | None, process: Process) -> bool:
    """The steering group and the answering office; leads as well."""
    return process.state != ProcessState.archived and has_function(
        person, process.id, Function.steering, Function.answering, Function.lead
    )
