"""Being signed in: a row on the server, and its secret in the cookie.

The cookie holds nothing but a random secret whose keyed hash finds the row; deleting the row ends the sign-in
wherever the cookie may be. Guests have no row.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from flask import Flask, after_this_request, current_app, has_request_context, request, session
from flask_login import UserMixin, current_user
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import contains_eager, defer
from sqlalchemy.orm.attributes import set_committed_value
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts.models import Account, Person, SignIn
from consult.extensions import db, login_manager, own_transaction
from consult.html import has_forbidden
from consult.signing import keyed_hash
from consult.web import answer_column, answer_values

#: `seen_at` is written at most this often: a page view is no reason to write.
SEEN_EVERY = timedelta(minutes=5)
#: Where Flask-Login looks for what `get_id` returned.
_COOKIE_KEY = "_user_id"

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
             ("CriOS/", "Chrome"), ("Chrom", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


class SignedIn(UserMixin):
    """Flask-Login's user: the person, with the account loaded, and the sign-in they came by."""

    def __init__(self, secret: str, sign_in: SignIn, person: Person, answer: str | None) -> None:
        self.secret = secret
        self.sign_in = sign_in
        self.person = person
        #: Where the form that was sent led before.
        self.answer = answer

    def get_id(self) -> str:
        return self.secret


def hash_of(secret: str) -> str:
    return keyed_hash("sign_in", secret)


def device_name(user_agent: str) -> str:
    """Such as "Firefox – Android": enough to recognise one's own device, too little to recognise a person."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " – ".join(part for part in (browser, system) if part)


def open_sign_in(person_id: int, *, device: str = "", second_factor: bool = False) -> str:
    """A new sign-in of this person; returns the secret for the cookie. Flushes, commits nothing."""
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    row = SignIn(
        secret_hash=hash_of(secret),
        person_id=person_id,
        created_at=now,
        seen_at=now,
        expires_at=now + current_app.config["SIGN_IN_ABSOLUTE"],
        second_factor_at=now if second_factor else None,
        device=device[:300],
    )
    db.session.add(row)
    db.session.flush()
    return secret


#: A column about `Person` or a row of another table, who takes its value, and which row of that table.
Along = tuple[Callable[[], Any], Callable[[Person, Any], None], Callable[[], Any] | None]
_along: list[Along] = []


def ask_along(
    column: Callable[[], Any], take: Callable[[Person, Any], None], *, on: Callable[[], Any] | None = None
) -> None:
    """Ask something about the person together with the sign-in: what nearly every request of theirs would ask next.

    Said while modules are imported, by features above this one. `on`: of a row of another table, which one; None is
    taken where there is none. `:now` is there to be compared with, and `:slug`, of the address, where it has one.
    """
    _along.append((column, take, on))


#: What nearly no page asks of whoever is signed in; read when it is asked for. Each column costs every request.
_SELDOM = (Person.created_at, Person.postal_address, Person.mail_paused_at, Person.mail_paused_why,
           Person.merged_into_id, Person.import_key)  # fmt: skip
_SELDOM_OF_ACCOUNT = (Account.password_hash, Account.totp_secret, Account.totp_last_step, Account.created_at)


@cache
def _load_query() -> Any:
    """The statement of `load`, made once: every request of somebody signed in asks it."""
    query = (
        select(SignIn, Person, answer_column(Person.id), *(column() for column, _take, _on in _along))
        .select_from(SignIn)
        .join(Account, Account.person_id == SignIn.person_id)
        .join(Person, Person.id == Account.person_id)
        .options(
            *(defer(column) for column in _SELDOM),
            contains_eager(Person.account).options(*(defer(column) for column in _SELDOM_OF_ACCOUNT)),
        )
        .where(SignIn.secret_hash == bindparam("secret_hash"))
    )
    for column, _take, on in _along:
        if on is not None:
            query = query.outerjoin(column(), on())
    return query


def load(secret: str) -> SignedIn | None:
    """Who holds this secret, if the sign-in still counts: one query, and now and then a tiny write of `seen_at`."""
    now = clock.now()
    slug = (request.view_args or {}).get("slug") if has_request_context() else None
    if slug is not None and has_forbidden(slug):
        # The page that says so asks who is there, too.
        slug = None
    asked = {"secret_hash": hash_of(secret), "now": now, "slug": slug, **answer_values()}
    row = db.session.execute(_load_query(), asked).first()
    if row is None:
        return None
    sign_in, person, answer, *along = row
    idle: timedelta = current_app.config["SIGN_IN_IDLE"]
    if sign_in.expires_at <= now or sign_in.seen_at + idle <= now:
        return None
    if person.erased_at is not None or person.account is None or not person.account.may_sign_in():
        return None
    if sign_in.seen_at + SEEN_EVERY <= now:
        # An UPDATE, so that a sign-in deleted meanwhile does not come back to life.
        with own_transaction() as own:
            own.execute(
                update(SignIn).where(SignIn.id == sign_in.id, SignIn.seen_at <= now - SEEN_EVERY).values(seen_at=now)
            )
        set_committed_value(sign_in, "seen_at", now)
    for (_column, take, _on), value in zip(_along, along, strict=True):
        take(person, value)
    return SignedIn(secret, sign_in, person, answer)


def current_sign_in() -> SignIn | None:
    """The row of this request's sign-in. For doors only, as `authz.current_person`."""
    if not has_request_context():
        return None
    return getattr(current_user._get_current_object(), "sign_in", None)


