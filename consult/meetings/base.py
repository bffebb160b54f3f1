"""Lists that organisers fill in as a whole: whoever saves one says which one they had before their eyes."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from consult.errors import Conflict


def mark_of(rows: Iterable[Sequence[Any]]) -> str:
    """Stands for exactly this list; goes into the form as its base. Two editors notice each other by it."""
    told = json.dumps([list(row) for row in rows], ensure_ascii=False, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def refuse_stale(base: str | None, stored: str, yours: Iterable[str], theirs: Iterable[str]) -> None:
    """Call with the meeting locked. `base`: None where nobody had a form before their eyes.

    Raises `Conflict` when somebody else has saved since; it carries both lists, a line for each entry.
    """
    if base is not None and base != stored:
        raise Conflict(yours="\n".join(yours), theirs="\n".join(theirs), current_id=0)
