"""Everything the platform knows about one person: hand it over, or forget it.

Stands above the features because it goes through all their tables: every foreign key to a person is found in the
schema itself, so that a new table cannot be forgotten here.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Column, Table, case, delete, func, or_, select, update

from consult import clock
from consult.accounts import sessions
from consult.accounts.models import (
    Account,
    Affiliation,
    Consent,
    LinkPurpose,
    LinkToken,
    Person,
    RecoveryCode,
    Representation,
)
from consult.accounts.staff import keep_one_operator
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.models import Editing
from consult.contacts.models import DifferentPeople
from consult.contributions.models import AuthorTrust, Contribution
from consult.db import Base
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.groups.operations import end_membership, vacate_seat
from consult.invitations import letters, long_lists
from consult.invitations.models import Invitation, Subscription, SubscriptionState
from consult.meetings import survey, unconfirmed
from consult.meetings.models import FieldAnswer, Meeting, Registration, RegistrationState, SurveyReply
from consult.newsletters import subscribing
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Function, ProcessState
from consult.processes.queries import functions_of, people_with, processes_visible_to
from consult.signing import new_code

#: Tables whose rows belong to somebody, and the column that says to whom. Of other rows, and of those of others, only
#: that, where and when this person acted is theirs.
OWNERS = {
    "account": "person_id", "affiliation": "person_id", "appeal": "person_id", "bounce": "person_id",
    "campaign_recipient": "person_id", "consent": "person_id", "contribution": "author_id",
    "contribution_translation": "translator_id", "draft_act": "actor_id", "invitation": "person_id",
    "link_token": "person_id", "membership": "person_id", "moderation_act": "actor_id", "moderator_note": "author_id",
    "outbox_message": "recipient_id", "person": "id", "reaction": "person_id", "registration": "person_id",
    "report": "reporter_id", "representation": "person_id", "seat_holder": "person_id", "sign_in": "person_id",
    "subscription": "person_id",
}  # fmt: skip
#: What signs somebody in is never handed out, not even to themselves.
SECRETS = {
    "password_hash", "totp_secret", "totp_last_step", "secret_hash", "code_hash", "nonce", "claimed_until",
    "receipt_hash",
}  # fmt: skip
#: Registrations that hold a place, a place in the queue or a hope for one.
_HOLDING = tuple(RegistrationState[name] for name in ("unconfirmed", "asked", "maybe", "coming", "waiting", "offered"))
#: How many unproven addresses one night removes.
_AT_ONCE = 5000


def _links() -> Iterator[tuple[Table, list[Column[Any]]]]:
    """Every table with columns that name a person, and those columns."""
    for table in Base.metadata.sorted_tables:
        columns = [
            column
            for column in table.columns
            if any(key.column.table.name in ("person", "account") for key in column.foreign_keys)
        ]
        if columns:
            yield table, columns


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _rows(table: Table, condition: Any, columns: list[Column[Any]]) -> list[dict[str, Any]]:
    rows = db.session.execute(select(*columns).where(condition).order_by(*table.primary_key.columns)).mappings()
    return [{name: _plain(value) for name, value in row.items() if value is not None} for row in rows]


def _shown(table: Table, links: list[Column[Any]], numbers: Sequence[int]) -> list[Any]:
    """What is handed out of a table: rows of this person whole; of other columns that name people only their own."""
    owner = table.columns[OWNERS[table.name]] if table.name in OWNERS else None
    shown: list[Any] = []
    for column in table.columns:
        if column.name in SECRETS:
            continue
        if column.name.endswith("_at") or (column.primary_key and (column not in links or len(links) == 1)):
            shown.append(column)
            continue
        ways = [] if owner is None else [(owner.in_(numbers), column)]
        ways += [(column.in_(numbers), column)] if column in links else []
        if ways:
            shown.append(case(*ways).label(column.name))
    return shown


def _numbers(person: Person) -> list[int]:
    """Theirs, and those of entries that were put together with it: what may never change still names those."""
    merged = db.session.scalars(select(Person.id).where(Person.merged_into_id == person.id)).all()
    return [person.id, *merged]


def everything_about(person: Person) -> dict[str, list[dict[str, Any]]]:
    """All rows about this person by table, as plain values ready for JSON; secrets left out.

    Moments are ISO 8601 in UTC. Where somebody acted on what belongs to all or to others, only that and when is told.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    people = Base.metadata.tables["person"]
    numbers = _numbers(person)
    found["person"] = _rows(people, people.c.id == person.id, _shown(people, [], numbers))
    for table, links in _links():
        if table is people:
            continue
        rows = _rows(table, or_(*(link.in_(numbers) for link in links)), _shown(table, links, numbers))
        if rows:
            found[table.name] = rows
    texts = Base.metadata.tables["contribution_text"]
    own = select(Contribution.id).where(Contribution.author_id == person.id)
    written = _rows(texts, texts.c.contribution_id.in_(own) | texts.c.actor_id.in_(numbers), list(texts.columns))
    if written:
        found["contribution_text"] = written
    for name, rows in _of_registrations(person):
        if rows:
            found.setdefault(name, []).extend(rows)
    return dict(sorted(found.items()))


