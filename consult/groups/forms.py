"""What a process lead enters about groups."""

from typing import Any

from flask_babel import gettext as _
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from consult.accounts.addresses import clean_email
from consult.forms import Form, _l, one_line, sensible_day, several_lines
from consult.groups.models import GroupKind
from consult.groups.words import kind_names


class GroupForm(Form):
    name = StringField(_l("Name"), [DataRequired(_l("Please enter a name.")), Length(max=200)], filters=[one_line])
    kind = SelectField(_l("Kind"), choices=list(GroupKind), default=GroupKind.working_group.value)
    description = TextAreaField(_l("What it does"), [Length(max=4000)], filters=[several_lines])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = list(kind_names().items())


class FunctionsForm(Form):
    """The functions are put in by the view: groups know nothing of processes."""

    functions = SelectMultipleField(
        _l("What the group does in this process"),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
        description=_l("Every member gets the rights that belong to it."),
    )


class _ByAddress(Form):
    email = EmailField(
        _l("E-mail address"),
        [DataRequired(_l("Please enter an e-mail address.")), Length(max=254)],
        filters=[one_line],
    )
    name = StringField(
        _l("Name"),
        [Length(max=120)],
        filters=[one_line],
        description=_l("Only used when we do not know the person yet."),
    )

    def validate_email(self, field: Any) -> None:
        try:
            field.data = clean_email(field.data)
        except ValueError:
            raise ValidationError(_("This is not an e-mail address. Example: name@example.org")) from None


class PersonForm(_ByAddress):
    office = StringField(
        _l("Office"), [Length(max=80)], filters=[one_line], description=_l("For example chair or secretary.")
    )
    last_day = DateField(
        _l("Last day"),
        [Optional(), sensible_day],
        description=_l("For people who help for a time only. Their rights end by themselves."),
    )


class OrganisationForm(Form):
    organisation_id = SelectField(_l("Organisation"), coerce=int)
    seats = IntegerField(
        _l("Number of seats"),
        [InputRequired(_l("Please enter a number.")), NumberRange(1, 50)],
        default=1,
    )
    last_day = DateField(_l("Last day"), [Optional(), sensible_day])


class SeatForm(_ByAddress):
    deputy = BooleanField(_l("Stands in for somebody else (deputy)"))


class SeatsForm(Form):
    seats = IntegerField(_l("Number of seats"), [InputRequired(_l("Please enter a number.")), NumberRange(1, 50)])


class EndForm(Form):
    last_day = DateField(
        _l("Last day"), [Optional(), sensible_day], description=_l("Leave it empty to end the membership now.")
    )