def _hand_out(secret: str) -> None:
    """Put the secret into the cookie once it is certain that its row was committed."""

    @after_this_request
    def give(response: Response) -> Any:
        known = select(SignIn.id).where(SignIn.secret_hash == hash_of(secret))
        if response.status_code < 400 and db.session.scalar(known) is not None:
            # Nothing of the visitor's earlier cookie survives: whoever planted it knows nothing of the new one.
            session.clear()
            session[_COOKIE_KEY] = secret
        return response


def begin(person_id: int, *, second_factor: bool = False) -> None:
    """Sign this browser in, for a door: a new row and a new cookie; an earlier sign-in of the browser ends."""
    before = current_sign_in()
    if before is not None:
        db.session.execute(delete(SignIn).where(SignIn.id == before.id))
    device = device_name(request.user_agent.string)
    _hand_out(open_sign_in(person_id, device=device, second_factor=second_factor))


def renew(sign_in: SignIn) -> None:
    """Give the present sign-in a new secret, because it may now do more than before. For doors."""
    secret = secrets.token_urlsafe(32)
    db.session.execute(update(SignIn).where(SignIn.id == sign_in.id).values(secret_hash=hash_of(secret)))
    _hand_out(secret)


def close(sign_in_id: int, person_id: int) -> bool:
    """End one sign-in of this person; says whether there was one."""
    result: Any = db.session.execute(delete(SignIn).where(SignIn.id == sign_in_id, SignIn.person_id == person_id))
    return bool(result.rowcount)


def close_all(person_id: int, *, except_id: int | None = None) -> int:
    """End all sign-ins of a person, or all but one; returns how many ended."""
    statement = delete(SignIn).where(SignIn.person_id == person_id)
    if except_id is not None:
        statement = statement.where(SignIn.id != except_id)
    result: Any = db.session.execute(statement)
    return int(result.rowcount)


def rotate_for(person_id: int) -> None:
    """After a change of somebody's roles: their sign-ins end, and the one of this very request gets a new secret."""
    here = current_sign_in()
    if here is not None and here.person_id == person_id:
        close_all(person_id, except_id=here.id)
        renew(here)
    else:
        close_all(person_id)


def init_app(app: Flask) -> None:
    # Flask-Login's own protection compares browser names; ours is the row.
    login_manager.session_protection = None
    login_manager.user_loader(load)
