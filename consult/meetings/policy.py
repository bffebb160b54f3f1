"""Who may do what with meetings and minutes."""

from consult.accounts.models import Person
from consult.meetings.models import Material, Meeting, Minutes, MinutesState
from consult.meetings.queries import is_member
from consult.processes.models import Process, ProcessState
from consult.processes.policy import can_read, is_moderator


def can_read_meetings(person: Person | None, process: Process) -> bool:
    """Whoever may read the process sees when its groups meet."""
    return can_read(person, process)


def can_organise(person: Person | None, process: Process) -> bool:
    """Create, change and cancel meetings, write agenda and minutes, capture cards; not in an archived process."""
    return is_moderator(person, process) and process.state != ProcessState.archived


def can_see_registrations(person: Person | None, process: Process) -> bool:
    """The same people, in an archived process too. They see addresses, needs and answers; nobody else does."""
    return is_moderator(person, process)


def can_read_minutes(person: Person | None, process: Process, meeting: Meeting, minutes: Minutes) -> bool:
    """Approved ones: everybody who reads the process. Circulated ones: the group. Drafts: who writes them."""
    if minutes.state == MinutesState.approved:
        return can_read(person, process)
    if is_moderator(person, process):
        return True
    return (
        minutes.state == MinutesState.circulated
        and person is not None
        and meeting.group_id is not None
        and is_member(person.id, meeting.group_id)
    )


def can_read_material(person: Person | None, process: Process, material: Material, belongs: bool) -> bool:
    """Public ones: everybody who reads the process. The others: who is invited or comes (`belongs`), and organisers."""
    if not can_read(person, process):
        return False
    return not material.internal or belongs or is_moderator(person, process)
