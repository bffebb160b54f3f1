"""The base of all forms."""

from collections.abc import Callable, Container, Mapping
from typing import Any, cast

from flask import g
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


def entered(field: Field) -> str:
    """What was typed into a text field, never None."""
    return str(field.data or "")


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

    def narrow(self, names: Mapping[str, str]) -> None:
        """Show only these. The other words still arrive: what is no longer offered is refused by the operation."""
        self._offered = lambda: names

    def pre_validate(self: Any, form: Any) -> None:
        if self.data not in self._words:
            raise ValidationError(self.gettext("Not a valid choice."))


class SelectOne(_Offered, SelectField):  # type: ignore[misc]  # WTForms may set choices, we never do
    """One of a list."""


class RadioOne(_Offered, RadioField):  # type: ignore[misc]  # as above
    """The same with all choices seen at once."""


class Form(FlaskForm):
    """A form that says in plain words when its token is stale, and keeps what was typed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        g.has_form = True

    def validate(self, extra_validators: Any = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if "csrf_token" in self.errors:
            self.csrf_token.errors = [
                _l("Your session had ended meanwhile. Nothing is lost: please send the form once more.")
            ]
        return valid
