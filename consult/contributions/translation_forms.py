"""What helpers type who translate somebody's contribution."""

from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, HiddenField, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from consult.contributions.forms import ANOTHER, language_names
from consult.contributions.translating import MAX_TRANSLATION
from consult.forms import Form, _l, several_lines


def label_of(lang: str) -> str:
    """A language by its own name."""
    return language_names().get(lang, lang)


class TranslationForm(Form):
    """Into which language, and the words. `suggested`: what a machine put into the field, if it did."""

    lang = SelectField(_l("Into which language?"), validators=[InputRequired()])
    text = TextAreaField(
        _l("Translation"),
        filters=[several_lines],
        validators=[
            DataRequired(_l("Please write something first.")),
            Length(max=MAX_TRANSLATION, message=_l("The translation is too long.")),
        ],
        render_kw={"maxlength": MAX_TRANSLATION},
    )
    checked = BooleanField(_l("I have read every sentence against the original"))
    suggested = HiddenField(filters=[several_lines])
    #: Revision of the original that the helper had in front of them.
    base = HiddenField()

    def __init__(self, *args: Any, without: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.text.flags.maxlength = MAX_TRANSLATION
        self._languages = [(code, name) for code, name in language_names().items() if code not in (without, ANOTHER)]
        self.lang.choices = [("", _("Please choose")), *self._languages]

    def offers(self, lang: str | None) -> bool:
        return lang in dict(self._languages)

    def validate_checked(self, field: BooleanField) -> None:
        """What a machine suggested is kept only when a person answers for it."""
        if self.suggested.data and not field.data:
            raise ValidationError(_("A machine suggested these words. Please read them against the original first."))

    def base_revision(self) -> int:
        """The revision the form was made from; -1 for what is none."""
        value = self.base.data or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else -1
