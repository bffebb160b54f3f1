"""What editors send to change the tree of the text."""

from typing import Any

from wtforms import FieldList, FormField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, Length, Optional, Regexp

from consult.concept.forms import CheckedForm, MeasureForm
from consult.concept.kinds import CHECKED
from consult.concept.models import ElementKind
from consult.concept.working import MAX_LABEL, MAX_LINE, MAX_TEXT
from consult.forms import Form, _l, one_line, several_lines

KEY = Regexp(r"^[a-z0-9][a-z0-9-]*$", message=_l("Small letters, digits and hyphens only."))
_NO_WORDS = _l("An element needs a title or a text.")
MAX_PARTS = 6


def _label(text: str) -> StringField:
    return StringField(text, [Optional(), Length(max=MAX_LABEL)], filters=[one_line])


def _title() -> StringField:
    return StringField(_l("Title"), [Optional(), Length(max=MAX_LINE)], filters=[one_line])


def _words() -> TextAreaField:
    return TextAreaField(_l("Text"), [Optional(), Length(max=MAX_TEXT)], filters=[several_lines])


def _key(text: str) -> StringField:
    return StringField(
        text,
        [Optional(), Length(max=79), KEY],
        filters=[one_line],
        description=_l("Part of the address for good, whatever number is shown. Left empty, it is made of the title."),
    )


def _sources() -> StringField:
    return StringField(
        _l("Contributions this is based on"),
        [Optional(), Length(max=500)],
        filters=[one_line],
        description=_l("Numbers, separated by commas, for example 6, 12."),
    )


def _reason(text: str) -> TextAreaField:
    return TextAreaField(
        text,
        [DataRequired(_l("Please give a reason: it is shown beside the change.")), Length(max=2000)],
        filters=[several_lines],
    )


class WordedForm(Form):
    """Words of their own: a title, a text, or both."""

    title = _title()
    markdown = _words()

    def validate(self, extra_validators: object = None) -> bool:
        valid = super().validate(extra_validators)
        if valid and not (self.title.data or self.markdown.data):
            self.markdown.errors = [_NO_WORDS]
            return False
        return valid


class NewElementForm(WordedForm):
    """A new part of the working text."""

    parent = SelectField(_l("Below"))
    label = _label(_l("Number shown"))
    key = _key(_l("Short name in the address"))
    reason = _reason(_l("Why is it added?"))
    sources = _sources()


class NewCheckedForm(NewElementForm):
    """A new goal: for whom it is, and the check question."""

    target_group = CheckedForm.target_group
    favours = CheckedForm.favours
    disadvantages = CheckedForm.disadvantages


class NewMeasureForm(NewCheckedForm):
    """A new measure, with its own fields."""

    lead = MeasureForm.lead
    partners = MeasureForm.partners
    place = MeasureForm.place
    time = MeasureForm.time
    finance = MeasureForm.finance
    indicator = MeasureForm.indicator


def form_for_new(kind: str) -> NewElementForm:
    """The form with the fields such an element has."""
    if kind == ElementKind.measure:
        return NewMeasureForm()
    return NewCheckedForm() if kind in CHECKED else NewElementForm()


class NewCharterForm(Form):
    """The charter itself; its paragraphs are added afterwards."""

    title = StringField(
        _l("Title of the charter"),
        [DataRequired(_l("Please give the charter a title.")), Length(max=MAX_LINE)],
        filters=[one_line],
    )


class PartForm(PlainForm):
    """One of the parts a text is split into."""

    label = _label(_l("Number shown"))
    title = _title()
    markdown = _words()
    key = _key(_l("Short name in the address"))
    sources = _sources()

    def validate(self, extra_validators: Any = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if valid and not (self.title.data or self.markdown.data):
            self.markdown.errors = [_NO_WORDS]
            return False
        return valid


class SplitForm(Form):
    """Two to six new elements in the place of one."""

    parts = FieldList(FormField(PartForm), min_entries=2, max_entries=MAX_PARTS)
    reason = _reason(_l("Why is it split?"))


class MergeForm(WordedForm):
    """One text in the place of several."""

    keep = RadioField(_l("Which part goes on?"), default="new")
    label = _label(_l("Number of the new part"))
    key = _key(_l("Short name of the new part in the address"))
    reason = _reason(_l("Why are they merged?"))
    sources = _sources()


class MoveForm(Form):
    """Another place for an element."""

    parent = HiddenField()
    position = SelectField(_l("Where there?"))
    label = _label(_l("Number shown there"))
    reason = _reason(_l("Why is it moved?"))
    sources = _sources()


class RenumberForm(Form):
    """Another number for an element."""

    label = _label(_l("Number shown"))
    reason = _reason(_l("Why does it get another number?"))


class NumberAnewForm(Form):
    """Numbers by order, after a look at the preview."""

    revision = HiddenField()
    reason = _reason(_l("Why do they get other numbers?"))


class RetireForm(Form):
    reason = _reason(_l("Why is it taken out?"))
    sources = _sources()


class RestoreForm(Form):
    """A place for an element that comes back."""

    parent = SelectField(_l("Below"))
    label = _label(_l("Number shown"))
    reason = _reason(_l("Why is it taken in again?"))
    sources = _sources()


class ServesForm(Form):
    """The boxes are drawn by the template, in groups; this carries the token, and what was ticked when it was shown."""

    base = HiddenField()


def details_of(form: Any, names: dict[str, str]) -> dict[str, str]:
    """The filled-in fields of this form by these names."""
    return {name: str(form[name].data) for name in names if form[name].data}
