"""What moderators fill in at their desk."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from consult.concept.queries import Placed
from consult.contributions.forms import language_names
from consult.contributions.models import ModerationReason
from consult.contributions.words import channel_names
from consult.forms import Form, _l, one_line, several_lines
from consult.moderation.notes import MAX_LENGTH
from consult.moderation.queue import SIZES, WHOLE


class _PerItem(Form):
    """Many of these stand on one page: each field has the number of its contribution in its id."""

    def __init__(self, number: int, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.belongs_to(number)

    def belongs_to(self, number: int) -> None:
        """Stand beside this contribution from here on: an empty form is made once and drawn many times."""
        self.number = number
        for field in self:
            field.id = f"{field.short_name}-{number}"
            field.label.field_id = field.id


class _WithReason(_PerItem):
    reason_id = SelectField(
        _l("Reason (published)"), coerce=int, validators=[DataRequired(_l("Please choose a reason."))]
    )
    note = TextAreaField(
        _l("Note to the author"),
        filters=[several_lines],
        validators=[Length(max=2000, message=_l("At most 2,000 characters."))],
        render_kw={"rows": 3},
    )

    def __init__(self, number: int, reasons: Iterable[ModerationReason], *args: object, **kwargs: object) -> None:
        super().__init__(number, *args, **kwargs)
        # Nothing is chosen beforehand: the reason is published and goes to the author.
        self.reason_id.choices = [(0, _("Please choose a reason.")), *((reason.id, reason.text) for reason in reasons)]


class HideForm(_WithReason):
    """Why something is held back; one such form per contribution of the queue."""


class BulkHideForm(_WithReason):
    """One reason and one note for all that are ticked."""

    note = TextAreaField(
        _l("Note to all authors"),
        filters=[several_lines],
        validators=[Length(max=2000, message=_l("At most 2,000 characters."))],
        render_kw={"rows": 3},
    )


class NoteForm(_PerItem):
    """A private note for the colleagues."""

    body = TextAreaField(
        _l("Note for your colleagues"),
        filters=[several_lines],
        validators=[
            DataRequired(_l("Please write something first.")),
            Length(max=MAX_LENGTH, message=_l("At most 2,000 characters.")),
        ],
        render_kw={"rows": 3},
    )


class GiveForm(_PerItem):
    """Who of the team is to look after it."""

    to_id = SelectField(_l("Colleague"), coerce=int, validators=[DataRequired(_l("Please choose a colleague."))])
    #: Who looked after it on the page; 0 for nobody.
    held_by = HiddenField(validators=[InputRequired()])

    def __init__(self, number: int, team: Sequence[tuple[int, str]], *args: object, **kwargs: object) -> None:
        super().__init__(number, *args, **kwargs)
        self.to_id.choices = [(0, _("Please choose")), *team]


class BulkGiveForm(Form):
    """Who of the team is to look after all that are ticked."""

    to_id = SelectField(_l("Colleague"), coerce=int, validators=[DataRequired(_l("Please choose a colleague."))])

    def __init__(self, team: Sequence[tuple[int, str]], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.to_id.choices = [(0, _("Please choose")), *team]


class GatherForm(_PerItem):
    """The number of the entry it is answered together with."""

    head = StringField(
        _l("Answer it together with number"),
        filters=[one_line],
        validators=[DataRequired(_l("Please type in a number.")), Length(max=30, message=_l("At most 30 characters."))],
        render_kw={"size": 10, "autocapitalize": "characters"},
    )


class NarrowForm(PlainForm):
    """What a list is narrowed down to. Sent by GET: carries no token."""

    number = StringField(_l("Number"), validators=[Optional()], render_kw={"size": 10})
    place = SelectField(_l("What it is about"))
    lang = SelectField(_l("Language"))
    channel = SelectField(_l("Way it came"))
    new = BooleanField(_l("Only authors of whom nothing is published yet"))
    size = IntegerField()

    def __init__(self, args: Any, places: Sequence[Placed] = (), **kwargs: Any) -> None:
        super().__init__(args, **kwargs)
        everything = [("", _("All"))]
        self.place.choices = [
            *everything,
            (WHOLE, _("The process as a whole")),
            *((place.key, place.heading) for place in places),
        ]
        self.lang.choices = [*everything, *language_names().items()]
        self.channel.choices = [*everything, *channel_names().items()]

    def chosen(self, name: str) -> str:
        """The choice, empty for one that is not offered."""
        field: Any = self[name]
        value = field.data or ""
        return value if value in {choice[0] for choice in field.choices or ()} else ""

    def page_size(self) -> int:
        return self.size.data if self.size.data in SIZES else SIZES[0]
