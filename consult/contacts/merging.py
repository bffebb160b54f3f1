"""Two entries that are one human being, or one body: everything of the second goes to the first, in one transaction.

The second one stays as an empty row that leads on, because what may never change still names it.
"""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, select, union
from sqlalchemy.orm import joinedload

from consult import clock
from consult.accounts.models import LinkPurpose, LinkToken, Organisation, Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contacts import audiences
from consult.contacts.folding import fold
from consult.contributions import tallies
from consult.contributions.models import Contribution, Reaction
from consult.errors import Refused
from consult.extensions import db
from consult.invitations.models import Invitation
from consult.meetings import waiting
from consult.meetings.models import Meeting, Registration


@dataclass(frozen=True)
class Choice:
    """Whose name and whose address remain; only where nobody has an account, whose own affair they would be."""

    name_of_other: bool = False
    email_of_other: bool = False


def kept_of(one: Person, two: Person) -> tuple[Person, Person]:
    """Who is kept and who goes: the one with the account, else the first. Raises `Refused` for what is no double."""
    if one.id == two.id:
        raise Refused(_("This is one and the same entry."))
    for person in (one, two):
        if person.merged_into_id is not None:
            raise Refused(_("One of the two was put together with another one already."))
        if person.erased_at is not None:
            raise Refused(_("One of the two is forgotten."))
    if one.account is not None and two.account is not None:
        raise Refused(_("Both have an account. One of the two has to delete theirs first."))
    return (two, one) if two.account is not None else (one, two)


