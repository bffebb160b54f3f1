"""What the forms about newsletters take."""

from wtforms import HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from consult.accounts.forms import email_field
from consult.forms import Form, _l, one_line, several_lines
from consult.invitations.campaigns import Texts


class SubscribeForm(Form):
    """An address, nothing else."""

    email = email_field()


class IssueForm(Form):
    """What an issue says. `revision` is the state that was in front of the writer."""

    subject = StringField(_l("Subject"), [DataRequired(_l("Please give a subject.")), Length(max=150)],
                          filters=[one_line])  # fmt: skip
    note = TextAreaField(_l("Text"), [DataRequired(_l("Please write what is new.")), Length(max=20_000)],
                         filters=[several_lines])  # fmt: skip
    per_hour = IntegerField(_l("At most so many mails an hour"), [Optional(), NumberRange(1, 100_000)])
    revision = HiddenField()

    def texts(self) -> Texts:
        return Texts(self.subject.data or "", self.note.data or "", None, self.per_hour.data or None)

    def base(self) -> int:
        value = self.revision.data or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
