"""Marks in the words of an element: `[[F3]]` cites a fact, `![words](picture:3)` shows a picture of the concept.

What is stored keeps the marks. A page asks once for all it cites (`cited_in`) and lets them be put in place
(`Cited.resolve`): so a picture has the address of the process that is being read, and a table the labels it needs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import and_, literal, or_, select, union_all

from consult.concept.models import Concept, ConceptKind, Element, Fact, Picture
from consult.errors import Refused
from consult.extensions import db
from consult.html import render_markdown
from consult.processes.models import Process

_FACT = re.compile(r"\[\[F([1-9]\d{0,5})\]\]")
_SHOWN = re.compile(r'<img src="picture:([1-9]\d{0,5})"')
#: A tag as the sanitiser writes it: attributes in double quotes, in which there may be anything but a quote.
_TAG = r'[^"<>]*(?:"[^"]*"[^"<>]*)*>'
_PLACES = re.compile(
    rf"<p>(?P<alone><img {_TAG})</p>|(?P<image><img {_TAG})|(?P<table><table>)|(?P<end></table>)"
    rf"|<[a-z/]{_TAG}|{_FACT.pattern.replace('(', '(?P<fact>')}"
)
_ATTRIBUTE = re.compile(r'(src|alt)="([^"]*)"')
_HEAD = re.compile(r"<table>\s*<thead>(.*?)</thead>", re.DOTALL)
_TYPED_PICTURE = re.compile(r"!\[([^\[\]]{0,300})\]\(<?picture:(\d{1,6})[^()\n]{0,300}\)")
_TYPED_FACT = re.compile(r" {0,2}" + _FACT.pattern)


def facts_in(html: str) -> set[int]:
    """Numbers of the facts these words cite."""
    return {int(number) for number in _FACT.findall(html)}


def pictures_in(html: str) -> set[int]:
    """Numbers of the pictures these words show."""
    return {int(number) for number in _SHOWN.findall(html)}


def readable(markdown: str) -> str:
    """Markdown as it reads in a list or a mail: pictures as their words, without the numbers of facts."""
    if "[" not in markdown:
        return markdown
    return _TYPED_FACT.sub("", _TYPED_PICTURE.sub(lambda found: f"[{found[1] or found[2]}]", markdown))


@dataclass(frozen=True)
class CitedFact:
    """A fact as a page tells it."""

    number: int
    statement: str
    figure: str
    unit: str
    place: str
    year: int | None
    source: str
    url: str

    @property
    def amount(self) -> str:
        return f"{self.figure} {self.unit}".strip()

    @property
    def about(self) -> str:
        """What the figure counts, where and when."""
        return ", ".join(str(part) for part in (self.statement, self.place, self.year) if part)


@dataclass(frozen=True)
class ShownPicture:
    """A picture as a page shows it."""

    number: int
    alt: str
    credit: str
    width: int
    height: int
    url: str


@dataclass(frozen=True)
class Cited:
    """What the texts of a page cite, by concept and number."""

    facts: dict[tuple[int, int], CitedFact] = field(default_factory=dict)
    pictures: dict[tuple[int, int], ShownPicture] = field(default_factory=dict)

    def facts_of(self, concept_id: int, html: str) -> list[CitedFact]:
        """The facts these words cite, by number."""
        if not self.facts:
            return []
        wanted = ((concept_id, number) for number in sorted(facts_in(html)))
        return [self.facts[key] for key in wanted if key in self.facts]

    def resolve(self, concept_id: int, html: str, name: str = "") -> Markup:
        """Sanitised HTML with its marks put in place. `name` says which part a table on the page belongs to."""
        if "[[F" not in html and "<img" not in html and "<table" not in html:
            return Markup(html)  # noqa: S704  (sanitised when the wording was written)
        labels = iter(_table_labels(html, name))

        def put(found: re.Match[str]) -> str:
            kind = found.lastgroup
            if kind == "fact":
                return _fact_link(self.facts.get((concept_id, int(found["fact"]))), found[0])
            if kind in ("alone", "image"):
                typed = dict(_ATTRIBUTE.findall(found[kind]))
                number = int(typed.get("src", "picture:0").partition(":")[2])
                return _image(self.pictures.get((concept_id, number)), typed.get("alt", ""), kind == "alone")
            if kind == "table":
                label = escape(next(labels, _("Table")))
                return f'<div class="table-box" role="region" tabindex="0" aria-label="{label}"><table>'
            return "</table></div>" if kind == "end" else found[0]

        return Markup(_PLACES.sub(put, html))  # noqa: S704  (what is put in is escaped)


def _fact_link(fact: CitedFact | None, otherwise: str) -> str:
    if fact is None:
        return otherwise[1:-1]
    word = _("Fact")
    said = f'<span class="visually-hidden">{escape(word)} </span>F{fact.number}'
    return f'<sup><a class="fact" href="{escape(fact.url)}">{said}</a></sup>'


def _image(picture: ShownPicture | None, alt: str, alone: bool) -> str:
    """`alt` comes out of the sanitiser and is escaped already."""
    if picture is None:
        alt = alt or str(escape(_("Picture")))
        return f"<p>[{alt}]</p>" if alone else f"[{alt}]"
    image = (
        f'<img src="{escape(picture.url)}" alt="{alt or escape(picture.alt)}" width="{picture.width}" '
        f'height="{picture.height}" loading="lazy">'
    )
    credit = escape(picture.credit)
    if alone:
        caption = f"<figcaption>{credit}</figcaption>" if credit else ""
        return f'<figure class="picture">{image}{caption}</figure>'
    return f'<span class="picture">{image}{f" <small>{credit}</small>" if credit else ""}</span>'


def _table_labels(html: str, name: str) -> list[str]:
    """What each table is called for those who cannot see it: by the heads of its columns, and where it stands."""
    found: list[str] = []
    for head in _HEAD.findall(html):
        cells = [" ".join(Markup(cell).striptags().split()) for cell in head.split("</th>")]  # noqa: S704  (only read)
        heads = ", ".join(cell for cell in cells if cell)
        label = _("Table: %(heads)s", heads=heads[:120]) if heads else _("Table")
        label = f"{label} ({name})" if name else label
        found.append(label if label not in found else f"{label} {len(found) + 1}")
    return found


def cited_in(process: Process, texts: Iterable[tuple[int, str]]) -> Cited:
    """Everything that these words (concept id, HTML) cite. One query, none when nothing is cited."""
    facts: dict[int, set[int]] = {}
    pictures: dict[int, set[int]] = {}
    for concept_id, html in texts:
        if "[[F" in html:
            facts.setdefault(concept_id, set()).update(facts_in(html))
        if "<img" in html:
            pictures.setdefault(concept_id, set()).update(pictures_in(html))
    parts = []
    if facts:
        parts.append(
            select(
                literal("fact"), Concept.kind, Fact.concept_id, Fact.number, Fact.statement, Fact.figure, Fact.unit,
                Fact.place, Fact.year, Fact.source, literal(0),
            )
            .join(Concept, Concept.id == Fact.concept_id)
            .where(_among(Fact, facts))
        )  # fmt: skip
    if pictures:
        parts.append(
            select(
                literal("picture"), Concept.kind, Picture.concept_id, Picture.number, Picture.alt, Picture.credit,
                literal(""), literal(""), Picture.width, literal(""), Picture.height,
            )
            .join(Concept, Concept.id == Picture.concept_id)
            .where(_among(Picture, pictures))
        )  # fmt: skip
    cited = Cited()
    for row in db.session.execute(union_all(*parts)) if parts else ():
        what, kind, concept_id, number = row[:4]
        if what == "fact":
            url = url_for("concept.facts", slug=process.slug, _anchor=anchor(kind, number))
            cited.facts[concept_id, number] = CitedFact(number, *row[4:10], url=url)
        else:
            url = url_for("concept.picture", slug=process.slug, number=number, which=kind)
            cited.pictures[concept_id, number] = ShownPicture(number, row[4], row[5], row[8] or 0, row[10], url)
    return cited


def shown(process: Process, concept_id: int, markdown: str) -> Markup:
    """How a text would be shown that nobody has saved yet."""
    html = render_markdown(markdown, pictures=True)
    return cited_in(process, [(concept_id, html)]).resolve(concept_id, html)


def _among(table: type[Fact] | type[Picture], wanted: dict[int, set[int]]) -> Any:
    return or_(*(and_(table.concept_id == ident, table.number.in_(numbers)) for ident, numbers in wanted.items()))


def anchor(kind: str, number: int) -> str:
    """Where a fact stands on the page of facts; a charter counts its own."""
    return f"F{number}" if kind == ConceptKind.concept else f"{kind}-F{number}"


def refuse_unknown(element_id: int, html: str) -> None:
    """Raise `Refused` when these new words of an element cite a fact or a picture that its concept does not have."""
    facts, pictures = facts_in(html), pictures_in(html)
    if not facts and not pictures:
        return
    concept = select(Element.concept_id).where(Element.id == element_id).scalar_subquery()
    missing = facts - set(db.session.scalars(select(Fact.number).where(Fact.concept_id == concept)))
    if missing:
        numbers = ", ".join(f"F{number}" for number in sorted(missing))
        raise Refused(_("There is no fact %(numbers)s. Please add it to the facts first.", numbers=numbers))
    missing = pictures - set(db.session.scalars(select(Picture.number).where(Picture.concept_id == concept)))
    if missing:
        numbers = ", ".join(str(number) for number in sorted(missing))
        raise Refused(_("There is no picture %(numbers)s. Please add it to the pictures first.", numbers=numbers))
