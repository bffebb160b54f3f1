"""Forms about one contribution or one author: report, objection, second look, erasing, trust."""

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from consult.contributions.models import ModerationReason, TrustLevel
from consult.contributions.trust import ORDINARY
from consult.forms import Form, _l, entered, one_line, several_lines

#: Chosen in a report when none of the published reasons fits.
ANOTHER = -1
_LONG = Length(max=2000, message=_l("At most 2,000 characters."))


class ReportForm(Form):
    """Why a contribution should not stand there; with an account or without one."""

    reason_id = RadioField(
        _l("Why should it not stand there?"), coerce=int, validators=[InputRequired(_l("Please choose a reason."))]
    )
    note = TextAreaField(
        _l("In your own words"), filters=[several_lines], validators=[Optional(), _LONG], render_kw={"rows": 4}
    )
    #: People do not see this field; programs that fill in everything give themselves away.
    website = StringField(
        _l("Leave this field empty"),
        validators=[
            Length(
                max=0,
                message=_l(
                    "A field that has to stay empty was filled in, perhaps by your browser. "
                    "It is empty again: please send once more."
                ),
            )
        ],
    )

    def __init__(self, reasons: Iterable[ModerationReason], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.reason_id.choices = [
            *((reason.id, reason.text) for reason in reasons),
            (ANOTHER, _("Something else")),
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.website.errors:
            self.website.data = ""
        if valid and self.reason_id.data == ANOTHER and not entered(self.note):
            self.note.errors = [_("Please say in your own words what it is about.")]
            return False
        return valid

    def chosen(self) -> int | None:
        """Id of the published reason, None for another one."""
        return None if self.reason_id.data == ANOTHER else int(self.reason_id.data)


class KeepForm(Form):
    """Let a reported contribution stand, with a sentence to whoever reported it."""

    answer = TextAreaField(
        _l("One sentence to those who reported it"),
        filters=[several_lines],
        validators=[DataRequired(_l("Please write one sentence.")), _LONG],
        render_kw={"rows": 3},
    )


class AppealForm(Form):
    """Why an author thinks that holding back was a mistake."""

    body = TextAreaField(
        _l("Why should it be looked at again?"),
        filters=[several_lines],
        validators=[DataRequired(_l("Please write something first.")), _LONG],
        render_kw={"rows": 6},
    )
    #: Of the page under a receipt code: which contribution it was about.
    about = HiddenField()


class DecideAppealForm(Form):
    """The answer to an author who asked for another look."""

    granted = RadioField(
        _l("Your decision"),
        validators=[InputRequired(_l("Please choose what happens."))],
    )
    answer = TextAreaField(
        _l("Answer to the author"),
        filters=[several_lines],
        validators=[DataRequired(_l("Please write one sentence.")), _LONG],
        render_kw={"rows": 4},
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.granted.choices = [("yes", _("Publish it again")), ("no", _("The decision stands"))]


class EraseForm(Form):
    """Why the words have to go for good."""

    reason_id = SelectField(
        _l("Reason (published)"), coerce=int, validators=[DataRequired(_l("Please choose a reason."))]
    )
    note = TextAreaField(
        _l("Note to the author"), filters=[several_lines], validators=[Optional(), _LONG], render_kw={"rows": 3}
    )

    def __init__(self, reasons: Iterable[ModerationReason], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.reason_id.choices = [(0, _("Please choose a reason.")), *((reason.id, reason.text) for reason in reasons)]


class TrustForm(Form):
    """How what an author writes arrives from now on."""

    level = RadioField(
        _l("What happens with what this person writes from now on?"),
        validators=[InputRequired(_l("Please choose what happens."))],
    )
    note = StringField(
        _l("Note for the moderators"),
        filters=[one_line],
        validators=[Optional(), Length(max=300, message=_l("At most 300 characters."))],
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.level.choices = [
            (ORDINARY, _("As with everybody: what the stage and the rules say")),
            (TrustLevel.trusted.value, _("It appears at once, also when others wait")),
            (TrustLevel.watched.value, _("A moderator looks at it first, also when others appear at once")),
        ]

    def chosen(self) -> TrustLevel | None:
        """The level, None for nothing special."""
        return None if self.level.data == ORDINARY else TrustLevel(self.level.data)
