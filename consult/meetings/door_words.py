"""Plain words for what happens at the door."""

from flask_babel import gettext as _

from consult.accounts.words import organisation_kinds
from consult.meetings.door import Outcome, Result
from consult.meetings.models import RegistrationState


def state_words() -> dict[str, str]:
    """What is said beside a name; nothing for those who are simply expected."""
    return {
        RegistrationState.unconfirmed: _("address not proven"),
        RegistrationState.asked: _("waits for your yes"),
        RegistrationState.maybe: _("perhaps"),
        RegistrationState.declined: _("declined"),
        RegistrationState.waiting: _("waiting list"),
        RegistrationState.offered: _("place offered"),
        RegistrationState.refused: _("refused"),
        RegistrationState.absent: _("absent"),
    }


def kind_words() -> dict[str, str]:
    """Kinds of organisations, and people of none."""
    return {**organisation_kinds(), "": _("Without an organisation")}


def sentence_for(result: Result) -> str:
    """What became of one entry, to whoever stands at the door."""
    name = result.name
    if result.outcome == Outcome.unknown:
        return _("This person is not on the list of this meeting.")
    if result.outcome == Outcome.undone:
        # What never arrived here has no name.
        return "" if not name else _("Undone: %(name)s is not here.", name=name)
    if result.outcome == Outcome.already:
        return _("%(name)s: nothing has changed, this was counted already.", name=name)
    if result.same_name:
        return _("%(name)s is here. Somebody of this name is on the list already: please check.", name=name)
    before = state_words().get(result.before)
    if before:
        return _("%(name)s is here and counts, although the list said: %(state)s.", name=name, state=before)
    return _("%(name)s is here.", name=name)
