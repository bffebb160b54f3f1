"""What the forms about cards take."""

from collections.abc import Sequence

from wtforms import FileField, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from consult.concept.queries import Placed
from consult.contributions.models import MAX_LENGTH, Stance
from consult.forms import Form, _l, entered, one_line, several_lines
from consult.meetings.cards import Place
from consult.meetings.forms import Choices, about_choices
from consult.meetings.models import CardKind

#: What the next card of a pile begins with.
KEPT = ("kind", "table", "cluster", "element_id", "lang", "photo")


class PlacedCardForm(Form):
    """A card and where it hung."""

    kind = RadioField(_l("Kind of card"), default=CardKind.suggestion)
    table = StringField(_l("Table or wall"), [Optional(), Length(max=40)], filters=[one_line])
    cluster = StringField(_l("Heading it hangs under"), [Optional(), Length(max=200)], filters=[one_line])
    text = TextAreaField(
        _l("What the card says"),
        [DataRequired(_l("Please type in what the card says.")), Length(max=MAX_LENGTH)],
        filters=[several_lines],
    )

    def place(self, photo_id: int | None = None) -> Place:
        return Place(CardKind(self.kind.data), entered(self.table), entered(self.cluster), photo_id)


class CardForm(PlacedCardForm):
    """A card of the pinboard. Quick to repeat: all but the words stays."""

    stance = SelectField(_l("What it wants"), default="")
    element_id = SelectField(_l("About"))
    lang = SelectField(_l("Language"), default="de")
    photo = HiddenField()

    def offer(self, kinds: Choices, elements: Sequence[Placed], stances: Choices, languages: Choices) -> None:
        self.kind.choices = kinds
        self.stance.choices = [("", _l("Not clear")), *stances]
        self.element_id.choices = about_choices(elements, _l("The process as a whole"))
        self.lang.choices = languages

    def stance_word(self) -> Stance | None:
        return Stance(self.stance.data) if self.stance.data else None

    def about(self) -> int | None:
        return int(self.element_id.data) if self.element_id.data else None

    def photo_id(self) -> int | None:
        value = self.photo.data or ""
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


class CorrectedCardForm(PlacedCardForm):
    """A card that was typed in wrongly."""

    base_revision = IntegerField(validators=[NumberRange(0)], default=0)


class PhotoForm(Form):
    """A picture of a wall."""

    file = FileField(_l("Picture of the wall"))
    note = StringField(_l("Which table or wall"), [Optional(), Length(max=200)], filters=[one_line])
