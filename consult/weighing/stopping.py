"""The two switches for mails, and the personal link by which one click turns one off.

A link belongs to a person and a switch and stands in every mail of that kind. It is not used up: mail programs follow
it more than once, and who has no account turns the mails on again with it.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import IntEnum

from sqlalchemy import insert, select, update

from consult import clock, signing
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.outbox.links import link


class Switch(IntEnum):
    """What a link turns off; its number stands in the link's row."""

    answers = 1
    monthly = 2


FIELDS = {Switch.answers: "tell_answers", Switch.monthly: "tell_monthly"}
#: A link stays good for this long, and is made to last longer when a mail leaves in its second half.
LIFETIME = timedelta(days=730)


def prepare(person_ids: Iterable[int], switch: Switch) -> None:
    """See to it that each of these people has a link for this switch: mails find it when they are written.

    At most three statements, however many people.
    """
    ids, now = sorted(set(person_ids)), clock.now()
    if not ids:
        return
    mine = [
        LinkToken.purpose == LinkPurpose.stop_mail,
        LinkToken.subject_id == int(switch),
        LinkToken.used_at.is_(None),
    ]
    known = {
        row.person_id: row
        for row in db.session.execute(
            select(LinkToken.id, LinkToken.person_id, LinkToken.expires_at)
            .where(*mine, LinkToken.person_id.in_(ids))
            .order_by(LinkToken.id)
        )
    }
    old = [row.id for row in known.values() if row.expires_at < now + LIFETIME / 2]
    if old:
        db.session.execute(
            update(LinkToken)
            .where(LinkToken.id.in_(old))
            .values(expires_at=now + LIFETIME)
            .execution_options(synchronize_session=False)
        )
    new = [
        {
            "purpose": LinkPurpose.stop_mail,
            "nonce": signing.new_nonce(),
            "person_id": ident,
            "subject_id": int(switch),
            "created_at": now,
            "expires_at": now + LIFETIME,
        }
        for ident in ids
        if ident not in known
    ]
    if new:
        db.session.execute(insert(LinkToken), new)


def address_for(person_id: int, switch: Switch) -> str:
    """The full address of this person's link; empty when none was prepared."""
    token = db.session.scalar(
        select(LinkToken)
        .where(
            LinkToken.purpose == LinkPurpose.stop_mail,
            LinkToken.person_id == person_id,
            LinkToken.subject_id == int(switch),
            LinkToken.used_at.is_(None),
            LinkToken.expires_at > clock.now(),
        )
        .order_by(LinkToken.id.desc())
        .limit(1)
    )
    return link("weighing.stop", link=tokens.link_of(token)) if token is not None else ""


def headers_for(address: str) -> dict[str, str]:
    """What mail programs need for their own button (RFC 2369, RFC 8058)."""
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def opened(text: str) -> tuple[Person, Switch] | None:
    """Whose link this is and what it turns off; None for one that is no good."""
    token = tokens.find(text, LinkPurpose.stop_mail)
    if token is None or token.person_id is None or token.subject_id not in list(Switch):
        return None
    person = db.session.get(Person, token.person_id)
    if person is None or person.erased_at is not None:
        return None
    return person, Switch(token.subject_id)


def is_on(person: Person, switch: Switch) -> bool:
    return bool(getattr(person, FIELDS[switch]))


def turn(person: Person, **wishes: bool) -> bool:
    """Set switches by the names of the person's fields; False, leaving no trace, when nothing is changed."""
    changed = [name for name, wish in wishes.items() if getattr(person, name) != wish]
    for name in changed:
        setattr(person, name, wishes[name])
    db.session.flush()
    for action, wish in ((Action.mails_turned_off, False), (Action.mails_turned_on, True)):
        if fields := [name for name in changed if wishes[name] == wish]:
            record(action, person.id, person, fields=fields)
    return bool(changed)
