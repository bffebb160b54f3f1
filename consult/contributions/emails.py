"""What authors are told about their contributions."""

from flask_babel import gettext as _

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkToken
from consult.accounts.queries import person_with_account
from consult.contributions.claims import is_known
from consult.contributions.models import Channel, Contribution, ModerationAct, ModerationReason, State
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process


def _about(message: OutboxMessage) -> tuple[ModerationAct, Contribution, Process]:
    act = db.session.get_one(ModerationAct, message.subject_id)
    contribution = db.session.get_one(Contribution, act.contribution_id)
    return act, contribution, db.session.get_one(Process, contribution.process_id)


def _still(message: OutboxMessage, state: State) -> bool:
    """The decision stands: undone, changed or withdrawn meanwhile, there is nothing to tell."""
    act, contribution, _process = _about(message)
    return act.state_after == state and contribution.state == state


def still_published(message: OutboxMessage) -> bool:
    return _still(message, State.published)


def still_hidden(message: OutboxMessage) -> bool:
    return _still(message, State.hidden)


def _number(contribution: Contribution, process: Process) -> str:
    return f"{process.code}-{contribution.number}"


def _button(contribution: Contribution, process: Process) -> str:
    address = link("contributions.show", slug=process.slug, number=contribution.number)
    return linked(_("To your contribution"), address)


def _why(process: Process) -> str:
    return _("You get this mail because you have written a contribution to “%(title)s”.", title=process.title)


@mail_kind("contribution_published", Guarantee.at_least_once, still_published, title=_l("Contribution published"))
def published(message: OutboxMessage) -> Mail:
    """Approved, or visible again: to the author."""
    _act, contribution, process = _about(message)
    number = _number(contribution, process)
    body = "\n\n".join(
        (
            _(
                "Your contribution %(number)s to “%(title)s” has been published. Everybody can read it now.",
                number=escape_markdown(number),
                title=escape_markdown(process.title),
            ),
            _button(contribution, process),
            _("On this page you can see later what became of it."),
        )
    )
    return Mail(_("Your contribution %(number)s is published", number=number), body, _why(process))


@mail_kind("contribution_hidden", Guarantee.at_least_once, still_hidden, title=_l("Contribution held back"))
def hidden(message: OutboxMessage) -> Mail:
    """Held back, with the reason, the moderators' note and what can be done: to the author."""
    act, contribution, process = _about(message)
    number = _number(contribution, process)
    reason = db.session.get(ModerationReason, act.reason_id) if act.reason_id else None
    parts = [
        _(
            "The moderators have held back your contribution %(number)s to “%(title)s”. It is not shown in public.",
            number=escape_markdown(number),
            title=escape_markdown(process.title),
        )
    ]
    if reason is not None:
        parts.append(_("Reason: %(reason)s", reason=escape_markdown(reason.text)))
    if act.note:
        note = "\n".join(f"> {escape_markdown(line)}" for line in act.note.splitlines())
        parts.append(_("The moderators write to you:") + "\n\n" + note)
    if contribution.channel in (Channel.guest, Channel.helper):
        # Its page is not public now, and without an account only the code opens it.
        parts.append(_("With your receipt code you can change your text and send it again."))
        parts.append(linked(_("I have a receipt code"), link("contributions.receipt")))
        again = link("moderation.receipt_appeal")
    else:
        parts.append(_("You can change your text on its page and send it again."))
        parts.append(_button(contribution, process))
        again = link("moderation.appeal", slug=process.slug, number=contribution.number)
    parts.append(_("If you think that this was a mistake:") + " " + linked(_("Ask for another look"), again))
    return Mail(_("Your contribution %(number)s is held back", number=number), "\n\n".join(parts), _why(process))


def still_unclaimed(message: OutboxMessage) -> bool:
    """The link counts, the contribution is nobody's yet, and its addressee may be the author of something."""
    token = db.session.get(LinkToken, message.subject_id)
    if token is None or token.subject_id is None or not token.is_valid(clock.now()):
        return False
    contribution = db.session.get(Contribution, token.subject_id)
    if contribution is None or contribution.author_id is not None:
        return False
    return is_known(person_with_account(message.recipient_id))


@mail_kind("confirm_contribution", Guarantee.at_least_once, still_unclaimed, title=_l("Is this contribution yours?"))
def confirm_contribution(message: OutboxMessage) -> Mail:
    """To the address that was given with a contribution. Holds no word of it: anybody can enter any address."""
    token = db.session.get_one(LinkToken, message.subject_id)
    contribution = db.session.get_one(Contribution, token.subject_id)
    process = db.session.get_one(Process, contribution.process_id)
    number, address = _number(contribution, process), link("contributions.claim", link=tokens.link_of(token))
    body = "\n\n".join(
        (
            _("Good day,"),
            _(
                "A contribution to “%(title)s” was sent with this e-mail address. It has the number %(number)s. "
                "If you wrote it, please open this page and press the button there:",
                title=escape_markdown(process.title),
                number=escape_markdown(number),
            ),
            linked(_("Confirm the contribution"), address),
            _("After that we write to you when something became of it."),
            _(
                "The link works once, for 7 days. Was it not you? Then do nothing: without the button you get no "
                "further mail about it."
            ),
        )
    )
    return Mail(
        _("Did you write %(number)s?", number=number),
        body,
        _(
            "You get this mail because this address was entered with a contribution to “%(title)s”.",
            title=process.title,
        ),
        secrets=(address,),
    )
