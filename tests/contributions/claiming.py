"""What tests of claims share: somebody writes with an address, and opens the mail that asks whose it is."""

import re

from sqlalchemy import select

from consult.accounts.models import Person
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.contributions.guests import TYPED

ADDRESS = "birke@example.org"
EN = {"Accept-Language": "en"}


def send(visitor, town, email=ADDRESS, address="/e/ankommen/comment", **typed):
    """Write as a guest with an address; returns the slip."""
    return visitor.follow(visitor.submit(town.path(address), {**TYPED, "email": email, **typed}))


def mails(session, which="confirm_contribution"):
    return session.scalars(select(OutboxMessage).where(OutboxMessage.kind == which).order_by(OutboxMessage.id)).all()


def rendered(message):
    return kind(message.kind).render(message)


def link_in(message):
    """The path behind the button of the mail."""
    return re.search(r"\(http://consult\.test(/claim/[^?)]+)", rendered(message).body)[1]


def person_with(session, email=ADDRESS):
    return session.scalar(select(Person).where(Person.email == email))
