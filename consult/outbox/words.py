"""What the outbox says to operators: states and reasons in words."""

from flask_babel import gettext as _

from consult.outbox.models import State


def state_word(state: str) -> str:
    return {
        State.queued: _("Waiting"),
        State.sending: _("Being sent"),
        State.retry: _("Will be tried again"),
        State.sent: _("Sent"),
        State.failed: _("Failed"),
        State.uncertain: _("Uncertain"),
        State.paused: _("Held"),
        State.bounced: _("Came back"),
        State.dropped: _("No longer wanted"),
    }.get(State(state), state)


def reason(note: str) -> tuple[str, str]:
    """A sentence for the note of a message, and the technical detail behind it (never translated)."""
    word, _colon, detail = note.partition(": ")
    if word == "gave_up":
        sentence = _("Every attempt within about two days failed, so we stopped trying.")
        return sentence, reason_detail(detail)
    sentences = {
        "smtp": _("The mail server refused this message."),
        "bounced": _("The mail came back: it could not be delivered."),
        "mail_paused": _("The address did not work lately, so nothing is sent to it until somebody has looked at it."),
        "cut off": _("The connection broke after the message was handed over. It may have arrived."),
        "connect": _("The mail server could not be reached."),
        "connection": _("The connection to the mail server broke before the message was taken."),
        "folder": _("The folder for mail cannot be written."),
        "database": _("The database did not answer."),
        "render": _("The message could not be put together. This is an error in the software."),
        "bad_mail": _("The address, or something else in the head of this message, is not usable."),
        "unknown_kind": _("This version of the software does not know this kind of message."),
        "worker_died": _("The worker ended while it was sending this message. It may have arrived."),
    }
    return sentences.get(word, _("No reason was recorded.")), detail


def reason_detail(note: str) -> str:
    """The detail of a reason inside another one."""
    return note if note != "worker_died" else ""
