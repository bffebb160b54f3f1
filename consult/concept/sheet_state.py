"""What a table of measures is made of: its columns, and the working text as rows of cells."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from wtforms.validators import Length

from consult import i18n
from consult.concept.forms import MeasureForm
from consult.concept.kinds import SERVES
from consult.concept.models import Concept, ElementKind, PlacedLink, Wording
from consult.concept.queries import Placed, placed_in, working_version
from consult.concept.words import detail_names, kind_names
from consult.concept.working import MAX_LABEL
from consult.extensions import db
from consult.forms import one_line
from consult.html import clean_line, clean_text
from consult.web import row_id

KEY, BASE, FIELD, GROUP, LABEL, TITLE, TEXT, SERVES_COLUMN = (
    "key", "base", "field", "measure_group", "label", "title", "markdown", "serves",
)  # fmt: skip
#: What a cell of a table holds at most.
MAX_CELL = 32_767
#: Begins a cell that stands for a text too long for a table; such a cell changes nothing.
TOO_LONG = "[…]"


@dataclass(frozen=True)
class Column:
    """One column: machine word, head in the reader's language, width in characters, longest value."""

    name: str
    title: str
    width: int
    limit: int = 0
    #: May have several lines.
    lines: bool = False


def _rules(name: str) -> tuple[int, bool]:
    """Longest value and whether it may have several lines, as the form on the page has it."""
    made = getattr(MeasureForm, name, None)
    if made is None:
        return 300, False
    validators = made.args[1] if len(made.args) > 1 else made.kwargs.get("validators", ())
    limit = next((rule.max for rule in validators if isinstance(rule, Length)), 300)
    return limit, one_line not in made.kwargs.get("filters", ())


def columns() -> list[Column]:
    """All columns in the order of the table."""
    kinds = kind_names()
    details = [Column(name, title, 24, *_rules(name)) for name, title in detail_names().items()]
    return [
        Column(KEY, _("Key (please leave it)"), 16),
        Column(BASE, _("State (please leave it)"), 10),
        Column(FIELD, kinds[ElementKind.field], 24),
        Column(GROUP, kinds[ElementKind.measure_group], 24),
        Column(LABEL, _("Number"), 9, MAX_LABEL),
        Column(TITLE, _("Title"), 34, *_rules(TITLE)),
        Column(TEXT, _("Text"), 60, *_rules(TEXT)),
        *details,
        Column(SERVES_COLUMN, _("Serves the goals"), 16),
    ]


def known_heads() -> dict[str, str]:
    """Heads by which a column is recognised, in all languages of the platform, as written without case."""
    found: dict[str, str] = {}
    for lang in dict.fromkeys((i18n.language(), *i18n.languages(), "en")):
        with force_locale(lang):
            for column in columns():
                found.setdefault(fold(column.title), column.name)
    for column in columns():
        found.setdefault(column.name, column.name)
    return found


def fold(text: str) -> str:
    """As words are compared that somebody may have typed again."""
    return clean_line(text).casefold()


def tidy(text: str, lines: bool) -> str:
    """A value as it would be stored."""
    return clean_text(text).strip() if lines else clean_line(text)


@dataclass(frozen=True)
class Base:
    """What a row said of a measure when it was downloaded, beside its words."""

    wording_id: int
    field_id: int
    group_id: int
    goals: frozenset[int]
    label: str

    def __str__(self) -> str:
        goals = ",".join(str(ident) for ident in sorted(self.goals))
        return f"{self.wording_id};{self.field_id};{self.group_id};{goals};{self.label}"

    @classmethod
    def parse(cls, text: str) -> "Base | None":
        """None when the cell was damaged: then nobody can say what the row is based on."""
        parts = text.strip().split(";", 4)
        if len(parts) != 5:
            return None
        try:
            goals = frozenset(row_id(ident) for ident in parts[3].split(",") if ident)
            return cls(row_id(parts[0]), row_id(parts[1]), row_id(parts[2]), goals, parts[4])
        except ValueError:
            return None


