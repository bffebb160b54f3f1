"""What a guest does in tests: send a contribution, read the code on the slip, and come back with it."""

from sqlalchemy import func, select

from consult.contributions import guests
from consult.contributions.models import Contribution

TYPED = {"stance": "concern", "text": "Die Treppe ist zu steil.", "author_name": "Wetterhahn"}


def newest(session):
    return session.query(Contribution).order_by(Contribution.id.desc()).populate_existing().first()


def how_many(session):
    return session.scalar(select(func.count()).select_from(Contribution))


def send(visitor, town, address="/e/ankommen/comment", **typed):
    """Write as a guest; returns the slip."""
    return visitor.follow(visitor.submit(town.path(address), {**TYPED, **typed}))


def code_on(slip):
    return slip.html.select_one(".slip .code").get_text(strip=True)


def open_with(visitor, code):
    return visitor.follow(visitor.submit("/receipt", {"code": code}))


def write(town, code="7K3M-Q0TW-94XA-B2ZR", **fields):
    """The same past the pages."""
    fields = {"text": "Die Treppe ist zu steil.", "stance": "concern", "element_id": town.goal.id} | fields
    return guests.submit(town.process, code=code, **fields)
