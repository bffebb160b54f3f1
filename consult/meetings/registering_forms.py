"""What the forms around a registration take: needs, the organisers' own questions, shares of the places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
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
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from consult.accounts.addresses import clean_email
from consult.accounts.words import organisation_kinds
from consult.forms import Form, _l, one_line, several_lines
from consult.i18n import foreign
from consult.meetings import fields as questions
from consult.meetings.approving import BY_HAND
from consult.meetings.fields import MAX_ANSWER, MAX_KEEP, NO, YES, Question
from consult.meetings.models import AttendeeList, FieldKind, MeetingField, RegistrationState
from consult.meetings.quotas import Share
from consult.meetings.registering import MAX_REASON, Given
from consult.meetings.words import Needs, need_names

F = TypeVar("F", bound="NeedsForm")
#: Of every form that asks for needs, empty or not.
_ALWAYS_SENT = "needs_note"
#: Blank rows offered beyond what is stored.
SPARE_ROWS = 2


def checkboxes(label: str) -> SelectMultipleField:
    """Several choices, each a box to tick."""
    return SelectMultipleField(
        label, validate_choice=True, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )


@dataclass(frozen=True)
class Asked:
    """A question on the page: its field, and what only counts when it is answered with yes."""

    field: Field
    question: MeetingField
    #: In words, for whoever sees all questions at once.
    condition: str
    below: list["Asked"]


class NeedsForm(Form):
    """What somebody needs, and the organisers' own questions (`asking`)."""

    needs = checkboxes(_l("What do you need in order to take part?"))
    needs_language = StringField(_l("Language of the interpreter"), [Optional(), Length(max=60)], filters=[one_line])
    needs_note = StringField(_l("More about it"), [Optional(), Length(max=200)], filters=[one_line])

    questions: Sequence[MeetingField] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs.choices = list(need_names().items())
        for question in self.questions:
            if question.kind == FieldKind.yes_no:
                self[_name(question)].choices = [(YES, _("yes")), (NO, _("no"))]
            elif question.kind in (FieldKind.choice, FieldKind.choices):
                self[_name(question)].choices = [(choice, foreign(choice)) for choice in questions.choices_of(question)]

    def needed(self) -> Needs:
        return Needs(tuple(self.needs.data or []), self.needs_note.data or "", self.needs_language.data or "")

    def answers(self) -> dict[int, str]:
        """What was answered, by question; what does not count is sorted out by `fields.that_count`."""
        return {question.id: _as_text(self[_name(question)].data) for question in self.questions}

    def asked(self) -> list[Asked]:
        """The questions as the page shows them: what depends on one stands below it."""
        labels = {question.id: question.label for question in self.questions}
        entries = {
            question.id: Asked(
                self[_name(question)],
                question,
                _("Only if you answer “%(question)s” with yes.", question=labels[question.depends_on_id])
                if question.depends_on_id in labels
                else "",
                [],
            )
            for question in self.questions
        }
        tops: list[Asked] = []
        for question in self.questions:
            above = entries.get(question.depends_on_id or 0)
            (above.below if above else tops).append(entries[question.id])
        return tops

    def validate_without_questions(self) -> bool:
        """For answers that are no registration: questions may stay open."""
        return super().validate()

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        for question in questions.missing(self.questions, self.answers()):
            field = self[_name(question)]
            if not field.errors:
                field.errors = [_("Please answer: %(question)s", question=question.label)]
                valid = False
        return valid


def _name(question: MeetingField) -> str:
    return f"own_{question.id}"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return questions.join(value) if isinstance(value, list) else str(value)


def _field_for(question: MeetingField) -> Any:
    """The unbound field. Whether it must be answered is decided with the others, because it may depend on them."""
    label: Any = foreign(question.label)
    about: dict[str, Any] = {"description": question.help, "validators": [Optional()]}
    if question.kind == FieldKind.yes_no:
        return RadioField(label, **about)
    if question.kind == FieldKind.choice:
        return RadioField(label, **about)
    if question.kind == FieldKind.choices:
        box: dict[str, Any] = {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}
        return SelectMultipleField(label, description=question.help, **box)
    if question.kind == FieldKind.number:
        return IntegerField(label, [Optional(), NumberRange(-1_000_000_000, 1_000_000_000)], description=question.help)
    if question.kind == FieldKind.text:
        return TextAreaField(
            label, [Optional(), Length(max=MAX_ANSWER)], filters=[several_lines], description=question.help
        )
    return StringField(label, [Optional(), Length(max=300)], filters=[one_line], description=question.help)


