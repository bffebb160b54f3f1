"""What editors send to change the tree of the text."""

from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from consult.forms import Form, _l, one_line, several_lines

KEY = Regexp(r"^[a-z0-9][a-z0-9-]*$", message=_l("Small letters, digits and hyphens only."))


class NewElementForm(Form):
    """A new part of the working text."""

    kind = SelectField(_l("What is it?"))
    parent = SelectField(_l("Below"))
    label = StringField(_l("Number shown"), [Optional(), Length(max=40)], filters=[one_line])
    key = StringField(
        _l("Short name in the address"),
        [DataRequired(_l("Please give a short name.")), Length(max=79), KEY],
        filters=[one_line],
        description=_l("Stays for good, whatever number is shown. For example goal-meeting-places."),
    )
    title = StringField(_l("Title"), [Optional(), Length(max=300)], filters=[one_line])
    markdown = TextAreaField(_l("Text"), [Optional(), Length(max=200_000)], filters=[several_lines])
    reason = TextAreaField(
        _l("Why is it added?"),
        [DataRequired(_l("Please give a reason: it is shown beside the change.")), Length(max=2000)],
        filters=[several_lines],
    )


class SplitForm(Form):
    """Two new elements in the place of one."""

    first_key = StringField(
        _l("Short name of the first part"), [DataRequired(), Length(max=79), KEY], filters=[one_line]
    )
    first_label = StringField(_l("Number of the first part"), [Optional(), Length(max=40)], filters=[one_line])
    first_text = TextAreaField(
        _l("Text of the first part"), [DataRequired(), Length(max=200_000)], filters=[several_lines]
    )
    second_key = StringField(
        _l("Short name of the second part"), [DataRequired(), Length(max=79), KEY], filters=[one_line]
    )
    second_label = StringField(_l("Number of the second part"), [Optional(), Length(max=40)], filters=[one_line])
    second_text = TextAreaField(
        _l("Text of the second part"), [DataRequired(), Length(max=200_000)], filters=[several_lines]
    )
    reason = TextAreaField(
        _l("Why is it split?"),
        [DataRequired(_l("Please give a reason: it is shown beside the change.")), Length(max=2000)],
        filters=[several_lines],
    )
    sources = StringField(
        _l("Contributions this is based on"),
        [Optional(), Length(max=500)],
        filters=[one_line],
        description=_l("Numbers, separated by commas, for example 6, 12."),
    )


class RetireForm(Form):
    reason = TextAreaField(
        _l("Why is it taken out?"),
        [DataRequired(_l("Please give a reason: it is shown beside the change.")), Length(max=2000)],
        filters=[several_lines],
    )
