"""What every request has in common: read or write, CSRF, one effect per form, headers."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import flask
from flask import Flask, abort, current_app, g, has_request_context, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf, validate_csrf
from sqlalchemy import BigInteger, String, bindparam, cast, event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError

from consult import authz, clock
from consult.db import ANSWERED, Base, begin_reading, begin_writing, created
from consult.errors import error_page
from consult.extensions import db
from consult.html import has_forbidden
from consult.returning import safe_next as safe_next
from consult.signing import keyed_hash

P = ParamSpec("P")
R = TypeVar("R")

#: The largest id a database column holds; PostgreSQL answers a larger one with an error.
MAX_ID = 2**31 - 1


class RowIdConverter(IntegerConverter):
    """`<int:...>` in addresses: what cannot be an id is not found."""

    def __init__(self, url_map: Map, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max", MAX_ID)
        super().__init__(url_map, *args, **kwargs)


def row_id(value: str) -> int:
    """An id in a query string: `request.args.get("before", type=row_id)`. Raises ValueError when it cannot be one."""
    ident = int(value)
    if not 0 <= ident <= MAX_ID:
        raise ValueError(f"no id: {ident}")
    return ident


_BARE = re.compile(rb"[\x80-\xff]")

#: What the fields beside a file take at most.
_FORM_AROUND = 128 * 1024

SAFE = ("GET", "HEAD", "OPTIONS")
CSP = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; img-src 'self'"
)


class Request(flask.Request):
    """A request whose query may hold any bytes: those that no browser sends bare are read as if they were encoded."""

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(environ, *args, **kwargs)
        if not self.query_string.isascii():
            self.query_string = _BARE.sub(lambda found: b"%%%02X" % found[0][0], self.query_string)


#: What every answer says. Only the last one may a view say otherwise: said twice, the stricter one would count.
_HEADERS = (
    ("Content-Security-Policy", CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)


class FormAnswer(Base):
    """Where a form that was sent once led to: sending it again has no second effect. Rows live a week."""

    __tablename__ = "form_answer"

    #: Hash over the form's one-time id, and who sent it.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Sealed by `_sealed`.
    location: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[created] = mapped_column(index=True)


def form_id() -> str:
    """A fresh one-time id for a form."""
    holes = g.get("holes") if has_request_context() else None
    if holes is not None:
        return str(holes.form_id())
    return secrets.token_urlsafe(16)


def _form_key() -> tuple[int, str] | None:
    """What tells the form that was sent from all others: a number to which its sender is added, and a word."""
    if not has_request_context() or request.method in SAFE:
        return None
    try:
        ident = request.form.get("form_id", "")[:64]
    except HTTPException:
        # A body that cannot be read, because it is too large: nothing comes of it, and its error page is for somebody.
        return None
    if not ident:
        return None
    digest = hashlib.sha256(f"{request.path}|{ident}".encode()).hexdigest()
    return int(digest[:15], 16), digest[15:60]


def _stored_key() -> str | None:
    """The key of the form that was sent, by whoever sent it."""
    form, person = _form_key(), authz.current_person()
    return f"{form[0] + (person.id if person else 0)}{form[1]}" if form is not None else None


def answer_column(person_id: Any) -> Any:
    """Where the form that was sent led this person before: asked together with who they are."""
    key = cast(bindparam("form_number", type_=BigInteger) + person_id, String) + bindparam("form_word", type_=String)
    return select(FormAnswer.location).where(FormAnswer.key == key).scalar_subquery()


def answer_values() -> dict[str, Any]:
    """What `answer_column` is asked with."""
    number, word = _form_key() or (None, None)
    return {"form_number": number, "form_word": word}


def _veil(data: bytes) -> bytes:
    """Puts a veil of its own over the answer to this form, or takes it off again."""
    ident = request.form.get("form_id", "")[:64]
    veil = hashlib.shake_256(keyed_hash("form_answer", f"{request.path}|{ident}").encode()).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, veil, strict=True))


def _sealed(location: str) -> str:
    """A location as it is stored: it may be a personal link, so nobody reads it without the form's one-time id."""
    # As many bytes as the column holds signs of.
    return base64.urlsafe_b64encode(_veil(location.encode()[:1500])).decode()


def _opened(stored: str) -> str:
    # Before it was sealed a location began with a stroke; rows live a week.
    return stored if stored.startswith("/") else _veil(base64.urlsafe_b64decode(stored)).decode(errors="ignore")


def _led_to(key: str | None) -> str | None:
    return db.session.scalar(select(FormAnswer.location).where(FormAnswer.key == key)) if key else None


@cache
def _answer_insert() -> Any:
    table: Any = FormAnswer.__table__
    return insert(table)


def form_answer(location: str, *, sealed: bool = True) -> dict[str, Any] | None:
    """What `answer_beside` is asked with: where the form that was sent is going to lead. None without a form.

    `sealed=False` for an address without a secret whose end only the database knows.
    """
    key = _stored_key()
    if key is None:
        return None
    return {"answer_key": key, "answer_location": _sealed(location) if sealed else location, "answer_at": clock.now()}


def answer_beside(row: Any, end: Any = None) -> Any:
    """For PostgreSQL: the answer as part of the statement whose CTE `row` does what the form asks; none without a row.

    `end`: an expression that is put behind the location. Executed with `form_answer` beside the statement's own values;
    afterwards say `answer_given`.
    """
    table: Any = FormAnswer.__table__
    values: dict[str, Any] = {name: bindparam(f"answer_{short}", type_=table.c[name].type)
              for name, short in (("key", "key"), ("location", "location"), ("created_at", "at"))}  # fmt: skip
    if end is not None:
        values["location"] = values["location"] + cast(end, String)
    return insert(table).from_select(list(values), select(*values.values()).select_from(row)).cte("answer")


