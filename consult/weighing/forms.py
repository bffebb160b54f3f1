"""What those who answer choose and type."""

import re
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, HiddenField, RadioField, SelectField, TextAreaField
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, InputRequired, Length

from consult.concept.queries import Placed
from consult.contributions.forms import language_names
from consult.contributions.models import Stance
from consult.contributions.words import channel_names, stance_names
from consult.forms import Form, _l, several_lines
from consult.processes.models import Process
from consult.weighing.listing import Order, Wanted, Which
from consult.weighing.words import desk_orders, disposition_choices

#: Chosen for contributions to no element; no element has such a key.
WHOLE = "*"
NOW, WITH_VERSION = "now", "version"
_NUMBER = re.compile(r"[0-9]{1,9}")


class DeskForm(PlainForm):
    """What the desk's list is narrowed to. Sent by GET: carries no token."""

    stance = SelectField(_l("How it is meant"))
    element = SelectField(_l("What it is about"))
    lang = SelectField(_l("Language"))
    channel = SelectField(_l("Way it came"))
    order = SelectField(_l("Order"))
    list = HiddenField()

    def __init__(self, args: Any, process: Process, places: Sequence[Placed], *, promised: bool) -> None:
        """`promised`: questions are answered by a day; then what waits for one stands first unless chosen otherwise."""
        super().__init__(args)
        urgent = promised and (self.list.data or Which.open) == Which.open
        self.order.data = self.order.data or (Order.questions if urgent else Order.oldest)
        everything = ("", _("All"))
        self._places = {place.key: place.element_id for place in places}
        self.stance.choices = [everything, *stance_names(process).items()]
        whole = (WHOLE, _("The process as a whole"))
        self.element.choices = [everything, whole, *((place.key, place.heading) for place in places)]
        self.lang.choices = [everything, *language_names().items()]
        self.channel.choices = [everything, *channel_names().items()]
        self.order.choices = list(desk_orders(process).items())

    def wanted(self) -> Wanted:
        """The choice; what is not offered counts as nothing."""
        stance, element, order = self.stance.data or "", self.element.data or "", self.order.data or ""
        which, lang, channel = self.list.data or "", self.lang.data or "", self.channel.data or ""
        return Wanted(
            which=Which(which) if which in list(Which) else Which.open,
            order=Order(order) if order in list(Order) else Order.oldest,
            stance=stance if stance in set(Stance) else "",
            lang=lang if lang in language_names() else "",
            channel=channel if channel in channel_names() else "",
            element_id=self._places.get(element),
            whole=element == WHOLE,
        )


class AnswerForm(Form):
    """What became of one contribution, or of several at once."""

    kind = RadioField(_l("What becomes of it?"), validators=[InputRequired(_l("Please choose what becomes of it."))])
    plain_reason = TextAreaField(
        _l("One plain sentence for the author"),
        filters=[several_lines],
        validators=[Length(max=400, message=_l("At most 400 characters."))],
    )
    reason = TextAreaField(
        _l("Reason (everybody can read it)"),
        filters=[several_lines],
        validators=[
            DataRequired(_l("Please give a reason: the author and the public read it.")),
            Length(max=4000, message=_l("At most 4,000 characters.")),
        ],
    )
    change = SelectField(_l("The change it led to"), coerce=int, default=0)
    element = SelectField(_l("Where in the text the effect shows"), default="")
    decided_in = SelectField(_l("Decided at this meeting"), coerce=int, default=0)
    publish = RadioField(_l("When does the answer become public?"), default=NOW)
    #: The latest decision that stood on the page, by number: "17:0,18:35".
    seen = HiddenField()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = disposition_choices()
        self.publish.choices = [
            (NOW, _("At once; the author gets a mail")),
            (WITH_VERSION, _("Together with the next version of the text; until then nobody outside sees it")),
        ]
        self.reason.flags.maxlength = 4000
        self.plain_reason.flags.maxlength = 400

    def offer(
        self, changes: Sequence[tuple[int, str]], places: Sequence[Placed], meetings: Sequence[tuple[int, str]]
    ) -> None:
        """Set what can be chosen. Without changes, or for several contributions, there is no choice of one."""
        self.element.choices = [("", _("Not said")), *((place.key, place.heading) for place in places)]
        self.decided_in.choices = [(0, _("At no meeting")), *meetings]
        if changes:
            self.change.choices = [(0, _("At none of these")), *changes]
        else:
            del self.change

    def seen_by_number(self) -> dict[int, int]:
        """number -> id of the latest decision when the page was made; 0 for none."""
        pairs = (pair.partition(":") for pair in (self.seen.data or "").split(","))
        return {
            int(number): int(ident)
            for number, _colon, ident in pairs
            if number.isascii()
            and number.isdigit()
            and ident.isascii()
            and ident.isdigit()
            and len(number + ident) < 20
        }


class SwitchesForm(Form):
    """Which mails somebody wants."""

    tell_answers = BooleanField(_l("What became of my contribution"))
    tell_monthly = BooleanField(_l("The most important of the month"))
