"""Questions about who comes: behind a personal link, in the organisers' list, in sums."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import abort
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from consult.accounts.models import Organisation, Person
from consult.extensions import db
from consult.meetings.models import HOLDING_STATES, Meeting, Registration, RegistrationState
from consult.meetings.words import Needs
from consult.processes.models import Process, ProcessState
from consult.signing import ident_of, is_genuine, sign

#: What the personal link to a registration is signed for. Its code is part of it: a new code makes old links dead.
PURPOSE = "registration"
PAGE = 50
_MAX_ID = 2**31 - 1


@dataclass(frozen=True)
class Registered:
    """What stands behind a personal link to a registration."""

    registration: Registration
    meeting: Meeting
    process: Process
    person: Person


def link_to(registration: Registration) -> str:
    """What goes into the address of somebody's own registration."""
    return sign(PURPOSE, registration.id, registration.code)


def by_link_or_404(link: str) -> Registered:
    """The registration this link was made for. Forged, foreign or made up: all are the same 404."""
    ident = ident_of(link)
    row = None
    if ident is not None and 0 < ident <= _MAX_ID:
        row = db.session.execute(
            select(Registration, Meeting, Process)
            .join(Meeting, Meeting.id == Registration.meeting_id)
            .join(Process, Process.id == Meeting.process_id)
            .where(Registration.id == ident)
            .options(joinedload(Registration.person).joinedload(Person.account), joinedload(Registration.organisation))
        ).first()
    # A comparison is made either way, so that an unknown id takes no less time than a wrong signature.
    genuine = is_genuine(link, PURPOSE, ident or 0, row[0].code if row else "no such registration")
    # One spelling only: "007." is not the link that "7." is.
    if not genuine or row is None or not link.startswith(f"{ident}."):
        abort(404)
    registration, meeting, process = row
    unproven = registration.state == RegistrationState.unconfirmed
    if unproven or registration.person.erased_at is not None or process.state == ProcessState.draft:
        abort(404)
    return Registered(registration, meeting, process, registration.person)


def with_person(registration_id: int) -> Registered | None:
    """The same by its id, for mails and links that prove themselves otherwise."""
    row = db.session.execute(
        select(Registration, Meeting, Process)
        .join(Meeting, Meeting.id == Registration.meeting_id)
        .join(Process, Process.id == Meeting.process_id)
        .where(Registration.id == registration_id)
        .options(joinedload(Registration.person).joinedload(Person.account), joinedload(Registration.organisation))
    ).first()
    return Registered(row[0], row[1], row[2], row[0].person) if row else None


def of_meeting_or_404(meeting: Meeting, registration_id: int) -> Registration:
    """A registration for exactly this meeting, with its person; else 404."""
    found = None
    if 0 < registration_id <= _MAX_ID:
        found = db.session.scalar(
            select(Registration)
            .where(Registration.id == registration_id, Registration.meeting_id == meeting.id)
            .options(joinedload(Registration.person).joinedload(Person.account))
        )
    if found is None:
        abort(404)
    return found


def counts(meeting_id: int) -> dict[str, int]:
    """How many in each state."""
    rows = db.session.execute(
        select(Registration.state, func.count())
        .where(Registration.meeting_id == meeting_id)
        .group_by(Registration.state)
    )
    return {row[0]: row[1] for row in rows}


def _list(meeting_id: int, state: str | None, words: str) -> Select[Registration]:
    statement = (
        select(Registration)
        .join(Registration.person)
        .outerjoin(Registration.organisation)
        .where(Registration.meeting_id == meeting_id)
        .options(contains_eager(Registration.person), contains_eager(Registration.organisation))
    )
    if state is not None:
        statement = statement.where(Registration.state == state)
    for word in words.split()[:5]:
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        statement = statement.where(
            or_(
                *(
                    column.ilike(like, escape="\\")
                    for column in (Person.name, Person.email, Registration.organisation_name, Organisation.name)
                ),
                Registration.code == word.upper(),
            )
        )
    return statement


def page_of(
    meeting_id: int, state: str | None, words: str = "", after: int = 0
) -> tuple[list[Registration], int | None]:
    """A page of the list in order of arrival, and where the next one begins (None: this was the last)."""
    rows = db.session.scalars(
        _list(meeting_id, state, words)
        .where(Registration.id > min(after, _MAX_ID))
        .order_by(Registration.id)
        .limit(PAGE + 1)
    ).all()
    return list(rows[:PAGE]), rows[PAGE - 1].id if len(rows) > PAGE else None


def queue_of(meeting_id: int, ids: Sequence[int]) -> dict[int, int]:
    """Places in the queue of these, by registration. One query; none for nobody."""
    if not ids:
        return {}
    place = func.row_number().over(order_by=(Registration.waiting_since, Registration.id))
    ranked = (
        select(Registration.id.label("id"), place.label("place"))
        .where(Registration.meeting_id == meeting_id, Registration.state == RegistrationState.waiting)
        .subquery()
    )
    rows = db.session.execute(select(ranked.c.id, ranked.c.place).where(ranked.c.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


def everybody(meeting_id: int) -> Iterator[Registration]:
    """The whole list for a file, in batches of memory."""
    return iter(
        db.session.scalars(_list(meeting_id, None, "").order_by(Registration.id).execution_options(yield_per=500))
    )


@dataclass(frozen=True)
class NeedsSummary:
    """What has to be arranged, without names."""

    counted: list[tuple[str, int]]
    #: Languages interpreters are needed for.
    languages: list[tuple[str, int]]
    #: What people wrote in their own words.
    notes: list[str]


def needs_summary(meeting_id: int) -> NeedsSummary:
    """Needs of those who come or may come. Sums and words, nobody's name."""
    words: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    notes: list[str] = []
    stored = db.session.scalars(
        select(Registration.needs)
        .where(
            Registration.meeting_id == meeting_id,
            Registration.state.in_((*HOLDING_STATES, RegistrationState.waiting, RegistrationState.asked)),
            Registration.needs.is_not(None),
        )
        .order_by(Registration.id)
    )
    for value in stored:
        needs = Needs.load(value)
        words.update(needs.words)
        if needs.language:
            languages[needs.language] += 1
        if needs.note:
            notes.append(needs.note)
    return NeedsSummary(sorted(words.items(), key=lambda item: (-item[1], item[0])), languages.most_common(), notes)
