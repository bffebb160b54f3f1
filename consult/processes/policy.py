"""Who may do what in a process. Predicates compose; all take (person, process) or (person, process_id)."""

from consult.accounts.models import Person
from consult.processes.models import Function, Process, ProcessState
from consult.processes.queries import functions_of, processes_of_group


def has_function(person: Person | None, process_id: int, *functions: Function) -> bool:
    return bool(functions_of(person).get(process_id, frozenset()) & set(functions))


def is_operator(person: Person | None) -> bool:
    return person is not None and person.account is not None and person.account.operator


def is_lead(person: Person | None, process: Process) -> bool:
    return has_function(person, process.id, Function.lead)


def is_moderator(person: Person | None, process: Process) -> bool:
    return has_function(person, process.id, Function.moderation, Function.lead)


def is_editor(person: Person | None, process: Process) -> bool:
    return has_function(person, process.id, Function.editing, Function.lead)


def is_steering(person: Person | None, process: Process) -> bool:
    return has_function(person, process.id, Function.steering, Function.lead)


def is_staff(person: Person | None, process: Process) -> bool:
    """Works in the process in any function."""
    return bool(functions_of(person).get(process.id))


def can_read(person: Person | None, process: Process) -> bool:
    return process.state != ProcessState.draft or process.previewed or is_staff(person, process)


def can_create_process(person: Person | None) -> bool:
    """Operators, and whoever leads a process already."""
    return is_operator(person) or any(Function.lead in f for f in functions_of(person).values())


def can_edit_process(person: Person | None, process: Process) -> bool:
    return is_lead(person, process)


def can_name_lead(person: Person | None) -> bool:
    """Operators, for a process that has no lead; whether it is one says `lead.must_need_lead`."""
    return is_operator(person)


def can_publish_process(person: Person | None, process: Process) -> bool:
    return is_lead(person, process) and process.state == ProcessState.draft


def can_share_preview(person: Person | None, process: Process) -> bool:
    return is_lead(person, process) and process.state == ProcessState.draft


def can_see_mails(person: Person | None, process: Process) -> bool:
    """The message centre quotes what was written to people: for those who answer for the process."""
    return is_lead(person, process)


def can_see_groups(person: Person | None, process: Process) -> bool:
    """Who sits where is for those who work in the process."""
    return is_staff(person, process)


def can_edit_groups(person: Person | None, process: Process) -> bool:
    return is_lead(person, process)


def can_edit_group(person: Person | None, process: Process, group_id: int) -> bool:
    """Members get the group's rights in all its processes, so one must lead all of them."""
    mine = functions_of(person)
    return is_lead(person, process) and all(
        Function.lead in mine.get(process_id, frozenset()) for process_id in processes_of_group(group_id)
    )
