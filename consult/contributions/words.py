"""Plain words for what the database holds as machine words."""

from collections.abc import Mapping

from flask import current_app
from flask_babel import gettext as _

from consult.contributions.models import Channel, Kind, ModerationKind, Order, Stance, State
from consult.forms import _l
from consult.i18n import language
from consult.processes.models import Process

#: Towards the text, in the words of the people who choose it, where a process has no words of its own.
USUAL_STANCES: Mapping[str, str] = {
    Stance.support: _l("I like this"),
    Stance.concern: _l("This worries me"),
    Stance.change: _l("This should change"),
    Stance.question: _l("I have a question"),
}


def name_by(words: Mapping[str, Mapping[str, str]], stance: str) -> str:
    """What a stance is called by these words of {stance: {language: words}}.

    In the language of the page; else in the city's language; else in our words.
    """
    own = words.get(stance)
    if own:
        found = own.get(language()) or own.get(current_app.config["BABEL_DEFAULT_LOCALE"])
        if found:
            return found
    return str(USUAL_STANCES.get(stance, ""))


def stance_names(process: Process) -> dict[str, str]:
    """What the stances are called in this process, all four in their order. Nothing but this and its pieces says so."""
    return {stance: name_by(process.stance_words, stance) for stance in USUAL_STANCES}


def stance_name(process: Process, stance: str | None) -> str:
    """One of them; empty for a contribution without one."""
    return name_by(process.stance_words, stance) if stance else ""


def is_called_otherwise(process: Process, *stances: Stance) -> bool:
    """Whether the process has words of its own for one of these: our sentences with the usual one do not fit then."""
    return any(process.stance_words.get(stance) for stance in stances)


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
