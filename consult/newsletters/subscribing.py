"""Subscribing to the newsletter of a process: asked for, proven by a click, ended by a click. No account is needed.

    nothing -> pending -> confirmed -> ended -> pending ...

The proof is a row of `consent` with the version of the words somebody agreed to, made when the address was proven.
"""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import Consent, LinkPurpose, LinkToken, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.extensions import db
from consult.invitations.models import Subscription, SubscriptionState
from consult.outbox.links import link
from consult.outbox.operations import queue
from consult.processes.models import Process
from consult.signing import ident_of, is_genuine, sign

CONFIRM = "newsletter_confirm"
PURPOSE = "newsletter"
#: Raise it when the words beside the form change: consents say which words they were given to.
TEXT_VERSION = "newsletter 1"


def _person_with(email: str, locale: str, now: datetime) -> int:
    """Id of the person at this address, made when nobody has it: two statements in any case."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(Person)
        .values(email=email, name="", locale=locale, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    return db.session.scalars(select(Person.id).where(Person.email == email)).one()


def _row(process: Process, person_id: int, lang: str, now: datetime) -> Subscription:
    """The one row of this person and process, made when there is none."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(Subscription)
        .values(process_id=process.id, person_id=person_id, state=SubscriptionState.pending, lang=lang, created_at=now)
        .on_conflict_do_nothing(index_elements=["process_id", "person_id"])
    )
    return db.session.scalars(
        select(Subscription).where(Subscription.process_id == process.id, Subscription.person_id == person_id)
    ).one()


def ask(process: Process, email: str, lang: str, now: datetime | None = None) -> None:
    """Somebody typed in an address: its owner is asked by mail. Whoever gets the newsletter already is not told so.

    Nothing is sent to an address because of this but that one mail.
    """
    now = now or clock.now()
    person_id = _person_with(email, lang, now)
    subscription = _row(process, person_id, lang, now)
    if subscription.state == SubscriptionState.pending and subscription.confirmed_at is None:
        # As long as its newest link is good: `forget_unproven` counts from here.
        subscription.created_at = now
    token = tokens.issue(LinkPurpose.subscribe, person_id, subscription.id)
    # The mail is in the language we know of them, and in the one somebody asked in.
    queue(CONFIRM, token.id, person_id, period=lang, process_id=process.id)


def find(text: str) -> tuple[LinkToken, Subscription] | None:
    """What a link to confirm is about, while it counts; changes nothing."""
    token = tokens.find(text, LinkPurpose.subscribe)
    subscription = db.session.get(Subscription, token.subject_id) if token is not None else None
    if token is None or subscription is None or subscription.person_id != token.person_id:
        return None
    return token, subscription


def confirm(token: LinkToken, subscription: Subscription, now: datetime | None = None) -> bool:
    """The address is proven: the newsletter comes from now on. False when the link was used up meanwhile."""
    if not tokens.consume(token):
        return False
    _begin(subscription, "double opt-in", now or clock.now())
    return True


def subscribe(process: Process, person: Person, lang: str, now: datetime | None = None) -> None:
    """Somebody signed in presses the button: the address is proven already."""
    now = now or clock.now()
    _begin(_row(process, person.id, lang, now), "account", now)


def _begin(subscription: Subscription, source: str, now: datetime) -> None:
    """Compare and set; whoever gets it already keeps the first consent."""
    begun = db.session.execute(
        update(Subscription)
        .where(Subscription.id == subscription.id, Subscription.state != SubscriptionState.confirmed)
        .values(state=SubscriptionState.confirmed, confirmed_at=now, ended_at=None)
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(subscription)
    if begun is None:
        return
    consent = Consent(
        person_id=subscription.person_id,
        purpose=f"{PURPOSE} {subscription.process_id}",
        text_version=TEXT_VERSION,
        given_at=now,
        source=source,
    )
    db.session.add(consent)
    db.session.flush()
    subscription.consent_id = consent.id
    db.session.flush()
    record(Action.newsletter_subscribed, subscription.person_id, subscription, process_id=subscription.process_id)


def end(subscription: Subscription, now: datetime | None = None) -> None:
    """Send nothing more, and withdraw the consent; a second time changes nothing."""
    now = now or clock.now()
    ended = db.session.execute(
        update(Subscription)
        .where(Subscription.id == subscription.id, Subscription.state != SubscriptionState.ended)
        .values(state=SubscriptionState.ended, ended_at=now)
        .returning(Subscription.consent_id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(subscription)
    if ended is None:
        return
    db.session.execute(
        update(Consent).where(Consent.id == ended[0], Consent.withdrawn_at.is_(None)).values(withdrawn_at=now)
    )
    record(Action.newsletter_ended, subscription.person_id, subscription, process_id=subscription.process_id)


def again(subscription: Subscription, now: datetime | None = None) -> None:
    """Whoever ended it by the link in a mail takes it up again by the same link: the mail proved the address."""
    if subscription.confirmed_at is not None:
        _begin(subscription, "link in a newsletter", now or clock.now())


def forget_unproven(before: datetime) -> int:
    """Remove requests from before then that nobody confirmed; returns how many."""
    result = db.session.execute(
        delete(Subscription).where(
            Subscription.state == SubscriptionState.pending,
            Subscription.confirmed_at.is_(None),
            Subscription.created_at < before,
        )
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it


def _nonce(subscription: Subscription) -> str:
    # Not the person: the link in a newsletter that was sent stops it also after two entries have become one.
    return subscription.created_at.isoformat()


def stop_link(subscription: Subscription) -> str:
    """The personal link in every newsletter. It can do nothing but end this one newsletter and take it up again."""
    return sign(PURPOSE, subscription.id, _nonce(subscription))


def stop_address(subscription: Subscription) -> str:
    """The full address of that link, for mails."""
    return link("newsletters.stop", link=stop_link(subscription))


def opened(text: str) -> Subscription | None:
    """Whose link this is; None for one that is no good."""
    ident = ident_of(text)
    subscription = db.session.get(Subscription, ident) if ident is not None else None
    if subscription is None or not is_genuine(text, PURPOSE, subscription.id, _nonce(subscription)):
        return None
    person = db.session.get(Person, subscription.person_id)
    return subscription if person is not None and person.erased_at is None else None


def of_person(process: Process, person_id: int) -> Subscription | None:
    """The subscription of somebody signed in, in whatever state."""
    return db.session.scalar(
        select(Subscription).where(Subscription.process_id == process.id, Subscription.person_id == person_id)
    )
