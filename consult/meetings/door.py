"""At the door: who is there. What was typed in without a network arrives late and twice, and counts once."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consult.accounts.models import Organisation, OrganisationKind, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line
from consult.meetings import opening, walkins
from consult.meetings.models import CheckIn, Meeting, MeetingState, Origin, Registration, RegistrationState
from consult.meetings.room import lock
from consult.outbox.links import link
from consult.processes.models import Process
from consult.web import FormAnswer

#: Clocks of devices are wrong; nobody came earlier or later than this around a meeting.
AROUND = timedelta(hours=6)
#: Between two clocks that tell the same moment.
JITTER = timedelta(seconds=5)
#: How long a device keeps the list after the end, for what it still has to send.
KEPT_AFTER = timedelta(hours=12)
#: How many entries one request of a device brings.
MAX_ENTRIES = 100
#: How many people the page at the door lists.
MAX_GUESTS = 3000


class Act(StrEnum):
    """What a device says happened."""

    came = "came"
    walk_in = "walk_in"
    undo = "undo"


class Outcome(StrEnum):
    counted = "counted"
    #: The same was said before, here or on another device.
    already = "already"
    undone = "undone"
    #: Nobody of this meeting.
    unknown = "unknown"


@dataclass(frozen=True)
class Entry:
    """One thing that happened at the door. `key` was made by the device: sending again has no second effect."""

    key: str
    act: Act
    at: datetime
    registration_id: int | None = None
    name: str = ""
    organisation: str = ""
    #: What an undo takes back, by its key: nobody knows yet whether that arrived.
    of: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of an entry; `before`: the state the person was in."""

    key: str
    outcome: Outcome
    registration_id: int | None = None
    name: str = ""
    before: str = ""
    #: Somebody of this name is on the list as well.
    same_name: bool = False


@dataclass(frozen=True)
class Guest:
    """Somebody on the list at the door: no needs, no address."""

    id: int
    name: str
    organisation: str
    kind: str
    code: str
    state: str
    origin: str
    at: datetime | None
    #: Of who walked in: under which key a device said so.
    key: str = ""


# Questions


