"""How often one may try. All are counted in the database, before anything else happens."""

from datetime import timedelta

from consult.accounts.addresses import mailbox_key
from consult.limits import limit, visitor

_QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)


def sign_in(email: str) -> None:
    """Passwords: few for one account; more for one visitor, because a whole meeting may share an address."""
    limit("sign-in", visitor(), 60, _QUARTER)
    limit("sign-in-account", mailbox_key(email), 10, _QUARTER)


def mail_to(email: str) -> None:
    """Mails that a stranger can cause: one mailbox gets five an hour, however its address is spelled."""
    limit("mail-visitor", visitor(), 40, _HOUR)
    limit("mail", mailbox_key(email), 5, _HOUR)


def own_password(person_id: int) -> None:
    """The present password, asked again on the account's pages."""
    limit("own-password", str(person_id), 10, _QUARTER)


def code(person_id: int) -> None:
    """Codes of the second factor: six digits would not stand many tries."""
    limit("second-factor", str(person_id), 8, _QUARTER)


def link() -> None:
    """Opening links with made-up signatures."""
    limit("link", visitor(), 60, _QUARTER)
