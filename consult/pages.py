"""Public pages and calendars rendered once: kept for visitors without a session until anything changes.

A page depends on rows all over the database. What all changes have in common is their entry in the record, so one
cheap question, `stamp()`, tells whether anything changed since a page was rendered. It is not "the newest id": on
PostgreSQL an entry with a lower id may become visible later. It is the sealed head, and which entries around and
after it are visible; a commit changes one or the other. The clock changes pages as well, when a stage or meeting
begins or ends: the stamp counts those.
"""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from flask import Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from consult import authz, clock
from consult.db import UtcDateTime
from consult.extensions import db
from consult.i18n import language, passed_over

P = ParamSpec("P")

#: Pages kept per web process, and how many bytes they may take together: most have 50 kB, a whole concept 700.
KEPT = 300
KEPT_BYTES = 24_000_000
#: Room for parts of pages, for those who get their own page: people with a session, and everybody after a change.
FRAGMENT_BYTES = 4_000_000
#: Seconds after which a page is rendered anew in any case: times are told in words ("in three days").
MAX_AGE = 60

#: Entries so far before the newest sealed one are looked at one by one; older ones count when they are sealed.
_WINDOW = 500

_STAMP = f"""
    WITH head AS (SELECT coalesce(max(seq), 0) AS seq, coalesce(max(entry_id), 0) AS entry FROM audit_seal)
    SELECT head.seq, count(latest.id), coalesce(sum(latest.id), 0),
           (SELECT count(*) FROM stage WHERE starts_at <= :now), (SELECT count(*) FROM stage WHERE ends_at <= :now),
           (SELECT count(*) FROM meeting WHERE ends_at <= :now)
    FROM head LEFT JOIN audit_entry AS latest ON latest.id > head.entry - {_WINDOW}
    GROUP BY head.seq
    """  # noqa: S608  (a number of ours)
#: As each driver takes it: asked for every page that is kept, this question is most of what such a page costs.
_STAMP_SQLITE = _STAMP.replace(":now", "?")
_STAMP_POSTGRES = _STAMP.replace(":now", "%(now)s")

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Kept:
    """A page as it was rendered, plain and packed: packing it for every visitor costs more than answering."""

    stamp: Stamp
    kept_at: float
    body: bytes
    packed: bytes
    etag: str
    #: Content-Type: a page, or a calendar.
    kind: str = "text/html; charset=utf-8"

    @property
    def size(self) -> int:
        return len(self.body) + len(self.packed)


class FragmentCache:
    """Parts of pages by everything that went into them, so that none can be stale; the most recently used ones."""

    def __init__(self, size: int = FRAGMENT_BYTES) -> None:
        self._found: OrderedDict[Hashable, Markup] = OrderedDict()
        self._room, self._size = size, 0
        self._lock = threading.Lock()

    def once(
        self,
        macro: Callable[..., Markup],
        value: Any,
        *,
        beside: Hashable = None,
        known_as: Hashable = None,
        **options: Any,
    ) -> Markup:
        """What `macro(value, **options)` shows, made only the first time in this language.

        For macros that show nothing but what they are given: all of it is in the key, and `beside`, what else it shows.
        `known_as`: the value's `fingerprint`, where it was taken before.
        """
        same = known_as if known_as is not None else _hashable(value)
        key = (getattr(macro, "name", ""), language(), beside, _hashable(options), same)
        with self._lock:
            known = self._found.get(key)
            if known is not None:
                self._found.move_to_end(key)
                return known
        made = macro(value, **options)
        with self._lock:
            if key not in self._found:
                self._found[key] = made
                self._size += len(made)
            while self._size > self._room:
                _key, oldest = self._found.popitem(last=False)
                self._size -= len(oldest)
        return made


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    if is_dataclass(value):
        return (value.__class__, *(_hashable(getattr(value, one.name)) for one in fields(value)))
    # 1, 1.0 and True are equal and look different.
    return (value.__class__, value)


def fingerprint(value: Any) -> bytes:
    """Stands for all of a value that is shown again and again: going through it costs more than finding its page."""
    return hashlib.sha256(repr(_hashable(value)).encode()).digest()


class Keepable(Protocol):
    """What a cache must know of a page."""

    @property
    def stamp(self) -> Stamp: ...
    @property
    def kept_at(self) -> float: ...
    @property
    def size(self) -> int: ...


K = TypeVar("K", bound=Keepable)


class PageCache(Generic[K]):
    """The most recently used pages of one web process."""

    def __init__(self, pages: int = KEPT, size: int = KEPT_BYTES) -> None:
        self._pages: OrderedDict[tuple[str, ...], K] = OrderedDict()
        self._most, self._room, self._size = pages, size, 0
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...], stamp: Stamp, now: float) -> K | None:
        with self._lock:
            page = self._pages.get(key)
            if page is None or page.stamp != stamp or now - page.kept_at > MAX_AGE:
                return None
            self._pages.move_to_end(key)
            return page

    def put(self, key: tuple[str, ...], page: K) -> None:
        with self._lock:
            before = self._pages.pop(key, None)
            self._size += page.size - (before.size if before else 0)
            self._pages[key] = page
            while len(self._pages) > self._most or self._size > self._room:
                _key, oldest = self._pages.popitem(last=False)
                self._size -= oldest.size

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()
            self._size = 0


pages: PageCache[Kept] = PageCache()
fragments = FragmentCache()


def stamp() -> Stamp:
    """Changes with every commit that leaves an entry in the record, and when a stage or meeting begins or ends."""
    now = UtcDateTime().process_bind_param(clock.now(), db.engine.dialect)
    connection = db.session.connection()
    if db.engine.dialect.name == "sqlite" and now is not None:
        moment = now.strftime("%Y-%m-%d %H:%M:%S.%f")
        return tuple(connection.exec_driver_sql(_STAMP_SQLITE, (moment,) * _STAMP.count(":now")).one())
    return tuple(int(part) for part in connection.exec_driver_sql(_STAMP_POSTGRES, {"now": now}).one())


def page_key() -> tuple[str, ...]:
    """All of a request that a public page shows: a page says when it does not speak the language somebody chose."""
    return request.full_path, language(), passed_over() or "", request.cookies.get("theme", "")


def _is_anonymous() -> bool:
    """Without a session cookie there is no account, no preview, no message waiting and no form."""
    return request.method in ("GET", "HEAD") and current_app.config["SESSION_COOKIE_NAME"] not in request.cookies


def rendered_once(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """For views of public pages: visitors without a session get the page as rendered last while nothing changed."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not current_app.config["KEEP_PAGES"] or not _is_anonymous():
            return view(*args, **kwargs)
        key = page_key()
        before = stamp()
        now = clock.now().timestamp()
        page = pages.get(key, before, now)
        if page is None:
            response = make_response(view(*args, **kwargs))
            if response.status_code != 200 or g.get("has_form") or response.is_streamed:
                return response
            body = response.get_data()
            packed, etag = gzip.compress(body, 6, mtime=0), hashlib.sha256(body).hexdigest()[:20]
            page = Kept(before, now, body, packed, etag, response.headers["Content-Type"])
            pages.put(key, page)
        else:
            # Decided when it was rendered; whatever could change the decision changes the stamp.
            authz.decided()
        if request.accept_encodings["gzip"] > 0:
            answer = Response(page.packed, content_type=page.kind, headers={"Content-Encoding": "gzip"})
            answer.set_etag(page.etag + ":gzip")
        else:
            answer = Response(page.body, content_type=page.kind)
            answer.set_etag(page.etag)
        return answer.make_conditional(request)

    return wrapper
