"""What editors enter about facts, pictures and life topics."""

from typing import Any

from flask_wtf.file import FileField
from wtforms import IntegerField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from consult.forms import Form, _l, one_line


class FactForm(Form):
    """A figure, what it counts, where, when, and who says so."""

    statement = StringField(
        _l("What does the figure count?"),
        [DataRequired(_l("Please say what the figure counts.")), Length(max=300)],
        filters=[one_line],
        description=_l("For example: Share of people with a history of migration among all residents"),
    )
    figure = StringField(
        _l("Figure"),
        [DataRequired(_l("Please enter the figure.")), Length(max=40)],
        filters=[one_line],
        description=_l("As it should be read: 48,5 or about 1,200"),
    )
    unit = StringField(_l("Unit"), [Optional(), Length(max=40)], filters=[one_line])
    place = StringField(_l("Place"), [Optional(), Length(max=300)], filters=[one_line])
    year = IntegerField(
        _l("Year"), [Optional(), NumberRange(1000, 2999, _l("Please enter a year with four digits."))]
    )  # fmt: skip
    source = StringField(
        _l("Source"),
        [DataRequired(_l("Please name the source: who counted it, and where can one read it?")), Length(max=300)],
        filters=[one_line],
    )


class PictureForm(Form):
    """A picture, and the words for those who cannot see it."""

    file = FileField(
        _l("Picture"),
        description=_l("PNG, JPEG or WebP, at most 10 MB. Where and with what it was taken is removed from it."),
    )
    alt = StringField(
        _l("What does it show?"),
        [DataRequired(_l("Please say what the picture shows, for people who cannot see it.")), Length(max=300)],
        filters=[one_line],
        description=_l("Read aloud to people who cannot see it: what matters in it, in one sentence."),
    )
    credit = StringField(
        _l("Who made it, and under which licence?"),
        [Optional(), Length(max=300)],
        filters=[one_line],
        description=_l("Stands below the picture."),
    )


def _known(form: Form, field: SelectMultipleField) -> None:
    if not {*(field.data or [])} <= {choice[0] for choice in field.choices or ()}:
        raise StopValidation(_l("One of these parts is no longer there. Please look at the list once more."))


class TopicForm(Form):
    """What a topic is called, and what belongs to it."""

    title = StringField(
        _l("Name of the topic"),
        [InputRequired(_l("Please give the topic a name.")), Length(max=60)],
        filters=[one_line],
    )
    elements: Any = SelectMultipleField(
        _l("What belongs to it?"),
        [Optional(), _known],
        choices=[],
        coerce=int,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Tick themes, goals, fields or chapters. What stands below them comes along."),
    )
