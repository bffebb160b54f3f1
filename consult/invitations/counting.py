"""Reading what was counted: figures per segment and reason, and the list of who is in or out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort
from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Organisation, OrganisationKind, Person
from consult.accounts.words import organisation_kinds
from consult.extensions import db
from consult.groups.models import Group
from consult.invitations.audience import Segment, SegmentKind, named_segments
from consult.invitations.models import Campaign, CampaignRecipient, LeftOut
from consult.meetings.models import Meeting
from consult.processes.models import ProcessGroup

PAGE = 50


@dataclass(frozen=True)
class Count:
    """How many of a segment get something, and how many nothing."""

    label: str
    mails: int = 0
    letters: int = 0
    out: int = 0
    #: Of those who get something: politics, which is shown apart.
    politics: int = 0

    @property
    def included(self) -> int:
        return self.mails + self.letters


@dataclass(frozen=True)
class Counted:
    segments: list[Count]
    total: Count
    #: How many are left out for which reason.
    reasons: dict[str, int]


def counted(campaign: Campaign) -> Counted:
    """The figures of the last count: one question, and one per kind of segment for its name."""
    politics = func.coalesce(Organisation.kind == OrganisationKind.politics, False)
    rows = db.session.execute(
        select(
            CampaignRecipient.segment, CampaignRecipient.left_out, CampaignRecipient.by_letter, politics, func.count()
        )
        .outerjoin(Organisation, Organisation.id == CampaignRecipient.organisation_id)
        .where(CampaignRecipient.campaign_id == campaign.id)
        .group_by(CampaignRecipient.segment, CampaignRecipient.left_out, CampaignRecipient.by_letter, politics)
    ).all()
    names = labels(named_segments(campaign))
    found: dict[str, dict[str, int]] = {key: {} for key in names}
    total: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for segment, left_out, by_letter, political, number in rows:
        place = "out" if left_out else "letters" if by_letter else "mails"
        if left_out:
            reasons[left_out] = reasons.get(left_out, 0) + number
        for figures in (found.setdefault(segment, {}), total):
            figures[place] = figures.get(place, 0) + number
            if political and not left_out:
                figures["politics"] = figures.get("politics", 0) + number
    return Counted(
        [Count(names.get(key, key), **figures) for key, figures in found.items()], Count(_("All"), **total), reasons
    )


def labels(segments: Sequence[Segment]) -> dict[str, str]:
    """What each segment is called, by its key; one query per kind of thing."""
    bodies = {SegmentKind.organisation, SegmentKind.network, SegmentKind.umbrella}
    names = {
        **dict.fromkeys(bodies, _names(Organisation.id, Organisation.name, segments, bodies)),
        SegmentKind.group: _names(Group.id, Group.name, segments, {SegmentKind.group}),
        SegmentKind.meeting: _names(Meeting.id, Meeting.title, segments, {SegmentKind.meeting}),
    }
    return {segment.key: _label(segment, names.get(segment.kind, {}).get(segment.id, "")) for segment in segments}


def _label(segment: Segment, name: str) -> str:
    match segment.kind:
        case SegmentKind.group:
            return _("Group: %(name)s", name=name)
        case SegmentKind.organisations:
            return _("Organisations: %(kind)s", kind=organisation_kinds().get(segment.word, segment.word))
        case SegmentKind.politics:
            return _("Politics")
        case SegmentKind.network:
            return _("Network and its members: %(name)s", name=name)
        case SegmentKind.umbrella:
            return _("Umbrella organisation and its members: %(name)s", name=name)
        case SegmentKind.seats:
            return seat_words()[segment.word]
        case SegmentKind.meeting:
            return f"{guest_words()[segment.word]}: {name}"
        case SegmentKind.list:
            return _("List: %(name)s", name=segment.name or segment.id)
        case _:
            return name


def _names(ident: Any, name: Any, segments: Sequence[Segment], kinds: set[SegmentKind]) -> dict[int, str]:
    wanted = sorted({segment.id for segment in segments if segment.kind in kinds})
    if not wanted:
        return {}
    return {row[0]: row[1] for row in db.session.execute(select(ident, name).where(ident.in_(wanted)))}


def seat_words() -> dict[str, str]:
    return {"holders": _("All who fill a seat"), "deputies": _("All who stand in for a seat")}


def guest_words() -> dict[str, str]:
    return {"attended": _("Were there"), "coming": _("Are coming"), "waiting": _("Are on the waiting list")}


def reason_words() -> dict[str, str]:
    """Why somebody is left out, in plain words."""
    return {
        LeftOut.by_hand: _("taken out by hand"),
        LeftOut.invited_already: _("invited already"),
        LeftOut.said_no: _("has declined, or the invitation was taken back"),
        LeftOut.no_address: _("neither a mail address nor a postal address"),
        LeftOut.mail_paused: _("the mail address does not work"),
        LeftOut.erased: _("erased"),
    }


@dataclass(frozen=True)
class Listing:
    """One person of the audience, as the organisers see them."""

    id: int
    person_id: int
    name: str
    email: str | None
    locale: str
    organisation: str | None
    politics: bool
    segment: str
    by_letter: bool
    left_out: str | None


def _listings(campaign_id: int) -> Any:
    return (
        select(
            CampaignRecipient.id,
            CampaignRecipient.person_id,
            Person.name,
            Person.email,
            Person.locale,
            Organisation.name.label("organisation"),
            func.coalesce(Organisation.kind == OrganisationKind.politics, False).label("politics"),
            CampaignRecipient.segment,
            CampaignRecipient.by_letter,
            CampaignRecipient.left_out,
        )
        .join(Person, Person.id == CampaignRecipient.person_id)
        .outerjoin(Organisation, Organisation.id == CampaignRecipient.organisation_id)
        .where(CampaignRecipient.campaign_id == campaign_id)
    )


def searched(words: str) -> list[Any]:
    """Conditions for what somebody typed: each word in the name, the address or the organisation."""
    conditions = []
    for word in words.lower().split()[:5]:
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        columns = (Person.name, Person.email, Organisation.name)
        conditions.append(or_(*(func.lower(column).like(pattern, escape="\\") for column in columns)))
    return conditions


def page_of(campaign_id: int, show: str, words: str, after: int) -> tuple[list[Listing], int | None]:
    """A page of those who are in (`in`), out (`out`), get a letter (`letter`) or all, and where the next one begins."""
    statement = _listings(campaign_id).where(CampaignRecipient.id > after, *searched(words))
    if show == "in":
        statement = statement.where(CampaignRecipient.left_out.is_(None))
    elif show == "letter":
        statement = statement.where(CampaignRecipient.left_out.is_(None), CampaignRecipient.by_letter)
    elif show == "out":
        statement = statement.where(CampaignRecipient.left_out.is_not(None))
    rows = db.session.execute(statement.order_by(CampaignRecipient.id).limit(PAGE + 1)).all()
    found = [Listing(*row) for row in rows[:PAGE]]
    return found, found[-1].id if len(rows) > PAGE else None


def languages_of(campaign_id: int) -> dict[str, int]:
    """Which languages those who get something read, the most frequent first."""
    rows = db.session.execute(
        select(Person.locale, func.count())
        .join(CampaignRecipient, CampaignRecipient.person_id == Person.id)
        .where(CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.left_out.is_(None))
        .group_by(Person.locale)
        .order_by(func.count().desc(), Person.locale)
    )
    return {row[0]: row[1] for row in rows}


def first_in(campaign_id: int, person_id: int = 0, lang: str = "") -> Person | None:
    """Somebody who gets something: this person, else the first one of this language, else the first one."""
    statement = (
        select(Person)
        .join(CampaignRecipient, CampaignRecipient.person_id == Person.id)
        .where(CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.left_out.is_(None))
        .order_by(CampaignRecipient.id)
        .limit(1)
    )
    if person_id:
        return db.session.scalar(statement.where(Person.id == person_id))
    if lang:
        return db.session.scalar(statement.where(Person.locale == lang))
    return db.session.scalar(statement)


def recipient_or_404(campaign: Campaign, recipient_id: int) -> CampaignRecipient:
    """Somebody of the audience of exactly this campaign; else 404."""
    found = db.session.scalar(
        select(CampaignRecipient).where(
            CampaignRecipient.id == recipient_id, CampaignRecipient.campaign_id == campaign.id
        )
    )
    if found is None:
        abort(404)
    return found


def choices(process_id: int, meeting_id: int | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be chosen as a segment, under headings."""
    groups = db.session.execute(
        select(Group.id, Group.name)
        .join(ProcessGroup, ProcessGroup.group_id == Group.id)
        .where(ProcessGroup.process_id == process_id)
        .distinct()
        .order_by(Group.name, Group.id)
    ).all()
    umbrella = aliased(Organisation)
    bodies = db.session.execute(
        select(
            Organisation.id, Organisation.name, Organisation.kind,
            select(umbrella.id).where(umbrella.umbrella_id == Organisation.id).exists(),
        )
        .where(Organisation.merged_into_id.is_(None))
        .order_by(func.lower(Organisation.name))
        .limit(2000)
    ).all()  # fmt: skip
    meetings = db.session.execute(
        select(Meeting.id, Meeting.title)
        .where(Meeting.process_id == process_id, Meeting.id != (meeting_id or 0))
        .order_by(Meeting.starts_at.desc())
        .limit(100)
    ).all()
    kinds = organisation_kinds()
    offered = [
        (_("Groups"), [(f"group {ident}", name) for ident, name in groups]),
        (_("Seats in all groups of the process"), [(f"seats {word}", name) for word, name in seat_words().items()]),
        (
            _("Organisations by kind"),
            [(f"organisations {kind}", kinds[kind]) for kind in kinds if kind != OrganisationKind.politics],
        ),
        (_("Politics"), [("politics", _("Councils, parties, parliamentary groups"))]),
        (
            _("Networks and umbrella organisations with their members"),
            [(f"network {ident}", name) for ident, name, kind, _over in bodies if kind == OrganisationKind.network]
            + [(f"umbrella {ident}", name) for ident, name, _kind, over in bodies if over],
        ),
        (_("Single organisations"), [(f"organisation {ident}", name) for ident, name, _kind, _over in bodies]),
        (
            _("Guests of other meetings"),
            [
                (f"meeting {word} {ident}", f"{title}: {name}")
                for ident, title in meetings
                for word, name in guest_words().items()
            ],
        ),
    ]
    return [(heading, entries) for heading, entries in offered if entries]
