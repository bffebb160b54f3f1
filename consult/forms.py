"""The base of all forms."""

import re
from collections.abc import Callable, Container, Mapping
from datetime import date
from typing import Any, cast

from flask import Flask, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectField
from wtforms.validators import ValidationError

from consult.html import clean_line, clean_text


def _l(message: str) -> str:
    """A text translated when shown, for labels made at import. It behaves as a str and WTForms wants one."""
    return cast(str, lazy_gettext(message))


def one_line(value: str | None) -> str | None:
    """Filter for fields of one line."""
    return clean_line(value) if value is not None else None


def several_lines(value: str | None) -> str | None:
    """Filter for text areas."""
    return clean_text(value).strip() if value is not None else None


#: What WTForms says by itself, by its own words: each says what to do. The name of the field is put before it.
_WORDS = {
    "This field is required.": _l("Please give an answer here."),
    "Not a valid choice.": _l("Please choose from what is offered here."),
    "Not a valid integer value.": _l("Please type in a whole number."),
    "Not a valid date value.": _l("Please give a day, for example 2026-05-09."),
    "Not a valid time value.": _l("Please give a time, for example 18:30."),
    "Not a valid datetime value.": _l("Please give a day and a time, for example 2026-05-09 18:30."),
    "Invalid URL.": _l("Please enter a web address such as https://example.org."),
    "Number must be at least %(min)s.": _l("Please enter a number from %(min)s."),
    "Number must be at most %(max)s.": _l("Please enter a number up to %(max)s."),
    "Number must be between %(min)s and %(max)s.": _l("Please enter a number from %(min)s to %(max)s."),
    "Field must be at least %(min)d characters long.": _l("Please write at least %(min)d characters."),
    "Field cannot be longer than %(max)d characters.": _l("Please write at most %(max)d characters."),
    "Field must be between %(min)d and %(max)d characters long.": _l("Please write %(min)d to %(max)d characters."),
}


class _Words:
    """The translations of WTForms, with our own words first."""

    def __init__(self, others: Any) -> None:
        self._others = others

    def gettext(self, text: str) -> str:
        return str(_WORDS[text]) if text in _WORDS else str(self._others.gettext(text))

    def ngettext(self, one: str, many: str, number: int) -> str:
        return str(_WORDS[many]) if many in _WORDS else str(self._others.ngettext(one, many, number))


def entered(field: Field) -> str:
    """What was typed into a text field, never None."""
    return str(field.data or "")


_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 1, 1)


def sensible_day(_form: Any, field: Any) -> None:
    """Validator of days: years such as 0026 or 20260 are slips of the finger, and some break the calendar."""
    if field.data is not None and not _EARLIEST <= field.data < _LATEST:
        raise ValidationError(_("Please enter a day between 2000 and 2100."))


class _Offered:
    """A choice among `words`; `offered` says what people read for each, when it is shown.

    Compares what was chosen with the words; WTForms makes every choice ready to be shown for that.
    """

    def __init__(
        self, *args: Any, words: Container[str], offered: Callable[[], Mapping[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._words, self._offered = words, offered

    @property
    def choices(self) -> list[tuple[str, str]]:
        return list(self._offered().items())

    def offer(self, names: Callable[[], Mapping[str, str]]) -> None:
        """Show these. The other words still arrive: what is no longer offered is refused by the operation."""
        self._offered = names

    def pre_validate(self: Any, form: Any) -> None:
        if self.data not in self._words:
            raise ValidationError(self.gettext("Not a valid choice."))


class SelectOne(_Offered, SelectField):  # type: ignore[misc]  # WTForms may set choices, we never do
    """One of a list."""


class RadioOne(_Offered, RadioField):  # type: ignore[misc]  # as above
    """The same with all choices seen at once."""


class Form(FlaskForm):
    """A form that says in plain words when its token is stale, and keeps what was typed."""

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: Any) -> _Words:
            return _Words(super().get_translations(form))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        g.has_form = True
        g.setdefault("forms", []).append(self)

    def validate(self, extra_validators: Any = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if "csrf_token" in self.errors:
            self.csrf_token.errors = [
                _l("Your session had ended meanwhile. Nothing is lost: please send the form once more.")
            ]
        return valid


def named_error(field: Field) -> str:
    """What is wrong with a field, beginning with its name, so that a list of errors says where each belongs.

    Not said twice where the message names the field itself.
    """
    message, name = str(field.errors[0]), str(field.label.text).strip()
    if not name or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message, re.IGNORECASE):
        return message
    if name[-1] in "?!.:？！。：؟":
        return f"{name} {message}"
    return _("%(field)s: %(message)s", field=name, message=message)


def refused() -> bool:
    """Whether a form of this page comes back with errors: the title says so first."""
    return any(form.errors for form in g.get("forms", ()))


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(named_error=named_error, form_refused=refused)
