"""Questions of the organisers' own in a registration: what is asked, what was answered, and for how long it is kept.

Every question is on the page from the beginning, with the condition said in words; it counts when the condition holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.meetings import base
from consult.meetings.models import FieldAnswer, FieldKind, Meeting, MeetingField, Registration
from consult.meetings.room import lock

YES, NO = "yes", "no"
#: More than this and nobody registers.
MOST = 30
MAX_ANSWER = 2000
MAX_KEEP = 365
#: Several choices are kept one per line.
_BREAK = "\n"


@dataclass(frozen=True)
class Question:
    """One question as the organisers' form says it; `id` is that of a stored one."""

    kind: str
    label: str
    help: str = ""
    choices: str = ""
    required: bool = False
    keep_days: int = 30
    #: Place in this list of the yes-or-no question it depends on.
    depends_on: int | None = None
    id: int | None = None


def fields_of(meeting_id: int) -> list[MeetingField]:
    """In their order."""
    return list(
        db.session.scalars(
            select(MeetingField)
            .where(MeetingField.meeting_id == meeting_id)
            .order_by(MeetingField.position)
            .execution_options(populate_existing=True)
        )
    )


def choices_of(field: MeetingField) -> list[str]:
    """What can be chosen, as the organisers wrote it; each once."""
    return list(dict.fromkeys(line for line in (clean_line(raw) for raw in field.choices.splitlines()) if line))


def _checked(questions: Sequence[Question]) -> None:
    if len(questions) > MOST:
        raise Refused(_("At most %(most)s questions.", most=MOST))
    for place, question in enumerate(questions):
        choosing = question.kind in (FieldKind.choice, FieldKind.choices)
        if choosing and len([line for line in question.choices.splitlines() if line.strip()]) < 2:
            raise Refused(_("“%(question)s” needs at least two things to choose from.", question=question.label))
        before = question.depends_on
        if before is None:
            continue
        if not 0 <= before < place or questions[before].kind != FieldKind.yes_no:
            raise Refused(
                _(
                    "“%(question)s” can only depend on a yes-or-no question that comes before it.",
                    question=question.label,
                )
            )


def mark_of(asked: Sequence[MeetingField]) -> str:
    """Stands for exactly these questions: the base of a form that changes them."""
    return base.mark_of(
        (q.id, q.kind, q.label, q.help, q.choices, q.required, q.keep_days, q.depends_on_id) for q in asked
    )


def set_fields(meeting: Meeting, questions: Sequence[Question], actor: Person | None, seen: str | None = None) -> None:
    """Ask these, in this order. Answers to a question that is not asked any longer are deleted.

    `seen`: the mark of the questions the editor began from. Raises `Conflict` when others stand there meanwhile,
    `Refused` for too many, for choices without anything to choose from and for conditions that cannot be.
    """
    _checked(questions)
    lock(meeting)
    before = fields_of(meeting.id)
    base.refuse_stale(seen, mark_of(before), (q.label for q in questions), (q.label for q in before))
    stored = {field.id: field for field in before}
    kept = [stored[q.id] if q.id in stored else None for q in questions]
    gone = set(stored) - {field.id for field in kept if field}
    db.session.execute(update(MeetingField).where(MeetingField.meeting_id == meeting.id).values(depends_on_id=None))
    if gone:
        db.session.execute(delete(FieldAnswer).where(FieldAnswer.field_id.in_(gone)))
        db.session.execute(delete(MeetingField).where(MeetingField.id.in_(gone)))
    # Positions are unique: move everything out of the way first.
    for place, field in enumerate(field for field in kept if field):
        field.position = -1 - place
    db.session.flush()
    asked: list[MeetingField] = []
    for position, (question, stored_field) in enumerate(zip(questions, kept, strict=True)):
        field = stored_field or MeetingField(meeting_id=meeting.id)
        field.position, field.kind = position, FieldKind(question.kind)
        field.label, field.help = clean_line(question.label)[:300], clean_line(question.help)[:300]
        field.choices, field.required = clean_text(question.choices).strip(), question.required
        field.keep_days = min(max(1, question.keep_days), MAX_KEEP)
        db.session.add(field)
        asked.append(field)
    db.session.flush()
    for field, question in zip(asked, questions, strict=True):
        field.depends_on_id = asked[question.depends_on].id if question.depends_on is not None else None
    db.session.flush()
    record(Action.questions_changed, actor.id if actor else None, meeting, process_id=meeting.process_id)


