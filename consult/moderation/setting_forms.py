"""Forms about how the desk works: rules of arrival and the roster."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, SelectMultipleField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from consult.contributions.forms import LANGUAGES
from consult.contributions.models import MAX_LENGTH, RuleEffect
from consult.contributions.screening import words_in
from consult.forms import Form, _l, entered, sensible_day, several_lines

#: Names of the buttons: show the sentence, try the rule out, keep it.
SHOW, TRY, KEEP = "show", "try", "keep"


class RuleForm(Form):
    """Conditions that must all hold, and what happens then."""

    link = BooleanField(_l("It contains a link"))
    contact = BooleanField(_l("It contains an e-mail address or a telephone number"))
    no_account = BooleanField(_l("It was written without an account"))
    new_author = IntegerField(
        _l("Its author is new: fewer published contributions here than"),
        validators=[Optional(), NumberRange(1, 100, message=_l("Please enter a number from 1 to 100."))],
    )
    words = TextAreaField(
        _l("It contains one of these words"),
        filters=[several_lines],
        validators=[Optional(), Length(max=4000, message=_l("At most 4,000 characters."))],
        render_kw={"rows": 3},
    )
    longer = IntegerField(
        _l("It is longer than so many characters"),
        validators=[
            Optional(),
            NumberRange(1, MAX_LENGTH, message=_l("Please enter a number from 1 to 4,000.")),
        ],
    )
    languages = SelectMultipleField(
        _l("It is written in another language than these"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    effect = RadioField(_l("What happens then?"), validators=[InputRequired(_l("Please choose what happens."))])

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("effect", RuleEffect.wait.value)
        super().__init__(*args, **kwargs)
        self.effect.choices = [
            (RuleEffect.wait.value, _("It waits for a moderator")),
            (RuleEffect.point_out.value, _("It appears as always, and is pointed out to the moderators")),
        ]
        self.languages.choices = list(LANGUAGES.items())

    def conditions(self) -> dict[str, Any]:
        """What was chosen, as it is kept."""
        found: dict[str, Any] = {name: True for name in ("link", "contact", "no_account") if getattr(self, name).data}
        if self.new_author.data:
            found["new_author"] = self.new_author.data
        if self.longer.data:
            found["longer"] = self.longer.data
        if words := words_in(entered(self.words)):
            found["words"] = words
        if self.languages.data:
            found["not_langs"] = list(self.languages.data)
        return found

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if valid and not self.conditions():
            self.form_errors.append(_("Please choose at least one condition."))
            return False
        return valid


class DutyForm(Form):
    """Whose turn it is, from when to when."""

    person_id = SelectField(_l("Who"), coerce=int, validators=[DataRequired(_l("Please choose somebody."))])
    substitute_id = SelectField(_l("Substitute"), coerce=int, validators=[Optional()], default=0)
    first_day = DateField(_l("First day"), validators=[DataRequired(_l("Please enter a day.")), sensible_day])
    last_day = DateField(_l("Last day"), validators=[DataRequired(_l("Please enter a day.")), sensible_day])

    def __init__(self, people: Sequence[tuple[int, str]], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.person_id.choices = [(0, _("Please choose somebody.")), *people]
        self.substitute_id.choices = [(0, _("Nobody")), *people]
