"""What authors are told about their contributions."""

from flask_babel import gettext as _

from consult.contributions.models import Contribution, ModerationAct, ModerationReason, State
from consult.extensions import db
from consult.html import escape_markdown
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link
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
    return f"[{_('To your contribution')}]({address})"


def _why(process: Process) -> str:
    return _("You get this mail because you have written a contribution to “%(title)s”.", title=process.title)


@mail_kind("contribution_published", Guarantee.at_least_once, still_published)
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


@mail_kind("contribution_hidden", Guarantee.at_least_once, still_hidden)
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
    parts.append(_("You can change your text on its page and send it again."))
    parts.append(_button(contribution, process))
    parts.append(_("If you think that this was a mistake, please write to us:") + " " + link("site.contact"))
    return Mail(_("Your contribution %(number)s is held back", number=number), "\n\n".join(parts), _why(process))