def asking(base: type[F], asked: Sequence[MeetingField]) -> type[F]:
    """The form with these questions in it."""
    if not asked:
        return base
    return type(base.__name__, (base,), {"questions": asked, **{_name(q): _field_for(q) for q in asked}})


def stored_answers(asked: Sequence[MeetingField], answers: Mapping[int, str]) -> dict[str, Any]:
    """Earlier answers as data of the form."""
    found: dict[str, Any] = {}
    for question in asked:
        value = answers.get(question.id)
        if value is None:
            continue
        if question.kind == FieldKind.choices:
            found[_name(question)] = questions.split(value)
        elif question.kind == FieldKind.number:
            found[_name(question)] = int(value) if value.lstrip("-").isdigit() else None
        else:
            found[_name(question)] = value
    return found


def stored_needs(value: str | None) -> dict[str, Any]:
    """Needs as data of the form."""
    needs = Needs.load(value)
    return {"needs": list(needs.words), "needs_note": needs.note, "needs_language": needs.language}


def asked_for_needs(sent: Mapping[str, str]) -> bool:
    """Whether the form somebody sent showed needs and questions. One that did not leaves what is there."""
    return _ALWAYS_SENT in sent


@dataclass(frozen=True)
class Said:
    """What somebody told the organisers, in words: to be read, and copied from, where it can no longer be changed."""

    needs: str
    #: Question and answer, in the organisers' order.
    answers: Sequence[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.needs or self.answers)


def said(asked: Sequence[MeetingField], needs: Needs, answers: Mapping[int, str]) -> Said:
    counted = questions.that_count(asked, answers)
    return Said(needs.text(), [(q.label, questions.in_words(q, counted[q.id])) for q in asked if q.id in counted])


def true_address(_form: Form, field: Field) -> None:
    """Validator that also puts the address into the form in which we keep it."""
    try:
        field.data = clean_email(field.data or "")
    except ValueError as error:
        raise ValidationError(_("Please enter an e-mail address such as name@example.org.")) from error


class MineForm(NeedsForm):
    """What somebody may change of their registration."""

    named = BooleanField(_l("My name may stand in the published list of those who were there"))

    #: The list as it stands when the form is made; an older page may have asked for less.
    listed: str = AttendeeList.organisations

    def say_who_reads(self, listed: str) -> None:
        """What is agreed to, by whom the organisers let names be read."""
        self.listed = listed
        if listed == AttendeeList.guests:
            self.named.label.text = _("Others who come may see my name")
            self.named.render_kw = {"value": AttendeeList.guests}

    def agreed(self) -> bool:
        """Whether they may be named in the list as it is now."""
        narrower = AttendeeList.guests in (self.named.raw_data or ()) and self.listed != AttendeeList.guests
        return bool(self.named.data) and not narrower

    def given(self) -> Given:
        return Given(needs=self.needed(), named=self.agreed(), answers=self.answers())


class RegisterForm(MineForm):
    """Somebody registers by themselves."""

    name = StringField(
        _l("Your name"), [DataRequired(_l("Please give your name.")), Length(max=200)], filters=[one_line]
    )
    email = EmailField(
        _l("E-mail address"),
        [DataRequired(_l("Please give your e-mail address.")), Length(max=254), true_address],
        filters=[one_line],
    )
    organisation = StringField(_l("Organisation"), [Optional(), Length(max=200)], filters=[one_line])

    def without_address(self) -> None:
        """For people we know: name and address are theirs already."""
        del self.name, self.email

    def given(self) -> Given:
        return Given(
            organisation_name=self.organisation.data or "",
            needs=self.needed(),
            named=self.agreed(),
            answers=self.answers(),
        )


