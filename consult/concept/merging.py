"""Putting two new wordings of one text together: pure functions, as bounded in time as the difference they rest on.

Both began from the same base. What one of them changed and the other did not touch comes along; where both changed the
same words, or words with no word between them, a person has to decide. No word of either is lost on the way: what both
changed differently stands in a piece of its own, with all three texts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from consult.concept.difference import PieceKind, word_difference

#: What keeps two changes apart: a word or the end of a line that neither of them touched.
APART = re.compile(r"[\w\n]")


class Origin(StrEnum):
    """Who changed a stretch of the text."""

    nobody = "nobody"
    theirs = "theirs"
    yours = "yours"
    #: Both, in the same way.
    both = "both"
    #: Both, each in another way.
    clash = "clash"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the text as it was, as they have it and as you have it."""

    origin: Origin
    base: str
    theirs: str
    yours: str

    @property
    def text(self) -> str:
        """What to go on with: the change of whoever made one; in a clash yours, with theirs if each only added."""
        if self.origin == Origin.theirs:
            return self.theirs
        if self.origin == Origin.clash and self.theirs.startswith(self.base) and self.yours.startswith(self.base):
            return self.theirs + self.yours[len(self.base) :]
        return self.yours


@dataclass(frozen=True, slots=True)
class Merged:
    """Two changes of one text, put together."""

    stretches: tuple[Stretch, ...]

    @property
    def clashes(self) -> tuple[Stretch, ...]:
        """Where both wrote something else: for a person to decide."""
        return tuple(stretch for stretch in self.stretches if stretch.origin == Origin.clash)

    @property
    def suggestion(self) -> str:
        """Both changes as far as they fit together; see `Stretch.text` for the rest."""
        return "".join(stretch.text for stretch in self.stretches)

    @property
    def text(self) -> str | None:
        """Both changes, or None when they do not fit together."""
        return None if self.clashes else self.suggestion


def merge(base: str, theirs: str, yours: str) -> Merged:
    """Three texts of several lines, word by word."""
    if theirs == yours or yours == base or theirs == base:
        return merge_whole(base, theirs, yours)
    changes = sorted([*_changes(base, theirs, theirs=True), *_changes(base, yours, theirs=False)], key=_Change.place)
    return Merged(tuple(_stretches(base, _regions(base, changes))))


def merge_whole(base: str, theirs: str, yours: str) -> Merged:
    """A short field, which is taken as a whole: half a name is none."""
    if theirs == yours:
        origin = Origin.nobody if yours == base else Origin.both
    elif yours == base:
        origin = Origin.theirs
    else:
        origin = Origin.yours if theirs == base else Origin.clash
    return Merged((Stretch(origin, base, theirs, yours),) if base or theirs or yours else ())


def merge_fields(
    base: Mapping[str, str], theirs: Mapping[str, str], yours: Mapping[str, str], by_words: Sequence[str]
) -> dict[str, Merged]:
    """Each field that any of the three has; those named in `by_words` word by word, the others as a whole."""
    found = {}
    for name in dict.fromkeys([*theirs, *yours, *base]):
        three = base.get(name, ""), theirs.get(name, ""), yours.get(name, "")
        found[name] = merge(*three) if name in by_words else merge_whole(*three)
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """Characters `start` to `end` of the base became `text`."""

    start: int
    end: int
    text: str
    theirs: bool

    def place(self) -> tuple[int, int]:
        return self.start, self.end


@dataclass(slots=True)
class _Region:
    """Changes that are too close to each other to be taken apart."""

    start: int
    end: int
    theirs: list[_Change]
    yours: list[_Change]

    @property
    def shared(self) -> bool:
        return bool(self.theirs and self.yours)


def _changes(base: str, text: str, *, theirs: bool) -> Iterator[_Change]:
    at = start = 0
    added: list[str] = []
    for piece in word_difference(base, text):
        if piece.kind != PieceKind.same:
            if piece.kind == PieceKind.inserted:
                added.append(piece.text)
            else:
                at += len(piece.text)
            continue
        if added or at > start:
            yield _Change(start, at, "".join(added), theirs)
        at += len(piece.text)
        start, added = at, []
    if added or at > start:
        yield _Change(start, at, "".join(added), theirs)


def _regions(base: str, changes: Sequence[_Change]) -> list[_Region]:
    """Changes in order of place, those of both sides together where they overlap or stand too close."""
    regions: list[_Region] = []
    for change in changes:
        mine = [change]
        regions.append(_Region(change.start, change.end, mine if change.theirs else [], [] if change.theirs else mine))
        # A region that grew may touch the one before it, which was apart so far.
        while len(regions) > 1 and _belong(base, regions[-2], regions[-1]):
            last = regions.pop()
            regions[-1].end = max(regions[-1].end, last.end)
            regions[-1].theirs += last.theirs
            regions[-1].yours += last.yours
    return regions


def _belong(base: str, one: _Region, other: _Region) -> bool:
    if other.start < one.end:
        return True
    # Neighbouring changes of the same side stay apart: nobody has to decide anything.
    mixed = one.shared or other.shared or bool(one.theirs) != bool(other.theirs)
    return mixed and not APART.search(base, one.end, other.start)


def _with(base: str, region: _Region, changes: Sequence[_Change]) -> str:
    """This part of the base with these changes."""
    parts, at = [], region.start
    for change in changes:
        parts += [base[at : change.start], change.text]
        at = change.end
    return "".join([*parts, base[at : region.end]])


def _stretches(base: str, regions: Sequence[_Region]) -> Iterator[Stretch]:
    at = 0
    for region in regions:
        if region.start > at:
            yield Stretch(Origin.nobody, *[base[at : region.start]] * 3)
        before = base[region.start : region.end]
        theirs, yours = _with(base, region, region.theirs), _with(base, region, region.yours)
        if not region.shared:
            origin = Origin.theirs if region.theirs else Origin.yours
        else:
            origin = Origin.both if theirs == yours else Origin.clash
        yield Stretch(origin, before, theirs, yours)
        at = region.end
    if at < len(base):
        yield Stretch(Origin.nobody, *[base[at:]] * 3)
