"""Who may read which version, and who may change the text."""

from consult.accounts.models import Person
from consult.concept.draft_queries import groups_drafting, is_member
from consult.concept.models import Draft, Version, VersionAudience
from consult.processes.models import Function, Process, ProcessState
from consult.processes.policy import can_read, has_function, is_editor, is_lead, is_staff


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


def can_see_mandates(person: Person | None, process: Process) -> bool:
    """What each group works on is for those who work in the process, like its members."""
    return is_staff(person, process)


def can_set_mandate(person: Person | None, process: Process) -> bool:
    return is_lead(person, process) and process.state != ProcessState.archived


def can_draft(person: Person | None, process: Process, element_id: int) -> bool:
    """Members of a group, while its mandate has the element or something it stands below."""
    if process.state == ProcessState.archived or not is_staff(person, process):
        return False
    return bool(groups_drafting(person, process.id, element_id))


def can_see_drafts(person: Person | None, process: Process) -> bool:
    """Everybody who works in the process finds the drafts of their own groups, editors all."""
    return is_staff(person, process)


def can_see_draft(person: Person | None, process: Process, draft: Draft) -> bool:
    """The group itself and the editors; for everybody else a draft is nothing until it is adopted."""
    if draft.process_id != process.id:
        return False
    return is_editor(person, process) or is_member(person, process.id, draft.group_id)


def can_write_draft(person: Person | None, process: Process, draft: Draft) -> bool:
    """Members of the group; a draft once begun is finished even when the mandate has changed since."""
    if draft.process_id != process.id or process.state == ProcessState.archived:
        return False
    return is_member(person, process.id, draft.group_id)


def can_answer_draft(person: Person | None, process: Process, draft: Draft) -> bool:
    return draft.process_id == process.id and can_edit_text(person, process)