class AddForm(RegisterForm):
    """Organisers put somebody on the list."""

    beyond = BooleanField(_l("Also beyond the places"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name.label.text = _("Name")
        self.named.label.text = _("Agrees to be named in a published list")
        self.needs.label.text = _("What they need in order to take part")
        self.email.validators = [Optional(), Length(max=254), true_address]
        self.email.flags.required = False

    def say_who_reads(self, listed: str) -> None:
        super().say_who_reads(listed)
        if listed == AttendeeList.guests:
            self.named.label.text = _("Agrees that others who come may see the name")

    def validate(self, extra_validators: Any = None) -> bool:
        # What only the person can know is not asked of somebody who types them in.
        return Form.validate(self, extra_validators)


class ConfirmForm(Form):
    """The owner of the address presses the button; who is new may correct the name."""

    name = StringField(_l("Your name"), [Optional(), Length(max=200)], filters=[one_line])


class RefuseForm(Form):
    """Why somebody gets no place."""

    reason = TextAreaField(
        _l("Why? The person gets these words by mail."),
        [DataRequired(_l("Please say why. The person gets it by mail.")), Length(max=MAX_REASON)],
        filters=[several_lines],
    )


class StateForm(Form):
    """A state set by hand."""

    state = SelectField(_l("Set by hand"))
    beyond = BooleanField(_l("Also beyond the places"))

    def offer(self, names: Mapping[str, str]) -> None:
        self.state.choices = [(state.value, names[state]) for state in BY_HAND]

    def chosen(self) -> RegistrationState:
        return RegistrationState(self.state.data)


class QuotaRow(FlaskForm):
    """Places of one kind of organisation."""

    class Meta:
        csrf = False

    kind = HiddenField()
    reserved = IntegerField(_l("Kept"), [Optional(), NumberRange(0, 100_000)])
    at_most = IntegerField(_l("At most"), [Optional(), NumberRange(0, 100_000)])


class QuotaForm(Form):
    """All kinds, one row each."""

    #: Which shares the editor began from.
    base = HiddenField()
    rows = FieldList(FormField(QuotaRow), max_entries=40)

    def shares(self) -> list[Share]:
        known = organisation_kinds()
        return [
            Share(row.form.kind.data, row.form.reserved.data or 0, row.form.at_most.data)
            for row in self.rows
            if row.form.kind.data in known
        ]


def kind_names() -> dict[str, str]:
    return {
        FieldKind.line: _("One line"),
        FieldKind.text: _("Several lines"),
        FieldKind.yes_no: _("Yes or no"),
        FieldKind.choice: _("Choose one"),
        FieldKind.choices: _("Choose several"),
        FieldKind.number: _("A number"),
    }


class QuestionRow(FlaskForm):
    """One question; an empty text means no question."""

    class Meta:
        csrf = False

    ident = HiddenField()
    label = StringField(_l("Question"), [Optional(), Length(max=200)], filters=[one_line])
    kind = SelectField(_l("Kind of answer"), default=FieldKind.line)
    help = StringField(_l("Help"), [Optional(), Length(max=300)], filters=[one_line])
    choices = TextAreaField(_l("Choices, one per line"), [Optional(), Length(max=3000)], filters=[several_lines])
    required = BooleanField(_l("Must be answered"))
    depends_on = SelectField(_l("Asked when"), default="")
    keep_days = IntegerField(
        _l("Delete answers so many days after the meeting"),
        [InputRequired(_l("Please give a number of days.")), NumberRange(1, MAX_KEEP)],
        default=30,
    )


class QuestionsForm(Form):
    """All questions; rows with a text count."""

    #: Which questions the editor began from.
    base = HiddenField()
    rows = FieldList(FormField(QuestionRow), max_entries=questions.MOST + SPARE_ROWS)

    def offer(self) -> None:
        """Fill the lists; call before validating."""
        conditions = [("", _("always"))]
        for number, row in enumerate(self.rows, 1):
            row.form.kind.choices = list(kind_names().items())
            row.form.depends_on.choices = list(conditions)
            conditions.append((str(number), _("question %(number)s is answered with yes", number=number)))

    def asked(self) -> list[Question]:
        """What was entered; a condition that points to an empty row is none."""
        places: dict[str, int] = {}
        found: list[Question] = []
        for number, row in enumerate(self.rows, 1):
            entered = row.form
            if not entered.label.data:
                continue
            places[str(number)] = len(found)
            ident = entered.ident.data or ""
            found.append(
                Question(
                    entered.kind.data,
                    entered.label.data,
                    entered.help.data or "",
                    entered.choices.data or "",
                    bool(entered.required.data),
                    entered.keep_days.data or 30,
                    places.get(entered.depends_on.data or ""),
                    int(ident) if ident.isdecimal() else None,
                )
            )
        return found
