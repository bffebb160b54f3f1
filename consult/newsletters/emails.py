"""Mails of newsletters: is this your address, and the issues themselves."""

from flask_babel import gettext as _

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.i18n import format_day, in_language, language
from consult.invitations.models import Campaign, CampaignState, Subscription, SubscriptionState
from consult.newsletters import issues, subscribing
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process, ProcessState
from consult.weighing.stopping import headers_for


def _asked(message: OutboxMessage) -> tuple[LinkToken, Process] | None:
    token = db.session.get(LinkToken, message.subject_id)
    if token is None or token.purpose != LinkPurpose.subscribe or token.person_id != message.recipient_id:
        return None
    subscription = db.session.get(Subscription, token.subject_id)
    process = db.session.get(Process, subscription.process_id) if subscription is not None else None
    return (token, process) if process is not None else None


def confirm_wanted(message: OutboxMessage) -> bool:
    """The link still counts, and the process is public."""
    found = _asked(message)
    return found is not None and found[0].is_valid(clock.now()) and found[1].state == ProcessState.published


@mail_kind(subscribing.CONFIRM, Guarantee.at_least_once, confirm_wanted, title=_l("Newsletter: is this your address?"))
def newsletter_confirm(message: OutboxMessage) -> Mail:
    """To an address somebody typed in. Holds nothing they typed: anybody can type in any address."""
    found = _asked(message)
    if found is None:
        raise LookupError(f"link {message.subject_id} is gone")
    token, process = found
    personal = tokens.link_of(token)
    body = _asking(process, personal)
    # Somebody we know by another language than the one of the page they asked on.
    with in_language(message.period or language(), of_path=True):
        below = (language(), _asking(process, personal))
    return Mail(
        subject=_("Newsletter of “%(title)s”: is this your address?", title=process.title),
        body=body,
        below=below if below[0] != language() else None,
        why=_("You get this mail because this address was entered for the newsletter of “%(title)s”.",
              title=process.title),
        secrets=(personal,),
    )  # fmt: skip


def _asking(process: Process, personal: str) -> str:
    parts = [
        _("Good day,"),
        _(
            "somebody entered this e-mail address to get the newsletter of “%(title)s”. If it was you, please open "
            "this page and press the button there:",
            title=escape_markdown(process.title),
        ),
        linked(_("Yes, I want the newsletter"), link("newsletters.confirm", link=personal)),
        _("Was it not you? Then do nothing: without the button you get no newsletter and no further mail."),
    ]
    return "\n\n".join(parts)


def _issue(message: OutboxMessage) -> tuple[Campaign, Process]:
    issue = db.session.get_one(Campaign, message.subject_id)
    return issue, db.session.get_one(Process, issue.process_id)


def _reader(message: OutboxMessage) -> Subscription | None:
    issue, process = _issue(message)
    subscription = subscribing.of_person(process, message.recipient_id)
    still = subscription is not None and subscription.state == SubscriptionState.confirmed
    return subscription if still and issue.state not in (CampaignState.stopped, CampaignState.draft) else None


def issue_wanted(message: OutboxMessage) -> bool:
    """Still subscribed, and the issue was not stopped."""
    return _reader(message) is not None


def content(issue: Campaign, process: Process) -> str:
    """The words of an issue and the way to the process, the same for everybody."""
    button = _("To “%(title)s”", title=escape_markdown(process.title))
    return f"{issue.note}\n\n[{button}]({link('processes.overview', slug=process.slug)})"


@mail_kind(issues.ISSUE, Guarantee.at_most_once, issue_wanted, title=_l("Newsletter"))
def newsletter(message: OutboxMessage) -> Mail:
    """One issue to one subscriber, with the link that ends it."""
    subscription = _reader(message)
    if subscription is None:
        raise LookupError(f"nobody subscribed for message {message.id}")
    issue, process = _issue(message)
    stop = subscribing.stop_address(subscription)
    since = format_day(subscription.confirmed_at or subscription.created_at)
    return Mail(
        subject=issue.subject,
        body=content(issue, process) + "\n\n" + linked(_("Stop this newsletter"), stop),
        why=_("You get this mail because you subscribed to the newsletter of “%(title)s” on %(day)s.",
              title=process.title, day=since),
        secrets=(stop,),
        headers=headers_for(stop),
    )  # fmt: skip


def tester_wanted(message: OutboxMessage) -> bool:
    """Whoever asked for a test gets it, as long as the issue exists."""
    return db.session.get(Campaign, message.subject_id) is not None


@mail_kind(issues.TEST, Guarantee.at_least_once, tester_wanted, title=_l("Newsletter, test"))
def newsletter_test(message: OutboxMessage) -> Mail:
    """The issue as it stands, to whoever writes it."""
    issue, process = _issue(message)
    return Mail(
        subject=_("Test: %(subject)s", subject=issue.subject or "–"),
        body=content(issue, process) + "\n\n" + _("Readers find their link to stop the newsletter here."),
        why=_("You get this mail because you asked for a test of this newsletter."),
    )
