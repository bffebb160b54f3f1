"""What people do with their own account. Addresses come in as `addresses.clean_email` gives them."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import exists, update
from sqlalchemy.exc import IntegrityError

from consult import clock
from consult.accounts import queries, sessions, tokens
from consult.accounts.models import Account, LinkPurpose, LinkToken, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.outbox.bounces import forget
from consult.outbox.operations import queue

#: Fields of a person that people change by themselves.
PROFILE = ("name", "locale")


def person_for(email: str, *, name: str = "", locale: str = "de") -> Person:
    """The person with this address, with the account loaded; made as a guest when nobody has it yet."""
    person = queries.person_by_email(email)
    if person is not None:
        return person
    try:
        with db.session.begin_nested():
            person = Person(email=email, name=name, locale=locale, account=None)
            db.session.add(person)
    except IntegrityError:
        # Somebody was faster: then it is that row.
        person = queries.person_by_email(email)
        if person is None:
            raise
    return person


def speaks(person_id: int, lang: str) -> None:
    """Somebody pressed a button behind a personal link, on a page in this language: so we write to them from now on.

    Who has an account has chosen a language there; that one stays.
    """
    db.session.execute(
        update(Person)
        .where(Person.id == person_id, Person.locale != lang, ~exists().where(Account.person_id == Person.id))
        .values(locale=lang)
    )


def account_of(person: Person) -> Account:
    """The person's account; an unconfirmed one is made when there is none."""
    if person.account is None:
        try:
            with db.session.begin_nested():
                person.account = Account(person_id=person.id, created_at=clock.now())
        except IntegrityError:
            person = db.session.get_one(Person, person.id, populate_existing=True)
            db.session.refresh(person, ["account"])
            if person.account is None:
                raise
    assert person.account is not None  # noqa: S101  (for mypy)
    return person.account


def may_sign_in(person: Person | None) -> bool:
    """Has a confirmed account that is neither suspended nor erased."""
    return (
        person is not None and person.erased_at is None and person.account is not None and person.account.may_sign_in()
    )


def _moment(now: datetime) -> str:
    """Tells repeated mails about one person apart."""
    return now.strftime("%Y%m%d%H%M%S%f")


def _mail_link(purpose: LinkPurpose, person: Person) -> LinkToken:
    token = tokens.issue(purpose, person.id)
    queue("sign_in_link" if purpose == LinkPurpose.sign_in else purpose.value, token.id, person.id)
    return token


def register(*, name: str, email: str, password_hash: str | None, locale: str) -> LinkToken | None:
    """Begin an account: a mail asks the owner of the address to confirm. Returns the link that was sent.

    When the address has an account, its owner is told so by mail and nothing changes; returns None. Name and password
    count only after the confirmation, see `confirm`.
    """
    person = person_for(email, name=name, locale=locale)
    known = person.account
    if known is not None and (known.confirmed_at is not None or known.suspended_at is not None):
        queue("account_exists", person.id, person.id, period=_moment(clock.now()))
        return None
    account = account_of(person)
    account.password_hash = password_hash
    if known is None:
        record(Action.account_registered, None, account)
    return _mail_link(LinkPurpose.confirm, person)


def confirm(token: LinkToken, person: Person, *, name: str, password_hash: str | None, keep_password: bool) -> bool:
    """The owner of the address confirms name and password; False when the link was used up meanwhile.

    `keep_password` leaves the one given at registration: only for the very browser that registered. Anybody can
    register somebody else's address with a password of their own.
    """
    if not tokens.consume(token):
        return False
    account = account_of(person)
    account.confirmed_at = clock.now()
    if not keep_password:
        account.password_hash = password_hash
    person.name = name
    tokens.void(person.id, LinkPurpose.staff_invitation)
    record(Action.account_confirmed, person.id, account)
    return True


def ask_for_sign_in_link(email: str) -> None:
    """Send a link to sign in with, if the address has an account. The caller's answer is the same in any case."""
    _ask(email, LinkPurpose.sign_in)


def ask_for_reset(email: str) -> None:
    """Send a link to choose a new password with, if the address has an account; the answer is the same in any case."""
    _ask(email, LinkPurpose.reset)


def _ask(email: str, purpose: LinkPurpose) -> None:
    person = queries.person_by_email(email)
    if person is None or person.account is None or person.account.suspended_at is not None:
        return
    # Who never confirmed gets that mail again: it leads to the same place.
    _mail_link(purpose if person.account.confirmed_at else LinkPurpose.confirm, person)


def note_sign_in(person: Person) -> None:
    """Record that somebody signed in."""
    record(Action.signed_in, person.id, person)


def sign_out(person_id: int, sign_in_id: int) -> bool:
    """End one of the person's own sign-ins; False when there is none such."""
    ended = sessions.close(sign_in_id, person_id)
    if ended:
        record(Action.signed_out, person_id, ("person", person_id))
    return ended


def sign_out_everywhere(person_id: int) -> int:
    """End all of the person's own sign-ins; returns how many."""
    ended = sessions.close_all(person_id)
    record(Action.signed_out_everywhere, person_id, ("person", person_id))
    return ended


def reset_password(token: LinkToken, person: Person, password_hash: str) -> bool:
    """A new password by mail link; every sign-in ends. False when the link was used up meanwhile."""
    if not tokens.consume(token):
        return False
    _new_password(account_of(person), password_hash, keep=None)
    return True


def change_password(account: Account, password_hash: str, *, sign_in_id: int) -> None:
    """A new password; all other sign-ins end, and open links that would get around it count no more."""
    _new_password(account, password_hash, keep=sign_in_id)


def _new_password(account: Account, password_hash: str, keep: int | None) -> None:
    account.password_hash = password_hash
    sessions.close_all(account.person_id, except_id=keep)
    tokens.void(account.person_id, LinkPurpose.reset, LinkPurpose.sign_in)
    record(Action.password_changed, account.person_id, account)


def change_profile(person: Person, *, name: str, locale: str) -> None:
    """Name and language; unchanged ones leave no trace."""
    values = {"name": name, "locale": locale}
    changed = [field for field in PROFILE if getattr(person, field) != values[field]]
    for field in changed:
        setattr(person, field, values[field])
    if changed:
        record(Action.profile_changed, person.id, person, fields=changed)


def ask_to_change_email(person: Person, new_email: str) -> None:
    """Send a link to the new address; nothing changes before it is used. An address in use gets none."""
    if new_email == person.email:
        raise Refused(_("This is your address already."))
    token = tokens.issue(LinkPurpose.change_email, person.id, new_email=new_email)
    if queries.person_by_email(new_email) is None:
        queue("change_email", token.id, person.id)


def change_email(token: LinkToken, person: Person) -> bool:
    """The new address is proven: from now on it counts, and the old one is told. False when the link was used up.

    Raises `Refused` when somebody else has taken the address meanwhile.
    """
    new, old = token.new_email, person.email
    if new is None or not tokens.consume(token):
        return False
    try:
        with db.session.begin_nested():
            person.email = new
    except IntegrityError:
        raise Refused(_("This address belongs to another account by now.")) from None
    # What came back spoke of the old address.
    forget(person.id)
    # The notice needs to know where to go; the row is removed with all links that are over.
    token.new_email = old
    # Links that went to the old address must not open the account any more.
    tokens.void(person.id, LinkPurpose.reset, LinkPurpose.sign_in)
    queue("email_changed_notice", token.id, person.id)
    record(Action.email_changed, person.id, person)
    return True
