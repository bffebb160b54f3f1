"""What operators do with other people's accounts."""

from flask_babel import gettext as _
from sqlalchemy import func, select

from consult import clock
from consult.accounts import second_factor, sessions, tokens
from consult.accounts.models import Account, LinkPurpose, LinkToken, Person
from consult.accounts.operations import account_of, person_for
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.outbox.operations import queue


def invite_staff(actor_id: int, *, email: str, name: str, locale: str) -> Person:
    """A mail with a link to set up an account. Inviting again sends a new link; the old one counts no more.

    Raises `Refused` when the person has an account in use or is suspended.
    """
    person = person_for(email, name=name, locale=locale)
    if person.account is not None and person.account.suspended_at is not None:
        raise Refused(_("This person is suspended. Restore the account first."))
    if person.account is not None and person.account.confirmed_at is not None:
        raise Refused(_("This person has an account already."))
    account_of(person)
    person.name = person.name or name
    token = tokens.issue(LinkPurpose.staff_invitation, person.id, created_by_id=actor_id)
    queue("staff_invitation", token.id, person.id)
    record(Action.staff_invited, actor_id, person)
    return person


def accept_invitation(token: LinkToken, person: Person, *, name: str, password_hash: str | None) -> bool:
    """The invited person sets up the account; False when the link was used up meanwhile."""
    if not tokens.consume(token):
        return False
    account = account_of(person)
    account.confirmed_at = clock.now()
    account.password_hash = password_hash
    person.name = name
    tokens.void(person.id, LinkPurpose.confirm)
    record(Action.account_confirmed, person.id, account)
    return True


def suspend(actor_id: int, account: Account) -> None:
    """Keep somebody out: every sign-in ends, no link opens the account. Twice harms nobody.

    Raises `Refused` for oneself and for the last operator.
    """
    if account.person_id == actor_id:
        raise Refused(_("You cannot suspend yourself."))
    if account.suspended_at is not None:
        return
    keep_one_operator(account)
    account.suspended_at = clock.now()
    sessions.close_all(account.person_id)
    tokens.void(account.person_id, *tokens.LIFETIMES)
    record(Action.account_suspended, actor_id, account)


def restore(actor_id: int, account: Account) -> None:
    """Let somebody in again."""
    if account.suspended_at is not None:
        account.suspended_at = None
        record(Action.account_restored, actor_id, account)


def grant_operator(actor_id: int | None, account: Account) -> None:
    """Make somebody an operator. Raises `Refused` for accounts that cannot be signed in to."""
    if not account.may_sign_in():
        raise Refused(_("This account is not in use: the address is not confirmed, or it is suspended."))
    if not account.operator:
        account.operator = True
        sessions.rotate_for(account.person_id)
        record(Action.account_operator_granted, actor_id, account)


def revoke_operator(actor_id: int, account: Account) -> None:
    """Make an operator an ordinary person again. Raises `Refused` for the last one."""
    if account.operator:
        keep_one_operator(account)
        account.operator = False
        sessions.rotate_for(account.person_id)
        record(Action.account_operator_revoked, actor_id, account)


def keep_one_operator(account: Account) -> None:
    """Raises `Refused` when nobody else could run the platform without this account."""
    if not account.operator:
        return
    # The rows are locked, so that the last two operators cannot remove each other at the same moment.
    working = (Account.operator, Account.suspended_at.is_(None), Account.confirmed_at.is_not(None))
    ids = db.session.scalars(
        select(Account.person_id).where(*working).order_by(Account.person_id).with_for_update()
    ).all()
    if not set(ids) - {account.person_id}:
        raise Refused(_("This is the last operator. Make somebody else operator first."))


def remove_second_factor(actor_id: int, account: Account) -> None:
    """For people who lost device and codes: they set it up anew at the next sign-in."""
    second_factor.clear(account)
    sessions.close_all(account.person_id)
    record(Action.second_factor_removed, actor_id, account)


def create_admin(*, email: str, name: str, password_hash: str | None, locale: str = "de") -> LinkToken | None:
    """An operator with a confirmed address, made on the server itself. Without a password, returns a link to sign in.

    An existing account becomes operator and keeps its password unless a new one is given. One whose address nobody has
    proven loses it: anybody may have registered that address with a password of their own.
    """
    person = person_for(email, name=name, locale=locale)
    account = account_of(person)
    if name:
        person.name = name
    unproven = account.confirmed_at is None
    account.confirmed_at = account.confirmed_at or clock.now()
    account.suspended_at = None
    if password_hash is not None or unproven:
        account.password_hash = password_hash
    db.session.flush()
    grant_operator(None, account)
    return tokens.issue(LinkPurpose.sign_in, person.id) if password_hash is None else None


def number_of_operators() -> int:
    """How many operators there are."""
    return db.session.scalar(select(func.count()).where(Account.operator)) or 0