def _locked(one: int, two: int) -> tuple[Person, Person]:
    """Both as they are now: meetings first, as everybody does who touches places, then people in order of ids."""
    places = union(
        select(Registration.meeting_id).where(Registration.person_id.in_((one, two))),
        select(Invitation.meeting_id).where(Invitation.person_id.in_((one, two)), Invitation.meeting_id.is_not(None)),
    ).scalar_subquery()
    db.session.flush()
    db.session.scalars(select(Meeting.id).where(Meeting.id.in_(places)).order_by(Meeting.id).with_for_update()).all()
    found = {
        person.id: person
        for person in db.session.scalars(
            select(Person)
            .where(Person.id.in_((one, two)))
            .order_by(Person.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    # An account may have been made since the page was shown.
    for person in found.values():
        db.session.refresh(person, ["account"])
    return found[one], found[two]


def merge_people(one: Person, two: Person, actor: Person, choice: Choice = Choice()) -> Person:
    """Make one of two; returns who is kept. Raises `Refused` where they are no double that may be put together."""
    one, two = _locked(one.id, two.id)
    kept, other = kept_of(one, two)
    has_account = kept.account is not None
    now = clock.now()
    free = _meetings_of(other.id)
    _uncount_reactions(kept.id, other.id)
    audiences.follow("person", kept.id, other.id)
    # Whoever has the other's address must not get into anything of the kept one by an old link; stopping mail stays.
    db.session.execute(
        delete(LinkToken).where(LinkToken.person_id == other.id, LinkToken.purpose != LinkPurpose.stop_mail)
    )
    done = fold("person", kept.id, other.id)
    _put_together(kept, other, choice if not has_account else Choice())
    other.merged_into_id, other.erased_at = kept.id, now
    db.session.flush()
    record(Action.person_merged, actor.id, other, into=kept.id, moved=done.moved, removed=done.removed)
    db.session.expire_all()
    for meeting in db.session.scalars(select(Meeting).where(Meeting.id.in_(free)).order_by(Meeting.id)):
        # Where both had a place, one is free now.
        waiting.move_up(meeting, now)
    return db.session.scalars(select(Person).where(Person.id == kept.id).options(joinedload(Person.account))).one()


def _meetings_of(person_id: int) -> list[int]:
    return list(
        db.session.scalars(
            select(Registration.meeting_id)
            .join(Meeting, Meeting.id == Registration.meeting_id)
            .where(Registration.person_id == person_id, Meeting.starts_at > clock.now())
        )
    )


def _uncount_reactions(kept: int, other: int) -> None:
    """Where both agreed or disagreed, one voice is counted from now on."""
    own = select(Reaction.contribution_id).where(Reaction.person_id == kept)
    for contribution, kind in db.session.execute(
        select(Contribution, Reaction.kind)
        .join(Reaction, Reaction.contribution_id == Contribution.id)
        .where(Reaction.person_id == other, Reaction.contribution_id.in_(own))
        .order_by(Contribution.id)
    ).all():
        tallies.react(contribution, kind, None)


def _put_together(kept: Person, other: Person, choice: Choice) -> None:
    """What both know of the human being; of what there can be one only, the chosen one."""
    email, name, key = other.email, other.name, other.import_key
    paused, why = other.mail_paused_at, other.mail_paused_why
    kept.postal_address = kept.postal_address or other.postal_address
    kept.tell_answers = kept.tell_answers and other.tell_answers
    kept.created_at = min(kept.created_at, other.created_at)
    other.email, other.name, other.import_key, other.postal_address = None, "", None, None
    other.mail_paused_at, other.mail_paused_why = None, None
    # Addresses are unique: the other one lets go first.
    db.session.flush()
    if email and (choice.email_of_other or not kept.email):
        kept.email, kept.mail_paused_at, kept.mail_paused_why = email, paused, why
    if name and (choice.name_of_other or not kept.name):
        kept.name = name
    kept.import_key = kept.import_key or key
    db.session.flush()


def merge_organisations(
    one: Organisation, two: Organisation, actor: Person, *, name_of_other: bool = False
) -> Organisation:
    """Make one of two bodies: the first is kept. The other name goes on leading to it, so that a list with the old one
    finds it. Raises `Refused` where they are no double."""
    kept, other = _locked_organisations(one.id, two.id)
    _refuse_organisations(kept, other)
    audiences.follow("organisation", kept.id, other.id)
    done = fold("organisation", kept.id, other.id)
    kept_name, other_name = kept.name, other.name
    kept.email, kept.area, kept.source = kept.email or other.email, kept.area or other.area, kept.source or other.source
    kept.umbrella_id = kept.umbrella_id or (other.umbrella_id if other.umbrella_id != kept.id else None)
    other.email, other.area, other.source, other.umbrella_id = None, "", None, None
    if name_of_other:
        # Names are unique: for a moment the other one has one that nobody can have.
        other.name = f"\N{SYMBOL FOR NULL}{other.id}"
        db.session.flush()
        kept.name = other_name
        db.session.flush()
        other.name = kept_name
    other.merged_into_id = kept.id
    db.session.flush()
    _break_circle(kept)
    record(Action.organisation_merged, actor.id, other, into=kept.id, moved=done.moved, removed=done.removed)
    db.session.flush()
    db.session.expire_all()
    return db.session.get_one(Organisation, one.id)


def _locked_organisations(one: int, two: int) -> tuple[Organisation, Organisation]:
    db.session.flush()
    found = {
        organisation.id: organisation
        for organisation in db.session.scalars(
            select(Organisation)
            .where(Organisation.id.in_((one, two)))
            .order_by(Organisation.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    return found[one], found[two]


def _refuse_organisations(kept: Organisation, other: Organisation) -> None:
    if kept.id == other.id:
        raise Refused(_("This is one and the same entry."))
    if kept.merged_into_id is not None or other.merged_into_id is not None:
        raise Refused(_("One of the two was put together with another one already."))


def check_organisations(kept: Organisation, other: Organisation) -> None:
    """Raises `Refused` for what is no double; for the preview."""
    _refuse_organisations(kept, other)


def _break_circle(kept: Organisation) -> None:
    """The other one stood under something that stands under the kept one: that line ends."""
    seen: set[int] = set()
    above = kept.umbrella_id
    while above is not None and above not in seen:
        if above == kept.id:
            kept.umbrella_id = None
            return
        seen.add(above)
        above = db.session.scalar(select(Organisation.umbrella_id).where(Organisation.id == above))
