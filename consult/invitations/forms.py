"""What the forms about invitations take."""

import hashlib

from flask_wtf.file import FileField
from wtforms import BooleanField, EmailField, HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from consult.forms import Form, _l, one_line, several_lines
from consult.invitations.answering import MAX_MESSAGE
from consult.invitations.campaign_forms import MAX_TEXT
from consult.meetings.registering_forms import NeedsForm, true_address


def _checkboxes(label: str) -> SelectMultipleField:
    return SelectMultipleField(
        label, validate_choice=True, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )


class InviteForm(Form):
    """Whom to invite, and what to tell them. `fix` holds the lines that could not be used, to be put right."""

    groups = _checkboxes(_l("Groups"))
    text = TextAreaField(_l("List of people"), [Optional(), Length(max=MAX_TEXT)], filters=[several_lines])
    fix = TextAreaField(_l("Lines to put right"), [Optional(), Length(max=MAX_TEXT)], filters=[several_lines])
    file = FileField(_l("Or a CSV or Excel file"))
    subject = StringField(_l("Subject of the mail"), [Optional(), Length(max=150)], filters=[one_line])
    note = TextAreaField(_l("A few words of your own"), [Optional(), Length(max=4000)], filters=[several_lines])
    #: What was looked at in the dry run; another list is shown once more before anything is sent.
    checked = HiddenField()
    leave_out = BooleanField(_l("Leave out the lines that cannot be used"))

    def offer(self, groups: list[tuple[int, str]]) -> None:
        """Fill the list of groups; call before validating."""
        self.groups.choices = [(str(ident), name) for ident, name in groups]

    def group_ids(self) -> list[int]:
        return [int(value) for value in self.groups.data or []]

    def whole_list(self) -> str:
        return "\n".join(part for part in (self.text.data, self.fix.data) if part)

    def fingerprint(self) -> str:
        """Tells one list and choice of groups from another."""
        content = "|".join([*sorted(self.groups.data or []), self.whole_list()])
        return hashlib.sha256(content.encode()).hexdigest()[:32]


class AnswerForm(NeedsForm):
    """The answer to an invitation; coming, perhaps and not coming are three buttons of it."""

    name = StringField(_l("Your name"), [Optional(), Length(max=200)], filters=[one_line])
    message = TextAreaField(
        _l("A message to the organisers"), [Optional(), Length(max=MAX_MESSAGE)], filters=[several_lines]
    )


class DeputyForm(Form):
    """Who comes instead."""

    name = StringField(_l("Name"), [DataRequired(_l("Please give the name.")), Length(max=200)], filters=[one_line])
    email = EmailField(
        _l("E-mail address"),
        [DataRequired(_l("Please give the e-mail address.")), Length(max=254), true_address],
        filters=[one_line],
    )
