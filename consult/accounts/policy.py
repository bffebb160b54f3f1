"""Who may do what with accounts. What depends on roles in processes is decided in the views."""

from consult.accounts.models import Person


def is_signed_in(person: Person | None) -> bool:
    """For the pages about oneself."""
    return person is not None


def is_operator(person: Person | None) -> bool:
    return person is not None and person.account is not None and person.account.operator


def can_manage_people(person: Person | None) -> bool:
    """See all people, invite staff, suspend, make operators."""
    return is_operator(person)