def answer_given() -> None:
    """The transaction holds the answer of the form that was sent: `commit_and_go` need not write it."""
    db.session.info[ANSWERED] = True


def commit_and_go(location: str) -> Response:
    """Commit what the view did and lead on to `location` (303). The one commit of a request that writes.

    When the same form was sent twice at the same time, the second one is undone and gets the answer of the first.
    """
    if request.method != "GET" and ANSWERED not in db.session.info and (key := _stored_key()) is not None:
        answered = {"key": key, "location": _sealed(location), "created_at": clock.now()}
        db.session.execute(_answer_insert(), answered)
    db.session.commit()
    return redirect(location, 303)


def _sent_twice(error: IntegrityError) -> Response:
    """What only the database could refuse: the same form sent at the same moment, or else a fault of ours."""
    db.session.rollback()
    answer = None if request.method in SAFE else _led_to(_stored_key())
    if answer is None:
        raise error
    return redirect(_opened(answer), 303)


def keeps_text(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view whose form is shown again, with everything typed, when its CSRF token is stale."""
    view.keeps_text = True  # type: ignore[attr-defined]  # read below
    return view


def takes_files(size: int, text: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view whose body may be larger than those of others: a file of `size` bytes, and its form around it.

    `text`: what its fields may take together, where that is more than elsewhere.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.max_body = size + text + _FORM_AROUND  # type: ignore[attr-defined]  # read below
        view.max_text = text  # type: ignore[attr-defined]  # read below
        return view

    return mark


def takes_one_click(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view whose address is a personal secret: what mail programs post there counts without a token (RFC 8058).

    Exactly that and nothing else: any other form sent there needs its token.
    """
    view.takes_one_click = True  # type: ignore[attr-defined]  # read below
    return view


def _is_one_click(view: Any) -> bool:
    return getattr(view, "takes_one_click", False) and request.form.to_dict(flat=False) == {
        "List-Unsubscribe": ["One-Click"]
    }


@lru_cache(maxsize=512)
def static_url(name: str) -> str:
    """Address of a static file with its content's hash, so that browsers may keep it for a year.

    Worked out once per process: the files of a running instance do not change.
    """
    digest = hashlib.sha256((Path(__file__).parent / "static" / name).read_bytes()).hexdigest()[:10]
    return url_for("static", filename=name, v=digest)


def _before() -> Response | None:
    if request.method in SAFE:
        begin_reading()
    else:
        begin_writing()
    if request.url_rule is None:
        return None
    given = [value for values in request.args.listvalues() for value in values]
    given += [value for value in (request.view_args or {}).values() if isinstance(value, str)]
    if any(has_forbidden(value) for value in given):
        abort(400)
    if request.method in SAFE:
        return None
    view = current_app.view_functions.get(request.endpoint or "")
    larger: int | None = getattr(view, "max_body", None)
    if larger is not None:
        request.max_content_length = larger
        if longer := getattr(view, "max_text", 0):
            request.max_form_memory_size = longer
    if any(has_forbidden(value) for values in request.form.listvalues() for value in values):
        abort(400)
    try:
        validate_csrf(request.form.get("csrf_token"))
        # The others are what Flask-WTF's forms ask, so that they neither check the same token again nor sign another.
        g.csrf_ok = g.csrf_valid = True
        g.csrf_token = request.form["csrf_token"]
    except ValidationError:
        g.csrf_ok = _is_one_click(view)
        if not g.csrf_ok and not getattr(view, "keeps_text", False):
            return error_page(400)
    if g.csrf_ok:
        user: Any = current_user._get_current_object()
        answer = user.answer if user.is_authenticated else _led_to(_stored_key())
        if answer is not None:
            authz.decided()
            return redirect(_opened(answer), 303)
    return None


def _before_commit(_session: Session) -> None:
    if has_request_context() and request.method not in SAFE and not g.get("csrf_ok"):
        raise authz.Undecided(f"{request.endpoint} commits without a valid CSRF token")


def _after(response: Response) -> Response:
    headers = response.headers
    headers.extend(_HEADERS[:-1] if _HEADERS[-1][0] in headers else _HEADERS)
    headers.setdefault("Referrer-Policy", "same-origin")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint == "static":
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
        # The extension varies static files by cookie; they have none.
        headers.pop("Vary", None)
    elif "Cache-Control" not in headers:
        # Back in the history after signing out must not show what was private.
        anonymous = authz.current_person() is None and request.method == "GET" and not g.get("has_form")
        headers["Cache-Control"] = "no-cache" if anonymous else "no-store"
        response.vary.update(("Cookie", "Accept-Language"))
    return response


def csrf_token() -> str:
    """The token for a hand-written form; marks the page as one that must not be stored."""
    holes = g.get("holes")
    if holes is not None:
        # Rendered for everybody: see filled.py.
        return str(holes.token())
    g.has_form = True
    return str(generate_csrf())


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = RowIdConverter
    app.before_request(_before)
    app.after_request(_after)
    app.register_error_handler(IntegrityError, _sent_twice)
    app.jinja_env.globals.update(form_id=form_id, csrf_token=csrf_token, static_url=static_url)
    if not event.contains(db.session, "before_commit", _before_commit):
        event.listen(db.session, "before_commit", _before_commit)
