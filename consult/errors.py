"""What may go wrong on purpose, and the pages that say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from consult.extensions import db
from consult.returning import came_from

#: Seconds after which a browser or a program may try again when the database was away.
RETRY_AFTER = 10


class Refused(Exception):
    """Not now or not so, with one plain sentence for the person; becomes a 409 page."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Sides:
    """The fields of one text three times: as they were when both began, as they stand now, as they were typed."""

    base: Mapping[str, str]
    theirs: Mapping[str, str]
    yours: Mapping[str, str]


class Conflict(Exception):
    """Somebody else changed the text meanwhile. Carries both texts so that the door can show them side by side.

    `sides`: the same field by field, with what both began from, where the door can put them together.
    """

    def __init__(self, yours: str, theirs: str, current_id: int, sides: Sides | None = None) -> None:
        super().__init__("stale edit")
        self.yours = yours
        self.theirs = theirs
        self.current_id = current_id
        self.sides = sides


def _messages() -> dict[int, tuple[str, str]]:
    return {
        400: (
            _("Something is missing"),
            _("Your browser sent something we could not read. Please go back and try again."),
        ),
        403: (_("This is not open to you"), _("You are signed in, but this page belongs to another group.")),
        404: (_("Page not found"), _("There is nothing at this address, or it is not public.")),
        405: (_("This does not work here"), _("This address does not accept what your browser sent.")),
        409: (_("Not possible right now"), _("Please go back and look at the present state.")),
        410: (
            _("This link is used up"),
            _("The link was used already or is too old. You can ask for a new one."),
        ),
        413: (_("That was too much"), _("What you sent is larger than we can take. Please shorten it.")),
        429: (
            _("Please wait a moment"),
            _("There were many attempts in a short time. Please try again in a few minutes."),
        ),
        500: (
            _("Something broke on our side"),
            _("We have noted the error. What you had typed is kept in your browser; please go back."),
        ),
        503: (
            _("Back in a moment"),
            _("The platform is busy or being updated. Please try again in a minute."),
        ),
    }


def error_page(code: int, title: str | None = None, message: str | None = None, **context: Any) -> Response:
    """The page for an error; falls back to one that needs no database when even that fails."""
    known = _messages()
    default_title, default_message = known.get(code, known[400 if code < 500 else 500])
    title, message = title or default_title, message or default_message
    try:
        # Out of the session first: a rollback forgets what was loaded, and the frame shows the signed-in person.
        db.session.expunge_all()
        db.session.rollback()
        # What was wrong in a form stands on its own page; this one says something else.
        g.pop("forms", None)
        body = render_template("errors/error.html", code=code, title=title, message=message, **context)
    except Exception as error:
        # Where the database is away it was said already why there is an error page.
        if not database_away(error):
            current_app.logger.exception("the error page itself failed")
        # Without the context processors: they ask the database, which may be what is broken.
        body = current_app.jinja_env.get_template("errors/plain.html").render()
    response = current_app.make_response(body)
    response.status_code = code
    return response


def database_away(error: BaseException) -> bool:
    """Whether the database could not be reached, went away or had no connection left: the page is not to blame."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    if error.connection_invalidated or "database is locked" in str(error.orig):
        return True
    # Class 08: connection, 53: out of resources, 57P: shut down; no code at all: nobody answered.
    code = getattr(error.orig, "sqlstate", "")
    return code is None or code.startswith(("08", "53", "57P"))


def init_app(app: Flask) -> None:
    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        back = came_from()
        actions = [{"label": _("Back"), "url": back}] if back else []
        return error_page(409, message=error.message, actions=actions)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]  # werkzeug's sansio class, a real Response here
        code = error.code or 500
        if code < 400:
            return error.get_response()  # redirects raised by the router
        response = error_page(code)
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if database_away(error):
            app.logger.warning("the database does not answer: %s", type(error).__name__)
            response = error_page(503)
            response.headers["Retry-After"] = str(RETRY_AFTER)
            return response
        # The path's rule, not the path: a personal link must not reach the log.
        rule = request.url_rule.rule if request.url_rule else "-"
        app.logger.exception("unexpected error at %s %s", request.method, rule)
        if app.config["TESTING"] and app.config.get("RAISE_ERRORS", True):
            raise error
        return error_page(InternalServerError.code)
