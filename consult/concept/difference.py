"""What differs between two texts, word by word: pure functions, bounded in time and memory whatever the texts are.

Lines that are alike are matched first, then words inside what is left. Words are matched by their longest common
subsequence, worked out with whole rows of the table at once as bits of one integer. Where the table would be too
large, words (or runs of words) that occur once in both texts cut it into smaller ones; what still is too large is told
as taken out and put in as a whole. Nothing is lost: the pieces that stayed and those taken out are the old text, those
that stayed and those put in are the new one.
"""

import re
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import gettext as _
from markupsafe import Markup, escape

#: Chinese and Japanese do not part words by spaces: every sign stands for itself.
_SIGN = "\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PUNCTUATION = r"!-/:-@\[-`{-~¡-©«-±´¶·»¿\u2010-\u205e\u3001-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_TOKEN = re.compile(rf"\n|[^\S\n]+|[{_SIGN}]|[^\s{_SIGN}{_PUNCTUATION}]+|[{_PUNCTUATION}]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")

#: Bits of one table of matches (half a megabyte), and of all tables of one difference.
TABLE = 4_000_000
ALL_TABLES = 40_000_000
#: Words of both texts together that are matched one by one; 200 kB of German prose, twice, have about 60,000. What has
#: more between two lines that stayed is told as taken out and put in, but for its beginning and its end.
MOST_WORDS = 80_000
#: Words of a run that is looked for when single words are too common to find one's way by.
RUN = 6
#: A stretch of so few words between two larger changes says nothing: it is told with them.
STRAY = 3

Pair = tuple[int, int]


class PieceKind(StrEnum):
    same = "same"
    deleted = "deleted"
    inserted = "inserted"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that stayed, was taken out, or was put in."""

    kind: PieceKind
    text: str


def tokens(text: str) -> list[str]:
    """Words, signs, marks, spaces and line ends, in order; joined they are the text again."""
    return _TOKEN.findall(text)


def word_difference(old: str, new: str) -> list[Piece]:
    """What became of `old`: neighbouring pieces are of different kinds, and what was taken out stands before what was
    put in its place."""
    if old == new:
        return [Piece(PieceKind.same, old)] if old else []
    work = _Work()
    before, after = _LINE.findall(old), _LINE.findall(new)
    draft = _Draft()
    for same, (a0, a1), (b0, b1) in _stretches(work.matches(before, after), len(before), len(after)):
        if same:
            draft.add(PieceKind.same, before[a0:a1])
        else:
            _words("".join(before[a0:a1]), "".join(after[b0:b1]), work, draft)
    return draft.tidied()


def is_changed(pieces: Sequence[Piece]) -> bool:
    return any(piece.kind != PieceKind.same for piece in pieces)


def _words(old: str, new: str, work: "_Work", draft: "_Draft") -> None:
    """Words are matched without the spaces between them: those would match everywhere and mean nothing."""
    if not old or not new:
        draft.add(PieceKind.deleted, [old])
        draft.add(PieceKind.inserted, [new])
        return
    a, b = tokens(old), tokens(new)
    where_a = [n for n, token in enumerate(a) if not token.isspace()]
    where_b = [n for n, token in enumerate(b) if not token.isspace()]
    pairs: list[Pair] = []
    x = y = -9
    words_a, words_b = [a[n] for n in where_a], [b[n] for n in where_b]
    few = len(words_a) + len(words_b) <= MOST_WORDS
    for n, m in work.matches(words_a, words_b) if few else _ends(words_a, words_b):
        i, j = where_a[n], where_b[m]
        if i == x + 2 and j == y + 2 and a[x + 1] == b[y + 1]:
            pairs.append((x + 1, y + 1))  # the space between two words that stayed
        pairs.append((i, j))
        x, y = i, j
    for same, (a0, a1), (b0, b1) in _stretches(pairs, len(a), len(b)):
        if same:
            draft.add(PieceKind.same, a[a0:a1])
            continue
        head, tail = _common_ends(a[a0:a1], b[b0:b1])
        draft.add(PieceKind.same, a[a0 : a0 + head])
        draft.add(PieceKind.deleted, a[a0 + head : a1 - tail])
        draft.add(PieceKind.inserted, b[b0 + head : b1 - tail])
        draft.add(PieceKind.same, a[a1 - tail : a1])


def _common_ends(a: Sequence[Hashable], b: Sequence[Hashable]) -> Pair:
    """How many items are the same at the beginning, and how many of the others at the end."""
    shorter = min(len(a), len(b))
    head = 0
    while head < shorter and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < shorter - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    return head, tail


def _ends(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Pair]:
    """Matches at the beginning and at the end alone."""
    head, tail = _common_ends(a, b)
    return [*((n, n) for n in range(head)), *((len(a) - n, len(b) - n) for n in range(tail, 0, -1))]


def _stretches(pairs: Sequence[Pair], len_a: int, len_b: int) -> Iterator[tuple[bool, Pair, Pair]]:
    """The matches and the gaps between them as (same, half-open range of old, half-open range of new)."""
    a = b = 0
    n = 0
    while n < len(pairs):
        x, y = pairs[n]
        if x > a or y > b:
            yield False, (a, x), (b, y)
        length = 1
        while n + length < len(pairs) and pairs[n + length] == (x + length, y + length):
            length += 1
        yield True, (x, x + length), (y, y + length)
        a, b, n = x + length, y + length, n + length
    if a < len_a or b < len_b:
        yield False, (a, len_a), (b, len_b)


class _Work:
    """Finds matches, as long as the space for tables lasts."""

    def __init__(self) -> None:
        self._left = ALL_TABLES

    def matches(self, a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Pair]:
        """Pairs of places with equal items, rising on both sides."""
        return self._gap(a, b, (0, len(a)), (0, len(b)), (1, RUN))

    def _gap(
        self, a: Sequence[Hashable], b: Sequence[Hashable], in_a: Pair, in_b: Pair, runs: tuple[int, ...]
    ) -> list[Pair]:
        """What matches within these ranges; `runs` are the ways left to cut what is too large."""
        (a0, a1), (b0, b1) = in_a, in_b
        head, tail = _common_ends(a[a0:a1], b[b0:b1])
        found = [(a0 + n, b0 + n) for n in range(head)]
        found += self._between(a, b, (a0 + head, a1 - tail), (b0 + head, b1 - tail), runs)
        return found + [(a1 - n, b1 - n) for n in range(tail, 0, -1)]

    def _between(
        self, a: Sequence[Hashable], b: Sequence[Hashable], in_a: Pair, in_b: Pair, runs: tuple[int, ...]
    ) -> list[Pair]:
        if in_a[0] >= in_a[1] or in_b[0] >= in_b[1]:
            return []
        # Items that only one side has match nothing; without them the tables are small.
        there, here = set(b[in_b[0] : in_b[1]]), set(a[in_a[0] : in_a[1]])
        where_a = [n for n in range(*in_a) if a[n] in there]
        where_b = [n for n in range(*in_b) if b[n] in here]
        size = len(where_a) * len(where_b)
        if not size:
            return []
        if size <= TABLE and size <= self._left:
            self._left -= size
            found = longest_common([a[n] for n in where_a], [b[n] for n in where_b])
            return [(where_a[x], where_b[y]) for x, y in found]
        return self._cut(a, b, in_a, in_b, runs) if runs else []

    def _cut(
        self, a: Sequence[Hashable], b: Sequence[Hashable], in_a: Pair, in_b: Pair, runs: tuple[int, ...]
    ) -> list[Pair]:
        """Find the way by what occurs once in both, then look between these places."""
        found: list[Pair] = []
        x, y = in_a[0], in_b[0]
        for mark_x, mark_y in rising(_once_in_both(a, b, in_a, in_b, runs[0])):
            if mark_x < x or mark_y < y:
                continue  # inside a stretch that was matched already
            if mark_x > x and mark_y > y:
                found += self._gap(a, b, (x, mark_x), (y, mark_y), runs[1:])
            found.append((mark_x, mark_y))
            x, y = mark_x + 1, mark_y + 1
        return found + self._gap(a, b, (x, in_a[1]), (y, in_b[1]), runs[1:])


def _once_in_both(a: Sequence[Hashable], b: Sequence[Hashable], in_a: Pair, in_b: Pair, run: int) -> list[Pair]:
    """Where items (or runs of them) stand that occur exactly once on either side, in the order of the first."""

    def once(items: Sequence[Hashable], span: Pair) -> dict[Hashable, int]:
        part = items[span[0] : span[1]]
        # Runs are remembered by their hash, a tuple each would cost a kilobyte a word.
        keys: Iterable[Hashable] = part if run == 1 else map(hash, zip(*(part[n:] for n in range(run)), strict=False))
        places: dict[Hashable, int] = {}
        for n, key in enumerate(keys, span[0]):
            places[key] = -1 if key in places else n
        return places

    there = once(b, in_b)
    pairs = [(n, there.get(key, -1)) for key, n in once(a, in_a).items() if n >= 0]
    return sorted((x, y) for x, y in pairs if y >= 0 and a[x : x + run] == b[y : y + run])


def rising(pairs: Sequence[Pair]) -> list[Pair]:
    """The longest part of these pairs, sorted by their first, whose second rises as well."""
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for n, (_x, y) in enumerate(pairs):
        place = bisect_left(ends, y)
        before.append(tops[place - 1] if place else -1)
        if place == len(ends):
            ends.append(y)
            tops.append(n)
        else:
            ends[place], tops[place] = y, n
    chain: list[Pair] = []
    n = tops[-1] if tops else -1
    while n >= 0:
        chain.append(pairs[n])
        n = before[n]
    return chain[::-1]


def longest_common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Pair]:
    """The longest common subsequence as pairs of places.

    `rows[j]` has bit i clear where taking item i of `a` to the first j + 1 items of `b` makes the common
    subsequence longer.
    """
    if len(b) > len(a):  # fewer, wider steps
        return [(x, y) for y, x in longest_common(b, a)]
    places: dict[Hashable, int] = {}
    for n, item in enumerate(a):
        places[item] = places.get(item, 0) | 1 << n
    everything = (1 << len(a)) - 1
    row = everything
    rows: list[int] = []
    for item in b:
        hits = row & places.get(item, 0)
        row = (row + hits | row - hits) & everything
        rows.append(row)
    found: list[Pair] = []
    i, j = len(a) - 1, len(b) - 1
    while i >= 0 and j >= 0:
        if rows[j] >> i & 1:
            i -= 1
        elif j and not rows[j - 1] >> i & 1:
            j -= 1
        else:
            found.append((i, j))
            i, j = i - 1, j - 1
    return found[::-1]


class _Draft:
    """Pieces as they are found, put together: kept | taken out | put in, over and over."""

    def __init__(self) -> None:
        #: Each is [stayed, taken out, put in] as lists of tokens.
        self._steps: list[tuple[list[str], list[str], list[str]]] = [([], [], [])]

    def add(self, kind: PieceKind, found: Sequence[str]) -> None:
        if not any(found):
            return
        same, deleted, inserted = self._steps[-1]
        if kind == PieceKind.same:
            if deleted or inserted:
                self._steps.append((list(found), [], []))
            else:
                same.extend(found)
        elif kind == PieceKind.deleted:
            deleted.extend(found)
        else:
            inserted.extend(found)

    def tidied(self) -> list[Piece]:
        """The pieces, with stray words between larger changes told as part of them."""
        steps: list[tuple[list[str], list[str], list[str]]] = []
        for same, deleted, inserted in self._steps:
            if steps and (deleted or inserted) and _is_stray(same, steps[-1], (deleted, inserted)):
                steps[-1][1].extend([*same, *deleted])
                steps[-1][2].extend([*same, *inserted])
            else:
                steps.append((same, deleted, inserted))
        pieces = []
        for same, deleted, inserted in steps:
            for kind, words in (
                (PieceKind.same, same), (PieceKind.deleted, deleted), (PieceKind.inserted, inserted),
            ):  # fmt: skip
                if words:
                    pieces.append(Piece(kind, "".join(words)))
        return pieces


def _is_stray(
    same: Sequence[str], before: tuple[list[str], list[str], list[str]], after: tuple[list[str], list[str]]
) -> bool:
    """Few words that stayed between two changes of more words each, all on one line."""
    if len(same) > 4 * STRAY or "\n" in "".join(same):
        return False
    words = _count(same)
    return words <= STRAY and words < max(map(_count, before[1:])) and words < max(map(_count, after))


def _count(found: Sequence[str]) -> int:
    """How many words stand there, as far as it matters."""
    return sum(1 for token in found[: 8 * STRAY] if not token.isspace() and (len(token) > 1 or token.isalnum()))


# Showing


@dataclass(frozen=True)
class Marks:
    """How changes are marked, with the words said to those who do not see the marks. Made once for many texts."""

    deleted: Markup
    inserted: Markup
    left_out: Markup

    @classmethod
    def spoken(cls) -> "Marks":
        """In the language of the page."""
        said = Markup('<{0}><span class="visually-hidden">{1} </span>{{}}</{0}>')
        gap = Markup(' <span class="left-out">[…]<span class="visually-hidden"> {}</span></span> ')
        return cls(
            said.format("del", _("deleted:")), said.format("ins", _("inserted:")),
            gap.format(_("unchanged words left out")),
        )  # fmt: skip


def render(pieces: Sequence[Piece], around: int | None = None, marks: Marks | None = None) -> Markup:
    """Old and new in one text: struck through and underlined, and said in words for those who do not see it.

    `around`: long stretches that stayed are cut to so many characters beside each change.
    """
    return Markup("").join(_shown(pieces, around, (PieceKind.deleted, PieceKind.inserted), marks or Marks.spoken()))


def render_sides(
    pieces: Sequence[Piece], around: int | None = None, marks: Marks | None = None
) -> tuple[Markup, Markup]:
    """(the old text with what was taken out, the new text with what was put in)."""
    marks = marks or Marks.spoken()
    return (
        Markup("").join(_shown(pieces, around, (PieceKind.deleted,), marks)),
        Markup("").join(_shown(pieces, around, (PieceKind.inserted,), marks)),
    )


def _shown(pieces: Sequence[Piece], around: int | None, kinds: Sequence[PieceKind], marks: Marks) -> Iterator[Markup]:
    last = len(pieces) - 1
    for n, piece in enumerate(pieces):
        if piece.kind == PieceKind.same:
            yield escape(piece.text) if around is None else _cut(piece.text, around, n == 0, n == last, marks)
        elif piece.kind in kinds:
            # A line end that comes or goes alone would be a mark on nothing.
            text = piece.text if piece.text.strip() else "¶" * piece.text.count("\n") + piece.text
            yield (marks.deleted if piece.kind == PieceKind.deleted else marks.inserted).format(text)


def _cut(text: str, around: int, first: bool, last: bool, marks: Marks) -> Markup:
    head, tail = 0 if first else around, 0 if last else around
    if len(text) <= head + tail + around:
        return escape(text)
    start = text[:head].rsplit(" ", 1)[0] if head else ""
    end = text[len(text) - tail :].split(" ", 1)[-1] if tail else ""
    return escape(start) + marks.left_out + escape(end)
