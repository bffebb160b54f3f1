"""What people enter about accounts and organisations."""

from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, EmailField, Field, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional, StopValidation, ValidationError

from consult.accounts.addresses import clean_email
from consult.accounts.names import names_of_bodies, skeleton
from consult.accounts.passwords import MAX_LENGTH, MIN_LENGTH, is_guessable
from consult.forms import Form, _l, one_line

NAME_HINT = _l("This is how others see you. It need not be your real name.")
PASSWORD_HINT = _l("At least 10 characters. Several words in a row are easy to remember.")


class Address:
    """Checks an e-mail address and puts it into the form in which we keep it."""

    def __call__(self, form: Any, field: Field) -> None:
        try:
            field.data = clean_email(field.data or "")
        except ValueError:
            raise StopValidation(_("This is not an e-mail address. Example: name@example.org")) from None


class PublicName:
    """What everybody sees: no address typed in out of habit, no name of an organisation or office or one like it."""

    def __call__(self, form: Any, field: Field) -> None:
        name = field.data or ""
        if "@" in name:
            raise ValidationError(_("Everybody will see this name. Please do not write an e-mail address here."))
        # Whoever was given the name of an office by an operator keeps it.
        if name != field.object_data and skeleton(name) in names_of_bodies():
            raise ValidationError(
                _(
                    "An organisation or office is called like this. Please write a name for yourself. You can write "
                    "for an organisation as soon as it is confirmed that you speak for it."
                )
            )


class GoodPassword:
    """Long enough, and not just the name or the address."""

    def __init__(self, *facts: str) -> None:
        #: Names of other fields of the form that a password must not repeat.
        self.facts = facts

    def __call__(self, form: Any, field: Field) -> None:
        password = field.data or ""
        if len(password) < MIN_LENGTH:
            raise ValidationError(_("Please use at least %(number)s characters.", number=MIN_LENGTH))
        if len(password) > MAX_LENGTH:
            raise ValidationError(_("Please use at most %(number)s characters.", number=MAX_LENGTH))
        known = [str(form[name].data or "") for name in self.facts if name in form] + list(form.known_facts)
        if is_guessable(password, *known):
            raise ValidationError(_("This is too much like your name or address. Please choose something else."))


class AccountForm(Form):
    #: What the platform knows of the person beside the form: name and address.
    known_facts: tuple[str, ...] = ()


def _name_field() -> StringField:
    return StringField(
        _l("Your name"),
        [DataRequired(_l("Please enter a name.")), Length(max=80), PublicName()],
        filters=[one_line],
        description=NAME_HINT,
    )


def email_field(label: Any = None) -> EmailField:
    return EmailField(
        label or _l("E-mail address"),
        [DataRequired(_l("Please enter your e-mail address.")), Length(max=254), Address()],
        filters=[one_line],
    )


class RegisterForm(AccountForm):
    name = _name_field()
    email = email_field()
    new_password = PasswordField(
        _l("Password"),
        [Optional(), GoodPassword("name", "email")],
        description=_l(
            "At least 10 characters. You may leave it empty: then we send you a link each time you sign in."
        ),
    )


class ConfirmForm(AccountForm):
    """The account's facts when the address is proven; the password only where none was kept from registering."""

    name = _name_field()
    new_password = PasswordField(
        _l("Password"),
        [Optional(), GoodPassword("name")],
        description=_l(
            "At least 10 characters. You may leave it empty: then we send you a link each time you sign in."
        ),
    )


class SignInForm(Form):
    email = email_field()
    password = PasswordField(_l("Password"), [DataRequired(_l("Please enter your password.")), Length(max=MAX_LENGTH)])


class EmailForm(Form):
    email = email_field()


class ResetForm(AccountForm):
    new_password = PasswordField(_l("New password"), [GoodPassword()], description=PASSWORD_HINT)


class ChangePasswordForm(AccountForm):
    password = PasswordField(_l("Your present password"), [Length(max=MAX_LENGTH)])
    new_password = PasswordField(_l("New password"), [GoodPassword()], description=PASSWORD_HINT)


class ChangeEmailForm(Form):
    email = email_field(_l("New e-mail address"))
    password = PasswordField(_l("Your password"), [Length(max=MAX_LENGTH)])


class DeleteAccountForm(Form):
    password = PasswordField(_l("Your password"), [Length(max=MAX_LENGTH)])
    sure = BooleanField(
        _l("Yes, delete my account for good"), [DataRequired(_l("Please tick the box if you are sure."))]
    )


class ProfileForm(Form):
    name = _name_field()
    locale = SelectField(_l("Language of the mails you get"))


class CodeForm(Form):
    totp = StringField(
        _l("Code"),
        [DataRequired(_l("Please enter the code.")), Length(max=40)],
        filters=[one_line],
    )


class InviteStaffForm(Form):
    name = StringField(_l("Name"), [DataRequired(_l("Please enter a name.")), Length(max=80)], filters=[one_line])
    email = email_field()
    locale = SelectField(_l("Language of the mail"))
    group = SelectField(_l("Group"), coerce=int, default=0)


class OrganisationForm(Form):
    name = StringField(
        _l("Name of the organisation"),
        [DataRequired(_l("Please enter the name.")), Length(max=200)],
        filters=[one_line],
    )
    kind = SelectField(_l("Kind"))
    area = StringField(_l("Where it works"), [Length(max=300)], filters=[one_line])
    email = EmailField(
        _l("E-mail address of the office"), [Optional(), Length(max=254), Address()], filters=[one_line],
        description=_l("For looking it up. Mails go to people, who have addresses of their own."),
    )  # fmt: skip
    umbrella_id = SelectField(_l("Belongs to (umbrella organisation)"), coerce=int, default=0)


class SpeakerForm(Form):
    email = email_field(_l("E-mail address of the person"))
