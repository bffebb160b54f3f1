"""Personal links: bound to one purpose, for one use, for a time.

    token = tokens.issue(LinkPurpose.reset, person.id)      # replaces an earlier one of the same purpose
    address = link("accounts.reset", link=tokens.link_of(token))
    token = tokens.find(request's text, LinkPurpose.reset)  # None: forged, used, expired, of another purpose
    tokens.consume(token)                                   # False: somebody else was faster

A GET on a link only shows a page with a button: scanners of mail gateways open every link. The POST consumes.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from consult import clock, signing
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.extensions import db

LIFETIMES: dict[LinkPurpose, timedelta] = {
    LinkPurpose.confirm: timedelta(hours=48),
    LinkPurpose.sign_in: timedelta(minutes=20),
    LinkPurpose.reset: timedelta(minutes=60),
    LinkPurpose.change_email: timedelta(hours=24),
    LinkPurpose.staff_invitation: timedelta(days=14),
    LinkPurpose.claim: timedelta(days=7),
    LinkPurpose.register: timedelta(days=2),
    LinkPurpose.subscribe: timedelta(days=7),
    LinkPurpose.calendar: timedelta(days=3650),
}


def issue(
    purpose: LinkPurpose,
    person_id: int | None,
    subject_id: int | None = None,
    *,
    new_email: str | None = None,
    created_by_id: int | None = None,
    expires_at: datetime | None = None,
) -> LinkToken:
    """A new link. One bound to a person replaces the earlier ones of the same purpose and subject. Flushes.

    Purposes without a lifetime of their own need `expires_at` (ValueError).
    """
    now = clock.now()
    if expires_at is None:
        if purpose not in LIFETIMES:
            raise ValueError(f"a link for {purpose} needs an end")
        expires_at = now + LIFETIMES[purpose]
    if person_id is not None:
        # Two requests at the same moment wait for each other here, so that one link remains and not two.
        db.session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
        void(person_id, purpose, subject_id=subject_id)
    token = LinkToken(
        purpose=purpose,
        nonce=signing.new_nonce(),
        person_id=person_id,
        subject_id=subject_id,
        new_email=new_email,
        created_by_id=created_by_id,
        created_at=now,
        expires_at=expires_at,
        used_at=None,
    )
    db.session.add(token)
    db.session.flush()
    return token


def link_of(token: LinkToken) -> str:
    """What goes into the address."""
    return signing.sign(token.purpose, token.id, token.nonce)


def find(link: str, purpose: LinkPurpose) -> LinkToken | None:
    """The token behind a link that we made for this purpose and that still counts; changes nothing."""
    ident = signing.ident_of(link)
    token = db.session.get(LinkToken, ident) if ident is not None else None
    if token is None or token.purpose != purpose or not token.is_valid(clock.now()):
        return None
    return token if signing.is_genuine(link, purpose, token.id, token.nonce) else None


def consume(token: LinkToken) -> bool:
    """Use the link up; False when it was used, replaced or over meanwhile, and then nothing else may happen."""
    now = clock.now()
    result: Any = db.session.execute(
        update(LinkToken)
        .where(LinkToken.id == token.id, LinkToken.used_at.is_(None), LinkToken.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        return False
    token.used_at = now
    return True


def void(person_id: int, *purposes: LinkPurpose, subject_id: int | None = None) -> None:
    """The open links of these purposes no longer count; with `subject_id`, those about this row only."""
    statement = update(LinkToken).where(
        LinkToken.person_id == person_id, LinkToken.purpose.in_(purposes), LinkToken.used_at.is_(None)
    )
    if subject_id is not None:
        statement = statement.where(LinkToken.subject_id == subject_id)
    db.session.execute(statement.values(used_at=clock.now()))
