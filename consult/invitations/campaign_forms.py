"""What the forms of the campaign desk take."""

from datetime import datetime

from flask_babel import gettext as _
from flask_wtf.file import FileField
from wtforms import BooleanField, DateTimeLocalField, HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from consult import clock
from consult.errors import Refused
from consult.forms import Form, _l, one_line, several_lines
from consult.i18n import own_name, path_languages
from consult.invitations.campaigns import Texts
from consult.invitations.long_lists import MAX_BYTES

#: What a file with a list may weigh.
MAX_FILE = MAX_BYTES
#: What may be pasted.
MAX_TEXT = 2_500_000


class CircleForm(Form):
    """What the mail to a whole group says."""

    subject = StringField(_l("Subject of the mail"), [Optional(), Length(max=150)], filters=[one_line])
    note = TextAreaField(_l("A few words of your own"), [Optional(), Length(max=4000)], filters=[several_lines])


class TextsForm(Form):
    """What the mail says, and how fast it leaves."""

    subject = StringField(_l("Subject of the mail"), [Optional(), Length(max=150)], filters=[one_line])
    note = TextAreaField(_l("A few words of your own"), [Optional(), Length(max=4000)], filters=[several_lines])
    second_lang = SelectField(_l("Second language at first contact"))
    per_hour = IntegerField(_l("At most so many mails an hour"), [Optional(), NumberRange(1, 100_000)])
    revision = HiddenField()

    def offer(self) -> None:
        """Fill the list of languages; call before validating."""
        self.second_lang.choices = [("", _l("none")), *((code, own_name(code)) for code in path_languages())]

    def texts(self) -> Texts:
        return Texts(
            self.subject.data or "", self.note.data or "", self.second_lang.data or None, self.per_hour.data or None
        )

    def base(self) -> int:
        value = self.revision.data or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1


class SegmentForm(Form):
    """Which people are to be added."""

    segment = SelectField(_l("People"), validate_choice=False)

    def offer(self, choices: list[tuple[str, list[tuple[str, str]]]]) -> None:
        """Fill the list of segments, under headings."""
        self.segment.choices = dict(choices)


class ListForm(Form):
    """A list of people: pasted, or a file. `fix` holds the lines that could not be used, to be put right."""

    title = StringField(_l("What the list is called"), [Optional(), Length(max=100)], filters=[one_line])
    text = TextAreaField(_l("List of people"), [Optional(), Length(max=MAX_TEXT)], filters=[several_lines])
    fix = TextAreaField(_l("Lines to put right"), [Optional(), Length(max=MAX_TEXT)], filters=[several_lines])
    file = FileField(_l("Or a CSV or Excel file"))
    leave_out = BooleanField(_l("Leave out the lines that cannot be used"))

    def whole_list(self) -> str:
        return "\n".join(part for part in (self.text.data, self.fix.data) if part)


class SendForm(Form):
    """Exactly what was looked at, now or at a time."""

    send_at = DateTimeLocalField(_l("Not before"), [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    revision = HiddenField()

    def moment(self, zone: str) -> datetime | None:
        """The time that was chosen, on the clock there, as UTC; none for at once. Raises `Refused` for none of ours."""
        try:
            return clock.from_local(self.send_at.data, zone) if self.send_at.data is not None else None
        except OverflowError:
            raise Refused(_("Please choose a time from now on, and within a year.")) from None

    def seen(self) -> int:
        value = self.revision.data or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
