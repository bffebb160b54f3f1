"""Plain words for what the database holds as machine words."""

from flask_babel import gettext as _

from consult.contributions.models import Channel, Kind, ModerationKind, Order, Stance, State


def stance_names() -> dict[str, str]:
    """Towards the text, in the words of the people who choose it."""
    return {
        Stance.support: _("I like this"),
        Stance.concern: _("This worries me"),
        Stance.change: _("This should change"),
        Stance.question: _("I have a question"),
    }


def kind_names() -> dict[str, str]:
    return {
        Kind.comment: _("Written comment"),
        Kind.wording_proposal: _("Proposal for other words"),
        Kind.card: _("Card"),
        Kind.minute_line: _("From the minutes"),
        Kind.letter: _("Letter"),
        Kind.call: _("Telephone call"),
        Kind.statement_point: _("Point of a statement"),
        Kind.offer: _("Offer"),
    }


def channel_names() -> dict[str, str]:
    """The way it came."""
    return {
        Channel.web: _("On this website"),
        Channel.guest: _("On this website, without an account"),
        Channel.card: _("On a card"),
        Channel.minutes: _("In a meeting"),
        Channel.letter: _("By letter"),
        Channel.call: _("By telephone"),
        Channel.email: _("By e-mail"),
        Channel.sheet: _("On a paper form"),
        Channel.elsewhere: _("On another website"),
        Channel.helper: _("With the help of somebody else"),
    }


def order_names() -> dict[str, str]:
    return {
        Order.newest: _("The newest first"),
        Order.supported: _("Most agreed with first"),
        Order.contested: _("Most contested first"),
        Order.unanswered: _("Only without an answer, the oldest first"),
    }


def state_names() -> dict[str, str]:
    return {
        State.pending: _("Waiting for moderation"),
        State.published: _("Published"),
        State.hidden: _("Held back"),
        State.withdrawn: _("Withdrawn"),
    }


def decision_name(kind: str, before: str, after: str) -> str:
    """What a moderator did, as it stands in the list of decisions."""
    if kind == ModerationKind.undo:
        return _("Decision undone")
    if after == State.hidden:
        return _("Held back")
    return _("Approved") if before == State.pending else _("Looked at")
