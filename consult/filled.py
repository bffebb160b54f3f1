"""Public pages for people who are signed in: rendered once for all who only read and write, and filled in for each.

What is kept was rendered for a stand-in: somebody signed in without a name, without tokens and with nothing of their
own. So nothing that belongs to one person can be in it. Its holes take the name, the protection token, one-time ids
of forms, and the parts that look different for this person (`personal_part` in templates). Whoever works in any
process, has a message waiting, or came by a preview link gets a page made for them alone.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from itertools import count
from typing import Any, ParamSpec

from flask import Flask, current_app, g, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup, escape
from sqlalchemy.orm.attributes import set_committed_value

from consult import authz, clock
from consult.accounts.models import Person
from consult.i18n import language
from consult.pages import PageCache, Stamp, page_key, stamp
from consult.processes.queries import functions_of

P = ParamSpec("P")

#: Nobody can write this into a text: it is another one in every web process.
_MARK = "hole" + secrets.token_hex(16)
_NAME, _TOKEN, _FORM = _MARK + "name", _MARK + "token", _MARK + "form"
_PART = re.compile(rf"{_MARK}part(\d+)begin(.*?){_MARK}end", re.DOTALL)
#: Pages kept per web process, and how many bytes they may take together.
KEPT, KEPT_BYTES = 100, 8_000_000


class Holes:
    """What stands in the place of something personal while a page is rendered for everybody (`g.holes`)."""

    def __init__(self, prefix: str = "") -> None:
        self._numbers = count()
        self._prefix = prefix
        #: What the template said about each part.
        self.parts: dict[int, dict[str, Any]] = {}

    def token(self) -> str:
        return _TOKEN

    def form_id(self) -> str:
        """Another one for each form of the page."""
        return f"{_FORM}{self._prefix}-{next(self._numbers)}"


@dataclass(frozen=True)
class Layout:
    """A page for everybody who is signed in: text, the key of a part, the part, text ..."""

    stamp: Stamp
    kept_at: float
    pieces: tuple[str, ...]
    parts: Mapping[int, dict[str, Any]]
    #: What the view noted down for whoever fills the page in.
    facts: Any = field(hash=False)

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))


layouts: PageCache[Layout] = PageCache(KEPT, KEPT_BYTES)


def note(facts: Any) -> None:
    """For views: what filling in needs to know. Nothing of it may belong to one person."""
    if g.get("holes") is not None:
        g.facts = facts


def personal_part(key: int, html: Markup, **options: Any) -> Markup:
    """For templates: a part that may look different for some readers; `options` say how to make it again."""
    holes: Holes | None = g.get("holes")
    if holes is None:
        return html
    holes.parts[key] = options
    return Markup(f"{_MARK}part{key}begin{html}{_MARK}end")  # noqa: S704  (marks of ours around a part that is Markup)


@contextmanager
def _as_stand_in() -> Iterator[Holes]:
    """Whatever is rendered inside is for somebody signed in of whom nothing is known."""
    person = Person(id=0, name=_NAME, email="", locale=language())
    set_committed_value(person, "account", None)
    person.__dict__["_functions"] = {}
    user, holes = current_user._get_current_object(), Holes()
    g.pop("frame", None)
    g._login_user, g.holes = _StandIn(person), holes
    try:
        yield holes
    finally:
        g._login_user = user
        g.pop("holes")
        g.pop("frame", None)


@dataclass(frozen=True)
class _StandIn:
    person: Person
    is_authenticated: bool = True


def again(macro: Callable[..., Markup], key: int, *args: Any, **options: Any) -> Markup:
    """A part made again for one person, with holes for tokens like the one it replaces."""
    g.holes = Holes(f"p{key}")
    try:
        return macro(*args, **options)
    finally:
        g.pop("holes")


def _is_reader() -> bool:
    """Somebody signed in for whom the page says what it says to all others of their kind."""
    person = authz.current_person()
    return (
        person is not None
        and bool(current_app.config["KEEP_PAGES"])
        and request.method in ("GET", "HEAD")
        and not functions_of(person)
        and not person.account.operator
        and "_flashes" not in session
        and g.get("preview_of") is None
    )


#: Parts of the page that look different for this person; None: too much does, make the page for them alone.
OwnParts = Callable[[Person, Layout], dict[int, Markup] | None]


def filled_in(own: OwnParts) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """For views of public pages that people who are signed in read a lot."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not _is_reader():
                return view(*args, **kwargs)
            key = page_key()
            before, now = stamp(), clock.now().timestamp()
            layout = layouts.get(key, before, now)
            if layout is None:
                with _as_stand_in() as holes:
                    answer = view(*args, **kwargs)
                    facts = g.pop("facts", None)
                if not isinstance(answer, str):
                    return answer
                if g.get("has_form") or facts is None:
                    return view(*args, **kwargs)
                layout = Layout(before, now, tuple(_PART.split(answer)), holes.parts, facts)
                layouts.put(key, layout)
            person = authz.current_person()
            parts = own(person, layout)
            if parts is None:
                return view(*args, **kwargs)
            # Decided for the stand-in; whatever could change the decision changes the stamp.
            authz.decided()
            return _fill(layout, person, parts)

        return wrapper

    return decorate


def _fill(layout: Layout, person: Person, own: Mapping[int, Markup]) -> str:
    pieces = layout.pieces
    if own:
        text = list(pieces)
        for at in range(1, len(text), 3):
            replaced = own.get(int(text[at]))
            text[at] = ""
            if replaced is not None:
                text[at + 1] = replaced
        html = "".join(text)
    else:
        html = "".join(piece for at, piece in enumerate(pieces) if at % 3 != 1)
    if _TOKEN in html:
        g.has_form = True
        html = html.replace(_TOKEN, generate_csrf()).replace(_FORM, secrets.token_urlsafe(16))
    return html.replace(_NAME, escape(person.name))


def init_app(app: Flask) -> None:
    app.jinja_env.globals["personal_part"] = personal_part
