"""What operators and visitors enter about the instance."""

from typing import Any

from flask_babel import gettext as _
from flask_wtf.file import FileField
from wtforms import BooleanField, EmailField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Email, Length, Optional

from consult.forms import Form, _l, one_line, several_lines
from consult.i18n import own_name, path_languages

_NO_ADDRESS = _l("This is not an e-mail address. Example: name@example.org")


class NewAddress(Email):
    """A real address; what was stored before stays as it is, such as those of a demonstration, which lead nowhere."""

    def __call__(self, form: Any, field: StringField) -> None:
        if field.data != field.object_data:
            super().__call__(form, field)


#: What messages of visitors are about.
TOPICS = {
    "accessibility": _l("A barrier: something I cannot use or read"),
    "question": _l("A question about taking part"),
    "privacy": _l("My data"),
    "other": _l("Something else"),
}


class SettingsForm(Form):
    city_name = StringField(
        _l("Name of the city"),
        [DataRequired(_l("Please enter the name of the city.")), Length(max=120)],
        filters=[one_line],
        description=_l("As it stands on letters, for example “City of Musterhausen”."),
    )
    platform_name = StringField(
        _l("Name of the platform"),
        [DataRequired(_l("Please enter the name of the platform.")), Length(max=80)],
        filters=[one_line],
    )
    sender_name = StringField(
        _l("Name of the sender of mails"),
        [Length(max=120)],
        filters=[one_line],
        description=_l("If empty, the name of the platform is used."),
    )
    reply_to = EmailField(
        _l("Address that answers to mails go to"),
        [Optional(), NewAddress(_NO_ADDRESS), Length(max=254)],
        filters=[one_line],
    )
    contact_email = EmailField(
        _l("Address that gets the messages from the contact form"),
        [Optional(), NewAddress(_NO_ADDRESS), Length(max=254)],
        filters=[one_line],
    )
    logo = FileField(
        _l("Logo"),
        description=_l("PNG, JPEG or WebP, at most 300 kB. It is shown 40 pixels high."),
    )
    remove_logo = BooleanField(_l("Remove the present logo"))


class TextForm(Form):
    markdown = TextAreaField(
        _l("Text"),
        [DataRequired(_l("Please enter the text.")), Length(max=60_000)],
        filters=[several_lines],
        description=_l(
            "Markdown: ## for headings, - for lists, **bold**. {city}, {platform}, {contact} and "
            "{contact_page} are replaced by the settings."
        ),
    )


class ContactForm(Form):
    topic = RadioField(
        _l("What is it about?"),
        default="accessibility",
    )
    page = StringField(
        _l("On which page?"),
        [Length(max=300)],
        filters=[one_line],
        description=_l("The address or the name of the page, if you know it."),
    )
    body = TextAreaField(
        _l("Your message"),
        [DataRequired(_l("Please write your message.")), Length(max=5000)],
        filters=[several_lines],
        description=_l("In the language that is easiest for you."),
    )
    email = EmailField(
        _l("Your e-mail address"),
        [Optional(), NewAddress(_NO_ADDRESS), Length(max=254)],
        filters=[one_line],
        description=_l("Only if you want an answer."),
    )
    #: People do not see this field; programs that fill in everything give themselves away.
    website = StringField(_l("Leave this field empty"), [Length(max=300)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic.choices = [(topic, str(name)) for topic, name in TOPICS.items()]


class DisplayForm(Form):
    theme = RadioField(_l("Colours"))
    language = RadioField(_l("Language"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.theme.choices = [
            ("system", _("As my device is set")),
            ("light", _("Light")),
            ("dark", _("Dark")),
        ]
        self.language.choices = [(code, own_name(code)) for code in path_languages()]
