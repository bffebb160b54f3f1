"""What people send who propose other words: the text changed in place, and why."""

from flask_babel import gettext as _
from wtforms import Form as PlainForm
from wtforms import HiddenField, TextAreaField, ValidationError
from wtforms.validators import DataRequired

from consult.concept.working import MAX_TEXT
from consult.contributions.forms import CommentForm, EditForm, GuestForm, HolderEditForm, fits
from consult.contributions.models import MAX_LENGTH
from consult.forms import _l, entered, several_lines


def _fits_a_text(_form: PlainForm, field: TextAreaField) -> None:
    """At most as long as what editors write."""
    if len(entered(field)) > MAX_TEXT:
        raise ValidationError(_("This text is too long: %(n)s characters at most.", n=MAX_TEXT))


def _proposed() -> TextAreaField:
    return TextAreaField(
        _l("The text as you would like it to read"),
        filters=[several_lines],
        validators=[_fits_a_text],
        description=_l("Change the words right here. Everybody sees afterwards what you took out and put in."),
    )


def _why() -> TextAreaField:
    return TextAreaField(
        _l("Why should it read like this?"),
        filters=[several_lines],
        validators=[DataRequired(_l("Please say why: one sentence in plain words is enough.")), fits],
        description=_l("One or two sentences in plain words."),
        render_kw={"maxlength": MAX_LENGTH},
    )


def as_id(field: HiddenField) -> int:
    """The id in a hidden field; 0 for what is none."""
    typed = entered(field)
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


class ProposeForm(CommentForm):
    """A proposal of somebody with an account. It always means "this should change", in the language of the text."""

    proposed = _proposed()
    text = _why()
    # Given, not chosen.
    stance = HiddenField()  # type: ignore[assignment]
    lang = HiddenField()  # type: ignore[assignment]
    #: The wording that stood in the form at first; and the one the writer has been told of as today's.
    base = HiddenField()
    newest = HiddenField()


class GuestProposeForm(GuestForm):
    """The same without an account."""

    proposed = _proposed()
    text = _why()
    # Given, not chosen.
    stance = HiddenField()  # type: ignore[assignment]
    lang = HiddenField()  # type: ignore[assignment]
    base = HiddenField()
    newest = HiddenField()


class EditProposalForm(EditForm):
    """A correction of one's own proposal; `base` is the revision it began with."""

    proposed = _proposed()
    text = _why()


class HolderEditProposalForm(HolderEditForm):
    """The same for whoever holds the receipt code."""

    proposed = _proposed()
    text = _why()
