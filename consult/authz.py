"""Who may do what: default deny, by construction.

A view calls `authorize(policy.can_x, obj)`, or is marked `@public`. A request that writes without a recorded
decision cannot commit, and a page shown without one is turned into an error. Policies are plain functions
`can_x(person, *objects) -> bool`; templates ask `allowed(policy.can_x, obj)` for the button.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Flask, abort, g, has_request_context, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import event
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from consult.extensions import db
from consult.returning import came_from

P = ParamSpec("P")
R = TypeVar("R")


class Undecided(RuntimeError):
    """A view wrote or showed something without deciding whether this person may."""


def current_person() -> Any:
    """The signed-in person or None. Only doors (views, this module) ask; operations take the actor as argument."""
    if not has_request_context():
        return None
    return getattr(current_user._get_current_object(), "person", None)


def decided() -> None:
    """Record that access was decided for this request."""
    g.access_decided = True


def allowed(predicate: Callable[..., bool], *objects: Any) -> bool:
    """The answer without a consequence: for buttons and lists."""
    return bool(predicate(current_person(), *objects))


def authorize(predicate: Callable[..., bool], *objects: Any) -> None:
    """Go on if the policy says yes; otherwise the sign-in page for guests and 403 for everybody else."""
    decided()
    if allowed(predicate, *objects):
        return
    if current_person() is None:
        abort(sign_in_first())
    abort(403)


def sign_in_first() -> Response:
    """A redirect to the sign-in page that comes back here afterwards; after a form, to the page it was sent from."""
    back = request.full_path.rstrip("?") if request.method == "GET" else came_from()
    return redirect(url_for("accounts.sign_in", next=back or None), 303)


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to everybody. What it shows is still filtered by the visibility rules of its queries."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        decided()
        return view(*args, **kwargs)

    wrapper.is_public = True  # type: ignore[attr-defined]  # read by the route matrix test
    return wrapper


def _before_commit(_session: Any) -> None:
    if has_request_context() and not g.get("access_decided"):
        raise Undecided(f"{request.method} {request.endpoint} commits without a decision about access")


def _after_request(response: Response) -> Response:
    # The router leads from an address with doubled slashes to the one without: nothing is shown there yet.
    if request.endpoint == "static" or isinstance(request.routing_exception, RequestRedirect):
        return response
    if response.status_code < 400 and not g.get("access_decided"):
        raise Undecided(f"{request.method} {request.endpoint} answered without a decision about access")
    return response


def init_app(app: Flask) -> None:
    app.after_request(_after_request)
    app.jinja_env.globals["allowed"] = allowed
    if not event.contains(db.session, "before_commit", _before_commit):
        event.listen(db.session, "before_commit", _before_commit)
