"""What moderators fill in at their desk."""

from collections.abc import Iterable

from flask_babel import gettext as _
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, Length

from consult.contributions.models import ModerationReason
from consult.forms import Form, _l, several_lines


class HideForm(Form):
    """Why something is held back; one such form per contribution of the queue."""

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
        super().__init__(*args, **kwargs)
        self.number = number
        # Nothing is chosen beforehand: the reason is published and goes to the author.
        self.reason_id.choices = [(0, _("Please choose a reason.")), *((reason.id, reason.text) for reason in reasons)]
        # Many of these stand on one page.
        for field in self:
            field.id = f"{field.short_name}-{number}"
            field.label.field_id = field.id
