"""What a process lead enters."""

from typing import Any

from flask_babel import gettext as _
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from consult.accounts.forms import Address
from consult.forms import Form, _l, one_line, sensible_day, several_lines
from consult.processes.models import Audience, Influence, Moderation
from consult.processes.presets import Preset
from consult.processes.words import audience_names, influence_names, moderation_names, preset_names


def upper(value: str | None) -> str | None:
    return value.upper() if value else value


def lower(value: str | None) -> str | None:
    return value.lower() if value else value


class LeadForm(Form):
    """Whom an operator makes lead of a process."""

    email = EmailField(
        _l("E-mail address"), [DataRequired(), Length(max=254), Address()], filters=[one_line],
        description=_l("Of somebody who has an account."),
    )  # fmt: skip


class _Names(Form):
    title = StringField(
        _l("Title"),
        [DataRequired(_l("Please enter a title.")), Length(max=200)],
        filters=[one_line],
        description=_l("For example “Integration concept 2027”."),
    )
    code = StringField(
        _l("Short code"),
        [
            DataRequired(_l("Please enter a short code.")),
            Regexp(r"^[A-Z][A-Z0-9]{1,7}\Z", message=_l("2 to 8 letters or digits, beginning with a letter.")),
        ],
        filters=[one_line, upper],
        description=_l("2 to 8 letters. Contributions are numbered with it, for example IK-17."),
    )
    slug = StringField(
        _l("Address"),
        [
            DataRequired(_l("Please enter an address.")),
            Length(max=60),
            Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", message=_l("Only small letters a to z, digits and single hyphens.")),
        ],
        filters=[one_line, lower],
        description=_l("The part after /p/ in the address. It stays the same for good."),
    )


class NewProcessForm(_Names):
    starts_on = DateField(
        _l("First day"),
        [DataRequired(_l("Please enter the first day.")), sensible_day],
        description=_l("The stages are laid out from this day on; you can change them afterwards."),
    )


class ProcessForm(_Names):
    """Code and address are taken off this form once the process is public."""

    motto = StringField(_l("Motto"), [Length(max=200)], filters=[one_line])
    intro = TextAreaField(
        _l("What it is about"),
        [Length(max=20_000)],
        filters=[several_lines],
        description=_l("A few sentences for people who hear of it for the first time. Markdown is possible."),
    )
    influence = RadioField(_l("How much does the public's word count?"), choices=list(Influence))
    moderation_hours = IntegerField(
        _l("Contributions are looked at within this many hours"),
        [InputRequired(_l("Please enter a number of hours.")), NumberRange(1, 720)],
        description=_l("This is promised to the public."),
    )
    answer_days = IntegerField(
        _l("Questions are answered within this many days"),
        [Optional(), NumberRange(1, 90)],
        description=_l("1 to 90. This is promised to whoever asks. Leave it empty to promise nothing."),
    )
    #: Its choices come from the view: what there is belongs to the contributions.
    stances = SelectMultipleField(
        _l("What people can choose when they write"),
        [DataRequired(_l("Please leave at least one way to mean a contribution."))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("What was written before stays as it is."),
    )
    confirm_above = IntegerField(
        _l("Mailings to more people than this need a second person"),
        [InputRequired(_l("Please enter a number of people.")), NumberRange(0, 1_000_000)],
        description=_l("Somebody else of the team looks at the mail and the people, and agrees. 0: always."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.influence.choices = list(influence_names().items())


class StageForm(Form):
    title = StringField(_l("Title"), [DataRequired(_l("Please enter a title.")), Length(max=200)], filters=[one_line])
    first_day = DateField(_l("First day"), [DataRequired(_l("Please enter the first day.")), sensible_day])
    last_day = DateField(
        _l("Last day"), [Optional(), sensible_day], description=_l("Leave it empty when the end is open.")
    )
    description = TextAreaField(
        _l("What happens in this stage"), [Length(max=2000)], filters=[several_lines], render_kw={"rows": 3}
    )
    preset = RadioField(_l("What can people do?"), choices=list(Preset), default=Preset.read.value)
    audience = RadioField(_l("Who can do it?"), choices=list(Audience), default=Audience.public.value)
    moderation = RadioField(_l("Moderation"), choices=list(Moderation), default=Moderation.pre.value)
    #: Its words come from the view, with the number of people; it is there only where somebody would be told.
    tell = BooleanField(default=True)

    def __init__(self, *args: Any, own: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preset.choices = [(value, name) for value, name in preset_names().items() if own or value != Preset.own]
        self.audience.choices = list(audience_names().items())
        self.moderation.choices = list(moderation_names().items())

    def validate_last_day(self, field: Any) -> None:
        if field.data and self.first_day.data and field.data < self.first_day.data:
            raise ValidationError(_("The last day lies before the first day."))


class PreviewForm(Form):
    days = IntegerField(
        _l("Works for this many days"),
        [InputRequired(_l("Please enter a number of days.")), NumberRange(1, 30)],
        default=7,
    )
