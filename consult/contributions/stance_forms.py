"""What the leads of a process call the kinds of contributions: the part of their form that asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from wtforms import StringField
from wtforms.validators import Length

from consult.contributions.models import Stance
from consult.contributions.words import USUAL_STANCES, name_by
from consult.forms import Form, entered, one_line
from consult.i18n import OWN_NAMES, in_language, languages, own_name, path_languages

#: As much as fits on a button and at the head of a column.
MAX_LENGTH = 40


def _field_name(stance: str, lang: str) -> str:
    return f"called_{stance}_{lang}"


def as_data(words: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Words of {stance: {language: words}} as data of the form."""
    return {_field_name(stance, lang): said for stance, own in words.items() for lang, said in own.items()}


@dataclass(frozen=True)
class Line:
    """What one stance is called in one language, as the page shows it."""

    field: Any
    lang: str
    #: Of the language, in itself.
    name: str
    #: Our own words, in this language.
    usual: str


class StanceWordsForm(Form):
    """A line for each stance in each language the platform speaks; empty: our own words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._langs = path_languages()
        self._lines: dict[str, list[Line]] = {stance: [] for stance in Stance}
        for lang in OWN_NAMES:
            if lang not in self._langs:
                for stance in Stance:
                    del self[_field_name(stance, lang)]
                continue
            with in_language(lang, of_path=True):
                usual = {stance: str(USUAL_STANCES[stance]) for stance in Stance}
            for stance in Stance:
                line = Line(self[_field_name(stance, lang)], lang, own_name(lang), usual[stance])
                # As errors name it; the page marks which words of it are in which language.
                line.field.label.text = _("%(language)s, instead of “%(words)s”", language=line.name, words=line.usual)
                self._lines[stance].append(line)

    def lines_of(self, stance: str) -> list[Line]:
        """The lines in the languages of the whole interface, for templates."""
        return [line for line in self._lines[stance] if line.lang in languages()]

    def more_lines_of(self, stance: str) -> list[Line]:
        """The lines in the languages that only the citizen's path speaks."""
        return [line for line in self._lines[stance] if line.lang not in languages()]

    def stance_words(self, before: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
        """What was entered; words in languages that are not asked for stay as they were `before`."""
        result = {}
        for stance in Stance:
            words = {lang: said for lang, said in before.get(stance, {}).items() if lang not in self._langs}
            words |= {lang: entered(self[_field_name(stance, lang)]) for lang in self._langs}
            if words := {lang: said for lang, said in words.items() if said}:
                result[str(stance)] = words
        return result

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        return self._tell_apart() and valid

    def _tell_apart(self) -> bool:
        """Whether all kinds are called differently in each language, also where one keeps our words; says where not."""
        words, clear = self.stance_words({}), True
        for lang in self._langs:
            with in_language(lang, of_path=True):
                names = {stance: name_by(words, stance) for stance in Stance}
            seen: dict[str, Stance] = {}
            for stance, name in names.items():
                other = seen.setdefault(name.casefold(), stance)
                if other != stance:
                    clear = False
                    self._say_taken(name, stance, other, lang)
        return clear

    def _say_taken(self, name: str, stance: Stance, other: Stance, lang: str) -> None:
        """At the line that can be changed: in this language, else in the city's, whose words stand there as well."""
        citys = current_app.config["BABEL_DEFAULT_LOCALE"]
        lines = [self[_field_name(one, code)] for code in (lang, citys) for one in (stance, other)]
        line = next(one for one in lines if one.data)
        message = _("Another kind is called “%(name)s” already. Please choose other words.", name=name)
        if message not in line.errors:
            line.errors = [*line.errors, message]


for _stance in Stance:
    for _lang in OWN_NAMES:
        _line = StringField(validators=[Length(max=MAX_LENGTH)], filters=[one_line], render_kw={"lang": _lang})
        setattr(StanceWordsForm, _field_name(_stance, _lang), _line)
