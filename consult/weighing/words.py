"""Plain words for decisions."""

from flask_babel import gettext as _

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
