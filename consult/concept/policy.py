"""Who may read which version, and who may change the text."""

from consult.accounts.models import Person
from consult.concept.models import Version, VersionAudience
from consult.processes.models import Function, Process, ProcessState
from consult.processes.policy import can_read, has_function, is_editor, is_staff


def can_read_version(person: Person | None, process: Process, version: Version) -> bool:
    """Public versions follow the process; steering drafts are for its staff; the working text for editors."""
    if version.number is None:
        return is_editor(person, process)
    if version.audience == VersionAudience.public:
        return can_read(person, process)
    return is_staff(person, process)


def can_see_working_text(person: Person | None, process: Process) -> bool:
    return is_editor(person, process)


def can_edit_text(person: Person | None, process: Process) -> bool:
    return is_editor(person, process) and process.state != ProcessState.archived


def can_publish_version(person: Person | None, process: Process) -> bool:
    return has_function(person, process.id, Function.lead, Function.editing) and process.state != ProcessState.archived
