"""Plain words for decisions."""

from flask_babel import gettext as _

from consult.contributions.models import Stance
from consult.contributions.words import is_called_otherwise, stance_name
from consult.processes.models import Process
from consult.weighing.models import DispositionKind


def disposition_names() -> dict[str, str]:
    """What became of a contribution, as its author reads it."""
    return {
        DispositionKind.adopt: _("Taken up"),
        DispositionKind.adopt_in_part: _("Taken up in part"),
        DispositionKind.already_covered: _("Already in the text"),
        DispositionKind.forward: _("Passed on"),
        DispositionKind.note: _("Noted"),
        DispositionKind.reject: _("Not taken up"),
    }


def disposition_sentences() -> dict[str, str]:
    """The same as a whole sentence, for the author."""
    return {
        DispositionKind.adopt: _("Your wish has been taken up."),
        DispositionKind.adopt_in_part: _("Your wish has been taken up in part."),
        DispositionKind.already_covered: _("What you want stands in the text already."),
        DispositionKind.forward: _("Your contribution has been passed on."),
        DispositionKind.note: _("Your contribution has been noted."),
        DispositionKind.reject: _("Your wish has not been taken up."),
    }


def disposition_choices() -> list[tuple[str, str]]:
    """For those who decide: each kind with what it means."""
    return [
        (DispositionKind.adopt, _("Take up: the text changes as wished")),
        (DispositionKind.adopt_in_part, _("Take up in part")),
        (DispositionKind.already_covered, _("Already in the text")),
        (DispositionKind.forward, _("Pass on to others; say to whom in the reason")),
        (DispositionKind.note, _("Note: nothing changes, but it is heard")),
        (DispositionKind.reject, _("Do not take up")),
    ]


def desk_orders(process: Process) -> dict[str, str]:
    """In which order the desk is worked through."""
    questions = _("Questions first")
    if is_called_otherwise(process, Stance.question):
        questions = _("“%(kind)s” first", kind=stance_name(process, Stance.question))
    return {
        "oldest": _("The oldest first"),
        "questions": questions,
        "supported": _("Most supported first"),
    }


def switch_names() -> dict[str, str]:
    """What each switch is about, by the person's field."""
    return {
        "tell_answers": _("What became of my contribution"),
        "tell_monthly": _("The most important of the month"),
    }
