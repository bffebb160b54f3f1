"""What the forms about cards take."""

from collections.abc import Sequence

from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from consult.concept.queries import Placed
from consult.contributions.models import MAX_LENGTH, Stance
from consult.forms import Form, _l, one_line, several_lines
from consult.meetings.forms import Choices, about_choices


class CardForm(Form):
    """A card of the pinboard. Quick to repeat: the table stays."""

    table = StringField(_l("Table"), [Optional(), Length(max=20)], filters=[one_line])
    text = TextAreaField(
        _l("What the card says"),
        [DataRequired(_l("Please type in what the card says.")), Length(max=MAX_LENGTH)],
        filters=[several_lines],
    )
    stance = RadioField(_l("What it wants"), default="")
    element_id = SelectField(_l("About"))
    lang = SelectField(_l("Language"), default="de")

    def offer(self, elements: Sequence[Placed], stances: Choices, languages: Choices) -> None:
        self.stance.choices = [*stances, ("", _l("Not clear"))]
        self.element_id.choices = about_choices(elements, _l("The process as a whole"))
        self.lang.choices = languages

    def stance_word(self) -> Stance | None:
        return Stance(self.stance.data) if self.stance.data else None

    def about(self) -> int | None:
        return int(self.element_id.data) if self.element_id.data else None
