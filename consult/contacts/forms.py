"""What the forms about contacts take."""

from typing import Any

from flask_babel import gettext as _
from wtforms import EmailField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from consult.accounts.forms import Address
from consult.forms import Form, _l, one_line, several_lines


class ContactForm(Form):
    """Somebody without an account, as those know them who write to them."""

    name = StringField(_l("Name"), [Length(max=200)], filters=[one_line])
    email = EmailField(_l("E-mail address"), [Optional(), Length(max=254), Address()], filters=[one_line])
    locale = SelectField(_l("Language of mails"))
    postal_address = TextAreaField(
        _l("Postal address"), [Length(max=500)], filters=[several_lines],
        description=_l("Only for people who are written to on paper. Lines as on an envelope."),
    )  # fmt: skip


class NewContactForm(ContactForm):
    """The same for somebody we did not know, with where they work."""

    organisation = StringField(
        _l("Organisation"), [Length(max=200)], filters=[one_line],
        description=_l("Exactly as it stands in the list of organisations."),
    )  # fmt: skip
    position = StringField(_l("Position"), [Length(max=200)], filters=[one_line])


class AffiliationForm(Form):
    organisation = StringField(
        _l("Organisation"), [DataRequired(_l("Please enter the name.")), Length(max=200)], filters=[one_line],
        description=_l("Exactly as it stands in the list of organisations."),
    )  # fmt: skip
    position = StringField(_l("Position"), [Length(max=200)], filters=[one_line])


class NetworkForm(Form):
    """`organisation` names the network, or on the page of a network one of its members."""

    organisation = StringField(
        _l("Organisation"), [DataRequired(_l("Please enter the name.")), Length(max=200)], filters=[one_line],
        description=_l("Exactly as it stands in the list of organisations."),
    )  # fmt: skip

    def __init__(self, *args: Any, of_network: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not of_network:
            self.organisation.label.text = _("Network")


class MergeForm(Form):
    """Which of two, and what remains of both."""

    other = HiddenField()
    name = RadioField(_l("Which name remains?"), [Optional()], default="kept")
    email = RadioField(_l("Which address remains?"), [Optional()], default="kept")

    def other_id(self) -> int:
        value = self.other.data or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
