"""Whom a campaign is for: segments, counted into one row per person that says by which one, or why not at all."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, delete, func, literal, null, or_, select, union_all
from sqlalchemy import update as sql_update
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Affiliation, NetworkMember, Organisation, OrganisationKind, Person, Representation
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.invitations.models import Campaign, CampaignRecipient, Invitation, InvitationState, LeftOut
from consult.meetings.models import Meeting, Registration, RegistrationState
from consult.processes.models import ProcessGroup

#: Segments of one campaign.
MAX_SEGMENTS = 40
_BATCH = 500


class SegmentKind(StrEnum):
    """What a segment is made of; `id` and `word` say which."""

    group = "group"
    #: All organisations of one kind; politics is a segment of its own.
    organisations = "organisations"
    politics = "politics"
    organisation = "organisation"
    network = "network"
    umbrella = "umbrella"
    #: Who fills the seats of organisations in the groups of the process: `holders` or `deputies`.
    seats = "seats"
    #: Who `attended`, is `coming` to or is `waiting` for a meeting.
    meeting = "meeting"
    list = "list"


SEATS = ("holders", "deputies")
#: The words for earlier guests, and the states they stand for.
GUESTS: dict[str, tuple[RegistrationState, ...]] = {
    "attended": (RegistrationState.attended,),
    "coming": (RegistrationState.coming,),
    "waiting": (RegistrationState.waiting, RegistrationState.offered),
}


@dataclass(frozen=True)
class Listed:
    """Somebody of a list."""

    person_id: int
    organisation_id: int | None = None
    by_letter: bool = False


@dataclass(frozen=True)
class Segment:
    kind: SegmentKind
    id: int = 0
    word: str = ""
    #: What a list is called.
    name: str = ""
    people: tuple[Listed, ...] = field(default=())

    @property
    def key(self) -> str:
        """As it stands in the row of a person."""
        return " ".join(str(part) for part in (self.kind, self.word, self.id or "") if part)

    def dump(self) -> dict[str, Any]:
        stored: dict[str, Any] = {"kind": str(self.kind)}
        for name in ("id", "word", "name"):
            if getattr(self, name):
                stored[name] = getattr(self, name)
        if self.people:
            stored["people"] = [[one.person_id, one.organisation_id, int(one.by_letter)] for one in self.people]
        return stored

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "Segment":
        listed = stored.get("people", ())
        return cls(
            SegmentKind(stored["kind"]),
            stored.get("id", 0),
            stored.get("word", ""),
            stored.get("name", ""),
            tuple(Listed(person, organisation, bool(letter)) for person, organisation, letter in listed),
        )

    @classmethod
    def parse(cls, value: str) -> "Segment":
        """From a form: "group 4", "organisations welfare", "meeting attended 12". Raises ValueError."""
        kind, *rest = value.split()
        ident = int(rest.pop()) if rest and rest[-1].isascii() and rest[-1].isdigit() and len(rest[-1]) < 10 else 0
        return cls(SegmentKind(kind), ident, " ".join(rest)[:40])


def segments_of(campaign: Campaign) -> list[Segment]:
    return [Segment.load(stored) for stored in json.loads(campaign.audience or "[]")]


def named_segments(campaign: Campaign) -> list[Segment]:
    """The same for pages, which ask what they are called: without the thousands of people of a list."""
    return [Segment.load({**stored, "people": ()}) for stored in json.loads(campaign.audience or "[]")]


def dump(segments: Sequence[Segment]) -> str:
    return json.dumps([segment.dump() for segment in segments], ensure_ascii=False, separators=(",", ":"))


def check(segment: Segment, process_id: int) -> None:
    """Raises `Refused` for a segment that names nothing this process may write to."""
    match segment.kind:
        case SegmentKind.group:
            mine = ProcessGroup.process_id == process_id
            fits = _is_there(select(ProcessGroup.group_id).where(mine, ProcessGroup.group_id == segment.id))
        case SegmentKind.organisations:
            fits = segment.word in list(OrganisationKind) and segment.word != OrganisationKind.politics
        case SegmentKind.politics:
            fits = True
        case SegmentKind.seats:
            fits = segment.word in SEATS
        case SegmentKind.meeting:
            there = select(Meeting.id).where(Meeting.id == segment.id, Meeting.process_id == process_id)
            fits = segment.word in GUESTS and _is_there(there)
        case SegmentKind.list:
            fits = bool(segment.people)
        case _:
            fits = _is_there(select(Organisation.id).where(Organisation.id == segment.id))
    if not fits:
        raise Refused(_("These people cannot be chosen here. Please choose again from the list."))


def _is_there(statement: Any) -> bool:
    return db.session.scalar(statement.limit(1)) is not None


def _now_between(start: Any, end: Any, now: datetime) -> ColumnElement[bool]:
    return and_(start <= now, or_(end.is_(None), end > now))


def _seats(now: datetime, *conditions: ColumnElement[bool]) -> Any:
    """Who fills seats now, with the organisation whose seat it is."""
    return (
        select(SeatHolder.person_id.label("person_id"), Membership.organisation_id.label("organisation_id"))
        .join(Membership, Membership.id == SeatHolder.membership_id)
        .where(
            _now_between(Membership.starts_at, Membership.ends_at, now),
            _now_between(SeatHolder.starts_at, SeatHolder.ends_at, now),
            *conditions,
        )
    )


def _people_of(organisations: Any, now: datetime) -> list[Any]:
    """Everybody we know at these organisations: who speaks for them, works there or fills their seat."""
    return [
        select(Representation.person_id.label("person_id"), Representation.organisation_id.label("organisation_id"))
        .where(
            Representation.organisation_id.in_(organisations),
            _now_between(Representation.starts_at, Representation.ends_at, now),
        ),
        select(Affiliation.person_id.label("person_id"), Affiliation.organisation_id.label("organisation_id"))
        .where(Affiliation.organisation_id.in_(organisations)),
        _seats(now, Membership.organisation_id.in_(organisations)),
    ]  # fmt: skip


def _people(segment: Segment, process_id: int, now: datetime) -> list[Any]:
    """Selects of (person, organisation) that together are the segment."""
    ident = segment.id
    match segment.kind:
        case SegmentKind.group:
            own = select(Membership.person_id.label("person_id"), null().label("organisation_id")).where(
                Membership.group_id == ident,
                Membership.person_id.is_not(None),
                _now_between(Membership.starts_at, Membership.ends_at, now),
            )
            return [own, _seats(now, Membership.group_id == ident)]
        case SegmentKind.seats:
            groups = select(ProcessGroup.group_id).where(ProcessGroup.process_id == process_id)
            deputies = SeatHolder.deputy.is_(segment.word == "deputies")
            return [_seats(now, Membership.group_id.in_(groups), deputies)]
        case SegmentKind.meeting:
            return [
                select(Registration.person_id.label("person_id"), Registration.organisation_id.label("organisation_id"))
                .where(Registration.meeting_id == ident, Registration.state.in_(GUESTS[segment.word]))
            ]  # fmt: skip
        case SegmentKind.organisations | SegmentKind.politics:
            wanted = segment.word or OrganisationKind.politics
            return _people_of(select(Organisation.id).where(Organisation.kind == wanted), now)
        case SegmentKind.network:
            members = select(NetworkMember.organisation_id).where(NetworkMember.network_id == ident)
            inside = or_(Organisation.id == ident, Organisation.id.in_(members))
            return _people_of(select(Organisation.id).where(inside), now)
        case SegmentKind.umbrella:
            return _people_of(
                select(Organisation.id).where(or_(Organisation.id == ident, Organisation.umbrella_id == ident)), now
            )
        case _:
            return _people_of(select(Organisation.id).where(Organisation.id == ident), now)


def insert() -> type[sqlite.Insert] | type[postgresql.Insert]:
    """The INSERT of this database that knows about conflicts."""
    return postgresql.Insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.Insert


_COLUMNS = ["campaign_id", "person_id", "organisation_id", "segment", "by_letter"]


def _add(campaign: Campaign, segment: Segment, now: datetime) -> None:
    """Add the people of a segment whom no earlier one names."""
    statement = insert()(CampaignRecipient).on_conflict_do_nothing(index_elements=["campaign_id", "person_id"])
    if segment.kind == SegmentKind.list:
        rows = [
            {
                "campaign_id": campaign.id,
                "person_id": one.person_id,
                "organisation_id": one.organisation_id,
                "segment": segment.key,
                "by_letter": one.by_letter,
            }
            for one in segment.people
        ]
        if rows:
            db.session.execute(statement, rows)
        return
    found = union_all(*_people(segment, campaign.process_id, now)).subquery()
    chosen = (
        select(
            literal(campaign.id), found.c.person_id, func.min(found.c.organisation_id), literal(segment.key),
            literal(False),
        )
        .where(found.c.person_id.is_not(None))
        .group_by(found.c.person_id)
        .order_by(found.c.person_id)
    )  # fmt: skip
    db.session.execute(statement.from_select(_COLUMNS, chosen))


def left_out_now(campaign: Campaign, ids: Sequence[int] | None = None) -> dict[int, str]:
    """Why somebody of the audience gets nothing as things stand now, by the id of the row; all, or those named.

    Two questions and no correlated one: right after a large audience was written a database knows little about it.
    """
    statement = (
        select(
            CampaignRecipient.id, CampaignRecipient.person_id, CampaignRecipient.left_out, CampaignRecipient.by_letter,
            Person.erased_at, Person.merged_into_id, Person.email, Person.postal_address, Person.mail_paused_at,
        )
        .join(Person, Person.id == CampaignRecipient.person_id)
        .where(CampaignRecipient.campaign_id == campaign.id)
    )  # fmt: skip
    asked = select(Invitation.person_id, Invitation.state, Invitation.campaign_id).where(
        Invitation.meeting_id == campaign.meeting_id
    )
    invited = {row[0]: row for row in db.session.execute(asked)}
    if ids is not None and len(ids) <= _BATCH:
        statement = statement.where(CampaignRecipient.id.in_(ids))
    elif ids is not None:
        # Of very many the first and the last say it; those between that were not asked about change nothing.
        statement = statement.where(CampaignRecipient.id.between(min(ids), max(ids)))
    said_no = (InvitationState.declined, InvitationState.revoked)
    found: dict[int, str] = {}
    for ident, person_id, before, by_letter, erased, merged, email, postal, paused in db.session.execute(statement):
        invitation = invited.get(person_id)
        if before == LeftOut.by_hand:
            found[ident] = LeftOut.by_hand
        elif erased is not None or merged is not None:
            found[ident] = LeftOut.erased
        elif invitation is not None and invitation[1] in said_no:
            found[ident] = LeftOut.said_no
        elif invitation is not None and invitation[2] != campaign.id:
            found[ident] = LeftOut.invited_already
        elif email is None and postal is None:
            found[ident] = LeftOut.no_address
        elif paused is not None and not by_letter:
            found[ident] = LeftOut.mail_paused
    return found


def leave_out(reasons: Mapping[int, str]) -> None:
    """Write down why these rows get nothing: a statement per reason and some hundred rows."""
    for why in sorted(set(reasons.values())):
        for some in batches([ident for ident, reason in reasons.items() if reason == why]):
            _update(sql_update(CampaignRecipient).where(CampaignRecipient.id.in_(some)).values(left_out=why))


def count_audience(campaign: Campaign, now: datetime | None = None) -> None:
    """Write who is in and who is out, and why: the first segment that names somebody wins. A few statements.

    Who was taken out by hand stays out.
    """
    now = now or clock.now()
    mine = CampaignRecipient.campaign_id == campaign.id
    by_hand = db.session.scalars(
        select(CampaignRecipient.person_id).where(mine, CampaignRecipient.left_out == LeftOut.by_hand)
    ).all()
    db.session.execute(delete(CampaignRecipient).where(mine).execution_options(synchronize_session=False))
    for segment in segments_of(campaign):
        _add(campaign, segment, now)
    for some in batches(by_hand):
        out = sql_update(CampaignRecipient).where(mine, CampaignRecipient.person_id.in_(some))
        _update(out.values(left_out=LeftOut.by_hand))
    _on_paper(mine)
    leave_out(left_out_now(campaign))


def count_segment(campaign: Campaign, segment: Segment, now: datetime | None = None) -> None:
    """Count one more segment, the last one: whoever is named already stays as they were counted."""
    mine = and_(CampaignRecipient.campaign_id == campaign.id, CampaignRecipient.segment == segment.key)
    _add(campaign, segment, now or clock.now())
    _on_paper(mine)
    leave_out(left_out_now(campaign, db.session.scalars(select(CampaignRecipient.id).where(mine)).all()))


def _on_paper(these: ColumnElement[bool]) -> None:
    """Whoever has no address for mail that works gets a letter."""
    unreached = select(Person.id).where(
        or_(Person.email.is_(None), and_(Person.mail_paused_at.is_not(None), Person.postal_address.is_not(None)))
    )
    letters = sql_update(CampaignRecipient).where(these, CampaignRecipient.person_id.in_(unreached))
    _update(letters.values(by_letter=True))


def _update(statement: Any) -> None:
    db.session.execute(statement.execution_options(synchronize_session=False))


def batches(values: Sequence[Any], size: int = _BATCH) -> Iterable[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
