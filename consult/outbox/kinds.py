"""What kinds of mail there are. Each feature's `emails.py` registers its own; `deliver` looks them up by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from consult.outbox.models import OutboxMessage


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


@dataclass(frozen=True)
class Mail:
    """A rendered mail. `body` is Markdown: the text part is it as it stands, the HTML part is rendered from it."""

    subject: str
    body: str
    #: One sentence: why this person gets it.
    why: str
    #: Another address than the recipient's own, only for proving a new address.
    to: str | None = None
    #: Links in `body` that are personal: blanked in the kept copy.
    secrets: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: Calendar entry (iMIP), sent as an alternative and as an attachment.
    calendar: bytes | None = None
    calendar_method: str = "REQUEST"
    headers: dict[str, str] = field(default_factory=dict)


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


_kinds: dict[str, Kind] = {}


def mail_kind(
    name: str, guarantee: Guarantee, wanted: Callable[[OutboxMessage], bool], *, title: str
) -> Callable[[Callable[[OutboxMessage], Mail]], Callable[[OutboxMessage], Mail]]:
    """Decorator for the one function per mail in `emails.py`; `wanted` is asked again just before sending."""

    def register(render: Callable[[OutboxMessage], Mail]) -> Callable[[OutboxMessage], Mail]:
        if name in _kinds:
            raise ValueError(f"mail kind {name} is registered twice")
        _kinds[name] = Kind(name, guarantee, wanted, render, title)
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
