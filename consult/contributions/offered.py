"""How a contribution can be meant: what the leads of a process offer of it."""

from flask_babel import gettext as _

from consult.contributions.models import Stance
from consult.contributions.words import stance_name, stance_names
from consult.errors import Refused
from consult.processes.models import Process


def stances_of(process: Process) -> list[Stance]:
    """What people choose from when they write; at least one."""
    chosen = process.offered_stances.split()
    return [stance for stance in Stance if stance in chosen] or list(Stance)


def offered_names(process: Process) -> dict[str, str]:
    """The same, each with what it is called there."""
    names = stance_names(process)
    return {stance: names[stance] for stance in stances_of(process)}


def must_be_offered(process: Process, stance: Stance | None) -> None:
    """Raises `Refused` for one that is not offered, as from a form that was open while the leads changed the list."""
    if stance is not None and stance not in stances_of(process):
        raise Refused(
            _(
                "“%(stance)s” cannot be chosen here any more. Your text is still here: please choose again how you "
                "mean it.",
                stance=stance_name(process, stance),
            )
        )