def _of_registrations(person: Person) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What hangs on somebody's registrations and does not name them itself: answers, when they came, sheets."""
    own = select(Registration.id).where(Registration.person_id == person.id)
    sheets = select(SurveyReply.id).where(SurveyReply.registration_id.in_(own))
    for name, link, mine, hidden in (
        ("field_answer", "registration_id", own, ()),
        ("check_in", "registration_id", own, ("client_key", "actor_id")),
        ("survey_reply", "registration_id", own, ("key",)),
        ("survey_answer", "reply_id", sheets, ()),
    ):
        table = Base.metadata.tables[name]
        shown = [column for column in table.columns if column.name not in hidden]
        yield name, _rows(table, table.columns[link].in_(mine), shown)


def erase(person: Person, actor: Person, now: datetime | None = None) -> None:
    """Forget who this is. What the person wrote and did stays, without name or address; roles and answers end.

    Raises `Refused` for the last operator, and for the only lead of a published process: somebody else must be able
    to answer for it first. Erasing twice changes nothing.
    """
    now = now or clock.now()
    if person.erased_at is not None:
        return
    account = db.session.get(Account, person.id)
    if account is not None:
        keep_one_operator(account)
    _keep_one_lead(person)
    _end_roles(person, actor, now)
    _forget_answers(person, now)
    _forget_mail(person)
    letters.forget(person.id)
    long_lists.forget(person)
    sessions.close_all(person.id)
    db.session.execute(delete(LinkToken).where(LinkToken.person_id == person.id))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    if account is not None:
        db.session.delete(account)
        db.session.flush()
    db.session.execute(delete(Editing).where(Editing.person_id == person.id))
    db.session.execute(
        update(Consent).where(Consent.person_id == person.id, Consent.withdrawn_at.is_(None)).values(withdrawn_at=now)
    )
    db.session.execute(update(Contribution).where(Contribution.author_id == person.id).values(author_name=""))
    db.session.execute(delete(AuthorTrust).where(AuthorTrust.person_id == person.id))
    db.session.execute(delete(Affiliation).where(Affiliation.person_id == person.id))
    alike = or_(DifferentPeople.one_id == person.id, DifferentPeople.two_id == person.id)
    db.session.execute(delete(DifferentPeople).where(alike))
    db.session.execute(
        update(Subscription)
        .where(Subscription.person_id == person.id, Subscription.state != SubscriptionState.ended)
        .values(state=SubscriptionState.ended, ended_at=now)
    )
    person.email, person.name, person.import_key, person.erased_at = None, "", None, now
    person.postal_address, person.mail_paused_at, person.mail_paused_why = None, None, None
    record(Action.account_erased, actor.id, person)
    db.session.flush()


def _keep_one_lead(person: Person) -> None:
    led = {ident for ident, functions in functions_of(person).items() if Function.lead in functions}
    if not led:
        return
    for process in processes_visible_to(person):
        published = process.id in led and process.state == ProcessState.published
        if published and people_with(process.id, Function.lead) == [person.id]:
            raise Refused(_("%(name)s is led by nobody else. Name another lead first.", name=process.title))


def _end_roles(person: Person, actor: Person, now: datetime) -> None:
    memberships = select(Membership).where(Membership.person_id == person.id)
    for membership in db.session.scalars(memberships):
        end_membership(membership, actor.id)
    for holder in db.session.scalars(select(SeatHolder).where(SeatHolder.person_id == person.id)):
        vacate_seat(holder, actor.id)
    db.session.execute(
        update(Representation)
        .where(
            Representation.person_id == person.id,
            or_(Representation.ends_at.is_(None), Representation.ends_at > now),
        )
        .values(ends_at=now)
    )


