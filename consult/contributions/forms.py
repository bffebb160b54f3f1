"""What people type about the text."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from consult.accounts.forms import Address
from consult.accounts.models import Organisation
from consult.accounts.names import skeleton
from consult.concept.queries import Placed
from consult.contributions.listing import Filter
from consult.contributions.models import MAX_LENGTH, Order, Stance, State
from consult.contributions.offered import offered_names, stances_of
from consult.contributions.words import channel_names, kind_names, order_names, stance_names, state_names
from consult.forms import Form, RadioOne, SelectOne, _l, one_line, several_lines
from consult.i18n import language
from consult.processes.models import Process

#: Languages people write in here, each by its own name, in order of these; any other is fine as "another one".
#: Written down because Babel reads a megabyte of locale data for each name, and never lets go of it.
LANGUAGES = {
    "bs": "Bosanski", "de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "hr": "Hrvatski",
    "it": "Italiano", "ku": "Kurdî (kurmancî)", "hu": "Magyar", "nl": "Nederlands", "pl": "Polski", "pt": "Português",
    "ro": "Română", "sq": "Shqip", "so": "Soomaali", "vi": "Tiếng Việt", "tr": "Türkçe", "cs": "Čeština",
    "el": "Ελληνικά", "bg": "Български", "ru": "Русский", "sr": "Српски", "uk": "Українська", "ur": "اردو",
    "ar": "العربية", "fa": "فارسی", "ps": "پښتو", "ta": "தமிழ்", "ti": "ትግርኛ", "zh": "中文",
}  # fmt: skip
ANOTHER = "und"
#: Chosen for contributions to no element; no element has such a key.
WHOLE = "*"


def language_names() -> dict[str, str]:
    """Each language by its own name, as its speakers look for it."""
    return LANGUAGES | {ANOTHER: _("Another language")}


def fits(_form: Form, field: TextAreaField) -> None:
    """At most `MAX_LENGTH` characters; says how many are too many."""
    over = len(field.data or "") - MAX_LENGTH
    if over > 0:
        raise ValidationError(
            ngettext(
                "The text is %(num)s character too long. Please shorten it; nothing of it is lost.",
                "The text is %(num)s characters too long. Please shorten it; nothing of it is lost.",
                over,
            )
        )


class FilterForm(PlainForm):
    """What the list is narrowed to. Sent by GET: carries no token and needs no session."""

    stance = SelectField(_l("How it is meant"))
    kind = SelectField(_l("Kind"))
    channel = SelectField(_l("Way it came"))
    lang = SelectField(_l("Language"))
    element = SelectField(_l("What it is about"))
    order = SelectField(_l("Order"))
    state = SelectField(_l("State"))
    needs = SelectField(_l("Needs a translation into"))

    def __init__(
        self, args: Any, process: Process, *, places: Sequence[Placed], moderates: bool, helps: bool = False
    ) -> None:
        super().__init__(args)
        everything = [("", _("All"))]
        self._places = {place.key: place.element_id for place in places}
        self.stance.choices = [*everything, *stance_names(process).items()]
        self.kind.choices = [*everything, *kind_names().items()]
        self.channel.choices = [*everything, *channel_names().items()]
        self.lang.choices = [*everything, *language_names().items()]
        self.order.choices = list(order_names().items())
        whole = (WHOLE, _("The process as a whole"))
        self.element.choices = [*everything, whole, *((place.key, place.heading) for place in places)]
        if moderates:
            self.state.choices = list(state_names().items())
            self.state.data = self.state.data or State.published
        else:
            del self.state
        if helps:
            self.needs.choices = [("", _("Does not matter")), *LANGUAGES.items()]
        else:
            del self.needs

    def _chosen(self, name: str) -> str:
        """The choice, empty for one that is not offered."""
        if name not in self:
            return ""
        chosen: Any = self[name]
        value = chosen.data or ""
        return value if value in {choice[0] for choice in chosen.choices or ()} else ""

    def wanted(self, mine_of: int | None) -> Filter:
        """The filter chosen; `mine_of`: only this person's own, in whatever state."""
        element = self._chosen("element")
        return Filter(
            stance=self._chosen("stance"),
            kind=self._chosen("kind"),
            channel=self._chosen("channel"),
            lang=self._chosen("lang"),
            state="" if mine_of else self._chosen("state") or State.published,
            element_id=self._places.get(element),
            whole=element == WHOLE,
            author_id=mine_of,
            needs=self._chosen("needs"),
            order=Order(self._chosen("order") or Order.newest),
        )


class _TextForm(Form):
    text = TextAreaField(
        _l("Your text"),
        filters=[several_lines],
        validators=[DataRequired(_l("Please write something first.")), fits],
        render_kw={"maxlength": MAX_LENGTH},
    )
    lang = SelectOne(_l("I write in this language"), words=frozenset((*LANGUAGES, ANOTHER)), offered=language_names)

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("lang", language())
        super().__init__(*args, **kwargs)
        self.text.flags.maxlength = MAX_LENGTH


def _offer(field: RadioOne, process: Process) -> None:
    """Only the ways to mean it that this process offers, in its words; a single one needs no choosing."""
    field.offer(partial(offered_names, process))
    stances = stances_of(process)
    if len(stances) == 1 and not field.data:
        field.data = stances[0]


