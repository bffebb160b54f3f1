"""A few questions after a meeting, answered by a personal link without an account.

Anonymous means: when the sheet is sent, its key goes, it holds no registration and no more than the day, and it is
written anew as the latest row, so that neither its number nor its time says who it is. The registration learns only
that something was sent, and when the meeting ended in place of a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import joinedload

from consult import clock, signing
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.i18n import format_number
from consult.meetings import base
from consult.meetings.models import (
    Meeting,
    MeetingState,
    Registration,
    RegistrationState,
    SurveyAnswer,
    SurveyKind,
    SurveyQuestion,
    SurveyReply,
)
from consult.meetings.room import lock
from consult.processes.models import Process

PURPOSE = "meeting_survey"
MOST_QUESTIONS = 20
MOST_CHOICES = 12
MAX_TEXT = 2000
SCALE = ("1", "2", "3", "4", "5")
#: So long after a meeting a sheet can be sent; sheets that were begun and not sent go after that.
OPEN_FOR = timedelta(days=30)
#: Results of fewer sheets are for the organisers alone.
FEWEST = 5
#: Whose view counts: who was there, and who wanted to come where nobody counted.
_ASKED = (RegistrationState.attended, RegistrationState.coming)


@dataclass(frozen=True)
class Question:
    """One as the form says it; `id` is that of a stored one."""

    kind: str
    label: str
    choices: tuple[str, ...] = ()
    id: int | None = None


def preset() -> list[Question]:
    """Three questions that are enough for most meetings, in the language of whoever presses the button."""
    return [
        Question(SurveyKind.scale, _("How useful was the meeting for you?")),
        Question(SurveyKind.scale, _("How well could you say what you wanted to say?")),
        Question(SurveyKind.text, _("What should we do differently next time?")),
    ]


def questions_of(meeting_id: int) -> list[SurveyQuestion]:
    return list(
        db.session.scalars(
            select(SurveyQuestion)
            .where(SurveyQuestion.meeting_id == meeting_id)
            .order_by(SurveyQuestion.position)
            .execution_options(populate_existing=True)
        )
    )


def choices_of(question: SurveyQuestion) -> list[str]:
    """What can be chosen; nothing for own words."""
    if question.kind == SurveyKind.scale:
        return list(SCALE)
    return question.choices.split("\n") if question.kind == SurveyKind.choice else []


def has_replies(meeting_id: int) -> bool:
    """Somebody has begun to answer: from then on the questions stay, and what was promised about names."""
    found = db.session.scalar(select(SurveyReply.id).where(SurveyReply.meeting_id == meeting_id).limit(1))
    return found is not None


def _cleaned(question: Question) -> Question:
    choices = tuple(dict.fromkeys(line for text in question.choices if (line := clean_line(text).strip()[:200])))
    kind = SurveyKind(question.kind)
    if kind == SurveyKind.choice and not 2 <= len(choices) <= MOST_CHOICES:
        raise Refused(
            _("“%(question)s” needs 2 to %(most)s answers to choose from, one per line.",
              question=question.label, most=MOST_CHOICES)
        )  # fmt: skip
    return Question(kind, clean_line(question.label).strip()[:300], choices if kind == SurveyKind.choice else ())


def mark_of(meeting: Meeting, asked: Sequence[SurveyQuestion]) -> str:
    """Stands for exactly these questions and the promise about names: the base of a form that changes them."""
    return base.mark_of([(meeting.survey_anonymous,), *((q.kind, q.label, q.choices) for q in asked)])


def set_questions(
    meeting: Meeting, questions: Sequence[Question], anonymous: bool, actor: Person | None, seen: str | None = None
) -> None:
    """Ask these questions, in this order. Raises `Refused` once somebody has begun to answer.

    `seen`: the mark of the questions the editor began from. Raises `Conflict` when others stand there meanwhile.
    """
    cleaned = [_cleaned(question) for question in questions if question.label.strip()]
    if len(cleaned) > MOST_QUESTIONS:
        raise Refused(_("A survey has at most %(most)s questions.", most=MOST_QUESTIONS))
    # Whoever begins to answer waits here as well.
    lock(meeting)
    if has_replies(meeting.id):
        raise Refused(_("Somebody has answered already: questions and the promise about names stay as they are."))
    before = questions_of(meeting.id)
    base.refuse_stale(seen, mark_of(meeting, before), (q.label for q in cleaned), (q.label for q in before))
    db.session.execute(delete(SurveyQuestion).where(SurveyQuestion.meeting_id == meeting.id))
    db.session.add_all(
        SurveyQuestion(
            meeting_id=meeting.id,
            position=position,
            kind=question.kind,
            label=question.label,
            choices="\n".join(question.choices),
        )
        for position, question in enumerate(cleaned)
    )
    meeting.survey_anonymous = anonymous
    db.session.flush()
    record(Action.meeting_changed, actor.id if actor else None, meeting, process_id=meeting.process_id)


# -- answering ---------------------------------------------------------------------------------------------------


def link_for(registration: Registration) -> str:
    """What stands in the address of the sheet."""
    return signing.sign(PURPOSE, registration.id, registration.code)


@dataclass
class Sheet:
    """What stands behind a personal link."""

    registration: Registration
    meeting: Meeting
    process: Process
    questions: list[SurveyQuestion]
    #: What was saved so far, by question.
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def sent(self) -> bool:
        return self.registration.surveyed_at is not None

    def is_open(self, now: datetime) -> bool:
        return (
            self.meeting.state != MeetingState.cancelled
            and self.registration.state in _ASKED
            and bool(self.questions)
            and self.meeting.starts_at <= now < self.meeting.ends_at + OPEN_FOR
        )


def _key(registration_id: int) -> str:
    return signing.keyed_hash("survey", str(registration_id))


def opened(text: str) -> Sheet | None:
    """The sheet this link was made for, with what was saved; None for a link that is no good. Changes nothing."""
    ident = signing.ident_of(text)
    row = None
    if ident is not None:
        row = db.session.execute(
            select(Registration, Meeting, Process)
            .join(Meeting, Meeting.id == Registration.meeting_id)
            .join(Process, Process.id == Meeting.process_id)
            .where(Registration.id == ident)
            .options(joinedload(Registration.person))
        ).first()
    code = row[0].code if row else "nobody"
    genuine = signing.is_genuine(text, PURPOSE, ident or 0, code)
    if not genuine or row is None or not text.startswith(f"{ident}."):
        return None
    saved = db.session.execute(
        select(SurveyAnswer.question_id, SurveyAnswer.value)
        .join(SurveyReply, SurveyReply.id == SurveyAnswer.reply_id)
        .where(SurveyReply.key == _key(row[0].id))
    )
    return Sheet(row[0], row[1], row[2], questions_of(row[1].id), {row[0]: row[1] for row in saved})


def _valid(questions: Sequence[SurveyQuestion], given: Mapping[int, str]) -> dict[int, str]:
    kept = {}
    for question in questions:
        value = clean_text(given.get(question.id, "")).strip()
        if question.kind == SurveyKind.text:
            value = value[:MAX_TEXT]
        elif value not in choices_of(question):
            continue
        if value:
            kept[question.id] = value
    return kept


def save(sheet: Sheet, given: Mapping[int, str], *, send: bool, now: datetime | None = None) -> None:
    """Keep what was filled in so far, or hand it in. What is no answer to a question is left out.

    Raises `Refused` when the time is over, when it was handed in already, and for an empty sheet that is to be sent.
    """
    now = now or clock.now()
    registration, meeting = sheet.registration, sheet.meeting
    # Held until the commit: a sheet counts once however often the button is pressed.
    sent = db.session.scalar(
        select(Registration.surveyed_at).where(Registration.id == registration.id).with_for_update()
    )
    if sent is not None:
        raise Refused(_("You have sent your answers already. Thank you!"))
    if not sheet.is_open(now):
        raise Refused(_("This survey is not open."))
    answers = _valid(sheet.questions, given)
    if send and not answers:
        raise Refused(_("Please answer at least one question."))
    # With the meeting's row, for the reason said at `set_questions`.
    db.session.execute(select(Meeting.id).where(Meeting.id == meeting.id).with_for_update())
    begun = db.session.scalars(select(SurveyReply.id).where(SurveyReply.key == _key(registration.id))).all()
    if not send:
        _drop(begun)
    anonymous = meeting.survey_anonymous
    reply = SurveyReply(
        meeting_id=meeting.id,
        key=None if send else _key(registration.id),
        registration_id=None if anonymous else registration.id,
        sent_at=(clock.start_of_day(clock.local_date(now, meeting.zone), meeting.zone) if anonymous else now)
        if send
        else None,
    )
    db.session.add(reply)
    db.session.flush()
    if send:
        # After the new row is there: else it may get the number of the one that goes.
        _drop(begun)
    db.session.add_all(
        SurveyAnswer(reply_id=reply.id, question_id=ident, value=value) for ident, value in answers.items()
    )
    if send:
        db.session.execute(
            update(Registration)
            .where(Registration.id == registration.id)
            .values(surveyed_at=meeting.ends_at if anonymous else now)
        )
        # Without the person: the page with the result changes, and nobody learns who sent what.
        record(Action.survey_answered, None, meeting, process_id=meeting.process_id)
    db.session.flush()


def _drop(replies: Sequence[int] | Select[int]) -> int:
    db.session.execute(delete(SurveyAnswer).where(SurveyAnswer.reply_id.in_(replies)))
    result = db.session.execute(delete(SurveyReply).where(SurveyReply.id.in_(replies)))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it


def forget_begun(registration_ids: Sequence[int]) -> None:
    """Delete what these people began to answer and have not sent."""
    keys = [_key(ident) for ident in registration_ids]
    _drop(select(SurveyReply.id).where(SurveyReply.key.in_(keys), SurveyReply.sent_at.is_(None)))


def purge_unsent(now: datetime) -> int:
    """Sheets that were begun and can no longer be sent; returns how many."""
    over = select(Meeting.id).where(Meeting.ends_at < now - OPEN_FOR)
    return _drop(select(SurveyReply.id).where(SurveyReply.sent_at.is_(None), SurveyReply.meeting_id.in_(over)))


# -- results -----------------------------------------------------------------------------------------------------


@dataclass
class Result:
    """What was answered to one question."""

    question: SurveyQuestion
    #: How often each answer was chosen, in the order of the answers.
    counts: dict[str, int] = field(default_factory=dict)
    #: Own words, for the organisers.
    texts: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(self.counts.values()) + len(self.texts)

    @property
    def mean(self) -> float | None:
        """Of a scale."""
        if self.question.kind != SurveyKind.scale or not self.answered:
            return None
        return sum(int(value) * many for value, many in self.counts.items()) / self.answered


def count_of(meeting_id: int) -> int:
    """How many sheets were handed in."""
    return (
        db.session.scalar(
            select(func.count()).where(SurveyReply.meeting_id == meeting_id, SurveyReply.sent_at.is_not(None))
        )
        or 0
    )


def results(meeting_id: int, with_texts: bool) -> list[Result]:
    """What was handed in, question by question. Own words only where wanted, in the order of the alphabet."""
    found = {question.id: Result(question) for question in questions_of(meeting_id)}
    for result in found.values():
        result.counts = dict.fromkeys(choices_of(result.question), 0)
    sent = select(SurveyReply.id).where(SurveyReply.meeting_id == meeting_id, SurveyReply.sent_at.is_not(None))
    closed = [ident for ident, result in found.items() if result.question.kind != SurveyKind.text]
    for ident, value, many in db.session.execute(
        select(SurveyAnswer.question_id, SurveyAnswer.value, func.count())
        .where(SurveyAnswer.reply_id.in_(sent), SurveyAnswer.question_id.in_(closed))
        .group_by(SurveyAnswer.question_id, SurveyAnswer.value)
    ):
        if value in found[ident].counts:
            found[ident].counts[value] = many
    if with_texts:
        for ident, value in db.session.execute(
            select(SurveyAnswer.question_id, SurveyAnswer.value)
            .where(SurveyAnswer.reply_id.in_(sent), SurveyAnswer.question_id.not_in(closed))
            .order_by(SurveyAnswer.value)
            .limit(1000)
        ):
            if ident in found:
                found[ident].texts.append(value)
    return list(found.values())


@dataclass(frozen=True)
class Figures:
    """A result in short: how many answered, and the mean of the first question with a scale."""

    many: int
    label: str = ""
    mean: float | None = None

    def words(self) -> str:
        """In one sentence or two."""
        said = ngettext("%(num)s person answered the survey.", "%(num)s people answered the survey.", self.many)
        if self.mean is None:
            return said
        mean = format_number(self.mean)
        return f"{said} " + _("“%(question)s”: %(mean)s of 5 on average.", question=self.label, mean=mean)


def figures_of(meeting_ids: Sequence[int]) -> dict[int, Figures]:
    """For minutes and digests; nothing for meetings with fewer than `FEWEST` sheets. At most two statements."""
    if not meeting_ids:
        return {}
    counted = select(SurveyReply.meeting_id, func.count()).where(
        SurveyReply.meeting_id.in_(list(meeting_ids)), SurveyReply.sent_at.is_not(None)
    )
    many = {row[0]: row[1] for row in db.session.execute(counted.group_by(SurveyReply.meeting_id)) if row[1] >= FEWEST}
    if not many:
        return {}
    scales: dict[int, dict[tuple[int, str], list[int]]] = {}
    for meeting_id, position, label, value, number in db.session.execute(
        select(
            SurveyQuestion.meeting_id, SurveyQuestion.position, SurveyQuestion.label, SurveyAnswer.value, func.count()
        )
        .join(SurveyAnswer, SurveyAnswer.question_id == SurveyQuestion.id)
        .join(SurveyReply, SurveyReply.id == SurveyAnswer.reply_id)
        .where(
            SurveyQuestion.meeting_id.in_(many),
            SurveyQuestion.kind == SurveyKind.scale,
            SurveyReply.sent_at.is_not(None),
        )
        .group_by(SurveyQuestion.meeting_id, SurveyQuestion.position, SurveyQuestion.label, SurveyAnswer.value)
    ):
        scales.setdefault(meeting_id, {}).setdefault((position, label), []).extend([int(value)] * number)
    found = {}
    for ident, number in many.items():
        if ident not in scales:
            found[ident] = Figures(number)
            continue
        first = min(scales[ident])
        values = scales[ident][first]
        found[ident] = Figures(number, first[1], round(sum(values) / len(values), 1))
    return found
