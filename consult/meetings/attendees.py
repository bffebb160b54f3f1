"""Who comes or was there, as others may know it: organisations by name, persons only where they agreed.

Politics is an own kind: whoever comes for a party or as a member of the council stands apart in every count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, update

from consult.accounts.models import Organisation, OrganisationKind, Person, Representation
from consult.extensions import db
from consult.meetings.models import AttendeeList, Meeting, MeetingState, Origin, Registration, RegistrationState

#: What somebody comes for: as their organisation is known, else as they were entered; as at the door.
_KIND = func.coalesce(Organisation.kind, Registration.organisation_kind)
#: Names on a page.
MOST = 500


@dataclass(frozen=True)
class Count:
    """People, those of politics apart."""

    people: int
    politics: int

    @property
    def total(self) -> int:
        return self.people + self.politics

    def words(self) -> str:
        """ "39 people and 3 from politics"."""
        people = ngettext("%(num)s person", "%(num)s people", self.people)
        if not self.politics:
            return people
        return _("%(people)s and %(number)s from politics", people=people, number=self.politics)


def counted(kinds: Mapping[str | None, int]) -> Count:
    """From numbers by kind of organisation."""
    politics = kinds.get(OrganisationKind.politics, 0)
    return Count(sum(kinds.values()) - politics, politics)


def forget_narrow_consents(meeting: Meeting) -> None:
    """Who agreed that those who come may read their name did not agree that everybody may: they are asked anew."""
    db.session.execute(
        update(Registration)
        .where(Registration.meeting_id == meeting.id, Registration.named)
        .values(named=False)
        .execution_options(synchronize_session=False)
    )


def count(meeting_id: int, *states: RegistrationState) -> Count:
    """How many people are in these states."""
    rows = db.session.execute(
        select(Registration.organisation_kind, func.count())
        .where(Registration.meeting_id == meeting_id, Registration.state.in_(states))
        .group_by(Registration.organisation_kind)
    )
    return counted({row[0]: row[1] for row in rows})


def were_there(meeting_ids: Sequence[int]) -> dict[int, Count]:
    """How many were counted at each meeting, one by one or as a number; meetings where nobody counted are missing."""
    if not meeting_ids:
        return {}
    kinds: dict[int, dict[str | None, int]] = {}
    for ident, present, kind, number in db.session.execute(
        select(Meeting.id, Meeting.present, _KIND, func.count(Registration.id))
        .outerjoin(
            Registration,
            and_(Registration.meeting_id == Meeting.id, Registration.state == RegistrationState.attended),
        )
        .outerjoin(Organisation, Organisation.id == Registration.organisation_id)
        .where(Meeting.id.in_(meeting_ids))
        .group_by(Meeting.id, Meeting.present, _KIND)
    ):
        # Where only the whole was counted, nothing is known of politics.
        number = number or present or 0
        if number:
            kinds.setdefault(ident, {})[kind] = number
    return {ident: counted(numbers) for ident, numbers in kinds.items()}


@dataclass(frozen=True)
class Published:
    """What everybody may know."""

    #: Nobody was counted at the door: these wanted to come.
    count: Count
    organisations: list[str]
    #: The same for parties and groups of the council.
    politics: list[str]
    #: Who agreed to be named, with the organisation they come from.
    persons: list[tuple[str, str]]


def _vouched_for(meeting: Meeting, now: datetime) -> ColumnElement[bool]:
    """Whether somebody else than the guest says that they come for this organisation.

    Anybody can type in its name. Whoever was invited or entered for it, may speak for it, was looked at by the
    organisers or let in at the door does come for it.
    """
    speaks = exists().where(
        Representation.person_id == Registration.person_id,
        Representation.organisation_id == Registration.organisation_id,
        Representation.starts_at <= now,
        or_(Representation.ends_at.is_(None), Representation.ends_at > now),
    )
    return or_(
        Registration.origin != Origin.registration,
        Registration.state == RegistrationState.attended,
        literal(meeting.approval),
        speaks,
    )


def published(meeting: Meeting, now: datetime, *, for_guest: bool = False) -> Published | None:
    """The list for everybody, or for somebody who comes, as the organisers set it; None for none, and for nobody.

    Before and during the meeting: who is coming. After it: who was there, if that was counted. Organisations that
    nobody but the guest vouches for stay unnamed: anybody can type in anything.
    """
    if meeting.attendee_list == AttendeeList.nobody or meeting.state == MeetingState.cancelled:
        return None
    rows = db.session.execute(
        select(
            Registration.state, Registration.organisation_kind, Registration.named, Person.name, Organisation.name,
            Organisation.kind,
        )
        .join(Person, Person.id == Registration.person_id)
        .outerjoin(Organisation, and_(Organisation.id == Registration.organisation_id, _vouched_for(meeting, now)))
        .where(
            Registration.meeting_id == meeting.id,
            Registration.state.in_((RegistrationState.coming, RegistrationState.attended)),
        )
        .order_by(Person.name, Registration.id)
    ).all()  # fmt: skip
    if meeting.is_over(now) and any(row[0] == RegistrationState.attended for row in rows):
        rows = [row for row in rows if row[0] == RegistrationState.attended]
    if not rows:
        return None
    kinds: dict[str | None, int] = {}
    known: dict[str, str] = {}
    persons = []
    with_persons = meeting.attendee_list == AttendeeList.consenting or (
        for_guest and meeting.attendee_list == AttendeeList.guests
    )
    for _state, kind, named, name, organisation, its_kind in rows:
        kind = kind or its_kind
        kinds[kind] = kinds.get(kind, 0) + 1
        if organisation:
            known[organisation] = its_kind
        if named and name and with_persons:
            persons.append((name, organisation or ""))
    ordered = sorted(known, key=str.casefold)[:MOST]
    return Published(
        counted(kinds),
        [name for name in ordered if known[name] != OrganisationKind.politics],
        [name for name in ordered if known[name] == OrganisationKind.politics],
        persons[:MOST],
    )
