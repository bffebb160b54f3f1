"""What editors send."""

from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from consult.forms import Form, _l, one_line, several_lines


class WordingForm(Form):
    """New words for one element, with a reason and what they are based on."""

    title = StringField(_l("Title"), [Optional(), Length(max=300)], filters=[one_line])
    markdown = TextAreaField(_l("Text"), [Optional(), Length(max=200_000)], filters=[several_lines])
    reason = TextAreaField(
        _l("Why do you change it?"),
        [DataRequired(_l("Please give a reason: it is shown beside the change.")), Length(max=2000)],
        filters=[several_lines],
        description=_l("One or two sentences. Everybody can read them once the version is published."),
    )
    sources = StringField(
        _l("Numbers or words"),
        [Optional(), Length(max=500)],
        filters=[one_line],
        description=_l("For example 6, 12 – or words that stand in the contribution."),
    )
    base = HiddenField()

    def validate(self, extra_validators: object = None) -> bool:
        valid = super().validate(extra_validators)
        if valid and not (self.title.data or self.markdown.data):
            self.markdown.errors = [_l("An element needs a title or a text.")]
            return False
        return valid


class CheckedForm(WordingForm):
    """Goals and measures say for whom they are, and answer the check question."""

    target_group = StringField(_l("For whom"), [Optional(), Length(max=300)], filters=[one_line])
    favours = StringField(
        _l("Whom does it favour?"),
        [Optional(), Length(max=500)],
        filters=[one_line],
        description=_l("Check question: who gains from it, also unseen?"),
    )
    disadvantages = StringField(
        _l("Whom does it put at a disadvantage?"),
        [Optional(), Length(max=500)],
        filters=[one_line],
        description=_l("Check question: who is left out or carries the burden? Nobody is an answer as well."),
    )


class MeasureForm(CheckedForm):
    """A measure has more fields of its own beside its words."""

    lead = StringField(_l("Responsible"), [Optional(), Length(max=300)], filters=[one_line])
    partners = StringField(_l("Partners"), [Optional(), Length(max=500)], filters=[one_line])
    place = StringField(_l("Place"), [Optional(), Length(max=300)], filters=[one_line])
    time = StringField(_l("From"), [Optional(), Length(max=100)], filters=[one_line])
    finance = StringField(_l("Paid from"), [Optional(), Length(max=300)], filters=[one_line])
    indicator = StringField(_l("How we notice success"), [Optional(), Length(max=300)], filters=[one_line])


class PublishForm(Form):
    """The next numbered version."""

    title = StringField(
        _l("Title of the version"),
        [DataRequired(_l("Please give the version a title.")), Length(max=300)],
        filters=[one_line],
    )
    note = TextAreaField(
        _l("What should readers know about it?"), [Optional(), Length(max=2000)], filters=[several_lines]
    )
    audience = RadioField(_l("Who may read it?"), default="public")
    sure = BooleanField(
        _l("I have read the list of changes. I know that nobody can change this version or take it back afterwards."),
        [DataRequired(_l("Please confirm: a version stays for good."))],
    )
    #: The state of the text that the list of changes was made from.
    seen = HiddenField()
