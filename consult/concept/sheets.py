"""Tables of measures that came back: what each line would change in the working text.

`MeasureSheet.rows` begins with the head, `{"columns": {name: letter}, "unknown": [heads]}`; each further entry is a
line of the table, `{"line": number, "cells": {name: value}}`, with `"done": key` of its measure once it was taken over.
What a line means is worked out anew each time it is shown or taken over: the text goes on meanwhile.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _
from markupsafe import Markup

from consult.concept.difference import render, word_difference
from consult.concept.marks import refuse_unknown
from consult.concept.operations import Text
from consult.concept.queries import Placed, excerpt
from consult.concept.sheet_state import (
    BASE,
    FIELD,
    GROUP,
    KEY,
    LABEL,
    MAX_CELL,
    SERVES_COLUMN,
    TEXT,
    TITLE,
    TOO_LONG,
    Base,
    Column,
    Measures,
    Names,
    columns,
    fold,
    tidy,
    wordings,
    words_of,
)  # fmt: skip
from consult.errors import Refused
from consult.html import render_markdown
from consult.i18n import format_number

#: Characters of unchanged text beside a change in the preview.
AROUND = 120


@dataclass(frozen=True)
class Wish:
    """What a line wants changed in one column: how it was when downloaded, how it stands now, what the table says."""

    title: str
    before: str
    now: str
    wanted: str
    #: Somebody changed the same meanwhile.
    clash: bool = False

    @property
    def shown(self) -> Markup:
        """The change in the text as it stands, word by word."""
        return render(word_difference(self.now, self.wanted), around=AROUND)


@dataclass
class Line:
    """A line of the table that would change something."""

    number: int
    placed: Placed | None
    text: Text
    label: str
    parent_id: int
    goals: frozenset[int]
    wishes: list[Wish]

    @property
    def heading(self) -> str:
        return (
            self.placed.heading
            if self.placed
            else f"{self.label} {excerpt(self.text.title, self.text.markdown)}".strip()
        )

    @property
    def has_new_words(self) -> bool:
        row, text = self.placed, self.text
        return row is not None and (row.title, row.markdown, row.details) != (text.title, text.markdown, text.details)

    @property
    def in_conflict(self) -> bool:
        return any(wish.clash for wish in self.wishes)

    @property
    def ticket(self) -> str:
        """What a tick says yes to: this line, against the words it was shown beside."""
        return f"{self.number}-{self.placed.wording_id if self.placed else 0}"


@dataclass(frozen=True)
class Flaw:
    """A cell that cannot be taken over as it is."""

    line: int
    letter: str
    head: str
    message: str
    value: str

    @property
    def place(self) -> str:
        if not self.letter:
            return _("Line %(line)s", line=self.line)
        return _("Line %(line)s, column %(letter)s (%(head)s)", line=self.line, letter=self.letter, head=self.head)


@dataclass
class Comparison:
    """What a table would do to the working text as it stands."""

    added: list[Line] = field(default_factory=list)
    changed: list[Line] = field(default_factory=list)
    conflicts: list[Line] = field(default_factory=list)
    unchanged: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    #: Measures of the text that the table does not have; nothing happens to them.
    missing: list[Placed] = field(default_factory=list)
    #: Columns of ours that the table does not have, and columns of its own.
    absent: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def bad_lines(self) -> list[int]:
        return sorted({flaw.line for flaw in self.flaws})


class _Flawed(Exception):
    """Stops reading a line whose key or place cannot be made out."""


def compare(rows: Sequence[dict[str, Any]], measures: Measures) -> Comparison:
    """What these rows would change. One query, beside those of `Measures`."""
    head, *lines = rows
    return _Comparing(head, lines, measures).result()


class _Comparing:
    """Goes through the lines of a table once."""

    def __init__(self, head: dict[str, Any], lines: Sequence[dict[str, Any]], measures: Measures) -> None:
        self.letters: dict[str, str] = head["columns"]
        self.lines, self.measures = lines, measures
        self.columns = {column.name: column for column in columns()}
        #: The columns that hold words: title, text and details.
        self.words = [name for name in self.columns if name not in (KEY, BASE, FIELD, GROUP, LABEL, SERVES_COLUMN)]
        self.found = Comparison(
            absent=[c.title for c in self.columns.values() if c.name not in self.letters and c.name != BASE],
            unknown=head["unknown"],
        )
        bases = {row["line"]: Base.parse(str(row["cells"].get(BASE) or "")) for row in lines}
        self.bases = {number: base for number, base in bases.items() if base is not None}
        self.wordings = wordings(self.bases.values())
        self.seen: dict[str, int] = {}
        self.number, self.cells = 0, dict[str, Any]()

    def result(self) -> Comparison:
        alike = {self._likeness(row.parent_id, row.title, row.markdown): row.key for row in self.measures.measures}
        for row in self.lines:
            self.number, self.cells = row["line"], row["cells"]
            if "done" in row:
                self.seen[row["done"]] = self.number
                continue
            before = len(self.found.flaws)
            try:
                line = self._known() if self._key() else self._new(alike)
            except _Flawed:
                continue
            if len(self.found.flaws) > before:
                continue
            elif line is None:
                self.found.unchanged += 1
            elif line.placed is None:
                self.found.added.append(line)
            else:
                (self.found.conflicts if line.in_conflict else self.found.changed).append(line)
        self.found.missing = [row for row in self.measures.measures if row.key not in self.seen]
        return self.found

    # One cell

    def _flaw(self, name: str, message: str, value: str = "") -> None:
        head = self.columns[name].title
        self.found.flaws.append(Flaw(self.number, self.letters.get(name, ""), head, message, excerpt(value, "", 80)))

    def _said(self, column: Column) -> str | None:
        """What a cell says; None when it says nothing of its own (no such column, or a text too long for it)."""
        if column.name not in self.letters:
            return None
        value = self.cells.get(column.name) or ""
        if isinstance(value, str):
            return None if value.startswith(TOO_LONG) else tidy(value, column.lines)
        if value.get("error") == "formula":
            self._flaw(column.name, _("A formula stands here that was never calculated. Please write what is meant."))
        elif "error" in value:
            self._flaw(
                column.name, _("An error of the table program stands here. Please write what is meant."), value["error"]
            )
        elif column.name in (LABEL, SERVES_COLUMN, KEY):
            message = _("The table program made a date of a number. Please format the cell as text and type it again.")
            self._flaw(column.name, message, value["date"])
        else:
            return self._day(value["date"])
        return None

    def _day(self, said: str) -> str:
        """A date as the text of the concept would write it."""
        lang = self.measures.measures[0].lang if self.measures.measures else "de"
        try:
            if len(said) == 7:
                return str(format_date(date.fromisoformat(f"{said}-01"), "MMMM y", locale=lang.replace("-", "_")))
            return str(format_date(date.fromisoformat(said[:10]), "dd.MM.y", locale=lang.replace("-", "_")))
        except ValueError:
            return said

    def _cites(self, markdown: str) -> None:
        """Facts and pictures that the words name must be there."""
        if "[[F" in markdown or "picture:" in markdown:
            try:
                refuse_unknown(next(iter(self.measures.elements)), render_markdown(markdown, pictures=True))
            except Refused as refused:
                self._flaw(TEXT, refused.message, markdown)

    def _fits(self, column: Column, value: str) -> None:
        limit = min(column.limit or MAX_CELL, MAX_CELL)
        if len(value) > limit:
            message = _("This is too long: %(is)s characters, at most %(limit)s.")
            self._flaw(column.name, message % {"is": format_number(len(value)), "limit": format_number(limit)}, value)

    def _one(self, name: str, names: Names, text: str, among: Collection[int] | None = None) -> int:
        """The element a cell names; 0 for an empty cell. Raises `_Flawed` when there is none or several."""
        if not text:
            return 0
        found = names.find(text)
        if len(found) > 1 and among is not None:
            found = found & set(among)
        if len(found) == 1:
            return next(iter(found))
        if found:
            self._flaw(name, _("Several are called like this. Please choose one from the list."), text)
        elif name == SERVES_COLUMN:
            self._flaw(name, _("There is no goal with this number. The sheet “Lists” of the table shows all."), text)
        else:
            self._flaw(name, _("This is not in the text. Please choose one from the list."), text)
        raise _Flawed

    def _goals(self, text: str) -> frozenset[int]:
        found: set[int] = set()
        for word in re.split(r"[,;\n]", text):
            if word.strip():
                found.add(self._one(SERVES_COLUMN, self.measures.goals, word))
        return frozenset(found)

    def _place(self, now: tuple[int, int]) -> tuple[int, int]:
        """(field, group) a line names; what it leaves out stays as in `now`."""
        measures = self.measures
        fields, groups = self._said(self.columns[FIELD]), self._said(self.columns[GROUP])
        field_id = now[0] if fields is None else self._one(FIELD, measures.fields, fields)
        below = [ident for ident in measures.groups.placed if not field_id or measures.place(ident)[0] == field_id]
        group_id = now[1] if groups is None else self._one(GROUP, measures.groups, groups, below)
        if group_id and not field_id:
            field_id = measures.place(group_id)[0]
        if group_id and group_id not in below:
            self._flaw(GROUP, _("This group of measures belongs to another field of action."), groups or "")
            raise _Flawed
        if not field_id and not group_id:
            message = _("Please say which field of action the measure belongs to.")
            if not measures.fields:
                message = _("The text has no field of action yet. Please add one first.")
            self._flaw(FIELD, message)
            raise _Flawed
        return field_id, group_id

    # One line

    def _key(self) -> str:
        key = self._said(self.columns[KEY]) or ""
        if not key and isinstance(self.cells.get(KEY), dict):
            raise _Flawed
        if not key:
            return ""
        if key in self.seen:
            self._flaw(KEY, _("The same measure stands in line %(line)s already.", line=self.seen[key]), key)
            raise _Flawed
        if key not in self.measures.by_key:
            self._flaw(KEY, _("The text has no measure with this key. Leave the key empty for a new measure."), key)
            raise _Flawed
        self.seen[key] = self.number
        return key

    def _known(self) -> Line | None:
        """A line about a measure of the text; None when it changes nothing."""
        measures = self.measures
        row = measures.by_key[str(self._said(self.columns[KEY]))]
        base = self.bases.get(self.number)
        wording = self.wordings.get(base.wording_id) if base else None
        known = wording is not None and wording.element_id == row.element_id
        now = words_of(row, self.words)
        before = words_of(wording, self.words) if wording and known else now
        wishes: list[Wish] = []
        text = dict(now)
        for name, value in self._words():
            column = self.columns[name]
            was, stands = tidy(before[name], column.lines), tidy(now[name], column.lines)
            if value not in (was, stands):
                self._fits(column, value)
                wishes.append(Wish(column.title, was if known else "", stands, value, not known or was != stands))
                text[name] = value
                if name == TEXT:
                    self._cites(value)
        if not (text[TITLE] or text[TEXT]):
            self._flaw(TITLE if TITLE in self.letters else TEXT, _("A measure needs a title or a text."))
        label, stands = self._said(self.columns[LABEL]), row.label
        was = tidy(base.label, False) if base else stands
        if label is None or label in (was, stands):
            label = stands
        else:
            self._fits(self.columns[LABEL], label)
            wishes.append(Wish(self.columns[LABEL].title, was, stands, label, base is None or was != stands))
        place = self._moved(row, base, wishes)
        goals = self._served(row, base, wishes)
        if not wishes:
            return None
        return Line(self.number, row, self._text(text, row), label, place, goals, wishes)

    def _words(self) -> Iterator[tuple[str, str]]:
        """The cells that hold words, as (column, what it says)."""
        for name in self.words:
            value = self._said(self.columns[name])
            if value is not None:
                yield name, value

    def _text(self, words: dict[str, str], row: Placed | None) -> Text:
        details = dict(row.details) if row else {}
        details |= {name: value for name, value in words.items() if name not in (TITLE, TEXT)}
        details = {name: value for name, value in details.items() if value}
        return Text(words[TITLE], words[TEXT], details, row.lang if row else "de")

    def _moved(self, row: Placed, base: Base | None, wishes: list[Wish]) -> int:
        """What the measure is to stand below."""
        measures = self.measures
        now = measures.place(row.parent_id)
        was = (base.field_id, base.group_id) if base else now
        stays = row.parent_id or 0
        said = [self._said(self.columns[name]) for name in (FIELD, GROUP)]
        called = [measures.fields.name.get(was[0], ""), measures.groups.name.get(was[1], "")]
        if all(text is None or fold(text) == fold(name) for text, name in zip(said, called, strict=True)):
            return stays
        wanted = self._place(now)
        if wanted in (was, now):
            return stays
        for index, (name, names) in enumerate(((FIELD, measures.fields), (GROUP, measures.groups))):
            if wanted[index] != now[index]:
                before, stands, says = (names.name.get(place[index], "") for place in (was, now, wanted))
                wishes.append(Wish(self.columns[name].title, before, stands, says, base is None or was != now))
        return wanted[1] or wanted[0]

    def _served(self, row: Placed, base: Base | None, wishes: list[Wish]) -> frozenset[int]:
        """The goals the measure is to serve."""
        measures = self.measures
        now = measures.serves(row.element_id)
        was = base.goals & measures.goals.placed.keys() if base else now
        said = self._said(self.columns[SERVES_COLUMN])
        if said is None:
            return now
        wanted = self._goals(said)
        if wanted in (was, now):
            return now
        before, stands, says = (measures.goal_names(goals) for goals in (was, now, wanted))
        wishes.append(Wish(self.columns[SERVES_COLUMN].title, before, stands, says, base is None or was != now))
        return wanted

    def _new(self, alike: dict[tuple[int, str], str]) -> Line:
        """A line without a key: a new measure."""
        words = dict.fromkeys(self.words, "") | dict(self._words())
        for name, value in words.items():
            self._fits(self.columns[name], value)
        self._cites(words[TEXT])
        if not (words[TITLE] or words[TEXT]):
            self._flaw(TITLE if TITLE in self.letters else TEXT, _("A measure needs a title or a text."))
            raise _Flawed
        label = self._said(self.columns[LABEL]) or ""
        self._fits(self.columns[LABEL], label)
        field_id, group_id = self._place((0, 0))
        goals = self._goals(self._said(self.columns[SERVES_COLUMN]) or "")
        parent = group_id or field_id
        likeness = self._likeness(parent, words[TITLE], words[TEXT])
        if likeness in alike:
            key = alike[likeness]
            message = (
                _("This measure stands in the text already; its key is %(key)s.", key=key)
                if key
                else _("This measure stands in the table twice.")
            )
            self._flaw(TITLE if words[TITLE] else TEXT, message, words[TITLE] or words[TEXT])
            raise _Flawed
        alike[likeness] = ""
        shown = {FIELD: self.measures.fields.name.get(field_id, ""), GROUP: self.measures.groups.name.get(group_id, ""),
                 **words, SERVES_COLUMN: self.measures.goal_names(goals)}  # fmt: skip
        wishes = [Wish(self.columns[name].title, "", "", value) for name, value in shown.items() if value]
        return Line(self.number, None, self._text(words, None), label, parent, goals, wishes)

    @staticmethod
    def _likeness(parent_id: int | None, title: str, markdown: str) -> tuple[int, str]:
        return (parent_id or 0, fold(title or markdown))
