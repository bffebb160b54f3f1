"""Passwords: Argon2, and one rule - length. Hashing takes its time on purpose, so never inside a write transaction."""

import secrets
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from consult.db import lock_released
from consult.extensions import db

MIN_LENGTH = 10
#: Longer ones would only give us work.
MAX_LENGTH = 200
#: What must be left of a password when the name and the address are taken out of it.
_MIN_REST = 8


@lru_cache(maxsize=4)
def _hasher(rounds: int, memory: int) -> PasswordHasher:
    return PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=1)


@lru_cache(maxsize=4)
def _dummy(rounds: int, memory: int) -> str:
    """A hash nobody knows the password of: an unknown address costs the same work as a known one."""
    return _hasher(rounds, memory).hash(secrets.token_urlsafe())


def _normal(password: str) -> str:
    # The same key pressed on two systems may send two spellings of one letter.
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """The hash to keep."""
    rounds, memory = current_app.config["ARGON2_COST"]
    with lock_released(db.session()):
        return _hasher(rounds, memory).hash(_normal(password))


def fits(password_hash: str | None, password: str) -> bool:
    """Whether this is the password; without a hash the same work is done and the answer is no."""
    rounds, memory = current_app.config["ARGON2_COST"]
    with lock_released(db.session()):
        try:
            matches = _hasher(rounds, memory).verify(password_hash or _dummy(rounds, memory), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return matches and password_hash is not None


def is_guessable(password: str, *known: str) -> bool:
    """Whether little remains of the password without the person's name and address."""
    rest = _normal(password).casefold()
    for fact in known:
        for part in {fact, *fact.split("@"), *fact.replace(".", " ").replace("@", " ").split()}:
            if len(part) >= 4:
                rest = rest.replace(part.casefold(), "")
    return len(rest) < min(_MIN_REST, len(password))
