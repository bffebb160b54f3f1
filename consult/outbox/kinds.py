"""What kinds of mail there are. Each feature's `emails.py` registers its own; `deliver` looks them up by name."""

import secrets
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, cast

from flask import g

from consult.outbox.models import OutboxMessage

_T = TypeVar("_T")


class Guarantee(StrEnum):
    """SMTP cannot be exactly-once; each kind says on which side it errs."""

    #: When the answer was lost, send again with the same Message-ID: invitations, resets.
    at_least_once = "at_least_once"
    #: When the answer was lost, mark as uncertain and leave it: digests, newsletters.
    at_most_once = "at_most_once"


@dataclass(frozen=True)
class Attachment:
    name: str
    media_type: str
    content: bytes


#: Nobody who writes texts knows it, so that no text can ask for what stands at a marker.
_MARK = secrets.token_hex(8)


def marker(name: str) -> str:
    """What stands in the words all recipients share where something of one recipient belongs (`Mail.personal`)."""
    return f"x{_MARK}{name}x"


def filled(text: str, personal: Mapping[str, str], shown: Callable[[str], str] = str) -> str:
    """The text with the personal words in their places, each as `shown` makes it."""
    for name, value in personal.items():
        text = text.replace(marker(name), shown(value))
    return text


@dataclass(frozen=True)
class Mail:
    """A rendered mail. `body` is Markdown: the text part is it as it stands, the HTML part is rendered from it.

    Where only little differs from one recipient to the next, that is put in last: `body` is the same for all and holds
    `marker(name)` where `personal[name]` belongs, which is plain text and not Markdown. What is the same is then
    turned into HTML once and not for each.
    """

    subject: str
    body: str
    #: One sentence: why this person gets it.
    why: str
    #: The same once more in another language, as (its code, Markdown); stands below.
    below: tuple[str, str] | None = None
    #: Another address than the recipient's own, only for proving a new address.
    to: str | None = None
    #: Links in `body` that are personal: blanked in the kept copy.
    secrets: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: Calendar entry (iMIP), sent as an alternative and as an attachment.
    calendar: bytes | None = None
    calendar_method: str = "REQUEST"
    headers: dict[str, str] = field(default_factory=dict)
    #: What belongs at the markers of `body`, by name.
    personal: Mapping[str, str] = field(default_factory=dict)

    def filled(self, text: str, shown: Callable[[str], str] = str) -> str:
        """The text with the personal words in their places, each as `shown` makes it."""
        return filled(text, self.personal, shown)


@dataclass(frozen=True)
class Kind:
    name: str
    guarantee: Guarantee
    #: Asked again just before sending: still a member, not opted out, not erased, still to come?
    wanted: Callable[[OutboxMessage], bool]
    #: Called in the recipient's language.
    render: Callable[[OutboxMessage], Mail]
    #: What operators call it.
    title: str
    #: Called once before many of them are asked about and rendered: loads for all what each needs (`shared`).
    prepare: Callable[[Sequence[OutboxMessage]], None] | None = None
    #: Account security, asked for a moment ago: goes even to an address that did not work lately.
    urgent: bool = False
    #: Goes to another address than the recipient's own (`Mail.to`): that it comes back says nothing about theirs.
    elsewhere: bool = False


@contextmanager
def sharing() -> Iterator[None]:
    """Mails rendered inside share what they need (`shared`). What was read grows old, so the block should be short."""
    g.mails_share = {}
    try:
        yield
    finally:
        del g.mails_share


def shared(key: Hashable, make: Callable[[], _T]) -> _T:
    """What `make` returns, made once for all mails that are rendered together; else made anew."""
    known: dict[Hashable, object] | None = g.get("mails_share")
    if known is None:
        return make()
    if key not in known:
        known[key] = make()
    return cast("_T", known[key])


_kinds: dict[str, Kind] = {}


def mail_kind(
    name: str,
    guarantee: Guarantee,
    wanted: Callable[[OutboxMessage], bool],
    *,
    title: str,
    prepare: Callable[[Sequence[OutboxMessage]], None] | None = None,
    urgent: bool = False,
    elsewhere: bool = False,
) -> Callable[[Callable[[OutboxMessage], Mail]], Callable[[OutboxMessage], Mail]]:
    """Decorator for the one function per mail in `emails.py`; `wanted` is asked again just before sending."""

    def register(render: Callable[[OutboxMessage], Mail]) -> Callable[[OutboxMessage], Mail]:
        if name in _kinds:
            raise ValueError(f"mail kind {name} is registered twice")
        _kinds[name] = Kind(name, guarantee, wanted, render, title, prepare, urgent, elsewhere)
        return render

    return register


def kind(name: str) -> Kind:
    """The kind; raises KeyError when no feature registered it."""
    return _kinds[name]


def title_of(name: str) -> str:
    """What operators call mails of this kind; the name itself for one that no feature registers any more."""
    return str(_kinds[name].title) if name in _kinds else name


def all_kinds() -> dict[str, Kind]:
    return dict(_kinds)
