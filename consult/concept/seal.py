"""The checksum of a sealed version, over a form that anybody can recompute."""

import hashlib
import json
import re
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import aliased

from consult.concept.marks import facts_in, pictures_in
from consult.concept.models import Element, Fact, Picture, PlacedLink, Placement, Version, Wording
from consult.extensions import db
from consult.files import StoredFile, folder
from consult.html import render_markdown

FORMAT = 1


def canonical(version: Version) -> str:
    """The version as canonical JSON: keys sorted, elements by key, no ids of our database, no HTML.

    Two installations that hold the same text under the same keys get the same form.
    """
    parent = aliased(Element)
    rows = db.session.execute(
        select(
            Element.key,
            Element.kind,
            parent.key,
            Placement.position,
            Placement.label,
            Wording.lang,
            Wording.title,
            Wording.markdown,
            Wording.details,
            Wording.html,
        )
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .outerjoin(parent, parent.id == Placement.parent_id)
        .where(Placement.version_id == version.id)
    ).all()
    to = aliased(Element)
    links = db.session.execute(
        select(PlacedLink.kind, Element.key, to.key)
        .join(Element, Element.id == PlacedLink.from_element_id)
        .join(to, to.id == PlacedLink.to_element_id)
        .where(PlacedLink.version_id == version.id)
    ).all()
    content: dict[str, Any] = {
        "format": FORMAT,
        "number": version.number,
        "title": version.title,
        "note": version.note,
        "audience": version.audience,
        # Sorted here and not by the database: collations differ between servers.
        "elements": sorted([list(row[:-1]) for row in rows], key=lambda row: row[0]),
        "links": sorted([list(row) for row in links]),
    }
    # Only where there are any, so that texts without them keep the form they always had.
    content |= _cited(version.concept_id, [row[-1] for row in rows])
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _cited(concept_id: int, htmls: list[str]) -> dict[str, Any]:
    """The facts and pictures these words cite, as they are: a text keeps the figures it was sealed with."""
    numbers = {number for html in htmls if "[[F" in html for number in facts_in(html)}
    shown = {number for html in htmls if "<img" in html for number in pictures_in(html)}
    facts = db.session.execute(
        select(Fact.number, Fact.statement, Fact.figure, Fact.unit, Fact.place, Fact.year, Fact.source)
        .where(Fact.concept_id == concept_id, Fact.number.in_(numbers))
        .order_by(Fact.number)
    ).all() if numbers else []  # fmt: skip
    pictures = db.session.execute(
        select(Picture.number, StoredFile.sha256, Picture.alt, Picture.credit)
        .join(StoredFile, StoredFile.id == Picture.file_id)
        .where(Picture.concept_id == concept_id, Picture.number.in_(shown))
        .order_by(Picture.number)
    ).all() if shown else []  # fmt: skip
    found = {"facts": [list(row) for row in facts], "pictures": [list(row) for row in pictures]}
    return {name: rows for name, rows in found.items() if rows}


def checksum(version: Version) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(version).encode()).hexdigest()


def is_intact(version: Version) -> bool:
    """Whether the sealed version still has the words it was sealed with."""
    return version.checksum is not None and version.checksum == checksum(version)


def flaws(version: Version) -> list[str]:
    """What is not as it was sealed, in words for operators; empty when all is well.

    Beside the checksum: whether what pages show is what the sealed Markdown says, and whether the files of its
    pictures are the ones that were sealed.
    """
    if version.checksum is None:
        return ["it has no checksum"]
    found = []
    now = checksum(version)
    if now != version.checksum:
        found.append(f"its checksum is {now}, it was sealed with {version.checksum}")
    rows = db.session.execute(
        select(Element.key, Wording.markdown, Wording.html)
        .select_from(Placement)
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id == version.id)
        .order_by(Element.key)
    ).all()
    found += [f"what is shown of {key} is not what its text says" for key, *words in rows if not _agree(*words)]
    return found + _changed_files(version.concept_id, [html for _key, _markdown, html in rows])


_LEADS = re.compile(r'(?:href|src)="([^"]*)"')


def _read(html: str) -> tuple[str, list[str]]:
    """What people read and where it leads; how a newer release writes its HTML is no change."""
    return " ".join(Markup(html).striptags().split()), _LEADS.findall(html)  # noqa: S704  (only compared)


def _agree(markdown: str, html: str) -> bool:
    # Pictures came later: what was written before has none.
    return any(_read(html) == _read(render_markdown(markdown, pictures=pictures)) for pictures in (True, False))


def _changed_files(concept_id: int, htmls: list[str]) -> list[str]:
    shown = {number for html in htmls if "<img" in html for number in pictures_in(html)}
    files = db.session.execute(
        select(Picture.number, StoredFile.sha256)
        .join(StoredFile, StoredFile.id == Picture.file_id)
        .where(Picture.concept_id == concept_id, Picture.number.in_(shown))
        .order_by(Picture.number)
    ).all() if shown else []  # fmt: skip
    found = []
    for number, digest in files:
        path = folder() / digest[:2] / digest
        if not path.is_file():
            found.append(f"the file of picture {number} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found.append(f"the file of picture {number} was changed")
    return found