class Names:
    """Elements of one kind and the names people may call them by in a cell."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        self.placed = {row.element_id: row for row in placed}
        headings = [fold(row.heading) for row in self.placed.values()]
        #: Shown in the cell; those who are called alike have their key with it.
        self.name = {
            ident: row.heading if headings.count(fold(row.heading)) == 1 else f"{row.heading} ({row.key})"
            for ident, row in self.placed.items()
        }
        self._found: dict[str, set[int]] = {}
        for ident, row in self.placed.items():
            for word in (self.name[ident], row.key, row.label, row.name):
                if word:
                    self._found.setdefault(fold(word), set()).add(ident)

    def find(self, text: str) -> set[int]:
        """Those that may be meant: by the name shown, key, number or title, else by the number it begins with."""
        wanted = fold(text)
        found = self._found.get(wanted, set())
        return found or self._found.get(wanted.partition(" ")[0], set())

    def __bool__(self) -> bool:
        return bool(self.placed)


class Measures:
    """The measures of a working text, with what a table of them needs. Three queries, one more for `wordings`."""

    def __init__(self, concept: Concept) -> None:
        self.concept = concept
        self.version = working_version(concept.id)
        self.elements = {row.element_id: row for row in placed_in(self.version.id, plain=False)}
        self.fields = Names(self.of_kind(ElementKind.field))
        self.groups = Names(self.of_kind(ElementKind.measure_group))
        self.goals = Names(row for kind in SERVES[ElementKind.measure][1] for row in self.of_kind(kind))
        self.measures = self.of_kind(ElementKind.measure)
        self.by_key = {row.key: row for row in self.measures}
        self._serves: dict[int, set[int]] = {}
        links = select(PlacedLink.from_element_id, PlacedLink.to_element_id).where(
            PlacedLink.version_id == self.version.id
        )
        for source, target in db.session.execute(links):
            if target in self.goals.placed:
                self._serves.setdefault(source, set()).add(target)

    def of_kind(self, kind: str) -> list[Placed]:
        """In reading order."""
        return [row for row in self.elements.values() if row.kind == kind]

    @cached_property
    def leads(self) -> list[str]:
        """Who is responsible for something, by name."""
        return sorted({str(row.details.get("lead") or "") for row in self.measures} - {""}, key=str.casefold)

    def serves(self, element_id: int) -> frozenset[int]:
        return frozenset(self._serves.get(element_id, ()))

    def place(self, element_id: int | None) -> tuple[int, int]:
        """(field, group of measures) an element is or stands below; 0 where there is none."""
        field = group = 0
        while element_id is not None and (row := self.elements.get(element_id)) is not None:
            if row.kind == ElementKind.measure_group:
                group = group or row.element_id
            elif row.kind == ElementKind.field:
                field = field or row.element_id
            element_id = row.parent_id
        return field, group

    def base(self, row: Placed) -> Base:
        field, group = self.place(row.parent_id)
        return Base(row.wording_id, field, group, self.serves(row.element_id), row.label)

    def goal_name(self, ident: int) -> str:
        """The number of a goal, or its key where the number says too little."""
        row = self.goals.placed[ident]
        return row.label if row.label and "," not in row.label and len(self.goals.find(row.label)) == 1 else row.key

    def goal_names(self, goals: Iterable[int]) -> str:
        """As they stand in a cell, in the order of the text."""
        wanted = set(goals)
        return ", ".join(self.goal_name(ident) for ident in self.goals.placed if ident in wanted)

    def cells(self, row: Placed) -> dict[str, str]:
        """A measure as it stands in the table, without the base."""
        field, group = self.place(row.parent_id)
        return {
            KEY: row.key,
            FIELD: self.fields.name.get(field, ""),
            GROUP: self.groups.name.get(group, ""),
            LABEL: row.label,
            **words_of(row, (TITLE, TEXT, *detail_names())),
            SERVES_COLUMN: self.goal_names(self.serves(row.element_id)),
        }


def words_of(said: Placed | Wording, names: Iterable[str]) -> dict[str, str]:
    """Title, text and details of a measure by column."""
    found: dict[str, Any] = {**said.details, TITLE: said.title, TEXT: said.markdown}
    return {name: str(found.get(name) or "") for name in names}


def wordings(bases: Iterable[Base]) -> dict[int, Wording]:
    """The words that rows of a table were based on. One query."""
    ids = {base.wording_id for base in bases}
    return {row.id: row for row in db.session.scalars(select(Wording).where(Wording.id.in_(ids)))}