def holds(field: MeetingField, answers: Mapping[int, str]) -> bool:
    """Whether this question counts, given what was answered to the others."""
    return field.depends_on_id is None or answers.get(field.depends_on_id) == YES


def that_count(fields: Iterable[MeetingField], answers: Mapping[int, str]) -> dict[int, str]:
    """The answers to the questions whose condition holds; empty ones left out. A chain of conditions is followed."""
    counted: dict[int, str] = {}
    for field in fields:
        if answers.get(field.id) and holds(field, counted):
            counted[field.id] = answers[field.id][:MAX_ANSWER]
    return counted


def missing(fields: Iterable[MeetingField], answers: Mapping[int, str]) -> list[MeetingField]:
    """Required questions whose condition holds and that were not answered."""
    fields = list(fields)
    counted = that_count(fields, answers)
    return [field for field in fields if field.required and holds(field, counted) and not counted.get(field.id)]


def save(registration: Registration, fields: Sequence[MeetingField], answers: Mapping[int, str]) -> None:
    """Keep what was answered, in place of earlier answers."""
    db.session.execute(delete(FieldAnswer).where(FieldAnswer.registration_id == registration.id))
    counted = that_count(fields, answers)
    db.session.add_all(
        FieldAnswer(registration_id=registration.id, field_id=ident, value=value) for ident, value in counted.items()
    )
    db.session.flush()


def forget(registration_ids: Sequence[int]) -> None:
    """Delete what these people answered."""
    if registration_ids:
        db.session.execute(delete(FieldAnswer).where(FieldAnswer.registration_id.in_(registration_ids)))


def answers_of(registration_ids: Sequence[int]) -> dict[int, dict[int, str]]:
    """Answers by registration and question. One query; none for nobody."""
    found: dict[int, dict[int, str]] = {}
    for start in range(0, len(registration_ids), 500):
        rows = db.session.execute(
            select(FieldAnswer.registration_id, FieldAnswer.field_id, FieldAnswer.value).where(
                FieldAnswer.registration_id.in_(registration_ids[start : start + 500])
            )
        )
        for registration_id, field_id, value in rows:
            found.setdefault(registration_id, {})[field_id] = value
    return found


def join(chosen: Iterable[str]) -> str:
    """Several choices as one answer."""
    return _BREAK.join(chosen)


def split(value: str) -> list[str]:
    """One answer as several choices."""
    return [line for line in value.split(_BREAK) if line]


def in_words(field: MeetingField, value: str) -> str:
    """An answer as people read it, on one line."""
    if field.kind == FieldKind.yes_no:
        return {YES: _("yes"), NO: _("no")}.get(value, value)
    return "; ".join(split(value))


def purge_answers(now: datetime) -> int:
    """Delete answers whose days are over, question by question; returns how many."""
    removed = 0
    fields = db.session.execute(
        select(MeetingField.id, MeetingField.keep_days, Meeting.ends_at)
        .join(Meeting, Meeting.id == MeetingField.meeting_id)
        .where(Meeting.ends_at < now, select(FieldAnswer.id).where(FieldAnswer.field_id == MeetingField.id).exists())
        .order_by(MeetingField.id)
    ).all()
    for ident, keep_days, ends_at in fields:
        if ends_at + timedelta(days=keep_days) < now:
            result = db.session.execute(delete(FieldAnswer).where(FieldAnswer.field_id == ident))
            removed += int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it
    return removed
