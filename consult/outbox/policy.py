"""Who may look at the outbox. The texts of mails are not shown, yet who got which mail is nobody else's business."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The outbox stands below the accounts.
    from consult.accounts.models import Person


def can_see_messages(person: "Person | None") -> bool:
    """Operators run the platform, so they see what did not arrive."""
    return person is not None and person.account is not None and person.account.operator


def can_retry_message(person: "Person | None") -> bool:
    return can_see_messages(person)


def can_resume_address(person: "Person | None") -> bool:
    return can_see_messages(person)
