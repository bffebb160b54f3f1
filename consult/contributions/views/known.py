"""A browser in which an address was proven is remembered in its session, so that the next contribution needs no mail.

That signs nobody in: it opens no page of an account, and the name above a text is the one typed in with it.
"""

from datetime import timedelta
from typing import Any

from flask import session

from consult import clock
from consult.accounts.models import Person
from consult.accounts.queries import person_with_account
from consult.contributions.claims import is_known
from consult.signing import keyed_hash

#: Name in the session: [person, until when, which address].
_KNOWN = "known"
REMEMBERED_FOR = timedelta(days=30)


def _address_mark(of: Person) -> str:
    """Changes with the address: who has another one now, or none, is not known here any more."""
    return keyed_hash("known address", of.email or "")[:24]


def remember(who: Person, *, longer: bool) -> None:
    """Know this browser until it is closed, or for `REMEMBERED_FOR` if it is to be longer."""
    session[_KNOWN] = [who.id, (clock.now() + REMEMBERED_FOR).timestamp(), _address_mark(who)]
    session.permanent = longer


def forget() -> None:
    """Know this browser no longer."""
    session.pop(_KNOWN, None)
    session.pop("_permanent", None)


def person() -> Person | None:
    """Who proved an address in this browser; None once that is over, and for people without an address."""
    entry: Any = session.get(_KNOWN)
    if not entry or entry[1] < clock.now().timestamp():
        return None
    found = person_with_account(int(entry[0]))
    if found is None or not is_known(found) or not found.email or entry[2] != _address_mark(found):
        return None
    return found


def masked(email: str) -> str:
    """Enough to recognise one's own address, too little to learn that of somebody else at a shared computer."""
    local, _at, domain = email.partition("@")
    return f"{local[:1]}\u2026@{domain}"
