"""What the forms around an event take: materials, mails before and after it, the survey."""

from typing import Any, cast

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from consult.forms import Form, _l, one_line, several_lines
from consult.i18n import foreign
from consult.meetings.event_words import question_names, reminder_names, state_names
from consult.meetings.models import RegistrationState, ReminderKind, SurveyKind, SurveyQuestion
from consult.meetings.reminders import AFTER_STATES, BEFORE_STATES
from consult.meetings.survey import MAX_TEXT, MOST_QUESTIONS, Question, choices_of

_HOUR, _DAY = 60, 24 * 60


class MaterialForm(Form):
    """A file, or a link."""

    file = FileField(
        _l("File"),
        description=_l("PDF, Word, LibreOffice, Excel, PNG, JPEG or plain text, at most 20 MB."),
    )
    url = StringField(_l("Or a link"), [Optional(), Length(max=300)], filters=[one_line])
    title = StringField(_l("Title"), [Optional(), Length(max=200)], filters=[one_line])
    internal = BooleanField(_l("Only for those who are invited or come"))


class ReminderForm(Form):
    """A mail at a time of one's own."""

    kind = SelectField(_l("What kind of mail"), default=ReminderKind.reminder)
    number = IntegerField(
        _l("How long before or after"),
        [InputRequired(_l("Please give a number.")), NumberRange(1, 1440, _l("Please give a number of at least 1."))],
        default=2,
    )
    unit = SelectField(_l("Days or hours"), default="days")
    states = SelectMultipleField(
        _l("Who gets it"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    note = TextAreaField(_l("Your own words"), [Optional(), Length(max=4000)], filters=[several_lines])

    def offer(self) -> None:
        """Fill the lists; call before validating."""
        names = state_names()
        states = dict.fromkeys((*BEFORE_STATES, *AFTER_STATES))
        self.kind.choices = list(reminder_names().items())
        self.unit.choices = [("days", _l("days")), ("hours", _l("hours"))]
        self.states.choices = [(state.value, names[state]) for state in states]
        if self.states.data is None:
            self.states.data = [RegistrationState.coming.value]

    def minutes(self) -> int:
        """Before the meeting for reminders, after it for everything else."""
        span = (self.number.data or 0) * (_DAY if self.unit.data == "days" else _HOUR)
        return -span if self.kind.data == ReminderKind.reminder else span


class QuestionRow(FlaskForm):
    """One question of the survey; an empty text means no question."""

    class Meta:
        csrf = False

    label = StringField(_l("Question"), [Optional(), Length(max=300)], filters=[one_line])
    kind = SelectField(_l("How it is answered"), default=SurveyKind.scale)
    choices = TextAreaField(_l("Answers to choose from"), [Optional(), Length(max=3000)], filters=[several_lines])


class QuestionsForm(Form):
    """All questions; rows with a text count."""

    #: Which questions the editor began from.
    base = HiddenField()
    questions = FieldList(FormField(QuestionRow), max_entries=MOST_QUESTIONS + 3)
    anonymous = RadioField(_l("Whose answers are they?"), default="yes")

    def offer(self) -> None:
        """Fill the lists; call before validating."""
        for row in self.questions:
            row.form.kind.choices = list(question_names().items())
        self.anonymous.choices = [
            ("yes", _l("Anonymous: nobody can see who gave an answer, not even we")),
            ("no", _l("With names: the organisers see who gave which answer")),
        ]

    def asked(self) -> list[Question]:
        """What was entered; call after validating."""
        return [
            Question(row.form.kind.data, row.form.label.data, tuple((row.form.choices.data or "").split("\n")))
            for row in self.questions
            if row.form.label.data
        ]


def sheet_form(questions: list[SurveyQuestion], saved: dict[int, str] | None) -> Form:
    """The sheet with these questions, one field each, named by its question."""
    fields: dict[str, Any] = {}
    for question in questions:
        name, label = f"q{question.id}", cast("str", foreign(question.label))
        if question.kind == SurveyKind.text:
            fields[name] = TextAreaField(
                label, [Optional(), Length(max=MAX_TEXT)], filters=[several_lines], render_kw={"rows": 4}
            )
        else:
            fields[name] = RadioField(label, [Optional()], validate_choice=False)
    made: type[Form] = type("SheetForm", (Form,), fields)
    form = made(data={f"q{ident}": value for ident, value in saved.items()}) if saved is not None else made()
    for question in questions:
        if question.kind != SurveyKind.text:
            form[f"q{question.id}"].choices = [(value, foreign(value)) for value in choices_of(question)]
    return form


def sheet_answers(form: Form, questions: list[SurveyQuestion]) -> dict[int, str]:
    """What was filled in, by question."""
    return {question.id: form[f"q{question.id}"].data or "" for question in questions}
