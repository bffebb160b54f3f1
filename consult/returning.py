"""Ways back: to addresses of ours only."""

import unicodedata
from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.exceptions import HTTPException


def safe_next(target: str | None, default: str) -> str:
    """`target` if it is a path of ours, else `default`: no redirect leaves this host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    if any(ord(c) < 33 or c == "\\" or unicodedata.category(c).startswith("C") for c in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target


def came_from() -> str:
    """The page of ours a form was sent from; empty where the browser does not say so, or where nothing can be opened.

    A page that was itself an answer to a form may have no address to open.
    """
    try:
        parts = urlsplit(request.referrer or "")
    except ValueError:
        # No address at all, such as "http://[".
        return ""
    if parts.netloc != request.host:
        return ""
    target = safe_next(parts._replace(scheme="", netloc="", fragment="").geturl(), "")
    if not target:
        return ""
    try:
        current_app.url_map.bind(request.host).match(parts.path, method="GET")
    except HTTPException:
        return ""
    return target