def guests(meeting_id: int, limit: int = MAX_GUESTS) -> list[Guest]:
    """Everybody the meeting knows, by name: those who come, and the others, who may come all the same."""
    rows = db.session.execute(
        select(
            Registration.id, Person.name, Registration.organisation_name, Organisation.name, Organisation.kind,
            Registration.organisation_kind, Registration.code, Registration.state, Registration.origin, CheckIn.at,
            CheckIn.client_key,
        )
        .join(Person, Person.id == Registration.person_id)
        .outerjoin(Organisation, Organisation.id == Registration.organisation_id)
        .outerjoin(CheckIn, CheckIn.registration_id == Registration.id)
        .where(Registration.meeting_id == meeting_id)
        .order_by(func.lower(Person.name), Registration.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Guest(
            ident,
            name or _("Deleted account"),
            typed or known or "",
            kind or of or "",
            code,
            state,
            origin,
            at,
            key if key and origin == Origin.walk_in else "",
        )
        for ident, name, typed, known, of, kind, code, state, origin, at, key in rows
    ]


#: Signs that look alike on paper; the code itself uses one of each row at most without risk, people type the others.
_ALIKE = ("0OQD", "1ILJ7", "2Z", "5S", "6G", "8B", "UV", "MN")
_FOLD = str.maketrans({sign: row[0] for row in _ALIKE for sign in row})


def plain_code(typed: str) -> str:
    """A code as it is stored, from what people type: lower case, blanks and dashes do not matter."""
    return "".join(c for c in typed.upper() if c.isascii() and c.isalnum())[:40]


def by_code(known: Iterable[Guest], typed: str) -> Guest | None:
    """Whose code this is; signs that look alike are taken for each other where that leaves one person."""
    code = plain_code(typed)
    if len(code) != 8:
        return None
    everybody = list(known)
    exact = next((guest for guest in everybody if guest.code == code), None)
    if exact is not None:
        return exact
    folded = code.translate(_FOLD)
    alike = [guest for guest in everybody if guest.code.translate(_FOLD) == folded]
    return alike[0] if len(alike) == 1 else None


def ticket_address(process: Process, meeting: Meeting, code: str) -> str:
    """What the QR code of a guest says: the page at the door, looking for them. Any camera of staff opens it."""
    return link("meetings.door", slug=process.slug, meeting_id=meeting.id, q=code, lang=None)


@dataclass(frozen=True)
class Counts:
    """Who is expected and who is there; `kinds`: (kind of organisation, expected, there)."""

    expected: int
    there: int
    walk_ins: int
    kinds: list[tuple[str, int, int]]

    def politics(self) -> str:
        """How many of them come from politics, in words; empty where nobody does."""
        for kind, expected, there in self.kinds:
            if kind == OrganisationKind.politics:
                return _(
                    "Of these from politics: %(there)s here, %(expected)s expected", there=there, expected=expected
                )
        return ""


def counts(known: Sequence[Guest]) -> Counts:
    """Counted from the list itself, so that both always agree."""
    expected = [
        g for g in known if g.state in ("coming", "attended", "absent", "offered") and g.origin != Origin.walk_in
    ]
    there = [g for g in known if g.at is not None]
    of_kind, there_of = Counter(g.kind for g in expected), Counter(g.kind for g in there)
    return Counts(
        len(expected),
        len(there),
        sum(1 for g in there if g.origin == Origin.walk_in),
        [(kind, of_kind[kind], there_of[kind]) for kind in sorted(of_kind | there_of)],
    )


def until(meeting: Meeting) -> datetime:
    """Until when a device keeps the list."""
    return meeting.ends_at + KEPT_AFTER


# Acts


def happened_at(meeting: Meeting, at: datetime, now: datetime) -> datetime:
    """A moment told by a device, within what can be."""
    earliest = min(meeting.starts_at - AROUND, meeting.door_opened_at or now, now)
    latest = max(min(now, meeting.ends_at + AROUND), earliest)
    return min(max(at, earliest), latest)


def take_in(meeting: Meeting, entries: Sequence[Entry], actor: Person, *, now: datetime) -> list[Result]:
    """Everything a device has to say, in the order in which it happened; entries said before change nothing.

    Raises `Refused` when the meeting is cancelled or still days away.
    """
    lock(meeting)
    if not opening.is_open(meeting, now):
        if meeting.state == MeetingState.cancelled:
            raise Refused(_("This meeting is cancelled."))
        raise Refused(_("The door is still closed. It opens one day before the meeting, or when you open it."))
    said = _said_before(meeting, entries)
    results = []
    for entry in sorted(entries, key=lambda entry: entry.at):
        results.append(_take(meeting, entry, entry.key in said, actor, now))
        said.add(entry.key)
    return results


def _said_before(meeting: Meeting, entries: Sequence[Entry]) -> set[str]:
    """Keys of entries that were taken in before, whatever became of them since; the others are marked as taken in.

    A check-in that was undone leaves no row: its key is remembered here for as long as those of forms.
    """
    # What was taken back before it arrived does not count when it does.
    keys = {key for entry in entries for key in (entry.key, entry.of) if key}
    marks = {hashlib.sha256(f"door {meeting.id} {key}".encode()).hexdigest(): key for key in keys}
    if not marks:
        return set()
    known = set(db.session.scalars(select(FormAnswer.key).where(FormAnswer.key.in_(marks))))
    fresh = [{"key": mark, "location": ""} for mark in marks if mark not in known]
    if fresh:
        db.session.execute(insert(FormAnswer), fresh)
    return {marks[mark] for mark in known}


def _take(meeting: Meeting, entry: Entry, again: bool, actor: Person, now: datetime) -> Result:
    at = happened_at(meeting, entry.at, now)
    if entry.act == Act.walk_in:
        return _walk_in(meeting, entry, at, again, actor, now)
    ident = entry.registration_id
    if entry.of is not None:
        ident = db.session.scalar(
            select(CheckIn.registration_id).where(CheckIn.meeting_id == meeting.id, CheckIn.client_key == entry.of)
        )
        if ident is None:
            return Result(entry.key, Outcome.undone)
    row = db.session.execute(
        select(Registration.id, Registration.state, Registration.origin, Registration.person_id, Person.name)
        .join(Person, Person.id == Registration.person_id)
        .where(Registration.id == ident, Registration.meeting_id == meeting.id)
    ).first()
    if row is None:
        return Result(entry.key, Outcome.unknown)
    if again:
        return Result(entry.key, Outcome.already, row.id, row.name, row.state)
    if entry.act == Act.undo:
        undone = _undo(meeting, row, at, actor, now)
        return Result(entry.key, Outcome.undone if undone else Outcome.already, row.id, row.name, row.state)
    counted = _count(meeting, row.id, row.state, entry.key, at, actor, now)
    return Result(entry.key, Outcome.counted if counted else Outcome.already, row.id, row.name, row.state)


def _count(
    meeting: Meeting, registration_id: int, before: str, key: str, at: datetime, actor: Person, now: datetime
) -> bool:
    """The check-in itself; False when this person or this key is counted already."""
    made = db.session.execute(
        _insert()
        .values(
            meeting_id=meeting.id, registration_id=registration_id, client_key=key, at=at, received_at=now,
            actor_id=actor.id,
        )
        .on_conflict_do_nothing()
        .returning(CheckIn.id)
    ).first()  # fmt: skip
    if made is None:
        return False
    _set_state(registration_id, RegistrationState.attended, now)
    _correct_present(meeting, 1)
    record(
        Action.guest_checked_in, actor.id, ("registration", registration_id), process_id=meeting.process_id,
        before=before,
    )  # fmt: skip
    return True


def _insert() -> Any:
    table: Any = CheckIn.__table__
    return (postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert)(table)


def _set_state(registration_id: int, state: str, now: datetime) -> None:
    db.session.execute(
        update(Registration)
        .where(Registration.id == registration_id)
        .values(state=state, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def _correct_present(meeting: Meeting, more: int) -> None:
    """Where the presence is counted already, who comes to light later is added."""
    db.session.execute(
        update(Meeting)
        .where(Meeting.id == meeting.id, Meeting.present.is_not(None))
        .values(present=Meeting.present + more)
        .execution_options(synchronize_session=False)
    )
    db.session.expire(meeting, ["present"])


def _walk_in(meeting: Meeting, entry: Entry, at: datetime, again: bool, actor: Person, now: datetime) -> Result:
    """Somebody nobody knew of: they get a place, whatever the list says, because they stand in the room."""
    name = clean_line(entry.name)[:200]
    if not name:
        return Result(entry.key, Outcome.unknown)
    known = db.session.scalar(select(CheckIn.registration_id).where(CheckIn.client_key == entry.key))
    if known is not None or again:
        return Result(entry.key, Outcome.already, known, name)
    namesakes = db.session.scalar(
        select(func.count())
        .select_from(Registration)
        .join(Person, Person.id == Registration.person_id)
        .where(Registration.meeting_id == meeting.id, func.lower(Person.name) == name.lower())
    )
    row = walkins.place_for(meeting, name, clean_line(entry.organisation)[:200], actor, now)
    _count(meeting, row.id, "", entry.key, at, actor, now)
    return Result(entry.key, Outcome.counted, row.id, name, "", bool(namesakes))


def _undo(meeting: Meeting, row: Any, at: datetime, actor: Person, now: datetime) -> bool:
    """They were not here after all: as before. Somebody who walked in is taken off the list. False: nothing to undo."""
    gone = db.session.execute(
        delete(CheckIn)
        # An old "not here" that arrives late does not undo what another device saw afterwards.
        .where(CheckIn.registration_id == row.id, CheckIn.at <= at + JITTER)
        .returning(CheckIn.id)
        .execution_options(synchronize_session=False)
    ).first()
    if gone is None:
        return False
    before = _state_before(row.id)
    _correct_present(meeting, -1)
    record(
        Action.check_in_undone, actor.id, ("registration", row.id), process_id=meeting.process_id,
        to="" if row.origin == Origin.walk_in else before,
    )  # fmt: skip
    if row.origin == Origin.walk_in:
        walkins.take_off(row.id, row.person_id)
    else:
        _set_state(row.id, before, now)
    return True


def _state_before(registration_id: int) -> str:
    """In which state they were when they were checked in: the record remembers it."""
    facts = db.session.scalar(
        select(AuditEntry.facts)
        .where(
            AuditEntry.subject_type == "registration",
            AuditEntry.subject_id == registration_id,
            AuditEntry.action == Action.guest_checked_in,
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    before = str((facts or {}).get("before") or RegistrationState.coming)
    return RegistrationState.coming if before == RegistrationState.attended else before


# Afterwards


def close(meeting: Meeting, actor: Person, now: datetime) -> tuple[int, int]:
    """Whoever was expected and did not come was absent; the presence of the meeting is counted. (present, absent).

    Raises `Refused` before the meeting began, or when it is cancelled.
    """
    lock(meeting)
    if meeting.state == MeetingState.cancelled:
        raise Refused(_("This meeting is cancelled."))
    if now < meeting.starts_at:
        raise Refused(_("The meeting has not begun yet."))
    absent = db.session.execute(
        update(Registration)
        .where(Registration.meeting_id == meeting.id, Registration.state == RegistrationState.coming)
        .values(state=RegistrationState.absent, updated_at=now)
        .returning(Registration.id)
        .execution_options(synchronize_session=False)
    ).all()
    present = db.session.scalar(select(func.count()).where(CheckIn.meeting_id == meeting.id)) or 0
    meeting.present = present
    db.session.flush()
    record(
        Action.attendance_closed, actor.id, meeting, process_id=meeting.process_id, present=present, absent=len(absent)
    )
    return present, len(absent)


def reopen(meeting: Meeting, actor: Person, now: datetime) -> None:
    """Take that back: nobody was absent, nobody is counted. Raises `Refused` when there is nothing to undo."""
    lock(meeting)
    back = db.session.execute(
        update(Registration)
        .where(Registration.meeting_id == meeting.id, Registration.state == RegistrationState.absent)
        .values(state=RegistrationState.coming, updated_at=now)
        .returning(Registration.id)
        .execution_options(synchronize_session=False)
    ).all()
    if meeting.present is None and not back:
        raise Refused(_("The attendance is still open."))
    meeting.present = None
    db.session.flush()
    record(Action.attendance_reopened, actor.id, meeting, process_id=meeting.process_id)


def is_closed(meeting: Meeting, known: Iterable[Guest]) -> bool:
    """Whether the attendance is counted."""
    return meeting.present is not None or any(guest.state == RegistrationState.absent for guest in known)
