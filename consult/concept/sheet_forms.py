"""What editors send about tables of measures."""

from flask_wtf.file import FileField
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, Length

from consult.forms import Form, _l, several_lines


class ChooseForm(Form):
    """Which measures the table is to hold."""

    class Meta:
        csrf = False

    field = SelectField(_l("Field of action"))
    lead = SelectField(_l("Responsible"))


class UploadForm(Form):
    """A table that came back."""

    file = FileField(
        _l("Table (.xlsx)"), description=_l("At most 5 MB. Nothing changes before you have seen what would.")
    )


class ApplyForm(Form):
    """The yes to what a table would change."""

    reason = TextAreaField(
        _l("Why do you change it?"),
        [DataRequired(_l("Please give a reason: it is shown beside the change.")), Length(max=2000)],
        filters=[several_lines],
        description=_l("Stands beside each of these changes, for example: annual report of the departments 2026."),
    )
