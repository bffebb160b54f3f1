"""What reaches the staff's desks from outside: messages of the contact form."""

from consult import clock
from consult.accounts.operations import person_for
from consult.extensions import db
from consult.outbox.operations import queue
from consult.site.models import ContactMessage
from consult.site.queries import site_settings


def receive_message(topic: str, page: str, body: str, email: str | None) -> ContactMessage:
    """Keep a visitor's message and tell the contact address of the instance, when there is one."""
    message = ContactMessage(topic=topic, page=page, body=body, email=email)
    db.session.add(message)
    db.session.flush()
    address = site_settings().contact_email
    if address:
        queue("desk.contact_message", message.id, person_for(address).id)
    return message


def mark_answered(message: ContactMessage) -> None:
    """Tick it off; a second time changes nothing."""
    if message.answered_at is None:
        message.answered_at = clock.now()