def _forget_answers(person: Person, now: datetime) -> None:
    """Needs and messages go; places at meetings to come are free again."""
    to_come = select(Meeting.id).where(Meeting.ends_at > now)
    db.session.execute(
        update(Registration)
        .where(
            Registration.person_id == person.id,
            Registration.meeting_id.in_(to_come),
            Registration.state.in_(_HOLDING),
        )
        .values(state=RegistrationState.declined, waiting_since=None, offer_until=None)
    )
    own = select(Registration.id).where(Registration.person_id == person.id)
    registrations = db.session.scalars(select(Registration).where(Registration.person_id == person.id)).all()
    for registration in registrations:
        # Links to the registration, its papers and its survey are made with the code: all of them are dead now.
        registration.code = new_code()
    survey.forget_begun([registration.id for registration in registrations])
    db.session.execute(delete(FieldAnswer).where(FieldAnswer.registration_id.in_(own)))
    db.session.execute(
        update(SurveyReply).where(SurveyReply.registration_id.in_(own)).values(registration_id=None, key=None)
    )
    db.session.execute(
        update(Registration)
        .where(Registration.person_id == person.id)
        .values(needs=None, organisation_name="", named=False)
    )
    db.session.execute(update(Invitation).where(Invitation.person_id == person.id).values(message=None))


def _forget_mail(person: Person) -> None:
    mine = OutboxMessage.recipient_id == person.id
    db.session.execute(update(OutboxMessage).where(mine).values(sent_subject=None, sent_text=None))
    db.session.execute(
        update(OutboxMessage)
        .where(mine, OutboxMessage.state.in_((State.queued, State.retry, State.paused)))
        .values(state=State.dropped)
    )


#: What is left of an address that somebody typed in and nobody proved; it keeps no person alive.
_ASKED = ("link_token", "outbox_message")
#: Mails that ask whether an address is somebody's, and the purposes of the links in them.
_QUESTIONS = ("confirm_contribution", unconfirmed.CONFIRM, subscribing.CONFIRM)
_PROOFS = (LinkPurpose.claim, LinkPurpose.register, LinkPurpose.subscribe)


def _asked_only(before: datetime) -> Sequence[int]:
    """People without an account of whom we know nothing but an address typed in before then, and not proven."""
    mails = select(OutboxMessage.id).where(OutboxMessage.recipient_id == Person.id)
    links = select(LinkToken.id).where(LinkToken.person_id == Person.id)
    return db.session.scalars(
        select(Person.id)
        .where(
            Person.created_at < before,
            Person.erased_at.is_(None),
            Person.import_key.is_(None),
            ~select(Account.person_id).where(Account.person_id == Person.id).exists(),
            mails.where(OutboxMessage.kind.in_(_QUESTIONS)).exists(),
            ~mails.where(or_(OutboxMessage.kind.not_in(_QUESTIONS), OutboxMessage.queued_at >= before)).exists(),
            ~links.where(LinkToken.purpose.not_in(_PROOFS)).exists(),
        )
        .order_by(Person.id)
        .limit(_AT_ONCE)
    ).all()


def forget_unproven_guests(before: datetime) -> int:
    """Remove people who came to be by an address typed in before then that nobody proved. Returns how many.

    Whoever proved it owns a contribution; whoever was invited is named by the invitation: people named anywhere stay.
    """
    found = _asked_only(before)
    removed = 0
    for part in (set(found[start : start + 500]) for start in range(0, len(found), 500)):
        for table, links in _links():
            if table.name not in _ASKED:
                for link in links:
                    part.difference_update(db.session.scalars(select(link).where(link.in_(part))))
        db.session.execute(delete(LinkToken).where(LinkToken.person_id.in_(part)))
        db.session.execute(delete(OutboxMessage).where(OutboxMessage.recipient_id.in_(part)))
        db.session.execute(delete(Person).where(Person.id.in_(part)))
        removed += len(part)
    return removed


def written_by(person: Person) -> int:
    """How many contributions stay when this person goes."""
    return db.session.scalar(select(func.count()).where(Contribution.author_id == person.id)) or 0
