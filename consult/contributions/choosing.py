"""What a reader chooses at the thread of a part of the text: order, stance, language, way it came."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from consult.contributions.forms import language_names
from consult.contributions.listing import Filter
from consult.contributions.models import Order, Stance
from consult.contributions.words import channel_names, order_names, stance_names
from consult.processes.models import Process

#: Names of the choices in an address.
NAMES = ("order", "stance", "lang", "channel")


def choice_of(args: Mapping[str, str]) -> Filter:
    """The choice in an address; what is not offered counts as none."""
    stance, lang, channel, order = (args.get(name, "") for name in ("stance", "lang", "channel", "order"))
    return Filter(
        stance=stance if stance in set(Stance) else "",
        lang=lang if lang in language_names() else "",
        channel=channel if channel in channel_names() else "",
        order=Order(order) if order in order_names() else Order.newest,
    )


def address_of(chosen: Filter) -> dict[str, str]:
    """The same for the address of another page of the list; nothing where nothing is chosen."""
    order = "" if chosen.order == Order.newest else str(chosen.order)
    values = {"order": order, "stance": chosen.stance, "lang": chosen.lang, "channel": chosen.channel}
    return {name: value for name, value in values.items() if value}


def offered(process: Process, chosen: Filter, counts: Mapping[str, int]) -> dict[str, Any]:
    """What `contributions/_choose.html` shows; `counts`: published contributions here by stance."""
    number = sum(counts.values())
    stances = [(key, f"{name} ({counts.get(key, 0)})") for key, name in stance_names(process).items()]
    return {
        "open": bool(address_of(chosen)),
        "fields": [
            {"name": "order", "label": _("Order"), "value": str(chosen.order), "choices": list(order_names().items())},
            {
                "name": "stance",
                "label": _("How it is meant"),
                "value": chosen.stance,
                "choices": [("", _("All") + f" ({number})"), *stances],
            },
            {
                "name": "lang",
                "label": _("Language"),
                "value": chosen.lang,
                "choices": [("", _("All")), *language_names().items()],
            },
            {
                "name": "channel",
                "label": _("Way it came"),
                "value": chosen.channel,
                "choices": [("", _("All")), *channel_names().items()],
            },
        ],
    }
