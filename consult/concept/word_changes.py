"""Two wordings compared as pages show it, remembered: wordings never change, so neither does what differs in them."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from markupsafe import Markup
from sqlalchemy import select

from consult.concept.difference import Marks, Piece, PieceKind, render, render_sides, word_difference
from consult.concept.models import Wording
from consult.extensions import db
from consult.i18n import language

#: Characters of shown differences remembered by one web process.
REMEMBERED = 4_000_000
#: So many ids are asked for at once.
_BATCH = 5_000


class Form(StrEnum):
    inline = "inline"
    side = "side"


@dataclass(frozen=True, slots=True)
class Words:
    """A wording without its rendered form."""

    wording_id: int
    title: str
    markdown: str
    details: dict[str, Any]
    lang: str

    def fields(self) -> dict[str, str]:
        """The fields of a measure that say something."""
        return {name: str(value) for name, value in self.details.items() if value not in (None, "")}

    def mark(self) -> tuple[int, int]:
        """Tells wordings apart, also from one that had this id in a database that was set up anew meanwhile."""
        return self.wording_id, hash((self.title, self.markdown, tuple(self.fields().items())))


#: One text with both in it, or the old and the new one.
Shown = tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class WordChange:
    """What differs between two wordings, ready to be shown. What stayed the same is None."""

    title: Shown | None
    text: Shown | None
    #: By field of a measure.
    details: tuple[tuple[str, Shown], ...]

    def __bool__(self) -> bool:
        return bool(self.title or self.text or self.details)

    @property
    def size(self) -> int:
        shown = [self.title or (), self.text or (), *(found for _name, found in self.details)]
        return sum(len(part) for found in shown for part in found)


class _Remembered:
    """The differences shown last, up to a number of characters."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._found: OrderedDict[tuple[Any, ...], WordChange] = OrderedDict()
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, ...]) -> WordChange | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: tuple[Any, ...], change: WordChange) -> None:
        with self._lock:
            if key in self._found or change.size > self._limit:
                return
            self._found[key] = change
            self._size += change.size
            while self._size > self._limit:
                _key, oldest = self._found.popitem(last=False)
                self._size -= oldest.size

    def clear(self) -> None:
        with self._lock:
            self._found.clear()
            self._size = 0

    @property
    def size(self) -> int:
        return self._size


remembered = _Remembered()


def words_of(wording_ids: Iterable[int]) -> dict[int, Words]:
    """The words of these wordings, by id. One query for each few thousand."""
    ids = sorted(set(wording_ids))
    found: dict[int, Words] = {}
    for start in range(0, len(ids), _BATCH):
        rows = db.session.execute(
            select(Wording.id, Wording.title, Wording.markdown, Wording.details, Wording.lang).where(
                Wording.id.in_(ids[start : start + _BATCH])
            )
        )
        found |= {row[0]: Words(*row) for row in rows}
    return found


class Teller:
    """Shows what differs between wordings, in the language of the page. One for all texts of a page.

    `around`: long stretches that stayed are cut to so many characters beside each change.
    """

    def __init__(self, form: Form = Form.inline, around: int | None = None) -> None:
        self._form, self._around, self._language = form, around, language()
        self._marks = Marks.spoken()

    def change(self, old: Words, new: Words) -> WordChange:
        """What differs between two wordings; false when nothing does."""
        key = (old.mark(), new.mark(), self._form, self._around, self._language)
        known = remembered.get(key)
        if known is not None:
            return known
        was, now = old.fields(), new.fields()
        details = []
        for name in [*was, *(name for name in now if name not in was)]:
            found = self._shown(was.get(name, ""), now.get(name, ""))
            if found:
                details.append((name, found))
        change = WordChange(self._shown(old.title, new.title), self._shown(old.markdown, new.markdown), tuple(details))
        remembered.put(key, change)
        return change

    def _shown(self, old: str, new: str) -> Shown | None:
        if old == new:
            return None
        pieces = word_difference(old, new)
        if self._form == Form.side:
            return render_sides(pieces, self._around, self._marks)
        return (render(pieces, self._around, self._marks),)

    def whole(self, words: Words, kind: PieceKind) -> WordChange:
        """A wording that is new or gone as a whole, in one column; its title stands above it already."""

        def shown(text: str) -> Shown | None:
            return (render([Piece(kind, text)], None, self._marks),) if text else None

        details = ((name, shown(value)) for name, value in words.fields().items())
        return WordChange(None, shown(words.markdown), tuple((name, found) for name, found in details if found))
