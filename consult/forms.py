"""The base of all forms."""

from typing import Any, cast

from flask import g
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field

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