class CommentForm(_TextForm):
    """A contribution to an element or to the process as a whole."""

    stance = RadioOne(
        _l("How do you mean it?"),
        words=frozenset(Stance),
        offered=dict,
        validators=[InputRequired(_l("Please choose how you mean it."))],
    )
    organisation_id = SelectField(_l("I write"), coerce=int, validators=[Optional()], default=0)

    def __init__(
        self,
        *args: object,
        organisations: Iterable[Organisation] = (),
        process: Process | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)
        if process is not None:
            _offer(self.stance, process)
        speaks_for = [(o.id, _("for %(organisation)s", organisation=o.name)) for o in organisations]
        if speaks_for:
            self.organisation_id.choices = [(0, _("for myself")), *speaks_for]
        else:
            del self.organisation_id

    def spoken_for(self) -> int | None:
        """The organisation chosen, None for oneself."""
        return (self.organisation_id.data or None) if "organisation_id" in self else None


def no_address(_form: Form, field: StringField) -> None:
    """Public names are no addresses: what people type out of habit would stand there for everybody."""
    if "@" in (field.data or ""):
        raise ValidationError(_("Everybody will see this name. Please do not write an e-mail address here."))


class GuestForm(_TextForm):
    """A contribution of somebody without an account, or of somebody who is helped by the person signed in."""

    stance = RadioOne(
        _l("How do you mean it?"),
        words=frozenset(Stance),
        offered=dict,
        validators=[InputRequired(_l("Please choose how you mean it."))],
    )
    author_name = StringField(
        _l("Name that everybody may see"),
        filters=[one_line],
        validators=[Optional(), Length(max=60, message=_l("At most 60 characters.")), no_address],
    )
    email = EmailField(
        _l("Your e-mail address"),
        filters=[one_line],
        validators=[Optional(), Length(max=254, message=_l("At most 254 characters.")), Address()],
    )
    #: Offered instead of the address in a browser in which one was proven.
    connect = BooleanField(_l("Write to me at this address about this contribution too"), default=True)
    #: People do not see this field; programs that fill in everything give themselves away.
    website = StringField(
        _l("Leave this field empty"),
        validators=[
            Length(
                max=0,
                message=_l(
                    "A field that has to stay empty was filled in, perhaps by your browser. "
                    "It is empty again: please send once more."
                ),
            )
        ],
    )
    #: Says that the writer knows in whose name it is sent: a session that ends meanwhile changes that.
    as_guest = HiddenField()

    def __init__(
        self,
        mark: str,
        *args: object,
        known: bool = False,
        taken: Iterable[str] = (),
        process: Process | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)
        if process is not None:
            _offer(self.stance, process)
        self.knows = self.as_guest.data == mark
        self.as_guest.data = mark
        self._taken = frozenset(taken)
        #: The address was to be used again, and this browser does not know it any more.
        self.forgotten = not known and bool(self.connect.raw_data)
        if known:
            del self.email
        else:
            del self.connect

    def address(self) -> str:
        """The address typed in, in the form in which we keep it; empty without one."""
        return (self.email.data or "") if "email" in self else ""

    def connected(self) -> bool:
        """Whether it is to belong to the address this browser knows."""
        return "connect" in self and bool(self.connect.data)

    def validate_author_name(self, field: StringField) -> None:
        """Nobody may be mistaken for an office: letters that only look like others are read as those."""
        if skeleton(field.data or "") in self._taken:
            raise ValidationError(
                _(
                    "An organisation, an office or somebody who works in this process is called like this. Please "
                    "choose another name, so that nobody is mistaken for somebody else."
                )
            )

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.website.errors:
            self.website.data = ""
        if not self.knows:
            self.form_errors.append(
                _(
                    "You are not signed in any more. Your text is still here: you can send it now without an account. "
                    "Or copy it, sign in, and send it under your name."
                )
            )
        if self.forgotten:
            self.form_errors.append(
                _(
                    "This browser does not know your e-mail address any more. Your text is still here: please type in "
                    "the address again, or send the text without one."
                )
            )
        return valid and self.knows and not self.forgotten


class ClaimForm(Form):
    """The owner of an address says that a contribution is theirs."""

    longer = BooleanField(_l("Remember my address in this browser for 30 days"))


class ReceiptForm(Form):
    """The code from the slip."""

    code = StringField(
        _l("Your receipt code"),
        filters=[one_line],
        validators=[DataRequired(_l("Please type in the code.")), Length(max=200, message=_l("The code is shorter."))],
    )


class ReplyForm(_TextForm):
    """An answer to another contribution."""


class EditForm(Form):
    """A correction of one's own text."""

    text = TextAreaField(
        _l("Your text"),
        filters=[several_lines],
        validators=[DataRequired(_l("Please write something first.")), fits],
    )
    #: The text that was corrected: whether somebody changed it meanwhile is seen by it.
    base = HiddenField(validators=[InputRequired()])

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.text.flags.maxlength = MAX_LENGTH

    def base_revision(self) -> int:
        value = self.base.data or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else -1


class HolderEditForm(EditForm):
    """The same for whoever holds the receipt code; asked for once more when it was entered too long ago."""

    code = StringField(_l("Your receipt code"), filters=[one_line])


class ReasonForm(Form):
    """A published reason for holding something back."""

    text = StringField(
        _l("Reason in plain words"),
        filters=[one_line],
        validators=[
            DataRequired(_l("Please write the reason.")),
            Length(max=300, message=_l("At most 300 characters.")),
        ],
    )
    position = IntegerField(_l("Place in the list"), validators=[Optional(), NumberRange(0, 9999)], default=0)
