"""The mails about accounts. Each holds at most one link, made when the mail is sent and stored nowhere."""

from flask_babel import gettext as _

from consult import clock
from consult.accounts import queries, tokens
from consult.accounts.models import LinkToken, Person
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link
from consult.outbox.models import OutboxMessage
from consult.site.queries import site_settings


def _platform() -> str:
    return site_settings().platform_name or _("Participation platform")


def _recipient(message: OutboxMessage) -> Person | None:
    """The person, unless erased or suspended meanwhile: those get no mail about accounts."""
    person = queries.person_with_account(message.recipient_id)
    if person is None or person.erased_at is not None:
        return None
    if person.account is not None and person.account.suspended_at is not None:
        return None
    return person


def _token(message: OutboxMessage) -> LinkToken:
    return db.session.get_one(LinkToken, message.subject_id)


def link_still_counts(message: OutboxMessage) -> bool:
    """Not used, not replaced, not over."""
    token = db.session.get(LinkToken, message.subject_id)
    return token is not None and token.is_valid(clock.now()) and _recipient(message) is not None


def account_in_use(message: OutboxMessage) -> bool:
    person = _recipient(message)
    return person is not None and person.account is not None and person.account.confirmed_at is not None


def _link_line(label: str, url: str) -> str:
    """A link that stands alone becomes a button in the HTML part."""
    return f"[{label}]({url})"


def _mail(subject: str, before: str, button: str, url: str, after: str, why: str, *, to: str | None = None) -> Mail:
    """What it is about, one link on a line of its own, what to do when it was not you."""
    body = "\n\n".join([_("Good day,"), before, _link_line(button, url), after])
    return Mail(subject=subject, body=body, why=why, to=to, secrets=(url,))


@mail_kind("confirm", Guarantee.at_least_once, link_still_counts, title=_l("Confirm an account"), urgent=True)
def confirm(message: OutboxMessage) -> Mail:
    platform = _platform()
    return _mail(
        _("Please confirm your e-mail address"),
        _(
            "Somebody, probably you, wants to take part on %(platform)s with this e-mail address. "
            "Please open this page and press the button there:",
            platform=escape_markdown(platform),
        ),
        _("Confirm the address"),
        link("accounts.confirm", link=tokens.link_of(_token(message))),
        _("The link works once, for 48 hours. Was it not you? Then do nothing: without the button nothing happens."),
        _("You get this mail because your address was entered on %(platform)s.", platform=platform),
    )


@mail_kind(
    "account_exists", Guarantee.at_least_once, account_in_use, title=_l("There is an account already"), urgent=True
)
def account_exists(message: OutboxMessage) -> Mail:
    platform = _platform()
    url = link("accounts.sign_in")
    body = "\n\n".join(
        [
            _("Good day,"),
            _(
                "Somebody, probably you, wanted to register on %(platform)s with this e-mail address. "
                "You have an account already. Please sign in here:",
                platform=escape_markdown(platform),
            ),
            _link_line(_("Sign in"), url),
            _("If you have forgotten your password, you can have a link sent to you there. "
              "Was it not you? Then you need not do anything."),
        ]
    )  # fmt: skip
    return Mail(
        subject=_("You have an account already"),
        body=body,
        why=_("You get this mail because your address was entered on %(platform)s.", platform=platform),
    )


@mail_kind("sign_in_link", Guarantee.at_least_once, link_still_counts, title=_l("Link to sign in"), urgent=True)
def sign_in_link(message: OutboxMessage) -> Mail:
    platform = _platform()
    return _mail(
        _("Your link to sign in"),
        _("With this link you sign in on %(platform)s, without a password:", platform=escape_markdown(platform)),
        _("Sign in"),
        link("accounts.use_sign_in_link", link=tokens.link_of(_token(message))),
        _("The link works once, for 20 minutes. Please do not pass it on. Was it not you? Then do nothing."),
        _("You get this mail because a link to sign in was asked for on %(platform)s.", platform=platform),
    )


@mail_kind("reset", Guarantee.at_least_once, link_still_counts, title=_l("Link for a new password"), urgent=True)
def reset(message: OutboxMessage) -> Mail:
    platform = _platform()
    return _mail(
        _("Choose a new password"),
        _("With this link you choose a new password for %(platform)s:", platform=escape_markdown(platform)),
        _("Choose a new password"),
        link("accounts.reset", link=tokens.link_of(_token(message))),
        _("The link works once, for one hour. Was it not you? Then do nothing: your password stays as it is."),
        _("You get this mail because a new password was asked for on %(platform)s.", platform=platform),
    )


@mail_kind(
    "change_email",
    Guarantee.at_least_once,
    link_still_counts,
    title=_l("Confirm a new address"),
    urgent=True,
    elsewhere=True,
)
def change_email(message: OutboxMessage) -> Mail:
    platform, token = _platform(), _token(message)
    return _mail(
        _("Please confirm your new e-mail address"),
        _(
            "This address is to be used for an account on %(platform)s. "
            "Please open this page and press the button there:",
            platform=escape_markdown(platform),
        ),
        _("Confirm the new address"),
        link("accounts.confirm_email", link=tokens.link_of(token)),
        _("The link works once, for 24 hours. Was it not you? Then do nothing: without the button nothing changes."),
        _("You get this mail because your address was entered on %(platform)s.", platform=platform),
        to=token.new_email,
    )


def _notice_wanted(message: OutboxMessage) -> bool:
    token = db.session.get(LinkToken, message.subject_id)
    return token is not None and token.new_email is not None and _recipient(message) is not None


@mail_kind(
    "email_changed_notice",
    Guarantee.at_least_once,
    _notice_wanted,
    title=_l("Address was changed"),
    elsewhere=True,
)
def email_changed_notice(message: OutboxMessage) -> Mail:
    platform = _platform()
    url = link("site.contact")
    body = "\n\n".join(
        [
            _("Good day,"),
            _("The e-mail address of your account on %(platform)s was changed. This address no longer belongs to it.",
              platform=escape_markdown(platform)),
            _("Was it not you? Then please write to us at once:"),
            _link_line(_("Write to us"), url),
        ]
    )  # fmt: skip
    return Mail(
        subject=_("Your e-mail address was changed"),
        body=body,
        why=_("You get this mail because this was the address of an account on %(platform)s.", platform=platform),
        to=_token(message).new_email,
    )


@mail_kind("staff_invitation", Guarantee.at_least_once, link_still_counts, title=_l("Invitation to the team"))
def staff_invitation(message: OutboxMessage) -> Mail:
    platform, token = _platform(), _token(message)
    host = db.session.get(Person, token.created_by_id) if token.created_by_id else None
    who = escape_markdown(host.name) if host is not None and host.name else _("The administration")
    return _mail(
        _("Your access to %(platform)s", platform=platform),
        _(
            "%(who)s asks you to work on %(platform)s. Please set up your account here:",
            who=who,
            platform=escape_markdown(platform),
        ),
        _("Set up the account"),
        link("accounts.accept_staff_invitation", link=tokens.link_of(token)),
        _("The link works once, for 14 days. After that, please ask for a new one."),
        _("You get this mail because you were invited to work on %(platform)s.", platform=platform),
    )
