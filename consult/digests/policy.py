"""Who reads the feedback digests."""

from consult.accounts.models import Person
from consult.processes.models import Function, Process
from consult.processes.policy import has_function


def can_read_digests(person: Person | None, process: Process) -> bool:
    """Those who weigh the input and those who prepare it. Circles and the answering office have their own lists."""
    return has_function(person, process.id, Function.steering, Function.lead, Function.moderation, Function.editing)
