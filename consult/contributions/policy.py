"""Who may write, see and decide. When something is open is not asked here but of the stage."""

from consult.accounts.models import Person
from consult.contributions.models import Contribution, State
from consult.processes.models import Process, ProcessState
from consult.processes.policy import can_read, is_lead, is_moderator, is_staff


def can_write(person: Person | None, process: Process) -> bool:
    """Whoever is signed in and may read the process; an archived one is closed for good."""
    return person is not None and can_read(person, process) and process.state != ProcessState.archived


def can_write_as_guest(person: Person | None, process: Process) -> bool:
    """Without an account: whoever may read the process. Whether it is open to the public the stage says."""
    return can_read(person, process)


def can_compare(person: Person | None, process: Process) -> bool:
    """See while writing what others said: wherever something can be written at times."""
    return can_read(person, process) and process.state != ProcessState.archived


def can_react(person: Person | None, process: Process) -> bool:
    return can_write(person, process)


def is_author(person: Person | None, contribution: Contribution) -> bool:
    return person is not None and contribution.author_id == person.id


def can_edit(person: Person | None, contribution: Contribution) -> bool:
    """Authors change their own words; nobody else ever does."""
    return is_author(person, contribution)


def can_withdraw(person: Person | None, contribution: Contribution) -> bool:
    return is_author(person, contribution)


def can_moderate(person: Person | None, process: Process) -> bool:
    return is_moderator(person, process)


def can_see(person: Person | None, process: Process, contribution: Contribution) -> bool:
    """What waits or is held back is for its author and the moderators; the rest follows the process."""
    if not can_read(person, process):
        return False
    if is_author(person, contribution) or can_moderate(person, process):
        return True
    if contribution.state == State.withdrawn:
        return contribution.published_at is not None
    return contribution.state == State.published


def can_see_text(person: Person | None, process: Process, contribution: Contribution) -> bool:
    """The words themselves: those of a withdrawn contribution are for its author and the moderators."""
    if contribution.state == State.published:
        return can_read(person, process)
    return is_author(person, contribution) or can_moderate(person, process)


def can_help_translate(person: Person | None, process: Process) -> bool:
    """Whoever works in the process in any function; an archived one is closed for good."""
    return is_staff(person, process) and process.state != ProcessState.archived


def can_translate(person: Person | None, process: Process, contribution: Contribution) -> bool:
    """Helpers, if they may read the words: what still waits is translated by moderators."""
    return can_help_translate(person, process) and can_see_text(person, process, contribution)


def can_remove_translation(person: Person | None, process: Process, translator_id: int | None) -> bool:
    """Moderators, and whoever made it while they still work in the process."""
    own = person is not None and translator_id == person.id and can_help_translate(person, process)
    return own or can_moderate(person, process)


def can_edit_rules(person: Person | None, process: Process) -> bool:
    return is_lead(person, process)
