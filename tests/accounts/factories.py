"""Scenery for tests of accounts: people with passwords and second factors, links out of the outbox."""

from typing import Any

import pyotp
from sqlalchemy import select

from consult import clock, i18n
from consult.accounts import passwords, tokens
from consult.accounts.models import Account, LinkPurpose, LinkToken, Person
from consult.extensions import db
from consult.outbox.kinds import Mail, kind
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function
from tests.factories import PASSWORD, make_group, make_person, make_process

#: What the app of everybody in the tests holds.
APP_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LINK_KINDS = {
    LinkPurpose.confirm: "/register/confirm/",
    LinkPurpose.sign_in: "/sign-in/with/",
    LinkPurpose.reset: "/reset/with/",
    LinkPurpose.change_email: "/account/email/confirm/",
    LinkPurpose.staff_invitation: "/staff-invitation/",
}


def make_member(password: str | None = PASSWORD, **fields: Any) -> Person:
    """A person with a confirmed account and this password."""
    person = make_person(**fields)
    assert person.account is not None
    person.account.password_hash = passwords.hash_password(password) if password else None
    db.session.flush()
    return person


def give_second_factor(person: Person, secret: str = APP_KEY) -> str:
    """The person uses an app with this secret."""
    account = account_of(person)
    account.totp_secret = secret
    account.totp_confirmed_at = clock.now()
    db.session.flush()
    return secret


def make_lead(**fields: Any) -> Person:
    """Somebody who leads a process."""
    person = make_member(**fields)
    make_group(make_process(), Function.lead, person)
    return person


def code(secret: str = APP_KEY, steps: int = 0) -> str:
    """What the app shows now, or so many steps later."""
    return pyotp.TOTP(secret).generate_otp(int(clock.now().timestamp()) // 30 + steps)


def account_of(person: Person) -> Account:
    """The row as it is in the database now."""
    return db.session.get_one(Account, person.id, populate_existing=True)


def queued(kind_name: str | None = None) -> list[OutboxMessage]:
    """Mails promised, in order."""
    query = select(OutboxMessage).order_by(OutboxMessage.id)
    if kind_name:
        query = query.where(OutboxMessage.kind == kind_name)
    return list(db.session.scalars(query))


def wanted(message: OutboxMessage) -> bool:
    return kind(message.kind).wanted(message)


def rendered(message: OutboxMessage, lang: str = "en") -> Mail:
    with i18n.in_language(lang):
        return kind(message.kind).render(message)


def token_of(person: Person, purpose: LinkPurpose) -> LinkToken:
    """The newest link of this purpose."""
    token = db.session.scalar(
        select(LinkToken)
        .where(LinkToken.person_id == person.id, LinkToken.purpose == purpose)
        .order_by(LinkToken.id.desc())
        .limit(1)
    )
    assert token is not None
    return token


def path_of(token: LinkToken) -> str:
    """Address of the link's page."""
    return LINK_KINDS[LinkPurpose(token.purpose)] + tokens.link_of(token)


def make_link(purpose: LinkPurpose, person: Person, **values: Any) -> str:
    """Address of a fresh link's page; the person is one to whom such a link is sent."""
    if purpose in (LinkPurpose.confirm, LinkPurpose.staff_invitation):
        account_of(person).confirmed_at = None
    return path_of(tokens.issue(purpose, person.id, **values))
