"""How often one may try. All are counted in the database, before anything else happens."""

from datetime import timedelta

from consult.accounts.addresses import mailbox_key
from consult.limits import limit, visitor

_QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
#: A kickoff with a hundred people on one wireless network is one visitor to us.
SIGN_INS_OF_A_VISITOR = 100
MAILS_OF_A_VISITOR = 150


def sign_in(email: str) -> None:
    """Passwords: few for one account, whoever tries; more for one visitor."""
    limit("sign-in", visitor(), SIGN_INS_OF_A_VISITOR, _QUARTER)
    limit("sign-in-account", mailbox_key(email), 10, _QUARTER)


def mail_to(email: str) -> None:
    """Mails that a stranger can cause."""
    limit("mail-visitor", visitor(), MAILS_OF_A_VISITOR, _HOUR)
    mail_by_staff(email)


def mail_by_staff(email: str) -> None:
    """One mailbox gets five mails an hour, however its address is spelled."""
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
