"""Links that prove themselves: `id.HMAC(purpose, id, nonce)`. The link is never stored; the nonce alone is useless."""

import base64
import hashlib
import hmac
import secrets

from flask import current_app


def new_nonce() -> str:
    return secrets.token_urlsafe(18)[:24]


def new_code() -> str:
    """A short code that people read out at a door; unique together with what it is for. No 0, O, 1, I, L, U."""
    return "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(8))


def _mac(purpose: str, ident: int, nonce: str) -> str:
    key = hashlib.sha256(b"consult link " + current_app.config["SECRET_KEY"].encode()).digest()
    digest = hmac.new(key, f"{purpose}|{ident}|{nonce}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def sign(purpose: str, ident: int, nonce: str) -> str:
    """The text that goes into the link."""
    return f"{ident}.{_mac(purpose, ident, nonce)}"


def ident_of(link: str) -> int | None:
    """The id a link claims to be about, for loading the row; says nothing about its truth."""
    head, _, _ = link.partition(".")
    # Ten digits may exceed what PostgreSQL takes for an id; nine are enough for us.
    return int(head) if head.isascii() and head.isdigit() and len(head) <= 9 else None


def is_genuine(link: str, purpose: str, ident: int, nonce: str) -> bool:
    """Whether `link` was made by us for this purpose and row; in constant time."""
    _, _, mac = link.partition(".")
    return hmac.compare_digest(mac.encode(), _mac(purpose, ident, nonce).encode())


def keyed_hash(purpose: str, value: str) -> str:
    """A hash that cannot be tried out without our key: session secrets, recovery codes, audit facts."""
    key = hashlib.sha256(b"consult hash " + current_app.config["SECRET_KEY"].encode()).digest()
    return hmac.new(key, f"{purpose}|{value}".encode(), hashlib.sha256).hexdigest()
